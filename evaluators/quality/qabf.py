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
def _preservation(ga, qa, aa, gf, qf, af, wrapped, weighted, weight):  # type: ignore[no-untyped-def]
    """Add Q·g and g of one source's row to the column sums."""
    for c in range(ga.size):
        x, y = ga[c], gf[c]
        smaller, larger = min(x, y), max(x, y)
        divisor = larger if larger > 0.0 else 1.0
        # Equal strengths: the published code takes g_F itself where 1 is meant (the sigmoid saturates either way, except at 0).
        strength = y if qa[c] == qf[c] else smaller / divisor
        turn = abs(aa[c] - af[c])
        turn = _HALF_PI - abs(turn - _HALF_PI) if wrapped else turn
        orientation = 1.0 - turn / _HALF_PI
        strength = min(strength, 20.0)
        q_strength = 0.9994 / (1.0 + exponential(-15.0 * (strength - 0.5)))
        q_orientation = 0.9879 / (1.0 + exponential(-22.0 * (orientation - 0.8)))
        weighted[c] += q_strength * q_orientation * x
        weight[c] += x


@kernel
def _qabf_sums(infrared, visible, fused, wrapped):  # type: ignore[no-untyped-def]
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
                          wrapped, weighted, weight)  # fmt: skip
    return weighted.sum(), weight.sum()


def qabf(infrared: UInt8, visible: UInt8, fused: UInt8, *, wrapped: bool = False) -> float:
    """Qabf = Σ (Q^AF g_A + Q^BF g_B) / Σ (g_A + g_B), Q = Q_g·Q_α.

    Sobel gradients with zero padding; g magnitude, α = atan(S_y/S_x) (π/2 where S_x = 0); G = min/max of the magnitudes (g_F itself where they are equal),
    A = 1 − |α_X − α_F|/(π/2); Q_g = 0.9994/(1+e^{−15(G−0.5)}), Q_α = 0.9879/(1+e^{−22(A−0.8)}). `wrapped`: orientations differ modulo π (mended), where
    the published code lets A fall to −1.

    Parameters: H×W uint8. Range about 0…0.99 (higher is better); no minimum size. Raises ``Undefined`` where both sources are
    zero everywhere (0/0; other constant images have edges at the zero padding).
    """
    padded = [np.pad(image, 1) for image in (infrared, visible, fused)]
    weighted, weight = _qabf_sums(*padded, wrapped)
    if weight == 0.0:
        raise Undefined("both sources are zero everywhere: Qabf is 0/0")
    return float(weighted / weight)
