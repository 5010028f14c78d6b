"""Metrics under a sliding window, one row of windows at a time: `vif.information`, `ssim.similarities`,
`piella.weighted`.

All need the local means of A, B, F, A², B², F², AF and BF (in this order) under a symmetric separable window.
They are made row by row, so that memory stays at a few rows. `taps`: one axis of the window, of odd length.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import numpy.typing as npt

from ..metrics import piella, ssim, vif
from ..metrics.windows import Real, gaussian_taps
from ..undefined import require_size
from .compiling import kernel

MEANS = 8
ROWS_PER_LOG = 32
"""Terms multiplied before one logarithm is taken: each lies in [1, 2¹⁴], so the product stays far below the
maximum.
"""


@kernel
def _down(a, b, f, taps, top, ceiling, out):  # type: ignore[no-untyped-def]
    """out[0…7] = the eight moments of rows top…top + N − 1, filtered downwards; products stop at `ceiling`."""
    out[:] = 0.0
    for t in range(taps.size):
        k = taps[t]
        ra, rb, rf = a[top + t], b[top + t], f[top + t]
        for c in range(out.shape[1]):
            x, y, z = ra[c], rb[c], rf[c]
            out[0, c] += k * x
            out[1, c] += k * y
            out[2, c] += k * z
            out[3, c] += k * min(x * x, ceiling)
            out[4, c] += k * min(y * y, ceiling)
            out[5, c] += k * min(z * z, ceiling)
            out[6, c] += k * min(x * z, ceiling)
            out[7, c] += k * min(y * z, ceiling)


@kernel
def _along(rows, taps, out):  # type: ignore[no-untyped-def]
    """Filter the eight rows along themselves, windows inside the row only."""
    half = taps.size // 2
    for m in range(rows.shape[0]):
        source, target = rows[m], out[m]
        for c in range(target.size):
            target[c] = taps[half] * source[c + half]
        for t in range(half):
            k, left, right = taps[t], source[t:], source[2 * half - t :]
            for c in range(target.size):
                target[c] += k * (left[c] + right[c])


@kernel
def _gain(mean, square, cross, fused_mean, fused_variance):  # type: ignore[no-untyped-def]
    """`vif.gain` of one window, without branches."""
    variance = max(square - mean * mean, 0.0)
    covariance = cross - mean * fused_mean
    g = covariance / (variance + 1e-10)
    rest = fused_variance - g * covariance
    flat = variance < 1e-10
    g = 0.0 if flat else g
    rest = fused_variance if flat else rest
    variance = 0.0 if flat else variance
    flat = fused_variance < 1e-10
    g = 0.0 if flat else g
    rest = 0.0 if flat else rest
    negative = g < 0.0
    rest = fused_variance if negative else rest
    g = 0.0 if negative else g
    return variance, g, max(rest, 1e-10)


@kernel
def _multiply_terms(means, noise, fusion_noise, products):  # type: ignore[no-untyped-def]
    """Multiply the terms of `vif.bits` of one row of windows into the six running products."""
    for c in range(means.shape[1]):
        mf = means[2, c]
        of_fused = max(means[5, c] - mf * mf, 0.0)
        va, ga, rest_a = _gain(means[0, c], means[3, c], means[6, c], mf, of_fused)
        vb, gb, rest_b = _gain(means[1, c], means[4, c], means[7, c], mf, of_fused)
        signal_a, signal_b = ga * ga * va, gb * gb * vb
        products[0, c] *= 1.0 + signal_a / (rest_a + noise)
        products[1, c] *= 1.0 + va / noise
        products[2, c] *= 1.0 + signal_b / (rest_b + noise)
        products[3, c] *= 1.0 + vb / noise
        take_b = gb <= ga
        signal = signal_b if take_b else signal_a
        rest = rest_b if take_b else rest_a
        products[4, c] *= 1.0 + signal / (rest + fusion_noise)
        products[5, c] *= 1.0 + (vb if take_b else va) / fusion_noise


@kernel
def _information_sums(a, b, f, taps, ceiling, noise, fusion_noise):  # type: ignore[no-untyped-def]
    """Σ log₂ of the six kinds of terms over all windows."""
    rows, columns = f.shape[0] - taps.size + 1, f.shape[1] - taps.size + 1
    vertical, means = np.empty((MEANS, f.shape[1])), np.empty((MEANS, columns))
    products, sums = np.ones((6, columns)), np.zeros(6)
    for row in range(rows):
        _down(a, b, f, taps, row, ceiling, vertical)
        _along(vertical, taps, means)
        _multiply_terms(means, noise, fusion_noise, products)
        if row % ROWS_PER_LOG == ROWS_PER_LOG - 1 or row == rows - 1:
            for k in range(6):
                for c in range(columns):
                    sums[k] += math.log2(products[k, c])
            products[:] = 1.0
    return sums


@kernel
def _decimated(image, taps):  # type: ignore[no-untyped-def]
    """Filter and keep every second row and column; only what is kept is computed."""
    rows, columns = (image.shape[0] - taps.size) // 2 + 1, (image.shape[1] - taps.size) // 2 + 1
    line, out = np.empty(image.shape[1]), np.zeros((rows, columns))
    for row in range(rows):
        line[:] = 0.0
        for t in range(taps.size):
            k, source = taps[t], image[2 * row + t]
            for c in range(line.size):
                line[c] += k * source[c]
        for c in range(columns):
            for t in range(taps.size):
                out[row, c] += taps[t] * line[2 * c + t]
    return out


def floats(*images: npt.NDArray[np.generic]) -> list[Real]:
    """The images in float64, contiguous: one compiled version of a kernel serves all."""
    return [np.ascontiguousarray(image, dtype=np.float64) for image in images]


def information(
    infrared: npt.NDArray[np.generic],
    visible: npt.NDArray[np.generic],
    fused: npt.NDArray[np.generic],
    *,
    saturating: bool = False,
) -> list[vif.Information]:
    """As `vif.information`."""
    require_size(fused.shape, vif.MINIMUM_SIZE, "VIF and VIFF")
    images = floats(infrared, visible, fused)
    scales = []
    for scale in range(1, 5):
        taps = vif.scale_taps(scale)
        if scale > 1:
            images = [_decimated(image, taps) for image in images]
        ceiling = 255.0 if saturating and scale == 1 else math.inf
        sums = _information_sums(*images, taps, ceiling, vif.NOISE, vif.FUSION_NOISE).tolist()
        rows, columns = (side - taps.size + 1 for side in images[0].shape)
        scales.append(vif.Information(tuple(sums[:2]), tuple(sums[2:4]), tuple(sums[4:]), rows * columns))
    return scales


@kernel
def _similarity_sums(a, b, f, taps, n, sample, c1, c2):  # type: ignore[no-untyped-def]
    """Mean SSIM and mean contrast·structure of all windows, whose weights sum to n: infrared, then visible."""
    rows, columns = f.shape[0] - taps.size + 1, f.shape[1] - taps.size + 1
    vertical, means = np.empty((MEANS, f.shape[1])), np.empty((MEANS, columns))
    sums = np.zeros((4, columns))
    scale = sample / (n * n)
    for row in range(rows):
        _down(a, b, f, taps, row, np.inf, vertical)
        _along(vertical, taps, means)
        mf, ff = means[2], means[5]
        for s in range(2):
            mx, xx, xf, whole, part = means[s], means[3 + s], means[6 + s], sums[2 * s], sums[2 * s + 1]
            for c in range(columns):
                x, y = mx[c] / n, mf[c] / n
                vx, vf = scale * (n * xx[c] - mx[c] * mx[c]), scale * (n * ff[c] - mf[c] * mf[c])
                covariance = scale * (n * xf[c] - mx[c] * mf[c])
                structure = (2.0 * covariance + c2) / (vx + vf + c2)
                part[c] += structure
                whole[c] += structure * ((2.0 * x * y + c1) / (x * x + y * y + c1))
    return sums.sum(axis=1) / (rows * columns)


def similarities(
    infrared: npt.NDArray[np.generic],
    visible: npt.NDArray[np.generic],
    fused: npt.NDArray[np.generic],
    *,
    window: ssim.Window = "gaussian",
    dynamic_range: float = 255.0,
) -> tuple[ssim.Similarity, ssim.Similarity]:
    """As `ssim.similarities`."""
    n, sample = (49.0, 49.0 / 48.0) if window == "box7" else (1.0, 1.0)
    c1, c2 = (0.01 * dynamic_range) ** 2, (0.03 * dynamic_range) ** 2
    images = floats(infrared, visible, fused)
    means = _similarity_sums(*images, ssim.window_taps(window), n, sample, c1, c2).tolist()
    return ssim.Similarity(*means[:2]), ssim.Similarity(*means[2:])


ssim_of_both = partial(ssim.ssim, of_windows=similarities)
"""As `ssim.ssim`."""
ms_ssim = partial(ssim.ms_ssim, at_scale=similarities)
"""As `ssim.ms_ssim`."""


@kernel
def _weighted_sums(a, b, f, taps, flat, c1, c2):  # type: ignore[no-untyped-def]
    """(Σ q, Σ w·q, Σ w) of `piella.weighted` over all windows."""
    rows, columns = f.shape[0] - taps.size + 1, f.shape[1] - taps.size + 1
    vertical, means = np.empty((MEANS, f.shape[1])), np.empty((MEANS, columns))
    sums = np.zeros((3, columns))
    for row in range(rows):
        _down(a, b, f, taps, row, np.inf, vertical)
        _along(vertical, taps, means)
        for c in range(columns):
            ma, mb, mf = means[0, c], means[1, c], means[2, c]
            va, vb, vf = means[3, c] - ma * ma, means[4, c] - mb * mb, means[5, c] - mf * mf
            caf, cbf = means[6, c] - ma * mf, means[7, c] - mb * mf
            similar_a = (2.0 * ma * mf + c1) * (2.0 * caf + c2) / ((ma * ma + mf * mf + c1) * (va + vf + c2))
            similar_b = (2.0 * mb * mf + c1) * (2.0 * cbf + c2) / ((mb * mb + mf * mf + c1) * (vb + vf + c2))
            va = va if va > flat else 0.0
            vb = vb if vb > flat else 0.0
            both = va + vb
            share = va / both if both > 0.0 else 0.5
            q, w = share * similar_a + (1.0 - share) * similar_b, max(va, vb)
            sums[0, c] += q
            sums[1, c] += w * q
            sums[2, c] += w
    return sums.sum(axis=1)


def weighted(
    infrared: npt.NDArray[np.generic], visible: npt.NDArray[np.generic], fused: npt.NDArray[np.generic]
) -> piella.Weighted:
    """As `piella.weighted`."""
    require_size(fused.shape, piella.SIZE, "Qs, Qw and Qe")
    images = floats(infrared, visible, fused)
    taps = gaussian_taps(piella.SIZE, 1.5)
    q, wq, w = _weighted_sums(*images, taps, piella.FLAT, piella.C1, piella.C2).tolist()
    windows = (fused.shape[0] - piella.SIZE + 1) * (fused.shape[1] - piella.SIZE + 1)
    return piella.Weighted(q / windows, wq / w if w > 0.0 else math.nan)


weighted_of_edges = partial(piella.weighted_of_edges, of_levels=weighted)
"""As `piella.weighted_of_edges`."""
