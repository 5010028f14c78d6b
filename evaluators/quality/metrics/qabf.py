"""Qabf: how much of the sources' edge strength and orientation survives in the fused image.

Source: C. S. Xydeas, V. Petrovic, "Objective image fusion performance measure", Electronics Letters 36(4),
2000, with the constants and simplifications (weights = gradient magnitude, no orientation wrap) of the code
behind the field's tables.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..undefined import Undefined
from .features import sobel
from .windows import Real

UInt8 = npt.NDArray[np.uint8]


class Edges(NamedTuple):
    """Strength g = √(s_x² + s_y²) and orientation α = atan(s_y/s_x) of every pixel, α = π/2 where s_x = 0."""

    strength: Real
    orientation: Real


def edges_of(sx: Real, sy: Real) -> Edges:
    """Equations 1 and 2."""
    slope = np.divide(sy, sx, out=np.full_like(sx, np.inf), where=sx != 0)
    return Edges(np.sqrt(sx * sx + sy * sy), np.arctan(slope))


def kept(source: Edges, fused: Edges, *, wrapped: bool, equal_gain: float) -> Real:
    """Q^XF = Q_g·Q_α of every pixel (equations 3 to 7)."""
    larger = np.maximum(source.strength, fused.strength)
    ratio = np.divide(
        np.minimum(source.strength, fused.strength), larger, out=np.zeros_like(larger), where=larger > 0
    )
    # Equal strengths: the published code takes g_F itself where 1 is meant.
    equal = fused.strength * equal_gain if equal_gain else 1.0
    g = np.where(source.strength == fused.strength, equal, ratio)
    turn = np.abs(source.orientation - fused.orientation)
    if wrapped:
        turn = np.pi / 2.0 - np.abs(turn - np.pi / 2.0)
    a = 1.0 - turn / (np.pi / 2.0)
    q_strength = 0.9994 / (1.0 + np.exp(-15.0 * (g - 0.5)))
    return np.asarray(q_strength * 0.9879 / (1.0 + np.exp(-22.0 * (a - 0.8))))


def weighted_mean(edges: list[Edges], *, wrapped: bool = False, equal_gain: float = 1.0) -> float:
    """Σ(Q^AF g_A + Q^BF g_B)/Σ(g_A + g_B) (equation 8 with L = 1). ``Undefined`` where both sources have no
    edge.
    """
    *sources, fused = edges
    weight = sum(float(source.strength.sum()) for source in sources)
    if weight == 0.0:
        raise Undefined("both sources are zero everywhere: Qabf is 0/0")
    total = 0.0
    for source in sources:
        q = kept(source, fused, wrapped=wrapped, equal_gain=equal_gain)
        total += float((q * source.strength).sum())
    return total / weight


def qabf(
    infrared: UInt8, visible: UInt8, fused: UInt8, *, wrapped: bool = False, equal_gain: float = 1.0
) -> float:
    """Qabf = Σ(Q^AF g_A + Q^BF g_B)/Σ(g_A + g_B), Q = 0.9994/(1+e^(−15(G−0.5)))·0.9879/(1+e^(−22(A−0.8))).

    Sobel gradients with zeros beyond the border; G = min/max of the strengths, A = 1 − |α_X − α_F|/(π/2).
    `wrapped`: orientations differ modulo π (mended), where the published code lets A fall to −1.
    `equal_gain`: where the strengths are equal G is `equal_gain`·g_F, as published (1; VIFB's value is that
    of any gain from 2 on); 0 mends it, G = 1. Range 0…0.99, higher is better. Minimum size 1×1. Constant
    images: finite, since they have edges at the zero border; ``Undefined`` where both sources are zero
    everywhere (0/0). Source: C. S. Xydeas, V. Petrovic, Electronics Letters 36(4), 2000.

    >>> image = np.uint8([[10, 10, 90], [10, 10, 90]])
    >>> round(qabf(image, image, image), 4)
    0.9753
    """
    edges = []
    for image in (infrared, visible, fused):
        gx, gy = sobel(image)
        edges.append(edges_of(-gx, gy))  # a true convolution turns the horizontal mask around
    return weighted_mean(edges, wrapped=wrapped, equal_gain=equal_gain)


def qabf_unit_range(infrared: UInt8, visible: UInt8, fused: UInt8) -> float:
    """Qabf of the images divided by 255 (linfeng-legacy): the same formula, but G = g_F at equality is far
    below 1.

    Which strengths count as equal, and which gradients as vertical, is decided by the last bit of a float64
    sum. So the sums run in the order of MATLAB's conv2: down each column of the mask.
    """
    edges = []
    for image in (infrared, visible, fused):
        framed = np.pad(image / 255.0, 1)
        nw, n, ne = framed[:-2, :-2], framed[:-2, 1:-1], framed[:-2, 2:]
        w, e = framed[1:-1, :-2], framed[1:-1, 2:]
        sw, s, se = framed[2:, :-2], framed[2:, 1:-1], framed[2:, 2:]
        sx = ((((-se - 2.0 * e) - ne) + sw) + 2.0 * w) + nw
        sy = ((((se - ne) + 2.0 * s) - 2.0 * n) + sw) - nw
        edges.append(edges_of(sx, sy))
    return weighted_mean(edges)
