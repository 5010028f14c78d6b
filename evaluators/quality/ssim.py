"""SSIM of the fused image with each source, in the window, border and constants of each convention.

Source: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error visibility to structural similarity",
IEEE TIP 13(4), 2004. SSIM = mean of (2μ₁μ₂ + C₁)(2σ₁₂ + C₂) / ((μ₁² + μ₂² + C₁)(σ₁² + σ₂² + C₂)), C₁ = (0.01·L)², C₂ = (0.03·L)². The published
tables differ by L alone: with the L = 1 or 2 that library defaults give for float images of 0…255, the constants vanish and SSIM falls by a third.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from .kernels import inline_kernel, kernel
from .separable import (
    COLUMNS,
    MOMENTS,
    Images,
    counted,
    gaussian_taps,
    levels,
    tile_moments,
    tiled,
    window_of,
)
from .simd import WIDTH, less_product, load, splat
from .undefined import Undefined

UInt8 = npt.NDArray[np.uint8]
Float64 = npt.NDArray[np.float64]

Window = Literal["gaussian", "box7"]
C1, C2 = (0.01 * 255.0) ** 2, (0.03 * 255.0) ** 2
"""The constants of images of 0…255."""


def window_taps(window: Window) -> Float64:
    """The window in one dimension: an 11-tap Gaussian with σ = 1.5 (sum 1), or seven ones (not normalised, so that integer sums stay exact)."""
    return np.ones(7) if window == "box7" else gaussian_taps(11, 1.5)


@inline_kernel
def similarity(mx, mf, vx, vf, covariance, c1, c2):  # type: ignore[no-untyped-def]
    """(SSIM, contrast·structure) of eight windows."""
    structure = (2.0 * covariance + c2) / (vx + vf + c2)
    return structure * ((2.0 * mx * mf + c1) / (mx * mx + mf * mf + c1)), structure


@kernel
def tile_similarities(moments, start, stop, total, sample, c1, c2):  # type: ignore[no-untyped-def]
    """(Σ SSIM, Σ contrast·structure) over the columns `start`…`stop` − 1 of each of eight rows of windows: infrared, then visible.

    `total`: the window's weight, `sample`: the factor from population to sample variance.
    """
    inverse = 1.0 / total
    scale = sample * inverse * inverse
    whole_a = part_a = whole_b = part_b = splat(0.0)
    for at in range(start * WIDTH, stop * WIDTH, WIDTH):
        a, b, f = load(moments[0], at), load(moments[1], at), load(moments[2], at)
        va = less_product(total * load(moments[3], at), a, a) * scale
        vb = less_product(total * load(moments[4], at), b, b) * scale
        vf = less_product(total * load(moments[5], at), f, f) * scale
        vaf = less_product(total * load(moments[6], at), a, f) * scale
        vbf = less_product(total * load(moments[7], at), b, f) * scale
        a, b, f = a * inverse, b * inverse, f * inverse
        whole, part = similarity(a, f, va, vf, vaf, c1, c2)
        whole_a, part_a = whole_a + whole, part_a + part
        whole, part = similarity(b, f, vb, vf, vbf, c1, c2)
        whole_b, part_b = whole_b + whole, part_b + part
    return whole_a, part_a, whole_b, part_b


@kernel
def _ssim_sums(a, b, f, taps, total, sample, c1, c2, tiling, moments):  # type: ignore[no-untyped-def]
    sums = np.zeros(4)
    rows = np.empty(WIDTH)
    for tile in tiling.tiles:
        tile_moments(a, b, f, taps, MOMENTS, None, tiling, tile, moments)
        whole_a, part_a, whole_b, part_b = tile_similarities(moments, 0, tile[COLUMNS], total, sample, c1, c2)
        sums[0] += counted(whole_a, tile, rows)
        sums[1] += counted(part_a, tile, rows)
        sums[2] += counted(whole_b, tile, rows)
        sums[3] += counted(part_b, tile, rows)
    return sums


def ssim_means(images: Images, window: Window = "gaussian", dynamic_range: float = 255.0) -> Float64:
    """Means of SSIM and of contrast·structure alone over all whole windows, infrared, then visible, of images as `separable.levels` gives them."""
    taps = window_taps(window)
    sample = 49.0 / 48.0 if window == "box7" else 1.0
    rows, columns = (side - taps.size + 1 for side in images[0].shape)
    large_enough, tiling, moments = tiled(images, taps.size)
    c1, c2 = (0.01 * dynamic_range) ** 2, (0.03 * dynamic_range) ** 2
    total = taps.sum() ** 2
    sums: Float64 = _ssim_sums(*large_enough, window_of(taps), total, sample, c1, c2, tiling, moments)
    means: Float64 = sums / (rows * columns)
    return means


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
    images = levels(infrared, visible, fused)
    if replicate:
        images = [np.pad(image, taps.size // 2, mode="edge") for image in images]
    means = ssim_means(images, window, dynamic_range)
    return float(means[0]), float(means[2])


@kernel
def _add_row(a, b, f, row, sign, sums):  # type: ignore[no-untyped-def]
    """Add ± one row of A, B, F, A², B², F², AF, BF to the sums down the columns."""
    ra, rb, rf = a[row], b[row], f[row]
    for c in range(sums.shape[1]):
        x, y, z = np.int32(ra[c]), np.int32(rb[c]), np.int32(rf[c])
        sums[0, c] += sign * x
        sums[1, c] += sign * y
        sums[2, c] += sign * z
        sums[3, c] += sign * x * x
        sums[4, c] += sign * y * y
        sums[5, c] += sign * z * z
        sums[6, c] += sign * x * z
        sums[7, c] += sign * y * z


@inline_kernel
def _similarity_float32(mx, mf, xx, ff, xf, sample, c1, c2):  # type: ignore[no-untyped-def]
    square_x, square_f = mx * mx, mf * mf
    vx, vf, covariance = sample * (xx - square_x), sample * (ff - square_f), sample * (xf - mx * mf)
    two = np.float32(2.0)
    return (two * mx * mf + c1) * (two * covariance + c2) / ((square_x + square_f + c1) * (vx + vf + c2))


@kernel
def _float32_means(a, b, f, sample, c1, c2):  # type: ignore[no-untyped-def]
    """Mean SSIM over all 7×7 windows of (a, f) and of (b, f), each mean over a column and over a row of seven rounded to float32."""
    height, width = f.shape
    rows, columns = height - 6, width - 6
    sums = np.zeros((8, width), np.int32)
    rounded = np.empty(width)
    local = np.empty((8, columns), np.float32)
    totals = np.zeros((2, columns))
    for row in range(6):
        _add_row(a, b, f, row, np.int32(1), sums)
    for row in range(rows):
        _add_row(a, b, f, row + 6, np.int32(1), sums)
        for k in range(8):
            for c in range(width):
                rounded[c] = np.float32(np.float64(sums[k, c]) / 7.0)
            for c in range(columns):  # exact: multiples of 2^-26
                left = rounded[c] + rounded[c + 1] + rounded[c + 2]
                local[k, c] = (left + rounded[c + 3] + rounded[c + 4] + rounded[c + 5] + rounded[c + 6]) / 7.0
        for s in range(2):
            for c in range(columns):
                totals[s, c] += _similarity_float32(
                    local[s, c], local[2, c], local[3 + s, c], local[5, c], local[6 + s, c], sample, c1, c2
                )
        _add_row(a, b, f, row, np.int32(-1), sums)
    return totals[0].sum() / (rows * columns), totals[1].sum() / (rows * columns)


def ssim_float32_pair(
    infrared: UInt8, visible: UInt8, fused: UInt8, dynamic_range: float = 2.0
) -> tuple[float, float]:
    """SSIM with both sources as scikit-image 0.19 computes it for float32 images: 7×7 mean, sample variances, all in float32 (cddfuse).

    `dynamic_range` 2 is what that version assumes for float images, whatever their values. In float32, σ² = E[x²] − E[x]² loses digits that a C₂ of
    0.0036 doesn't cover, so that the published value differs from the exact one in the fifth digit. H×W uint8, at least 7×7 (``Undefined`` below).
    """
    height, width = fused.shape
    if min(height, width) < 7:
        raise Undefined(f"SSIM needs at least 7×7 px, got {width}×{height}")
    constants = (49 / 48, (0.01 * dynamic_range) ** 2, (0.03 * dynamic_range) ** 2)
    first, second = _float32_means(infrared, visible, fused, *(np.float32(c) for c in constants))
    return float(first), float(second)
