"""SSIM of the fused image with each source, in the window, border and constants of each convention.

Source: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error visibility to structural similarity",
IEEE TIP 13(4), 2004. SSIM = mean of (2μ₁μ₂ + C₁)(2σ₁₂ + C₂) / ((μ₁² + μ₂² + C₁)(σ₁² + σ₂² + C₂)), C₁ = (0.01·L)², C₂ = (0.03·L)². The published
tables differ by L alone: with the L = 1 or 2 that library defaults give for float images of 0…255, the constants vanish and SSIM falls by a third.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter

from .kernels import kernel
from .local_moments import FUSED, INFRARED, VISIBLE, horizontal, vertical_products
from .undefined import Undefined

UInt8 = npt.NDArray[np.uint8]
Float64 = npt.NDArray[np.float64]

Window = Literal["gaussian", "box7"]


def window_taps(window: Window) -> Float64:
    """The window in one dimension: an 11-tap Gaussian with σ = 1.5 (sum 1), or seven ones (not normalised, so that integer sums stay exact)."""
    if window == "box7":
        return np.ones(7)
    offsets = np.arange(-5, 6)
    taps = np.exp(-(offsets**2) / (2 * 1.5**2))
    return np.asarray(taps / taps.sum(), dtype=np.float64)


@kernel
def _similarities(x, xx, xf, f, ff, total, sample, c1, c2, sums):  # type: ignore[no-untyped-def]
    """Add each window's SSIM to its column's sum. `total` is the window's weight, `sample` the factor from population to sample variance."""
    inverse = 1.0 / total
    scale = sample * inverse * inverse
    for c in range(sums.size):
        mx, mf = x[c] * inverse, f[c] * inverse
        vx = (total * xx[c] - x[c] * x[c]) * scale
        vf = (total * ff[c] - f[c] * f[c]) * scale
        vxf = (total * xf[c] - x[c] * f[c]) * scale
        sums[c] += ((2.0 * mx * mf + c1) * (2.0 * vxf + c2)) / ((mx * mx + mf * mf + c1) * (vx + vf + c2))


@kernel
def _ssim_means(a, b, f, taps, sample, c1, c2):  # type: ignore[no-untyped-def]
    """Mean SSIM over all 'valid' windows of (a, f) and of (b, f)."""
    size = taps.size
    height, width = f.shape
    rows = height - size + 1
    columns = width - size + 1
    vertical = np.empty((8, width))
    local = np.empty((8, columns))
    sums = np.zeros((2, columns))
    total = taps.sum() ** 2
    for row in range(rows):
        vertical_products(a, b, f, taps, row, None, vertical)
        horizontal(vertical, taps, local)
        mean, square = local[FUSED[0]], local[FUSED[1]]
        _similarities(
            local[INFRARED[0]],
            local[INFRARED[1]],
            local[INFRARED[2]],
            mean,
            square,
            total,
            sample,
            c1,
            c2,
            sums[0],
        )
        _similarities(
            local[VISIBLE[0]],
            local[VISIBLE[1]],
            local[VISIBLE[2]],
            mean,
            square,
            total,
            sample,
            c1,
            c2,
            sums[1],
        )
    return sums[0].sum() / (rows * columns), sums[1].sum() / (rows * columns)


def ssim_pair(
    infrared: UInt8,
    visible: UInt8,
    fused: UInt8,
    *,
    window: Window = "gaussian",
    replicate: bool = False,
    dynamic_range: float = 255.0,
) -> tuple[float, float]:
    """SSIM(infrared, fused) and SSIM(visible, fused): mean of (2μ₁μ₂+C₁)(2σ₁₂+C₂)/((μ₁²+μ₂²+C₁)(σ₁²+σ₂²+C₂)), C₁ = (0.01 L)², C₂ = (0.03 L)².

    Parameters: H×W uint8. `window`: `gaussian` 11×11, σ = 1.5, population variances; `box7` 7×7 mean with sample variances (scikit-image's
    default). `replicate`: the border is replicated and every pixel counts (MATLAB's ssim), otherwise only whole windows do. `dynamic_range` is L.

    Range −1…1 each, 1 for identical images; higher is better. Minimum size 11×11 (7×7 for `box7`; 1×1 where the border is replicated), ``Undefined``
    below. Constant images: finite through C₁ and C₂, 1 where they are equal. Source: Z. Wang et al., IEEE TIP 13(4), 2004.
    """
    taps = window_taps(window)
    height, width = fused.shape
    if not replicate and min(height, width) < taps.size:
        raise Undefined(f"SSIM needs at least {taps.size}×{taps.size} px, got {width}×{height}")
    images = [image.astype(np.float64) for image in (infrared, visible, fused)]
    if replicate:
        images = [np.pad(image, taps.size // 2, mode="edge") for image in images]
    sample = 49.0 / 48.0 if window == "box7" else 1.0
    first, second = _ssim_means(
        *images, taps, sample, (0.01 * dynamic_range) ** 2, (0.03 * dynamic_range) ** 2
    )
    return float(first), float(second)


def ssim_float32(source: UInt8, fused: UInt8, dynamic_range: float = 2.0) -> float:
    """SSIM as scikit-image 0.19 computes it for float32 images: 7×7 mean, sample variances, all in float32 (cddfuse).

    `dynamic_range` 2 is what that version assumes for float images, whatever their values. In float32, σ² = E[x²] − E[x]² loses digits that a C₂ of
    0.0036 doesn't cover, so that the published value differs from the exact one in the fifth digit. H×W uint8, at least 7×7 (``Undefined`` below).
    """
    height, width = fused.shape
    if min(height, width) < 7:
        raise Undefined(f"SSIM needs at least 7×7 px, got {width}×{height}")
    x, y = source.astype(np.float32), fused.astype(np.float32)
    mean_x, mean_y = uniform_filter(x, 7), uniform_filter(y, 7)
    sample = 49 / 48
    var_x = sample * (uniform_filter(x * x, 7) - mean_x * mean_x)
    var_y = sample * (uniform_filter(y * y, 7) - mean_y * mean_y)
    cov = sample * (uniform_filter(x * y, 7) - mean_x * mean_y)
    c1, c2 = (0.01 * dynamic_range) ** 2, (0.03 * dynamic_range) ** 2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * cov + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    )
    return float(similarity[3:-3, 3:-3].mean(dtype=np.float64))
