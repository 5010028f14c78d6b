"""Qabf: how much of the sources' edge strength and orientation survives in the fused image (Xydeas and Petrovic).

Sources: C. S. Xydeas, V. Petrovic, "Objective image fusion performance measure", Electronics Letters 36(4), 2000, with the constants and
simplifications (weights = gradient magnitude, no orientation wrap) of the implementation that the field's tables use.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from .elementary import arctangent, exponential
from .kernels import kernel
from .undefined import Undefined

UInt8 = npt.NDArray[np.uint8]

STRENGTH = (0.9994, 15.0, 0.5)
"""Γ, κ, σ of the edge-strength sigmoid."""
ORIENTATION = (0.9879, 22.0, 0.8)
"""Γ, κ, σ of the edge-orientation sigmoid."""
_HALF_PI = math.pi / 2


@kernel
def _edges(padded, row, magnitude, squared, angle):  # type: ignore[no-untyped-def]
    """Sobel magnitude, its exact integer square, and orientation of one row; `padded` has a frame of one pixel."""
    above, here, below = padded[row], padded[row + 1], padded[row + 2]
    for c in range(magnitude.size):
        nw, n, ne = np.int32(above[c]), np.int32(above[c + 1]), np.int32(above[c + 2])
        w, e = np.int32(here[c]), np.int32(here[c + 2])
        sw, s, se = np.int32(below[c]), np.int32(below[c + 1]), np.int32(below[c + 2])
        # A true convolution with [−1 0 1] flips the kernel: the sign matters beside vertical edges, whose angle is +π/2 by definition.
        dx = (nw - ne) + 2 * (w - e) + (sw - se)
        dy = (sw - nw) + 2 * (s - n) + (se - ne)
        square = dx * dx + dy * dy
        squared[c] = square
        magnitude[c] = np.sqrt(np.float64(square))
        vertical = dx == 0
        slope_x = 1.0 if vertical else np.float64(dx)
        slope = arctangent(np.float64(dy), slope_x)
        angle[c] = _HALF_PI if vertical else slope


@kernel
def _preservation(ga, qa, aa, gf, qf, af, wrapped, equal_gain, weighted, weight):  # type: ignore[no-untyped-def]
    """Add Q·g and g of one source's row to the column sums; qa and qf are what decides whether two strengths are equal."""
    for c in range(ga.size):
        x, y = ga[c], gf[c]
        smaller, larger = min(x, y), max(x, y)
        divisor = larger if larger > 0.0 else 1.0
        # Equal strengths: the published code takes g_F itself where 1 is meant.
        equal = y * equal_gain if equal_gain > 0.0 else 1.0
        strength = equal if qa[c] == qf[c] else smaller / divisor
        turn = abs(aa[c] - af[c])
        turn = _HALF_PI - abs(turn - _HALF_PI) if wrapped else turn
        orientation = 1.0 - turn / _HALF_PI
        strength = min(strength, 20.0)
        q_strength = 0.9994 / (1.0 + exponential(-15.0 * (strength - 0.5)))
        q_orientation = 0.9879 / (1.0 + exponential(-22.0 * (orientation - 0.8)))
        weighted[c] += q_strength * q_orientation * x
        weight[c] += x


@kernel
def _qabf_sums(infrared, visible, fused, wrapped, equal_gain):  # type: ignore[no-untyped-def]
    """(Σ Q·g, Σ g) over both sources; the images are zero-padded by one pixel on each side."""
    height, width = fused.shape[0] - 2, fused.shape[1] - 2
    magnitude = np.empty((3, width))
    squared = np.empty((3, width), np.int32)
    angle = np.empty((3, width))
    weighted = np.zeros(width)
    weight = np.zeros(width)
    for row in range(height):
        _edges(infrared, row, magnitude[0], squared[0], angle[0])
        _edges(visible, row, magnitude[1], squared[1], angle[1])
        _edges(fused, row, magnitude[2], squared[2], angle[2])
        for source in range(2):
            _preservation(magnitude[source], squared[source], angle[source], magnitude[2], squared[2], angle[2],
                          wrapped, equal_gain, weighted, weight)  # fmt: skip
    return weighted.sum(), weight.sum()


