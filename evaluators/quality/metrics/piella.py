"""Piella's Qs, Qw and Qe: SSIM with both sources, weighted by where the sources have their variance.

Source: G. Piella, H. Heijmans, "A new quality metric for image fusion", ICIP 2003. Windows and constants are
those of the MATLAB family: 11×11 Gaussian, σ = 1.5, windows inside the image, L = 255.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from ..undefined import Undefined, require_size
from .windows import Real, floats, gaussian_taps, valid

UInt8 = npt.NDArray[np.uint8]
SIZE = 11
FLAT = 1e-9
"""Variances below are rounding noise of a flat window (true ones of integer levels are larger); they count
as 0.
"""
C1, C2 = (0.01 * 255.0) ** 2, (0.03 * 255.0) ** 2


class Weighted(NamedTuple):
    """Qs and Qw of one fused image; Qw is NaN where no window of either source has any variance."""

    qs: float
    qw: float


def weighted(infrared: UInt8, visible: UInt8, fused: UInt8) -> Weighted:
    """Qs = mean q and Qw = Σ w·q/Σ w over all windows: q = λ·SSIM(A,F) + (1 − λ)·SSIM(B,F), w = max(σ_A²,
    σ_B²).

    λ = σ_A²/(σ_A² + σ_B²), ½ where both are 0 (equations 5 and 6). H×W of any type, at least 11×11
    (``Undefined`` below).
    """
    require_size(fused.shape, SIZE, "Qs, Qw and Qe")
    taps = gaussian_taps(SIZE, 1.5)
    a, b, f = floats(infrared, visible, fused)
    ma, mb, mf = (valid(image, taps) for image in (a, b, f))
    va, vb, vf = (valid(x * x, taps) - m * m for x, m in ((a, ma), (b, mb), (f, mf)))
    similar_a, similar_b = (
        (2.0 * m * mf + C1)
        * (2.0 * (valid(x * f, taps) - m * mf) + C2)
        / ((m * m + mf * mf + C1) * (v + vf + C2))
        for x, m, v in ((a, ma, va), (b, mb, vb))
    )
    va, vb = np.where(va > FLAT, va, 0.0), np.where(vb > FLAT, vb, 0.0)
    share = np.divide(va, va + vb, out=np.full_like(va, 0.5), where=va + vb > 0.0)
    q = share * similar_a + (1.0 - share) * similar_b
    w = np.maximum(va, vb)
    return Weighted(float(q.mean()), float((w * q).sum() / w.sum()) if w.any() else float("nan"))


def edge_maps(*images: UInt8) -> list[Real]:
    """√(gx² + gy²) of the Prewitt masks, zeros beyond the border."""
    mask = np.array([[-1.0, 0.0, 1.0]] * 3)
    maps = []
    for image in floats(*images):
        gx = cv2.filter2D(image, cv2.CV_64F, mask, borderType=cv2.BORDER_CONSTANT)
        gy = cv2.filter2D(image, cv2.CV_64F, mask.T, borderType=cv2.BORDER_CONSTANT)
        maps.append(np.sqrt(gx * gx + gy * gy))
    return maps


def weighted_of_edges(
    infrared: UInt8, visible: UInt8, fused: UInt8, *, of_levels: Callable[..., Weighted] = weighted
) -> float:
    """Qw of the sources' and the fused image's `edge_maps`; NaN where the sources have none (MEFB's "Qw")."""
    return of_levels(*edge_maps(infrared, visible, fused)).qw


def qs(of: Weighted) -> float:
    """Qs = mean of λ·SSIM(A,F) + (1 − λ)·SSIM(B,F), Piella's fusion quality index; see `weighted`.

    Range −1…1, higher is better. Minimum size 11×11. Constant images: finite, 1 where the three are equal.
    Source: G. Piella, H. Heijmans, ICIP 2003.

    >>> image = np.random.default_rng(0).integers(0, 256, (11, 11), dtype=np.uint8)
    >>> round(qs(weighted(image, image, image)), 12)
    1.0
    """
    return of.qs


def qw(value: float, what: str = "Qw") -> float:
    """Qw = Σ w·q/Σ w, Piella's weighted fusion quality index; see `weighted`.

    `value`: a Qw of levels or of edges. Range −1…1, higher is better. Minimum size 11×11. Constant images:
    finite; ``Undefined`` where both sources are (0/0). Source: G. Piella, H. Heijmans, ICIP 2003.

    >>> image = np.random.default_rng(0).integers(0, 256, (11, 11), dtype=np.uint8)
    >>> round(qw(weighted(image, image, image).qw), 12)
    1.0
    """
    if not np.isfinite(value):
        raise Undefined(f"both sources are flat everywhere: the saliency weights of {what} are 0/0")
    return value


def qe(of_levels: float, of_edges: float) -> float:
    """Qe = Qw(A, B, F)·Qw(A', B', F'), X' the Prewitt gradient magnitude: Piella's edge-dependent index (α
    = 1).

    Range −1…1, higher is better. Minimum size 11×11. Constant images: finite; ``Undefined`` where both
    sources are. Source: G. Piella, H. Heijmans, ICIP 2003.

    >>> qe(0.5, 0.5)
    0.25
    """
    return qw(of_levels) * qw(of_edges, "Qe")
