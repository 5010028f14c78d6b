"""MEF-SSIM and MEF-MS-SSIM (Ma, Zeng & Wang) and the multi-scale SSIM of Wang.

Sources: K. Ma, K. Zeng, Z. Wang, "Perceptual quality assessment for multi-exposure image fusion", IEEE TIP 24(11), 2015;
K. Ma et al., "Multi-exposure image fusion by optimizing a structural similarity index", IEEE TCI 4(1), 2018 (three
scales); Z. Wang, E. P. Simoncelli, A. C. Bovik, "Multiscale structural similarity", Asilomar 2003.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .kernels import inline_kernel, kernel
from .separable import (
    ALL_MOMENTS,
    COLUMNS,
    Images,
    counted,
    gaussian_taps,
    levels,
    tile_moments,
    tiled,
    window_of,
)
from .simd import WIDTH, larger, less_product, load, root, select, smaller, splat
from .simd_functions import binary_logarithm, exponential
from .ssim import ssim_means
from .undefined import Undefined

__all__ = ["halve", "mef_ms_ssim", "mef_ssim", "ms_ssim", "ms_ssim_pair"]

Real = NDArray[np.float64]

WINDOW = 11
PIXELS = float(WINDOW * WINDOW)
BOXES = np.array([0, 1, 3, 4, 8])
"""Of the moments: those that are summed over the whole window too."""
MEF_WEIGHTS = (0.0448, 0.2856, 0.3001)
MEF_CONSTANT = (0.03 * 255.0) ** 2
WANG_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_LN_2 = 0.6931471805599453
_EPS = float(np.finfo(np.float64).eps)


@inline_kernel
def _tangent_of_share(share):  # type: ignore[no-untyped-def]
    """tan(π/2·share) for share in [0, 1), by the rational approximation on [0, π/4] of the Cephes library (public)."""
    upper = share > 0.5
    x = 1.5707963267948966 * select(upper, 1.0 - share, share)
    z = x * x
    p = (-1.30936939181383734205e4 * z + 1.15351664838587416140e6) * z - 1.79565251976484877988e7
    q = (
        ((z + 1.36812963470692954678e4) * z - 1.32089234440210967447e6) * z + 2.50083801823357915839e7
    ) * z - 5.38695755929454629881e7
    opposite = x * q + x * z * p
    return select(upper, q, opposite) / select(upper, opposite, q)


@inline_kernel
def _weight(length, power):  # type: ignore[no-untyped-def]
    """(length/11)^power of eight patches."""
    return exponential(power * (_LN_2 * binary_logarithm(length * (1.0 / WINDOW)))) + _EPS


@kernel
def tile_mef(moments, boxes, start, stop):  # type: ignore[no-untyped-def]
    """Σ of MEF-SSIM's quality over the columns `start`…`stop` − 1 of each of eight rows of windows.

    `moments`: the nine Gaussian ones; `boxes`: the sums of A, B, A², B², AB over the window, exact because they are multiples of 2^-8.
    """
    zero = splat(0.0)
    quality = zero
    for at in range(start * WIDTH, stop * WIDTH, WIDTH):
        # 121 × the squared lengths ‖x_A − μ_A‖², ‖x_B − μ_B‖² and the inner product: exact differences.
        sum_a, sum_b = load(boxes[0], at), load(boxes[1], at)
        aa = larger(PIXELS * load(boxes[2], at) - sum_a * sum_a, zero) / PIXELS
        bb = larger(PIXELS * load(boxes[3], at) - sum_b * sum_b, zero) / PIXELS
        ab = (PIXELS * load(boxes[4], at) - sum_a * sum_b) / PIXELS
        length_a, length_b = root(aa), root(bb)
        together = root(larger(aa + bb + 2.0 * ab, zero))
        consistency = smaller((together + _EPS) / (length_a + length_b + _EPS), splat(1.0 - _EPS))
        power = smaller(_tangent_of_share(consistency), splat(10.0))
        da, db = length_a + 0.001, length_b + 0.001
        # The weights over d_A, d_B, times d_A·d_B: their scale follows from the wanted patch's length.
        ca, cb = _weight(da, power) * db, _weight(db, power) * da
        norm = root(larger(ca * ca * aa + cb * cb * bb + 2.0 * ca * cb * ab, zero))
        scale = select(norm > 0.0, larger(da, db) / norm, zero)
        ca, cb = ca * scale, cb * scale
        ma, mb, mf = load(moments[0], at), load(moments[1], at), load(moments[2], at)
        vaa, vbb = less_product(load(moments[3], at), ma, ma), less_product(load(moments[4], at), mb, mb)
        vff, vaf = less_product(load(moments[5], at), mf, mf), less_product(load(moments[6], at), ma, mf)
        vbf, vab = less_product(load(moments[7], at), mb, mf), less_product(load(moments[8], at), ma, mb)
        wanted = ca * ca * vaa + cb * cb * vbb + 2.0 * ca * cb * vab
        quality = quality + (2.0 * (ca * vaf + cb * vbf) + MEF_CONSTANT) / (wanted + vff + MEF_CONSTANT)
    return quality


@kernel
def _mef_total(a, b, f, taps, ones, tiling, moments, boxes):  # type: ignore[no-untyped-def]
    total = 0.0
    rows = np.empty(WIDTH)
    for tile in tiling.tiles:
        tile_moments(a, b, f, taps, ALL_MOMENTS, None, tiling, tile, moments)
        tile_moments(a, b, f, ones, BOXES, None, tiling, tile, boxes)
        total += counted(tile_mef(moments, boxes, 0, tile[COLUMNS]), tile, rows)
    return total


def _checked(
    infrared: NDArray[np.generic],
    visible: NDArray[np.generic],
    fused: NDArray[np.generic],
    smallest: int,
    what: str,
) -> Images:
    if min(fused.shape) < smallest:
        raise Undefined(
            f"{what} needs at least {smallest}×{smallest} px, got {fused.shape[1]}×{fused.shape[0]}"
        )
    return levels(infrared, visible, fused)


def _mef_ssim(images: Images) -> float:
    large_enough, tiling, moments = tiled(images, WINDOW)
    taps, ones = window_of(gaussian_taps(WINDOW, 1.5)), window_of(np.ones(WINDOW))
    total = _mef_total(*large_enough, taps, ones, tiling, moments, np.empty_like(moments))
    height, width = images[0].shape
    count: int = (height - WINDOW + 1) * (width - WINDOW + 1)
    return float(total) / count


@kernel
def _block_means(image, out):  # type: ignore[no-untyped-def]
    for y in range(out.shape[0]):
        upper, lower, here = image[2 * y], image[2 * y + 1], out[y]
        for x in range(out.shape[1]):
            left = np.float64(upper[2 * x]) + np.float64(lower[2 * x])
            here[x] = (left + np.float64(upper[2 * x + 1]) + np.float64(lower[2 * x + 1])) / 4.0


def halve(image: NDArray[np.generic], *, zero_borders: bool = False) -> Real:
    """Mean of 2×2 pixels, then every second one; only odd sides have a border case.

    An odd last row or column is averaged with its own repetition (MATLAB: imfilter symmetric, then 1:2:end);
    `zero_borders`: an odd side gets one zero at either end instead, which also shifts the blocks by one pixel
    (avg_pool2d(2, padding=side % 2), as pytorch-msssim does).
    """
    height, width = image.shape
    odd = height % 2, width % 2
    if zero_borders and any(odd):
        # The second zero has no partner and drops out of the blocks.
        image = np.pad(image, ((odd[0], 0), (odd[1], 0)))
    elif any(odd):
        image = np.pad(image, ((0, odd[0]), (0, odd[1])), mode="edge")
    result = np.empty(((height + odd[0]) // 2, (width + odd[1]) // 2))
    _block_means(image, result)
    return result


def mef_ssim(
    infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]
) -> float:
    """MEF-SSIM: structural similarity of each fused patch to the patch that the sources together call for.

    In every 11×11 window x̃_k = x_k − μ_k; consistency R = ‖Σ x̃_k‖ / Σ‖x̃_k‖, p = min(tan(πR/2), 10), weights
    w_k ∝ (d_k/11)^p with d_k = ‖x̃_k‖ + 0.001; wanted patch r = max_k d_k · s/‖s‖, s = Σ w_k x̃_k/d_k;
    Q = (2σ_rf + C)/(σ_r² + σ_f² + C), C = (0.03·255)², σ under the 11×11 Gaussian window (σ = 1.5); mean of Q over all
    windows inside the image. Contrast and structure only: the mean brightness doesn't count.

    Parameters: H×W arrays of levels 0..255 (multiples of 2^-4), both sides at least 11. Range −1…1, higher is better.
    Minimum size 11×11. Constant images: finite, 1 where all three are. `linfeng-legacy` tables print it as "SSIM".
    Source: K. Ma, K. Zeng, Z. Wang, IEEE TIP 24(11), 2015.
    """
    return _mef_ssim(_checked(infrared, visible, fused, WINDOW, "MEF-SSIM"))


def mef_ms_ssim(
    infrared: NDArray[np.generic],
    visible: NDArray[np.generic],
    fused: NDArray[np.generic],
    *,
    finest: float | None = None,
) -> float:
    """MEF-MS-SSIM: Π Q_l^(w_l) of `mef_ssim` on three scales, w = (0.0448, 0.2856, 0.3001)/sum; images halved between.

    Parameters: H×W arrays of levels 0..255, both sides at least 41. Range 0…1, higher is better. Minimum size 41×41.
    Constant images: finite, 1 where all three are. Raises ``Undefined`` where a scale's similarity is negative (no real power).
    `finest`: `mef_ssim` of the images, where it is known already. `linfeng` tables print it as "MS_SSIM". Source: K. Ma et al., IEEE TIP 24(11), 2015.
    """
    images = _checked(infrared, visible, fused, 4 * (WINDOW - 1) + 1, "MEF-MS-SSIM")
    product = 1.0
    for scale, weight in enumerate(MEF_WEIGHTS):
        if scale:
            images = [halve(image) for image in images]
        quality = finest if scale == 0 and finest is not None else _mef_ssim(images)
        if quality < 0.0:
            raise Undefined(f"MEF-MS-SSIM: negative similarity at scale {scale + 1}, its power is not real")
        product *= quality ** (weight / sum(MEF_WEIGHTS))
    return product


def ms_ssim_pair(
    infrared: NDArray[np.generic],
    visible: NDArray[np.generic],
    fused: NDArray[np.generic],
    *,
    white: float = 255.0,
    zero_borders: bool = False,
    finest: NDArray[np.float64] | None = None,
) -> tuple[float, float]:
    """Wang's MS-SSIM(infrared, fused) and MS-SSIM(visible, fused) = Π_l cs_l^(w_l)·SSIM_5^(w_5).

    Π_l cs_l^(w_l) over four scales, times SSIM^(w_5) at the fifth; w = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333); 11×11
    Gaussian window (σ = 1.5), 'valid'; C1 = (0.01 L)², C2 = (0.03 L)², L = `white`; images halved between scales by 2×2
    means; `zero_borders`: see `halve` (it matters for sides that are odd at some scale: up to 1e-2); `finest`: the
    `ssim_means` of the first scale, where they are known already.

    Parameters: H×W arrays 0..`white`, both sides at least 161. Range 0…1 each, higher is better. Minimum size 161×161.
    Constant images: finite, 1 where they are equal. A scale whose mean is negative counts as 0, and so does the product.
    Source: Z. Wang, E. P. Simoncelli, A. C. Bovik, Asilomar 2003.
    """
    images = _checked(infrared, visible, fused, 16 * (WINDOW - 1) + 1, "MS-SSIM")
    product = [1.0, 1.0]
    for scale, weight in enumerate(WANG_WEIGHTS):
        if scale:
            images = [halve(image, zero_borders=zero_borders) for image in images]
        means = finest if scale == 0 and finest is not None else ssim_means(images, dynamic_range=white)
        for source in range(2):
            mean = float(means[2 * source + (0 if scale == len(WANG_WEIGHTS) - 1 else 1)])
            # A negative mean has no real power; pytorch-msssim and torchmetrics count it as 0, and so do we.
            product[source] *= max(mean, 0.0) ** weight
    return product[0], product[1]


def ms_ssim(
    infrared: NDArray[np.generic],
    visible: NDArray[np.generic],
    fused: NDArray[np.generic],
    *,
    white: float = 255.0,
    zero_borders: bool = False,
) -> float:
    """Sum of Wang's MS-SSIM with both sources (`ivif-zoo`). Range 0…2, higher is better; see `ms_ssim_pair`."""
    return sum(ms_ssim_pair(infrared, visible, fused, white=white, zero_borders=zero_borders))
