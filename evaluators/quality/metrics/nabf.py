"""Fusion artefacts after Petrovic and Kumar: Nabf (added by the fusion), Labf (lost), Qabf (kept).

Sources: V. Petrovic, C. Xydeas, "Objective image fusion performance characterisation", ICCV 2005; B. K.
Shreyamsha Kumar, "Multifocus and multispectral image fusion based on pixel significance using discrete cosine
harmonic wavelet transform", Signal, Image and Video Processing 7, 2013 (the corrected artefact measure).
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from ..undefined import Undefined, require_size
from .features import sobel
from .windows import Real

UInt8 = npt.NDArray[np.uint8]
THRESHOLD = 2.0
"""Weaker edges have a weight of their own."""


class EdgeBalance(NamedTuple):
    """What becomes of the sources' edges: with Nabf of Kumar, qabf + labf + nabf = 1."""

    qabf: float
    labf: float
    nabf: float
    nabf_petrovic: float


def edge_strength(image: UInt8) -> tuple[Real, Real]:
    """(√(g_x² + g_y²), α = atan(g_x/g_y) modulo π) of Sobel gradients, mirrored borders; α = 0 where there
    is no edge.
    """
    gx, gy = sobel(image, cv2.BORDER_REFLECT_101)
    return np.sqrt(gx * gx + gy * gy), np.arctan2(gx, gy) % np.pi


def preserved(source: tuple[Real, Real], fused: tuple[Real, Real]) -> Real:
    """Q = √(0.9999/(1 + e^(−19(G − 0.5))) · 0.9995/(1 + e^(−22(A − 0.5)))), G = min/max, A = ||α_X − α_F| −
    π/2|·2/π.
    """
    (g, alpha), (gf, alpha_f) = source, fused
    larger = np.maximum(g, gf)
    strength = np.divide(np.minimum(g, gf), larger, out=np.zeros_like(larger), where=larger > 0)
    orientation = np.abs(np.abs(alpha - alpha_f) - np.pi / 2.0) * (2.0 / np.pi)
    strong = 0.9999 / (1.0 + np.exp(-19.0 * (strength - 0.5)))
    return np.sqrt(strong * 0.9995 / (1.0 + np.exp(-22.0 * (orientation - 0.5))))


def edge_balance(
    infrared: UInt8,
    visible: UInt8,
    fused: UInt8,
    *,
    weak_weight: float = 0.001,
    lost_from_both: bool = False,
) -> EdgeBalance:
    """Qabf, Labf and both Nabf of one fused image.

    Weights w_X = g_X^1.5 where g_X ≥ 2 (Sobel/8), `weak_weight` elsewhere. Over all pixels, each divided by
    Σ(w_A + w_B): qabf = Σ(Q_A w_A + Q_B w_B); with artefacts where g_F > g_A and g_F > g_B, nabf =
    Σ_artefact((1 − Q_A)w_A + (1 − Q_B)w_B), labf = the same over the other pixels, nabf_petrovic = Σ_artefact
    (2 − Q_A − Q_B)(w_A + w_B).

    H×W, at least 2×2 (``Undefined`` below). `lost_from_both`: an edge is lost only where g_F ≤ g_A and g_F ≤
    g_B (`ivif-zoo`); what lies between the sources then counts nowhere. Constant images: finite, qabf ≈
    0.0086, labf ≈ 0.9914.
    """
    require_size(fused.shape, 2, "Nabf, Labf and Petrovic's Qabf")
    a, b, f = (edge_strength(image) for image in (infrared, visible, fused))
    qa, qb = preserved(a, f), preserved(b, f)
    wa, wb = (np.where(g / 8.0 >= THRESHOLD, (g / 8.0) ** 1.5, weak_weight) for g in (a[0], b[0]))
    added = (f[0] > a[0]) & (f[0] > b[0])
    lost = (f[0] <= a[0]) & (f[0] <= b[0]) if lost_from_both else ~added
    missing = (1.0 - qa) * wa + (1.0 - qb) * wb
    weight = float((wa + wb).sum())
    if weight == 0.0:
        raise Undefined(
            "no source has an edge of strength 2 or more: Nabf and Labf are 0/0 without weak edges"
        )
    return EdgeBalance(
        qabf=float((qa * wa + qb * wb).sum()) / weight,
        labf=float(missing[lost].sum()) / weight,
        nabf=float(missing[added].sum()) / weight,
        nabf_petrovic=float(((2.0 - qa - qb) * (wa + wb))[added].sum()) / weight,
    )


def nabf(of: EdgeBalance) -> float:
    """Nabf = Σ_artefact((1 − Q_A)w_A + (1 − Q_B)w_B)/Σ(w_A + w_B): edge weight that the fusion invented;
    see `edge_balance`.

    Range 0…1, lower is better. Minimum size 2×2. Constant images: finite, 0 where the fused one is. `linfeng`
    passes (ir, vi, fused) to a function of (fused, ir, vi): as published, its Nabf is that of (visible,
    fused, infrared). Source: B. K. Shreyamsha Kumar, Signal, Image and Video Processing 7, 2013.

    >>> image = np.uint8([[10, 10, 90], [10, 10, 90]])
    >>> nabf(edge_balance(image, image, image))
    0.0
    """
    return of.nabf


def labf(of: EdgeBalance) -> float:
    """Labf = Σ_other((1 − Q_A)w_A + (1 − Q_B)w_B)/Σ(w_A + w_B): edge weight that the fusion lost; see
    `edge_balance`.

    Range 0…1, lower is better. Minimum size 2×2. Constant images: finite, 0.99 where all are.
    Source: V. Petrovic, C. Xydeas, ICCV 2005.

    >>> image = np.uint8([[10, 10, 90], [10, 10, 90]])
    >>> round(labf(edge_balance(image, image, np.full_like(image, 7))), 2)
    1.0
    """
    return of.labf


def nabf_petrovic(of: EdgeBalance) -> float:
    """Nabf_petrovic = Σ_artefact (2 − Q_A − Q_B)(w_A + w_B)/Σ(w_A + w_B): Nabf as first defined; see
    `edge_balance`.

    Range 0…2, lower is better. Minimum size 2×2. Constant images: finite, 0 where the fused one is, near 2
    where both sources are and the fused one isn't. Source: V. Petrovic, C. Xydeas, ICCV 2005.

    >>> image = np.uint8([[10, 10, 90], [10, 10, 90]])
    >>> round(nabf_petrovic(edge_balance(np.full_like(image, 7), np.full_like(image, 9), image)), 1)
    0.7
    """
    return of.nabf_petrovic


def qabf_petrovic(of: EdgeBalance) -> float:
    """Qabf_petrovic = Σ(Q_A w_A + Q_B w_B)/Σ(w_A + w_B), with Petrovic's constants and weights; see
    `edge_balance`.

    Range 0…1, higher is better. Minimum size 2×2. Constant images: finite, 0.01 where all are.
    Source: V. Petrovic, C. Xydeas, ICCV 2005.

    >>> image = np.uint8([[10, 10, 90], [10, 10, 90]])
    >>> round(qabf_petrovic(edge_balance(image, image, image)), 2)
    1.0
    """
    return of.qabf
