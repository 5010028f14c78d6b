"""VIF and VIFF: visual information fidelity in the pixel domain.

Sources: H. R. Sheikh, A. C. Bovik, "Image information and visual quality", IEEE TIP 15(2), 2006 (the
pixel-domain, four-scale variant of the LIVE laboratory's release of 2005); Y. Han, Y. Cai, Y. Cao, X. Xu, "A
new image fusion performance metric based on visual information fidelity", Information Fusion 14(2), 2013.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..undefined import Undefined, require_size
from .windows import Real, floats, gaussian_taps, local_mean, valid

UInt8 = npt.NDArray[np.uint8]
MINIMUM_SIZE = 41
"""Scale 4 needs 3 pixels after three valid filterings and decimations."""
NOISE = 2.0
"""σ_n² of VIF."""
FUSION_NOISE = 0.005 * 255.0 * 255.0
"""σ_n² of VIFF."""
EPSILON = 1e-10
SCALE_WEIGHTS = (1.0 / 2.15, 0.0, 0.15 / 2.15, 1.0 / 2.15)
"""p_s of VIFF."""


class Information(NamedTuple):
    """Information at one scale in bits, summed over its windows: (with distortion, without it)."""

    infrared: tuple[float, float]
    visible: tuple[float, float]
    chosen: tuple[float, float]
    """Of the source with the smaller gain (the visible one where equal), with VIFF's noise."""
    windows: int


class Gain(NamedTuple):
    """σ_X², g and σ_v² of the distortion model F = g·X + v in every window."""

    variance: Real
    gain: Real
    rest: Real


def scale_taps(scale: int) -> Real:
    """The window of a scale (1…4) on one axis: N = 17, 9, 5, 3 taps of a Gaussian with σ = N/5."""
    size = 2 ** (5 - scale) + 1
    return gaussian_taps(size, size / 5.0)


def gain(mean: Real, square: Real, cross: Real, fused_mean: Real, fused_square: Real) -> Gain:
    """The distortion model from E[X], E[X²], E[XF], E[F], E[F²] of every window, with the release's special
    cases.
    """
    variance = np.maximum(square - mean * mean, 0.0)
    of_fused = np.maximum(fused_square - fused_mean * fused_mean, 0.0)
    covariance = cross - mean * fused_mean
    g = covariance / (variance + EPSILON)
    rest = of_fused - g * covariance  # σ_v² = σ_F² − g σ_XF
    flat = variance < EPSILON
    g, rest, variance = np.where(flat, 0.0, g), np.where(flat, of_fused, rest), np.where(flat, 0.0, variance)
    flat = of_fused < EPSILON
    g, rest = np.where(flat, 0.0, g), np.where(flat, 0.0, rest)
    negative = g < 0.0
    g, rest = np.where(negative, 0.0, g), np.where(negative, of_fused, rest)
    return Gain(variance, g, np.maximum(rest, EPSILON))


def bits(of: Gain, noise: float) -> tuple[float, float]:
    """(Σ log₂(1 + g²σ_X²/(σ_v² + σ_n²)), Σ log₂(1 + σ_X²/σ_n²)) over all windows."""
    kept = np.log2(1.0 + of.gain**2 * of.variance / (of.rest + noise))
    return float(kept.sum()), float(np.log2(1.0 + of.variance / noise).sum())


def information(
    infrared: UInt8, visible: UInt8, fused: UInt8, *, saturating: bool = False
) -> list[Information]:
    """The information at four scales; each scale after the first is filtered with its window and decimated
    by two.

    H×W images, both sides at least 41 (``Undefined`` below). `saturating`: products at scale 1 stop at 255,
    as in the uint8 arithmetic behind the tables of 2021 (linfeng-legacy).
    """
    require_size(fused.shape, MINIMUM_SIZE, "VIF and VIFF")
    a, b, f = floats(infrared, visible, fused)
    scales = []
    for scale in range(1, 5):
        taps = scale_taps(scale)
        if scale > 1:
            a, b, f = (valid(image, taps)[::2, ::2] for image in (a, b, f))
        ceiling = 255.0 if saturating and scale == 1 else math.inf
        ma, mb, mf = (valid(image, taps) for image in (a, b, f))
        ff, aa, bb, af, bf = (
            valid(np.minimum(x * y, ceiling), taps) for x, y in ((f, f), (a, a), (b, b), (a, f), (b, f))
        )
        of_a, of_b = gain(ma, aa, af, mf, ff), gain(mb, bb, bf, mf, ff)
        take_b = of_b.gain <= of_a.gain
        chosen = Gain(*(np.where(take_b, y, x) for x, y in zip(of_a, of_b, strict=True)))
        scales.append(Information(bits(of_a, NOISE), bits(of_b, NOISE), bits(chosen, FUSION_NOISE), mf.size))
    return scales


