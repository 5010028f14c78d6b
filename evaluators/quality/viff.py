"""VIFF: visual information fidelity for fusion (Han, Cai, Cao & Xu, Information Fusion 14(2), 2013)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .vif import Information, information

__all__ = ["viff", "viff_of_scales"]

SCALE_WEIGHTS = (1.0 / 2.15, 0.0, 0.15 / 2.15, 1.0 / 2.15)
_LOG10_2 = math.log10(2.0)


def viff_of_scales(scales: list[Information]) -> float:
    """`viff` from what `information` gives."""
    value = 0.0
    for scale, weight in zip(scales, SCALE_WEIGHTS, strict=True):
        kept, whole = (_LOG10_2 * bits + 1e-7 * scale.windows for bits in scale.chosen)
        value += weight * kept / whole
    return value


def viff(infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]) -> float:
    """VIFF = Σ_s p_s·F_s, p = (1, 0, 0.15, 1)/2.15, F_s = Σ(VID + 10⁻⁷)/Σ(VIND + 10⁻⁷) over the windows of scale s.

    Scales and windows as in vifp (N = 17, 9, 5, 3 taps, σ = N/5, 'valid', halved between), σ_n² = 0.005·255². Per window,
    g = σ_XF/(σ_X² + 10⁻¹⁰) and σ_v² = σ_F² − g σ_XF with vifp's cases for flat windows and g < 0; the source with the smaller
    g is taken (the visible one where equal): VID = log10(1 + g² σ_X²/(σ_v² + σ_n²)), VIND = log10(1 + σ_X²/σ_n²).

    Parameters: H×W arrays of levels 0..255. Range 0…∞, mostly below 1, higher is better. Minimum size 41×41. Constant images: finite,
    1 where both sources are (10⁻⁷/10⁻⁷). Source: Y. Han, Y. Cai, Y. Cao, X. Xu, Information Fusion 14(2), 2013. Not what tables after 2022 call "VIF" (the sum of two vifp).
    """
    return viff_of_scales(information(infrared, visible, fused))
