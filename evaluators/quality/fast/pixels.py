"""Counts and gradients of single pixels: `information.joint_histogram` and `features.average_gradient`."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ..undefined import require_size
from .compiling import kernel

UInt8 = npt.NDArray[np.uint8]


@kernel
def _count_pairs(first, second):  # type: ignore[no-untyped-def]
    counts = np.zeros((256, 256), np.int64)
    for row in range(first.shape[0]):
        for column in range(first.shape[1]):
            counts[first[row, column], second[row, column]] += 1
    return counts


@kernel
def _gradient_sum(image):  # type: ignore[no-untyped-def]
    """Σ √(dx² + dy²), dx and dy twice the derivatives: exact integers below the root."""
    height, width = image.shape
    total = 0.0
    for row in range(height):
        above, here, below = image[max(row - 1, 0)], image[row], image[min(row + 1, height - 1)]
        one_sided = 1 if 0 < row < height - 1 else 2
        for column in range(width):
            left, right = max(column - 1, 0), min(column + 1, width - 1)
            dx = (np.int32(here[right]) - np.int32(here[left])) * (3 - (right - left))
            dy = (np.int32(below[column]) - np.int32(above[column])) * one_sided
            total += math.sqrt(np.float64(dx * dx + dy * dy))
    return total


def joint_histogram(first: UInt8, second: UInt8) -> npt.NDArray[np.int64]:
    """As `information.joint_histogram`."""
    table: npt.NDArray[np.int64] = _count_pairs(first, second)
    return table


def average_gradient(fused: UInt8) -> float:
    """As `features.average_gradient`: √((gx² + gy²)/2) = √(dx² + dy²)/√8."""
    require_size(fused.shape, 2, "AG")
    return float(_gradient_sum(fused)) / (math.sqrt(8.0) * fused.size)
