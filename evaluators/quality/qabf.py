"""Qabf: how much of the sources' edge strength and orientation survives in the fused image (Xydeas and Petrovic).

Sources: C. S. Xydeas, V. Petrovic, "Objective image fusion performance measure", Electronics Letters 36(4), 2000, with the constants and
simplifications (weights = gradient magnitude, no orientation wrap) of the implementation that the field's tables use.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from .edges import acute_angle, gradients, lengths
from .kernels import inline_kernel, kernel
from .simd import WIDTH, larger, load, magnitude, select, smaller, splat, store
from .simd_functions import exponential
from .undefined import Undefined

UInt8 = npt.NDArray[np.uint8]

STRENGTH = (0.9994, 15.0, 0.5)
"""Γ, κ, σ of the edge-strength sigmoid."""
ORIENTATION = (0.9879, 22.0, 0.8)
"""Γ, κ, σ of the edge-orientation sigmoid."""
_HALF_PI = math.pi / 2


@inline_kernel
def _upright(dx, dy):  # type: ignore[no-untyped-def]
    """Gradients turned by half a circle where that takes atan(dy/dx), π/2 where dx = 0, to be their angle; (0, 1) where there is none."""
    turned = dx < 0.0
    x, y = select(turned, 0.0 - dx, dx), select(turned, 0.0 - dy, dy)
    vertical = select(y == 0.0, splat(1.0), magnitude(y))
    return x, select(x == 0.0, vertical, y)


@inline_kernel
def _preserved(x, y, g, fx, fy, gf, wrapped, equal_gain):  # type: ignore[no-untyped-def]
    """Q of one source in eight pixels, from upright gradients and their lengths."""
    # Equal strengths: the published code takes g_F itself where 1 is meant.
    equal = gf * equal_gain if equal_gain > 0.0 else splat(1.0)
    strength = smaller(select(g == gf, equal, smaller(g, gf) / larger(g, gf)), splat(20.0))
    dot = x * fx + y * fy
    turn = acute_angle(magnitude(x * fy - y * fx), magnitude(dot))
    if not wrapped:
        turn = select(dot < 0.0, math.pi - turn, turn)
    orientation = 1.0 - turn * (1.0 / _HALF_PI)
    strong, aligned = exponential(-15.0 * (strength - 0.5)), exponential(-22.0 * (orientation - 0.8))
    return (0.9994 * 0.9879) / ((1.0 + strong) * (1.0 + aligned))


@kernel
def _add_row(dx, dy, wrapped, equal_gain, sums):  # type: ignore[no-untyped-def]
    """Add Q·g and g of both sources to the sums down the columns; dx, dy: gradients of infrared, visible and fused."""
    for c in range(0, sums.shape[1], WIDTH):
        fx, fy = load(dx[2], c), load(dy[2], c)
        gf = lengths(fx, fy)
        fx, fy = _upright(fx, fy)
        weighted, weight = load(sums[0], c), load(sums[1], c)
        for source in range(2):
            x, y = load(dx[source], c), load(dy[source], c)
            g = lengths(x, y)
            x, y = _upright(x, y)
            weighted = weighted + _preserved(x, y, g, fx, fy, gf, wrapped, equal_gain) * g
            weight = weight + g
        store(sums[0], c, weighted)
        store(sums[1], c, weight)


@kernel
def _qabf_sums(infrared, visible, fused, wrapped, equal_gain):  # type: ignore[no-untyped-def]
    """(Σ Q·g, Σ g) over both sources; the images are zero-padded by one pixel on each side."""
    height, width = fused.shape[0] - 2, fused.shape[1] - 2
    whole = (width + WIDTH - 1) // WIDTH * WIDTH
    dx, dy, sums = np.zeros((3, whole)), np.zeros((3, whole)), np.zeros((2, whole))
    for row in range(height):
        gradients(infrared, row, dx[0], dy[0])
        gradients(visible, row, dx[1], dy[1])
        gradients(fused, row, dx[2], dy[2])
        _add_row(dx, dy, wrapped, equal_gain, sums)
    return sums[0].sum(), sums[1].sum()


@kernel
def _unit_gradients(framed, row, dx, dy):  # type: ignore[no-untyped-def]
    """Sobel gradients of one row of a float image, the terms added in the order of MATLAB's conv2 (down each kernel column)."""
    above, here, below = framed[row], framed[row + 1], framed[row + 2]
    for c in range(framed.shape[1] - 2):
        nw, n, ne = above[c], above[c + 1], above[c + 2]
        w, e = here[c], here[c + 2]
        sw, s, se = below[c], below[c + 1], below[c + 2]
        dx[c] = ((((-se - 2.0 * e) - ne) + sw) + 2.0 * w) + nw
        dy[c] = ((((se - ne) + 2.0 * s) - 2.0 * n) + sw) - nw


@kernel
def _unit_qabf_sums(infrared, visible, fused):  # type: ignore[no-untyped-def]
    """As `_qabf_sums`, for float images, equality of strengths decided in floating point."""
    height, width = fused.shape[0] - 2, fused.shape[1] - 2
    whole = (width + WIDTH - 1) // WIDTH * WIDTH
    dx, dy, sums = np.zeros((3, whole)), np.zeros((3, whole)), np.zeros((2, whole))
    for row in range(height):
        _unit_gradients(infrared, row, dx[0], dy[0])
        _unit_gradients(visible, row, dx[1], dy[1])
        _unit_gradients(fused, row, dx[2], dy[2])
        _add_row(dx, dy, False, 1.0, sums)
    return sums[0].sum(), sums[1].sum()


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
