"""Fusion artefacts after Petrovic and Kumar: Nabf (noise added by the fusion), Labf (information lost), Qabf (kept).

Sources: V. Petrovic, C. Xydeas, "Objective image fusion performance characterisation", ICCV 2005; B. K. Shreyamsha Kumar,
"Multifocus and multispectral image fusion based on pixel significance using discrete cosine harmonic wavelet transform",
Signal, Image and Video Processing 7, 2013 (the corrected artefact measure).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .elementary import arctangent, exponential
from .kernels import kernel
from .undefined import Undefined

__all__ = ["EdgeBalance", "edge_balance", "labf", "nabf", "nabf_petrovic", "qabf_petrovic"]

_PI_2 = math.pi / 2


class EdgeBalance(NamedTuple):
    """What becomes of the sources' edges: with Nabf of Kumar, qabf + labf + nabf = 1."""

    qabf: float
    labf: float
    nabf: float
    nabf_petrovic: float


@kernel
def _gradient_row(padded, row, squared, angle):  # type: ignore[no-untyped-def]
    """64·g² (an exact integer) and orientation of one row; `padded` has a frame of one pixel."""
    above, here, below = padded[row], padded[row + 1], padded[row + 2]
    for c in range(squared.size):
        nw, n, ne = np.int32(above[c]), np.int32(above[c + 1]), np.int32(above[c + 2])
        w, e = np.int32(here[c]), np.int32(here[c + 2])
        sw, s, se = np.int32(below[c]), np.int32(below[c + 1]), np.int32(below[c + 2])
        dx = (ne - nw) + 2 * (e - w) + (se - sw)
        dy = (sw - nw) + 2 * (s - n) + (se - ne)
        squared[c] = dx * dx + dy * dy
        # The angle against the vertical: where there is no gradient it is 0, and only there it matters which axis that is.
        slope = arctangent(np.float64(dx), np.float64(dy) if dy != 0 else 1.0)
        upright = _PI_2 if dx > 0 else -_PI_2
        angle[c] = slope if dy != 0 else (upright if dx != 0 else 0.0)


@kernel
def _balance_sums(infrared, visible, fused, unit, weak, from_both):  # type: ignore[no-untyped-def]
    """Column sums of (Q·w, loss, Kumar's artefacts, Petrovic's artefacts, w); the images have a frame of one pixel."""
    height, width = fused.shape[0] - 2, fused.shape[1] - 2
    squared = np.empty((3, width), np.int32)
    angle = np.empty((3, width))
    sums = np.zeros((5, width))
    for row in range(height):
        _gradient_row(infrared, row, squared[0], angle[0])
        _gradient_row(visible, row, squared[1], angle[1])
        _gradient_row(fused, row, squared[2], angle[2])
        for c in range(width):
            kept = 0.0
            missing = 0.0
            not_kept = 0.0
            weight = 0.0
            for source in range(2):
                smaller = np.float64(min(squared[source, c], squared[2, c]))
                larger = np.float64(max(squared[source, c], squared[2, c]))
                strength = np.sqrt(smaller) / np.sqrt(larger if larger > 0.0 else 1.0)
                turn = abs(angle[source, c] - angle[2, c])
                orientation = abs(turn - _PI_2) / _PI_2
                q_strength = 0.9999 / (1.0 + exponential(-19.0 * (strength - 0.5)))
                q_orientation = 0.9995 / (1.0 + exponential(-22.0 * (orientation - 0.5)))
                q = np.sqrt(q_strength * q_orientation)
                g = np.sqrt(np.float64(squared[source, c])) * unit / 8.0
                w = g * np.sqrt(g) if g >= 2.0 else weak
                kept += q * w
                missing += (1.0 - q) * w
                not_kept += 1.0 - q
                weight += w
            # Stronger in the fused image than in both sources: an artefact. Otherwise what is missing was lost.
            added = squared[2, c] > squared[0, c] and squared[2, c] > squared[1, c]
            sums[0, c] += kept
            below = squared[2, c] <= squared[0, c] and squared[2, c] <= squared[1, c]
            lost = below if from_both else not added
            sums[1, c] += missing if lost else 0.0
            sums[2, c] += missing if added else 0.0
            sums[3, c] += not_kept * weight if added else 0.0
            sums[4, c] += weight
    return sums.sum(axis=1)


