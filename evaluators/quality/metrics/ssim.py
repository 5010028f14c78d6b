"""SSIM and Wang's MS-SSIM of the fused image with each source.

Sources: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error
visibility to structural similarity", IEEE TIP 13(4), 2004; Z. Wang, E. P. Simoncelli, A. C. Bovik,
"Multiscale structural similarity", Asilomar 2003. Published tables differ by the dynamic range L alone: with
the L = 1 or 2 that libraries assume for float images, the constants vanish on levels 0…255, and SSIM falls by
a third.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ..undefined import require_size
from .windows import Real, floats, gaussian_taps, valid

UInt8 = npt.NDArray[np.uint8]
Window = Literal["gaussian", "box7"]
WANG_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""β₁…β₅ of MS-SSIM."""


class Similarity(NamedTuple):
    """Mean SSIM of a source with the fused image, and the mean of its contrast·structure part alone."""

    ssim: float
    structure: float


def window_taps(window: Window) -> Real:
    """One axis of the window: an 11-tap Gaussian with σ = 1.5 (sum 1), or seven ones, whose sums of levels
    are exact.
    """
    return np.ones(7) if window == "box7" else gaussian_taps(11, 1.5)


def similarity(source: Real, fused: Real, window: Window, dynamic_range: float) -> Similarity:
    """The means over all windows inside two H×W images of SSIM's equation 13 and of its second factor."""
    taps = window_taps(window)
    n = 49.0 if window == "box7" else 1.0  # what a window's weights sum to
    sample = n / 48.0 if window == "box7" else 1.0  # scikit-image's variances are those of a sample
    c1, c2 = (0.01 * dynamic_range) ** 2, (0.03 * dynamic_range) ** 2
    sx, sf = valid(source, taps), valid(fused, taps)
    vx = sample * (n * valid(source * source, taps) - sx * sx) / n**2  # σ_X²
    vf = sample * (n * valid(fused * fused, taps) - sf * sf) / n**2  # σ_F²
    covariance = sample * (n * valid(source * fused, taps) - sx * sf) / n**2  # σ_XF
    mx, mf = sx / n, sf / n
    structure = (2.0 * covariance + c2) / (vx + vf + c2)
    luminance = (2.0 * mx * mf + c1) / (mx * mx + mf * mf + c1)
    return Similarity(float((luminance * structure).mean()), float(structure.mean()))


def similarities(
    infrared: npt.NDArray[np.generic],
    visible: npt.NDArray[np.generic],
    fused: npt.NDArray[np.generic],
    *,
    window: Window = "gaussian",
    dynamic_range: float = 255.0,
) -> tuple[Similarity, Similarity]:
    """`similarity` of infrared and of visible with fused; both sides at least as long as the window."""
    a, b, f = floats(infrared, visible, fused)
    return similarity(a, f, window, dynamic_range), similarity(b, f, window, dynamic_range)


