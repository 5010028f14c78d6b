"""Image-feature metrics of the fused image alone: SD, SF, AG, EI."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from .pixel_sums import Moments, exact_ratio, sobel_magnitude_sum, squared_differences
from .undefined import Undefined

UInt8 = npt.NDArray[np.uint8]


def standard_deviation(moments: Moments) -> float:
    """SD = √(mean((F − mean F)²)), population, in grey levels.

    Range 0…127.5, higher is better. Minimum size 1×1. Constant images: 0. Source: Y.-J. Rao, Meas. Sci. Technol. 8(4), 1997.
    """
    return math.sqrt(exact_ratio(moments.covariance(moments.f, moments.f, moments.ff), moments.n**2))


def spatial_frequency(along_rows: int, along_columns: int, shape: tuple[int, int]) -> float:
    """SF = √(RF² + CF²): root of the mean squared differences along rows plus those along columns, each over its own count.

    Arguments: exact sums of squared differences and (height, width). In grey levels. Range 0…361, higher is better. Minimum size 2×2
    (``Undefined`` below). Constant images: 0. Source: A. M. Eskicioglu, P. S. Fisher, IEEE Trans. Commun. 43(12), 1995.
    """
    height, width = shape
    if min(height, width) < 2:
        raise Undefined(f"SF needs at least 2×2 px, got {width}×{height}")
    return math.sqrt(along_rows / (height * (width - 1)) + along_columns / ((height - 1) * width))


def average_gradient(gradient_sum: float, shape: tuple[int, int], *, inner_count: bool) -> float:
    """AG = Σ √((gx²+gy²)/2) / count, central differences inside and one-sided at the border, in grey levels.

    The count is H·W, or (H−1)(W−1) with `inner_count` (larger by 0.37 % at 640×480). Range 0…255, higher is better. Minimum size 2×2
    (``Undefined`` below). Constant images: 0. Source: G. Cui et al., Optics Communications 341, 2015.
    """
    height, width = shape
    if min(height, width) < 2:
        raise Undefined(f"AG needs at least 2×2 px, got {width}×{height}")
    return gradient_sum / ((height - 1) * (width - 1) if inner_count else height * width)


def saturating_standard_deviation(histogram: npt.NDArray[np.int64]) -> float:
    """SD in MATLAB's uint8 arithmetic, √(mean(min(clip(round(F − mean F), 0, 255)², 255))): the 8…11 of the tables of 2021 (linfeng-legacy)."""
    levels = np.arange(256)
    mean = float(histogram @ levels) / float(histogram.sum())
    deviation = np.clip(np.floor(levels - mean + 0.5), 0, 255)
    return math.sqrt(float(histogram @ np.minimum(deviation**2, 255)) / float(histogram.sum()))


def spatial_frequency_over_all_pixels(image: UInt8) -> float:
    """SF with both sums of squared differences divided by the number of pixels (VIFB, mended: one channel at a time). H×W uint8."""
    along_rows, along_columns = squared_differences(image)
    return math.sqrt(along_rows / image.size + along_columns / image.size)


def spatial_frequency_of_row(channels: Sequence[UInt8]) -> float:
    """SF as VIFB publishes it: the colour channels side by side as one image H×3W, so that the seams between them count as edges."""
    return spatial_frequency_over_all_pixels(np.ascontiguousarray(np.concatenate(channels, axis=1)))


def edge_intensity(image: UInt8, *, border: Literal["edge", "constant"] = "edge") -> float:
    """EI = mean √(gx² + gy²) of Sobel gradients, the border replicated (`edge`) or zero (`constant`).

    H×W uint8. Range 0…1442, higher is better. Minimum size 1×1. Constant images: 0 with a replicated border. Source: B. Rajalingam,
    R. Priya, Int. J. Eng. Sci. Invention 2018.
    """
    return float(sobel_magnitude_sum(np.pad(image, 1, mode=border))) / image.size
