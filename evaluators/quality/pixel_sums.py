"""Exact integer sums and histograms over uint8 images: what most closed-form metrics are made of.

The images are integers, so sums of products are exact in int64 (up to 2^47 pixels), and means, variances, correlations and errors follow
from them without cancellation.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from .kernels import kernel

UInt8 = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


@kernel
def joint_histograms(first: UInt8, second: UInt8, fused: UInt8) -> tuple[Int64, Int64]:
    """Joint histograms (first, fused) and (second, fused): two 256×256 int64 arrays, rows the source, columns the fused level."""
    counts = np.zeros((2, 256, 256), np.uint32)  # half the cache that int64 takes
    height, width = fused.shape
    for row in range(height):
        for column in range(width):
            level = fused[row, column]
            counts[0, first[row, column], level] += 1
            counts[1, second[row, column], level] += 1
    return counts[0].astype(np.int64), counts[1].astype(np.int64)


@kernel
def product_sum(first: UInt8, second: UInt8) -> np.int64:
    """Σ first·second, exact."""
    total = np.int64(0)
    height, width = first.shape
    for row in range(height):
        partial = np.int64(0)
        for column in range(width):
            partial += np.int64(first[row, column]) * np.int64(second[row, column])
        total += partial
    return total


@kernel
def squared_differences(image: UInt8) -> tuple[np.int64, np.int64]:
    """Σ of squared differences between neighbours (along rows, along columns), exact."""
    height, width = image.shape
    along_rows = np.int64(0)
    along_columns = np.int64(0)
    for row in range(height):
        partial = np.int64(0)
        for column in range(1, width):
            step = np.int64(image[row, column]) - np.int64(image[row, column - 1])
            partial += step * step
        along_rows += partial
        if row > 0:
            partial = np.int64(0)
            for column in range(width):
                step = np.int64(image[row, column]) - np.int64(image[row - 1, column])
                partial += step * step
            along_columns += partial
    return along_rows, along_columns


@kernel
def gradient_magnitude_sum(image: UInt8) -> np.float64:
    """Σ √((gx² + gy²)/2) with central differences inside and one-sided ones at the border (as ``numpy.gradient``)."""
    height, width = image.shape
    sums = np.zeros(width)
    for row in range(height):
        above = image[max(row - 1, 0)]
        below = image[min(row + 1, height - 1)]
        here = image[row]
        # Differences in half levels: one-sided ones count double. √((gx²+gy²)/2) = √(dx²+dy²)/√8, and dx²+dy² is an exact integer.
        weight = 1 if 0 < row < height - 1 else 2
        for column in range(1, width - 1):
            dx = np.int32(here[column + 1]) - np.int32(here[column - 1])
            dy = (np.int32(below[column]) - np.int32(above[column])) * weight
            sums[column] += np.sqrt(np.float64(dx * dx + dy * dy))
        for column in range(0, width, max(width - 1, 1)):
            dx = 2 * (np.int32(here[min(column + 1, width - 1)]) - np.int32(here[max(column - 1, 0)]))
            dy = (np.int32(below[column]) - np.int32(above[column])) * weight
            sums[column] += np.sqrt(np.float64(dx * dx + dy * dy))
    total: np.float64 = sums.sum() / np.sqrt(8.0)
    return total


@kernel
def sobel_magnitude_sum(padded: UInt8) -> np.float64:
    """Σ √(gx² + gy²) of Sobel gradients over the inside of an image that has a frame of one pixel."""
    height, width = padded.shape[0] - 2, padded.shape[1] - 2
    sums = np.zeros(width)
    for row in range(height):
        above, here, below = padded[row], padded[row + 1], padded[row + 2]
        for c in range(width):
            nw, n, ne = np.int32(above[c]), np.int32(above[c + 1]), np.int32(above[c + 2])
            w, e = np.int32(here[c]), np.int32(here[c + 2])
            sw, s, se = np.int32(below[c]), np.int32(below[c + 1]), np.int32(below[c + 2])
            dx = (ne - nw) + 2 * (e - w) + (se - sw)
            dy = (sw - nw) + 2 * (s - n) + (se - ne)
            sums[c] += np.sqrt(np.float64(dx * dx + dy * dy))
    total: np.float64 = sums.sum()
    return total


@dataclass(frozen=True)
class Moments:
    """Exact first and second moments of a triple of images, as Python integers (``n`` pixels; a infrared, b visible, f fused)."""

    n: int
    a: int
    b: int
    f: int
    aa: int
    bb: int
    ff: int
    ab: int
    af: int
    bf: int

    def covariance(self, sum_x: int, sum_y: int, sum_xy: int) -> int:
        """n² times the population covariance: an exact integer."""
        return self.n * sum_xy - sum_x * sum_y


def moments(infrared: UInt8, visible: UInt8, joint_infrared: Int64, joint_visible: Int64) -> Moments:
    """The moments of a triple, from its joint histograms and one product sum."""
    levels = np.arange(256, dtype=np.int64)
    marginals = joint_infrared.sum(1), joint_visible.sum(1), joint_infrared.sum(0)
    first = [int(h @ levels) for h in marginals]
    second = [int(h @ (levels * levels)) for h in marginals]
    return Moments(
        n=int(joint_infrared.sum()),
        a=first[0], b=first[1], f=first[2],
        aa=second[0], bb=second[1], ff=second[2],
        ab=int(product_sum(infrared, visible)),
        af=int(levels @ (joint_infrared @ levels)),
        bf=int(levels @ (joint_visible @ levels)),
    )  # fmt: skip


def exact_ratio(numerator: int, denominator: int) -> float:
    """numerator/denominator rounded once, whatever their size."""
    return float(Fraction(numerator, denominator))