@kernel
def _unit_edges(padded, row, magnitude, angle):  # type: ignore[no-untyped-def]
    """Sobel magnitude and orientation of one row of a float image, the terms added in the order of MATLAB's conv2 (down each kernel column)."""
    above, here, below = padded[row], padded[row + 1], padded[row + 2]
    for c in range(magnitude.size):
        nw, n, ne = above[c], above[c + 1], above[c + 2]
        w, e = here[c], here[c + 2]
        sw, s, se = below[c], below[c + 1], below[c + 2]
        dx = ((((-se - 2.0 * e) - ne) + sw) + 2.0 * w) + nw
        dy = ((((se - ne) + 2.0 * s) - 2.0 * n) + sw) - nw
        magnitude[c] = np.sqrt(dx * dx + dy * dy)
        vertical = dx == 0.0
        slope = arctangent(dy, 1.0 if vertical else dx)
        angle[c] = _HALF_PI if vertical else slope


@kernel
def _unit_qabf_sums(infrared, visible, fused):  # type: ignore[no-untyped-def]
    """As `_qabf_sums`, for float images, equality of strengths decided in floating point."""
    height, width = fused.shape[0] - 2, fused.shape[1] - 2
    magnitude = np.empty((3, width))
    angle = np.empty((3, width))
    weighted = np.zeros(width)
    weight = np.zeros(width)
    for row in range(height):
        _unit_edges(infrared, row, magnitude[0], angle[0])
        _unit_edges(visible, row, magnitude[1], angle[1])
        _unit_edges(fused, row, magnitude[2], angle[2])
        for source in range(2):
            _preservation(magnitude[source], magnitude[source], angle[source], magnitude[2], magnitude[2], angle[2],
                          False, 1.0, weighted, weight)  # fmt: skip
    return weighted.sum(), weight.sum()


def qabf(
    infrared: UInt8, visible: UInt8, fused: UInt8, *, wrapped: bool = False, equal_gain: float = 1.0
) -> float:
    """Qabf = Σ (Q^AF g_A + Q^BF g_B) / Σ (g_A + g_B), Q = Q_g·Q_α.

    Sobel gradients with zero padding; g magnitude, α = atan(S_y/S_x) (π/2 where S_x = 0); G = min/max of the magnitudes,
    A = 1 − |α_X − α_F|/(π/2); Q_g = 0.9994/(1+e^{−15(G−0.5)}), Q_α = 0.9879/(1+e^{−22(A−0.8)}).

    Parameters: H×W uint8. `wrapped`: orientations differ modulo π (mended), where the published code lets A fall to −1. `equal_gain`: where
    the magnitudes are equal G is `equal_gain`·g_F, as published (1; VIFB's value is that of any gain from 2 on); 0 mends it, G = 1.

    Range 0…0.99, higher is better. Minimum size 1×1. Constant images: finite, since they have edges at the zero padding; ``Undefined`` where
    both sources are zero everywhere (0/0). Source: C. S. Xydeas, V. Petrovic, Electronics Letters 36(4), 2000.
    """
    padded = [np.pad(image, 1) for image in (infrared, visible, fused)]
    return _ratio(*_qabf_sums(*padded, wrapped, equal_gain))


def qabf_unit_range(infrared: UInt8, visible: UInt8, fused: UInt8) -> float:
    """Qabf of the images divided by 255 (linfeng-legacy): the same formula, but G = g_F at equality is now far below 1.

    Which pixels count as equal, and which gradients as vertical, is decided by the last bit of a float64 sum, so that sum runs in MATLAB's order.
    """
    padded = [np.pad(image / 255.0, 1) for image in (infrared, visible, fused)]
    return _ratio(*_unit_qabf_sums(*padded))


def _ratio(weighted: float, weight: float) -> float:
    if weight == 0.0:
        raise Undefined("both sources are zero everywhere: Qabf is 0/0")
    return float(weighted / weight)
