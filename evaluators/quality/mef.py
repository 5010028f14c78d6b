"""MEF-SSIM and MEF-MS-SSIM (Ma, Zeng & Wang) and the multi-scale SSIM of Wang.

Sources: K. Ma, K. Zeng, Z. Wang, "Perceptual quality assessment for multi-exposure image fusion", IEEE TIP 24(11), 2015;
K. Ma et al., "Multi-exposure image fusion by optimizing a structural similarity index", IEEE TCI 4(1), 2018 (three
scales); Z. Wang, E. P. Simoncelli, A. C. Bovik, "Multiscale structural similarity", Asilomar 2003.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .elementary import exponential
from .kernels import inline_kernel, kernel
from .logarithm import binary_logarithms
from .separable import COUNT, filtered_moments, gaussian_taps, strips
from .undefined import Undefined

__all__ = ["halve", "mef_ms_ssim", "mef_ssim", "ms_ssim", "ms_ssim_pair"]

Real = NDArray[np.float64]

WINDOW = 11
PIXELS = WINDOW * WINDOW
MEF_WEIGHTS = (0.0448, 0.2856, 0.3001)
MEF_CONSTANT = (0.03 * 255.0) ** 2
WANG_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_LN_2 = 0.6931471805599453
_EPS = float(np.finfo(np.float64).eps)


@inline_kernel
def _tangent_of_share(share):  # type: ignore[no-untyped-def]
    """tan(π/2·share) for share in [0, 1), by the rational approximation on [0, π/4] of the Cephes library (public)."""
    upper = share > 0.5
    x = 1.5707963267948966 * (1.0 - share if upper else share)
    z = x * x
    p = (-1.30936939181383734205e4 * z + 1.15351664838587416140e6) * z - 1.79565251976484877988e7
    q = (
        ((z + 1.36812963470692954678e4) * z - 1.32089234440210967447e6) * z + 2.50083801823357915839e7
    ) * z - 5.38695755929454629881e7
    tangent = x + x * z * (p / q)
    return 1.0 / max(tangent, 1e-300) if upper else tangent


@kernel
def _box_row(row, work, out):  # type: ignore[no-untyped-def]
    """Sums of 11 neighbours ('valid'), by doubling: exact, because the terms are integers or multiples of 2^-8."""
    n = row.size
    for c in range(n - 1):
        work[0, c] = row[c] + row[c + 1]
    for c in range(n - 3):
        work[1, c] = work[0, c] + work[0, c + 2]
    for c in range(n - WINDOW + 1):
        out[c] = work[1, c] + work[1, c + 4] + work[0, c + 8] + row[c + 10]


@kernel
def _add_row(a, b, sign, column):  # type: ignore[no-untyped-def]
    """Add ± one row of A, B, A², B², AB to the sums over rows (exact: multiples of 2^-8)."""
    for c in range(a.size):
        p, q = a[c], b[c]
        column[0, c] += sign * p
        column[1, c] += sign * q
        column[2, c] += sign * (p * p)
        column[3, c] += sign * (q * q)
        column[4, c] += sign * (p * q)


@kernel
def mef_sum(a, b, first, moments, margin, column, constant):  # type: ignore[no-untyped-def]
    """Σ of MEF-SSIM's quality over one strip of rows; `moments`: the nine Gaussian moments of these rows, from column `margin` on.

    `column` (5×W) keeps the sums over eleven rows from strip to strip; strips follow one another, the first at row 0.
    """
    rows = moments.shape[0]
    width = a.shape[1]
    inner = width - WINDOW + 1
    work = np.empty((2, width))
    box = np.empty((5, inner))
    length = np.empty((2, inner))
    inner_product = np.empty(inner)
    consistency = np.empty(inner)
    power = np.empty(inner)
    weight = np.empty((2, inner))
    sums = np.zeros(inner)  # by column: a running scalar would keep the loop from being vectorised
    if first == 0:
        column[:] = 0.0
        for y in range(WINDOW - 1):
            _add_row(a[y], b[y], 1.0, column)
    for r in range(rows):
        _add_row(a[first + r + WINDOW - 1], b[first + r + WINDOW - 1], 1.0, column)
        for m in range(5):
            _box_row(column[m], work, box[m])
        local = moments[r]
        # Several plain loops over the row instead of one: each of them is vectorised, the whole would not be.
        for c in range(inner):
            # 121² × the variances and the covariance in the uniform window: exact differences.
            ea = math.sqrt(max(PIXELS * box[2, c] - box[0, c] * box[0, c], 0.0) / PIXELS)  # ‖x_A − μ_A‖
            eb = math.sqrt(max(PIXELS * box[3, c] - box[1, c] * box[1, c], 0.0) / PIXELS)
            eab = (PIXELS * box[4, c] - box[0, c] * box[1, c]) / PIXELS
            together = math.sqrt(max(ea * ea + eb * eb + 2.0 * eab, 0.0))
            length[0, c], length[1, c], inner_product[c] = ea, eb, eab
            consistency[c] = min((together + _EPS) / (ea + eb + _EPS), 1.0 - _EPS)
            weight[0, c] = (ea + 0.001) / WINDOW
            weight[1, c] = (eb + 0.001) / WINDOW
        for c in range(inner):
            power[c] = min(_tangent_of_share(consistency[c]), 10.0) * _LN_2
        binary_logarithms(weight.reshape(2 * inner))
        for s in range(2):
            for c in range(inner):
                weight[s, c] = exponential(power[c] * weight[s, c]) + _EPS
        for c in range(inner):
            ea, eb, eab = length[0, c], length[1, c], inner_product[c]
            da, db = ea + 0.001, eb + 0.001
            both = weight[0, c] + weight[1, c]
            ca, cb = weight[0, c] / both / da, weight[1, c] / both / db
            norm = math.sqrt(max(ca * ca * ea * ea + cb * cb * eb * eb + 2.0 * ca * cb * eab, 0.0))
            scale = max(da, db) / norm if norm > 0.0 else 0.0
            ca *= scale
            cb *= scale
            ma, mb, mf = local[0, c + margin], local[1, c + margin], local[2, c + margin]
            vaa, vbb = local[3, c + margin] - ma * ma, local[4, c + margin] - mb * mb
            vff, vaf = local[5, c + margin] - mf * mf, local[6, c + margin] - ma * mf
            vbf, vab = local[7, c + margin] - mb * mf, local[8, c + margin] - ma * mb
            wanted = ca * ca * vaa + cb * cb * vbb + 2.0 * ca * cb * vab
            sums[c] += (2.0 * (ca * vaf + cb * vbf) + constant) / (wanted + vff + constant)
        _add_row(a[first + r], b[first + r], -1.0, column)
    return sums.sum()


def _checked(
    infrared: NDArray[np.generic],
    visible: NDArray[np.generic],
    fused: NDArray[np.generic],
    smallest: int,
    what: str,
) -> list[Real]:
    if min(fused.shape) < smallest:
        raise Undefined(
            f"{what} needs at least {smallest}×{smallest} px, got {fused.shape[1]}×{fused.shape[0]}"
        )
    return [np.ascontiguousarray(image, dtype=np.float64) for image in (infrared, visible, fused)]


def _mef_ssim(a: Real, b: Real, f: Real) -> float:
    rows, inner = a.shape[0] - WINDOW + 1, a.shape[1] - WINDOW + 1
    taps = gaussian_taps(WINDOW, 1.5)
    column = np.empty((5, a.shape[1]))
    total = 0.0
    for first, last in strips(rows, a.shape[1]):
        moments = np.empty((last - first, COUNT, inner))
        filtered_moments(a, b, f, taps, first, last, moments)
        total += mef_sum(a, b, first, moments, 0, column, MEF_CONSTANT)
    return float(total / (rows * inner))


def halve(image: Real, *, zero_borders: bool = False) -> Real:
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
    result: Real = (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) / 4.0
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
    return _mef_ssim(*_checked(infrared, visible, fused, WINDOW, "MEF-SSIM"))


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
        quality = finest if scale == 0 and finest is not None else _mef_ssim(*images)
        if quality < 0.0:
            raise Undefined(f"MEF-MS-SSIM: negative similarity at scale {scale + 1}, its power is not real")
        product *= quality ** (weight / sum(MEF_WEIGHTS))
    return product


@kernel
def ssim_sums(moments, margin, c1, c2):  # type: ignore[no-untyped-def]
    """(Σ SSIM, Σ contrast·structure) of A with F, then of B with F, over a strip without `margin` columns at either side."""
    columns = moments.shape[2] - 2 * margin
    sums = np.zeros((4, columns))
    for y in range(moments.shape[0]):
        for source in range(2):
            mean, square, cross = moments[y, source], moments[y, 3 + source], moments[y, 6 + source]
            fused, fused_square = moments[y, 2], moments[y, 5]
            whole, part = sums[2 * source], sums[2 * source + 1]
            for c in range(columns):
                mx, mf = mean[c + margin], fused[c + margin]
                vx = square[c + margin] - mx * mx
                vf = fused_square[c + margin] - mf * mf
                vxf = cross[c + margin] - mx * mf
                structure = (2.0 * vxf + c2) / (vx + vf + c2)
                whole[c] += structure * (2.0 * mx * mf + c1) / (mx * mx + mf * mf + c1)
                part[c] += structure
    return sums.sum(axis=1)


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
    means; `zero_borders`: see `halve` (it matters for sides that are odd at some scale: up to 1e-2); `finest`: the sums of
    `ssim_sums` over the first scale, where they are known already.

    Parameters: H×W arrays 0..`white`, both sides at least 161. Range 0…1 each, higher is better. Minimum size 161×161.
    Constant images: finite, 1 where they are equal. A scale whose mean is negative counts as 0, and so does the product.
    Source: Z. Wang, E. P. Simoncelli, A. C. Bovik, Asilomar 2003.
    """
    images = _checked(infrared, visible, fused, 16 * (WINDOW - 1) + 1, "MS-SSIM")
    taps = gaussian_taps(WINDOW, 1.5)
    product = [1.0, 1.0]
    for scale, weight in enumerate(WANG_WEIGHTS):
        if scale:
            images = [halve(image, zero_borders=zero_borders) for image in images]
        rows, inner = images[0].shape[0] - WINDOW + 1, images[0].shape[1] - WINDOW + 1
        known = finest if scale == 0 else None
        sums = np.zeros(4) if known is None else known
        for first, last in strips(rows, images[0].shape[1]) if known is None else ():
            moments = np.empty((last - first, COUNT - 1, inner))
            filtered_moments(*images, taps, first, last, moments)
            sums += ssim_sums(moments, 0, (0.01 * white) ** 2, (0.03 * white) ** 2)
        for source in range(2):
            mean = float(sums[2 * source + (0 if scale == len(WANG_WEIGHTS) - 1 else 1)]) / (rows * inner)
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
