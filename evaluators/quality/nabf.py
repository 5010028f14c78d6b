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

from .edges import acute_angle, gradients, lengths
from .kernels import inline_kernel, kernel
from .simd import WIDTH, larger, load, magnitude, root, select, smaller, splat, store
from .simd_functions import exponential
from .undefined import Undefined

__all__ = ["EdgeBalance", "edge_balance", "labf", "nabf", "nabf_petrovic", "qabf_petrovic"]


class EdgeBalance(NamedTuple):
    """What becomes of the sources' edges: with Nabf of Kumar, qabf + labf + nabf = 1."""

    qabf: float
    labf: float
    nabf: float
    nabf_petrovic: float


@inline_kernel
def _preserved(x, y, g, fx, fy, gf):  # type: ignore[no-untyped-def]
    """Q of one source in eight pixels, from gradients, (0, 1) where there is none, and their lengths."""
    stronger = larger(g, gf)
    strength = smaller(g, gf) / select(stronger > 0.0, stronger, splat(1.0))
    orientation = 1.0 - acute_angle(magnitude(x * fy - y * fx), magnitude(x * fx + y * fy)) * (2.0 / math.pi)
    strong, aligned = exponential(-19.0 * (strength - 0.5)), exponential(-22.0 * (orientation - 0.5))
    return root((0.9999 * 0.9995) / ((1.0 + strong) * (1.0 + aligned)))


@kernel
def _add_row(dx, dy, unit, weak, from_both, sums):  # type: ignore[no-untyped-def]
    """Add to the sums down the columns: Q·w, loss, Kumar's artefacts, Petrovic's artefacts, w; dx, dy: gradients of infrared, visible and fused."""
    zero, one = splat(0.0), splat(1.0)
    for c in range(0, sums.shape[1], WIDTH):
        fx, fy = load(dx[2], c), load(dy[2], c)
        gf = lengths(fx, fy)
        fy = select(gf == 0.0, one, fy)
        strongest, weakest = zero, splat(math.inf)
        kept = missing = not_kept = weight = zero
        for source in range(2):
            x, y = load(dx[source], c), load(dy[source], c)
            g = lengths(x, y)
            strongest, weakest = larger(strongest, g), smaller(weakest, g)
            q = _preserved(x, select(g == 0.0, one, y), g, fx, fy, gf)
            g = g * (unit / 8.0)
            w = select(g < 2.0, splat(weak), g * root(g))
            kept, missing = kept + q * w, missing + (1.0 - q) * w
            not_kept, weight = not_kept + (1.0 - q), weight + w
        # Stronger in the fused image than in both sources: an artefact. Otherwise what is missing was lost.
        added = gf > strongest
        elsewhere = gf > (weakest if from_both else strongest)
        store(sums[0], c, load(sums[0], c) + kept)
        store(sums[1], c, load(sums[1], c) + select(elsewhere, zero, missing))
        store(sums[2], c, load(sums[2], c) + select(added, missing, zero))
        store(sums[3], c, load(sums[3], c) + select(added, not_kept * weight, zero))
        store(sums[4], c, load(sums[4], c) + weight)


@kernel
def _balance_sums(infrared, visible, fused, unit, weak, from_both):  # type: ignore[no-untyped-def]
    """The sums of `_add_row` over all pixels; the images have a frame of one pixel."""
    height, width = fused.shape[0] - 2, fused.shape[1] - 2
    whole = (width + WIDTH - 1) // WIDTH * WIDTH
    dx, dy, sums = np.zeros((3, whole)), np.zeros((3, whole)), np.zeros((5, whole))
    for row in range(height):
        gradients(infrared, row, dx[0], dy[0])
        gradients(visible, row, dx[1], dy[1])
        gradients(fused, row, dx[2], dy[2])
        _add_row(dx, dy, unit, weak, from_both, sums)
    return sums[:, :width].sum(axis=1)


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
