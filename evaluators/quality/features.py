"""Image-feature metrics of the fused image alone: SD, SF, AG, EI."""

from __future__ import annotations

import math

from .pixel_sums import Moments, exact_ratio
from .undefined import Undefined


def standard_deviation(moments: Moments) -> float:
    """SD = √(mean((F − mean F)²)), population, in grey levels (0…127.5). Higher is better. 0 for a constant image."""
    return math.sqrt(exact_ratio(moments.covariance(moments.f, moments.f, moments.ff), moments.n**2))


def spatial_frequency(along_rows: int, along_columns: int, shape: tuple[int, int]) -> float:
    """SF = √(RF² + CF²): root of the mean squared differences along rows plus those along columns, each over its own count.

    Arguments: exact sums of squared differences and (height, width). In grey levels; higher is better; 0 for a constant image. Raises
    ``Undefined`` below 2×2 pixels.
    """
    height, width = shape
    if min(height, width) < 2:
        raise Undefined(f"SF needs at least 2×2 px, got {width}×{height}")
    return math.sqrt(along_rows / (height * (width - 1)) + along_columns / ((height - 1) * width))


def average_gradient(gradient_sum: float, shape: tuple[int, int], *, inner_count: bool) -> float:
    """AG = Σ √((gx²+gy²)/2) / count, central differences inside and one-sided at the border; in grey levels, higher is better, 0 if constant.

    The count is H·W, or (H−1)(W−1) with `inner_count` (larger by 0.37 % at 640×480). Raises ``Undefined`` below 2×2 pixels.
    """
    height, width = shape
    if min(height, width) < 2:
        raise Undefined(f"AG needs at least 2×2 px, got {width}×{height}")
    return gradient_sum / ((height - 1) * (width - 1) if inner_count else height * width)