def ssim(
    infrared: UInt8,
    visible: UInt8,
    fused: UInt8,
    *,
    window: Window = "gaussian",
    replicate: bool = False,
    dynamic_range: float = 255.0,
    of_windows: Callable[..., tuple[Similarity, Similarity]] = similarities,
) -> tuple[float, float]:
    """SSIM(A,F) and SSIM(B,F): mean of (2μ₁μ₂+C₁)(2σ₁₂+C₂)/((μ₁²+μ₂²+C₁)(σ₁²+σ₂²+C₂)), C₁ = (0.01 L)², C₂ =
    (0.03 L)².

    `window`: "gaussian" 11×11, σ = 1.5, population variances; "box7" 7×7 mean with sample variances
    (scikit-image's default). `replicate`: the border is replicated and every pixel counts (MATLAB); otherwise
    only whole windows do. `dynamic_range` is L. `of_windows` computes the windows. Range −1…1 each, 1 for
    identical images; higher is better. Minimum size 11×11 (7×7 for "box7", 1×1 with a replicated border),
    ``Undefined`` below. Constant images: finite, 1 where they are equal. Source: Z. Wang, A. C. Bovik, H. R.
    Sheikh, E. P. Simoncelli, IEEE TIP 13(4), 2004.

    >>> image = np.arange(144, dtype=np.uint8).reshape(12, 12)
    >>> ssim(image, image, image)
    (1.0, 1.0)
    """
    size = window_taps(window).size
    images = [infrared, visible, fused]
    if replicate:
        images = [np.pad(image, size // 2, mode="edge") for image in images]
    else:
        require_size(fused.shape, size, "SSIM")
    of_infrared, of_visible = of_windows(*images, window=window, dynamic_range=dynamic_range)
    return of_infrared.ssim, of_visible.ssim


def ssim_float32(
    infrared: UInt8, visible: UInt8, fused: UInt8, *, dynamic_range: float = 2.0
) -> tuple[float, float]:
    """SSIM(A,F) and SSIM(B,F) as scikit-image 0.19 computes them for float32 images (`cddfuse`).

    7×7 mean, sample variances, all in float32; L = 2 is what that version assumes for float images, whatever
    their values. In float32 σ² = E[x²] − E[x]² loses digits that C₂ = 0.0036 doesn't cover, so the published
    value differs from the exact one in the fifth digit. H×W, at least 7×7 (``Undefined`` below).
    """
    require_size(fused.shape, 7, "SSIM")
    c1, c2 = np.float32((0.01 * dynamic_range) ** 2), np.float32((0.03 * dynamic_range) ** 2)
    sample, two = np.float32(49 / 48), np.float32(2.0)

    def mean(values: Real) -> npt.NDArray[np.float32]:
        """Means over columns of seven, then over rows of seven, each rounded to float32."""
        column = np.lib.stride_tricks.sliding_window_view(values, 7, axis=0).sum(-1) / 7.0
        rounded = column.astype(np.float32).astype(np.float64)
        row = np.lib.stride_tricks.sliding_window_view(rounded, 7, axis=1).sum(-1) / 7.0
        return np.asarray(row, dtype=np.float32)

    f = fused.astype(np.float64)
    mf, ff = mean(f), mean(f * f)
    values = []
    for source in floats(infrared, visible):
        mx = mean(source)
        vx, vf = sample * (mean(source * source) - mx * mx), sample * (ff - mf * mf)
        covariance = sample * (mean(source * f) - mx * mf)
        above = (two * mx * mf + c1) * (two * covariance + c2)
        values.append(float((above / ((mx * mx + mf * mf + c1) * (vx + vf + c2))).mean(dtype=np.float64)))
    return values[0], values[1]


def halve(image: npt.NDArray[np.generic], *, zero_borders: bool = False) -> Real:
    """Mean of 2×2 pixels, then every second one. Only odd sides have a border case.

    An odd last row or column is averaged with its own repetition (MATLAB: imfilter symmetric, then 1:2:end).
    `zero_borders`: an odd side gets one zero at either end instead, which shifts the blocks by one pixel
    (avg_pool2d(2, padding=side % 2), as pytorch-msssim does).

    >>> halve(np.uint8([[1, 3], [5, 7]]))
    array([[4.]])
    """
    odd = image.shape[0] % 2, image.shape[1] % 2
    if zero_borders:
        values = np.pad(np.asarray(image, dtype=np.float64), ((odd[0], 0), (odd[1], 0)))
    else:
        values = np.pad(np.asarray(image, dtype=np.float64), ((0, odd[0]), (0, odd[1])), mode="edge")
    return np.asarray((values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]) / 4.0)


def ms_ssim(
    infrared: UInt8,
    visible: UInt8,
    fused: UInt8,
    *,
    dynamic_range: float = 255.0,
    zero_borders: bool = False,
    at_scale: Callable[..., tuple[Similarity, Similarity]] = similarities,
) -> tuple[float, float]:
    """Wang's MS-SSIM(A,F) and MS-SSIM(B,F) = Π_{l<5} cs_l^β_l · SSIM₅^β₅, β = (.0448, .2856, .3001, .2363,
    .1333).

    cs_l: mean contrast·structure at scale l; 11×11 Gaussian windows (σ = 1.5) inside the image; images halved
    between scales by 2×2 means (`halve`). `at_scale`: computes a scale. A scale whose mean is negative has no
    real power; it counts 0 and so does the product, as in pytorch-msssim and torchmetrics. Range 0…1 each,
    higher is better. Minimum size 161×161 (``Undefined`` below). Constant images: finite, 1 where they are
    equal. Source: Z. Wang, E. P. Simoncelli, A. C. Bovik, Asilomar 2003.

    >>> image = np.zeros((161, 161), np.uint8)
    >>> ms_ssim(image, image, image)
    (1.0, 1.0)
    """
    require_size(fused.shape, 161, "MS-SSIM")
    images: list[npt.NDArray[np.generic]] = [infrared, visible, fused]
    product = [1.0, 1.0]
    for scale, weight in enumerate(WANG_WEIGHTS):
        if scale:
            images = [halve(image, zero_borders=zero_borders) for image in images]
        last = scale == len(WANG_WEIGHTS) - 1
        for source, value in enumerate(at_scale(*images, dynamic_range=dynamic_range)):
            product[source] *= max(value.ssim if last else value.structure, 0.0) ** weight
    return product[0], product[1]
