"""What SSIM, MS-SSIM, MEF-SSIM and Piella's indices share: the local moments under an 11×11 Gaussian window, σ = 1.5, filtered once for all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .mef import MEF_CONSTANT, mef_sum, ssim_sums
from .piella import means_of_piella_sums, piella_sums
from .separable import COUNT, filtered_moments, gaussian_taps, strips

__all__ = ["FAMILY", "GaussianWindows", "gaussian_windows"]

SIZE = 11
MARGIN = SIZE // 2
FAMILY = frozenset({"SSIM", "MS-SSIM", "MEF-SSIM", "MEF-MS-SSIM", "Qs", "Qw", "Qe"})
"""Metrics that `gaussian_windows` serves."""


class GaussianWindows(NamedTuple):
    """SSIM with both sources (L = 255, borders replicated), the sums of `ssim_sums` over whole windows, MEF-SSIM, and (Qs, Qw)."""

    ssim: tuple[float, float]
    whole_windows: NDArray[np.float64]
    mef_ssim: float
    piella: tuple[float, float]


def gaussian_windows(
    infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]
) -> GaussianWindows:
    """The metrics under that window in one pass over H×W images of levels 0..255, both sides at least 11 (``ValueError`` below)."""
    height, width = fused.shape
    if min(height, width) < SIZE:
        raise ValueError(f"images of at least {SIZE}×{SIZE}, not {width}×{height}")
    a, b, f = (np.ascontiguousarray(image, dtype=np.float64) for image in (infrared, visible, fused))
    padded = [np.pad(image, MARGIN, mode="edge") for image in (a, b, f)]
    taps = gaussian_taps(SIZE, 1.5)
    constants = (0.01 * 255.0) ** 2, (0.03 * 255.0) ** 2
    everywhere, whole, piella = np.zeros(4), np.zeros(4), np.zeros(3)
    mef = 0.0
    column = np.empty((5, width))
    for first, last in strips(height, width):
        moments = np.empty((last - first, COUNT, width))
        filtered_moments(*padded, taps, first, last, moments)
        everywhere += ssim_sums(moments, 0, *constants)
        top, bottom = max(first, MARGIN), min(last, height - MARGIN)
        if top >= bottom:
            continue
        inside = moments[top - first : bottom - first]
        whole += ssim_sums(inside, MARGIN, *constants)
        piella += piella_sums(inside, MARGIN)
        mef += mef_sum(a, b, top - MARGIN, inside, MARGIN, column, MEF_CONSTANT)
    windows = (height - SIZE + 1) * (width - SIZE + 1)
    return GaussianWindows(
        (float(everywhere[0]) / (height * width), float(everywhere[2]) / (height * width)),
        whole,
        float(mef / windows),
        means_of_piella_sums(piella, windows),
    )