def edge_balance(
    infrared: NDArray[np.uint8],
    visible: NDArray[np.uint8],
    fused: NDArray[np.uint8],
    *,
    white: float = 255.0,
    weak_weight: float = 0.001,
    lost_from_both: bool = False,
) -> EdgeBalance:
    """Qabf, Labf and Nabf of one fused image, in one pass.

    Sobel gradients over 8 with mirrored borders (edge pixel not repeated); g magnitude, α = atan(g_x/g_y),
    0 where both are 0. For a source X:
    G = min(g_X, g_F)/max(g_X, g_F) (0 where either is 0), A = | |α_X − α_F| − π/2 |·2/π,
    Q = √(0.9999/(1 + e^(−19(G − 0.5))) · 0.9995/(1 + e^(−22(A − 0.5)))), w = g_X^1.5 where g_X ≥ 2 and 0.001 elsewhere.
    Over all pixels, divided by Σ(w_A + w_B): qabf = Σ(Q_A w_A + Q_B w_B); with artefacts where g_F > g_A and g_F > g_B:
    nabf = Σ_artefact((1 − Q_A) w_A + (1 − Q_B) w_B), labf = the same over the other pixels,
    nabf_petrovic = Σ_artefact (2 − Q_A − Q_B)(w_A + w_B).

    Parameters: H×W uint8, H and W at least 2. `white`: the value of level 255; the threshold g ≥ 2 belongs to 255.
    With 1.0, images on [0, 1], every weight is 0.001. `weak_weight`: w below the threshold (`ivif-zoo`: 0). `lost_from_both`: an
    edge is lost only where g_F ≤ g_A and g_F ≤ g_B (`ivif-zoo`); what lies between the sources' strengths then counts nowhere. Range 0…1 (nabf_petrovic 0…2); higher is better
    for qabf, lower for the others. Constant images are finite: qabf ≈ 0.0086, labf ≈ 0.9914.
    The `linfeng` tables pass (ir, visible, fused) to a function of (fused, ir, visible): as published, its Nabf is
    ``edge_balance(visible, fused, infrared).nabf``.
    """
    if min(fused.shape) < 2:
        raise Undefined(
            f"Nabf, Labf and Petrovic's Qabf need at least 2×2 px, got {fused.shape[0]}×{fused.shape[1]}"
        )
    padded = [
        np.pad(np.asarray(image, dtype=np.uint8), 1, mode="reflect") for image in (infrared, visible, fused)
    ]
    kept, lost, added, added_petrovic, weight = _balance_sums(
        *padded, white / 255.0, weak_weight, lost_from_both
    )
    if weight == 0.0:
        raise Undefined(
            "no source has an edge of strength 2 or more: Nabf and Labf are 0/0 without weak edges"
        )
    return EdgeBalance(*(float(value / weight) for value in (kept, lost, added, added_petrovic)))


def nabf(infrared: NDArray[np.uint8], visible: NDArray[np.uint8], fused: NDArray[np.uint8]) -> float:
    """Nabf = Σ_artefact((1 − Q_A) w_A + (1 − Q_B) w_B)/Σ(w_A + w_B): share of the edge weight that the fusion invented; see `edge_balance`.

    Range 0…1, lower is better. Minimum size 2×2. Constant images: finite, 0 where the fused one is. Source: B. K. Shreyamsha Kumar,
    Signal, Image and Video Processing 7, 2013.
    """
    return edge_balance(infrared, visible, fused).nabf


def labf(infrared: NDArray[np.uint8], visible: NDArray[np.uint8], fused: NDArray[np.uint8]) -> float:
    """Labf = Σ_other((1 − Q_A) w_A + (1 − Q_B) w_B)/Σ(w_A + w_B): share of the sources' edge weight that the fusion lost; see `edge_balance`.

    Range 0…1, lower is better. Minimum size 2×2. Constant images: finite, 0.99 where all are. Source: V. Petrovic, C. Xydeas, ICCV 2005.
    """
    return edge_balance(infrared, visible, fused).labf


def nabf_petrovic(infrared: NDArray[np.uint8], visible: NDArray[np.uint8], fused: NDArray[np.uint8]) -> float:
    """Nabf_petrovic = Σ_artefact (2 − Q_A − Q_B)(w_A + w_B)/Σ(w_A + w_B): Nabf as it was defined first; see `edge_balance`.

    Range 0…2, lower is better. Minimum size 2×2. Constant images: finite, 0 where the fused one is, near 2 where both sources are and
    the fused one isn't. Source: V. Petrovic, C. Xydeas, ICCV 2005.
    """
    return edge_balance(infrared, visible, fused).nabf_petrovic


def qabf_petrovic(infrared: NDArray[np.uint8], visible: NDArray[np.uint8], fused: NDArray[np.uint8]) -> float:
    """Qabf_petrovic = Σ(Q_A w_A + Q_B w_B)/Σ(w_A + w_B), with the constants and weights of Petrovic's analysis; see `edge_balance`.

    Range 0…1, higher is better. Minimum size 2×2. Constant images: finite, 0.01 where all are. Source: V. Petrovic, C. Xydeas, ICCV 2005.
    """
    return edge_balance(infrared, visible, fused).qabf
