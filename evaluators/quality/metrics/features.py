"""Image-feature metrics of the fused image alone: SD, SF, AG, EI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from ..undefined import require_size

UInt8 = npt.NDArray[np.uint8]
Real = npt.NDArray[np.float64]


def standard_deviation(fused: UInt8) -> float:
    """SD = √(mean((F − mean F)²)), population, in grey levels.

    Range 0…127.5, higher is better. Minimum size 1×1. Constant images: 0.
    Source: Y.-J. Rao, Meas. Sci. Technol. 8(4), 1997.

    >>> standard_deviation(np.uint8([[10, 30]]))
    10.0
    """
    return float(np.std(fused.astype(np.float64)))


def saturating_standard_deviation(fused: UInt8) -> float:
    """SD in MATLAB's uint8 arithmetic: √(mean(min(clip(round(F − mean F), 0, 255)², 255))) (linfeng-legacy).

    The 8…11 of the tables of 2021, whatever the image.
    """
    values = fused.astype(np.float64)
    deviation = np.clip(np.floor(values - values.mean() + 0.5), 0, 255)
    return float(np.sqrt(np.minimum(deviation**2, 255).mean()))


def spatial_frequency(fused: UInt8) -> float:
    """SF = √(RF² + CF²): mean squared difference along rows plus that along columns, each over its own count.

    In grey levels. Range 0…361, higher is better. Minimum size 2×2 (``Undefined`` below). Constant images: 0.
    Source: A. M. Eskicioglu, P. S. Fisher, IEEE Trans. Commun. 43(12), 1995.

    >>> spatial_frequency(np.uint8([[0, 3], [4, 7]]))
    5.0
    """
    require_size(fused.shape, 2, "SF")
    rows, columns = _squared_differences(fused)
    height, width = fused.shape
    return float(np.sqrt(rows / (height * (width - 1)) + columns / ((height - 1) * width)))


def spatial_frequency_over_all_pixels(fused: UInt8) -> float:
    """SF with both sums of squares divided by the number of pixels (MEFB, and VIFB with its seams mended)."""
    rows, columns = _squared_differences(fused)
    return float(np.sqrt(rows / fused.size + columns / fused.size))


def spatial_frequency_of_row(channels: Sequence[UInt8]) -> float:
    """SF as VIFB publishes it: the colour channels side by side as one H×3W image, seams included."""
    return spatial_frequency_over_all_pixels(np.concatenate(channels, axis=1))


def _squared_differences(image: UInt8) -> tuple[int, int]:
    """Σ (differences between neighbours)² along rows and along columns, exact."""
    levels = image.astype(np.int32)
    return int((np.diff(levels, axis=1) ** 2).sum()), int((np.diff(levels, axis=0) ** 2).sum())


def average_gradient(fused: UInt8) -> float:
    """AG = mean √((gx² + gy²)/2), central differences inside and one-sided ones at the border, in grey
    levels.

    Range 0…255, higher is better. Minimum size 2×2 (``Undefined`` below). Constant images: 0.
    Source: G. Cui, H. Feng, Z. Xu, Q. Li, Y. Chen, Optics Communications 341, 2015.

    >>> average_gradient(np.uint8([[0, 1], [1, 2]]))
    1.0
    """
    require_size(fused.shape, 2, "AG")
    gy, gx = np.gradient(fused.astype(np.float64))
    return float(np.sqrt((gx * gx + gy * gy) / 2.0).mean())


def sobel(image: npt.NDArray[np.generic], border: int = cv2.BORDER_CONSTANT) -> tuple[Real, Real]:
    """(gx, gy) of the 3×3 Sobel masks: gx to the right, gy downwards. Beyond the border lie zeros, or what
    `border` says.
    """
    values = np.asarray(image, dtype=np.float64)
    across = cv2.Sobel(values, cv2.CV_64F, 1, 0, borderType=border)
    down = cv2.Sobel(values, cv2.CV_64F, 0, 1, borderType=border)
    return np.asarray(across), np.asarray(down)


def edge_intensity(fused: UInt8, *, border: Literal["replicate", "zero"] = "replicate") -> float:
    """EI = mean √(gx² + gy²) of Sobel gradients, the border replicated or zero (`ivif-zoo`).

    Range 0…1443 (255·√32), higher is better. Minimum size 1×1. Constant images: 0 with a replicated border.
    Source: B. Rajalingam, R. Priya, Int. J. Eng. Sci. Invention 2018.

    >>> edge_intensity(np.uint8([[0, 0, 1, 1]] * 4))
    2.0
    """
    gx, gy = sobel(fused, cv2.BORDER_REPLICATE if border == "replicate" else cv2.BORDER_CONSTANT)
    return float(np.sqrt(gx * gx + gy * gy).mean())
