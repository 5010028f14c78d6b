"""VIFF: visual information fidelity for fusion (Han, Cai, Cao & Xu, Information Fusion 14(2), 2013)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .kernels import kernel
from .logarithm import binary_logarithms
from .separable import COUNT, filtered_moments, gaussian_taps, strips
from .undefined import Undefined

__all__ = ["viff"]

Real = NDArray[np.float64]

NOISE_VARIANCE = 0.005 * 255.0 * 255.0
SCALE_WEIGHTS = (1.0 / 2.15, 0.0, 0.15 / 2.15, 1.0 / 2.15)
MINIMUM_SIZE = 41
_EPSILON = 1e-10
_LOG10_2 = 0.3010299956639812


@kernel
def _information(moments, noise):  # type: ignore[no-untyped-def]
    """(Σ VID, Σ VIND) of a strip: information with and without distortion, of the source with the smaller gain g."""
    width = moments.shape[2]
    sums = np.zeros((2, width))
    terms = np.empty((2, width))
    for y in range(moments.shape[0]):
        for c in range(width):
            mf = moments[y, 2, c]
            vf = max(moments[y, 5, c] - mf * mf, 0.0)
            chosen_gain = 0.0
            chosen_with = 0.0
            chosen_without = 0.0
            for source in range(2):
                m = moments[y, source, c]
                v = max(moments[y, 3 + source, c] - m * m, 0.0)
                cross = moments[y, 6 + source, c] - m * mf
                g = cross / (v + _EPSILON)
                rest = vf - g * cross
                flat = v < _EPSILON
                g = 0.0 if flat else g
                rest = vf if flat else rest
                v = 0.0 if flat else v
                flat = vf < _EPSILON
                g = 0.0 if flat else g
                rest = 0.0 if flat else rest
                negative = g < 0.0
                rest = vf if negative else rest
                g = 0.0 if negative else g
                rest = max(rest, _EPSILON)
                information = 1.0 + g * g * v / (rest + noise)
                without = 1.0 + v / noise
                take = source == 0 or g <= chosen_gain
                chosen_gain = g if take else chosen_gain
                chosen_with = information if take else chosen_with
                chosen_without = without if take else chosen_without
            terms[0, c] = chosen_with
            terms[1, c] = chosen_without
        binary_logarithms(terms.reshape(2 * width))
        for kind in range(2):
            for c in range(width):
                sums[kind, c] += terms[kind, c] * _LOG10_2 + 1e-7
    return sums.sum(axis=1)


def _filtered_and_halved(image: Real, taps: Real) -> Real:
    """'valid' filtering with `taps` on both axes, then every second row and column."""
    radius = taps.size // 2
    inside = slice(radius, -radius or None, 2)
    # The borders that OpenCV invents are cut off again: only 'valid' positions are kept.
    filtered = cv2.sepFilter2D(image, cv2.CV_64F, taps, taps, borderType=cv2.BORDER_REFLECT)
    result: Real = np.ascontiguousarray(filtered[inside, inside])
    return result


def viff(infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]) -> float:
    """VIFF = Σ_s p_s·F_s, p = (1, 0, 0.15, 1)/2.15, F_s = Σ(VID + 10⁻⁷)/Σ(VIND + 10⁻⁷) over the windows of scale s.

    Scales and windows as in vifp (N = 17, 9, 5, 3 taps, σ = N/5, 'valid', halved between), σ_n² = 0.005·255². Per window,
    g = σ_XF/(σ_X² + 10⁻¹⁰) and σ_v² = σ_F² − g σ_XF with vifp's cases for flat windows and g < 0; the source with the smaller
    g is taken (the visible one where equal): VID = log10(1 + g² σ_X²/(σ_v² + σ_n²)), VIND = log10(1 + σ_X²/σ_n²).

    Parameters: H×W arrays of levels 0..255. Range 0…∞, mostly below 1, higher is better. Minimum size 41×41. Constant images: finite,
    1 where both sources are (10⁻⁷/10⁻⁷). Source: Y. Han, Y. Cai, Y. Cao, X. Xu, Information Fusion 14(2), 2013. Not what tables after 2022 call "VIF" (the sum of two vifp).
    """
    if min(fused.shape) < MINIMUM_SIZE:
        raise Undefined(
            f"VIFF needs at least {MINIMUM_SIZE}×{MINIMUM_SIZE} px, got {fused.shape[1]}×{fused.shape[0]}"
        )
    images = [np.ascontiguousarray(image, dtype=np.float64) for image in (infrared, visible, fused)]
    value = 0.0
    for scale, weight in enumerate(SCALE_WEIGHTS):
        size = 2 ** (4 - scale) + 1
        taps = gaussian_taps(size, size / 5.0)
        if scale:
            images = [_filtered_and_halved(image, taps) for image in images]
        if weight == 0.0:
            continue
        rows, inner = images[0].shape[0] - size + 1, images[0].shape[1] - size + 1
        sums = np.zeros(2)
        for first, last in strips(rows, images[0].shape[1]):
            moments = np.empty((last - first, COUNT, inner))
            filtered_moments(*images, taps, first, last, moments)
            sums += _information(moments, NOISE_VARIANCE)
        value += weight * float(sums[0] / sums[1])
    return value