def vif(scales: list[Information]) -> tuple[float, float]:
    """vifp(A,F) and vifp(B,F) = Σ_s Σ log(1 + g²σ_X²/(σ_v²+σ_n²)) / Σ_s Σ log(1 + σ_X²/σ_n²), σ_n² = 2.

    `scales`: from `information`; Gaussian windows (N = 17, 9, 5, 3, σ = N/5) that lie inside the image;
    reference = source, distorted = fused. Range 0…∞ each, 1 for identical images, above 1 where the fused
    image has more contrast; higher is better. Minimum size 41×41. Constant images: 0 where the fused one is,
    ``Undefined`` where a source is (0/0). Source: H. R. Sheikh, A. C. Bovik, IEEE TIP 15(2), 2006.

    >>> image = np.random.default_rng(0).integers(0, 256, (41, 41), dtype=np.uint8)
    >>> [round(value, 9) for value in vif(information(image, image, image))]
    [1.0, 1.0]
    """
    values = []
    for source in ("infrared", "visible"):
        kept, whole = (
            sum(parts) for parts in zip(*(getattr(scale, source) for scale in scales), strict=True)
        )
        if whole <= 0.0 or not math.isfinite(whole):
            raise Undefined(f"constant {source} image: VIF is 0/0")
        values.append(kept / whole)
    return values[0], values[1]


def viff(scales: list[Information]) -> float:
    """VIFF = Σ_s p_s·Σ(VID + 10⁻⁷)/Σ(VIND + 10⁻⁷), p = (1, 0, 0.15, 1)/2.15.

    `scales`: from `information`. VID = log₁₀(1 + g²σ_X²/(σ_v²+σ_n²)), VIND = log₁₀(1 + σ_X²/σ_n²), σ_n² =
    0.005·255²; per window of the source with the smaller g (the visible one where equal). Range 0…∞, mostly
    below 1, higher is better. Minimum size 41×41. Constant images: finite, 1 where both sources are. Not what
    tables after 2022 call "VIF" (the sum of two vifp). Source: Y. Han, Y. Cai, Y. Cao, X. Xu, Information
    Fusion 14(2), 2013.

    >>> image = np.random.default_rng(0).integers(0, 256, (41, 41), dtype=np.uint8)
    >>> round(viff(information(image, image, image)), 9)
    1.0
    """
    value = 0.0
    for scale, weight in zip(scales, SCALE_WEIGHTS, strict=True):
        kept, whole = (math.log10(2.0) * part + 1e-7 * scale.windows for part in scale.chosen)
        value += weight * kept / whole
    return value


def vifp_off_centre(infrared: UInt8, visible: UInt8, fused: UInt8) -> float:
    """VIF of `ivif-zoo`: vifp(A,F) + vifp(B,F) with window offsets from ⌊−N/2⌋ to ⌊N/2⌋ in N steps and
    zeros around.

    The window lies half a pixel off centre; values are about 6 % above VIF. H×W, any size. ``Undefined``
    where a source is zero everywhere (0/0).
    """
    total = 0.0
    for source in (infrared, visible):
        x, f = floats(source, fused)
        kept = whole = 0.0
        for scale in range(1, 5):
            size = 2 ** (5 - scale) + 1
            offsets = np.linspace(-size // 2, size // 2, size)
            taps = np.exp(-(offsets**2) / (2.0 * (size / 5.0) ** 2))
            taps /= taps.sum()
            if scale > 1:
                x, f = (local_mean(image, taps)[::2, ::2].copy() for image in (x, f))
            mean, square, cross, mf, ff = (local_mean(image, taps) for image in (x, x * x, x * f, f, f * f))
            terms = bits(gain(mean, square, cross, mf, ff), NOISE)
            kept, whole = kept + terms[0], whole + terms[1]
        if whole <= 0.0:
            raise Undefined("a source is zero everywhere: VIF is 0/0")
        total += kept / whole
    return total
