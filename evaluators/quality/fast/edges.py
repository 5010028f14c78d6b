"""Qabf in one pass over the rows: `qabf.qabf`."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ..undefined import Undefined
from .compiling import kernel

UInt8 = npt.NDArray[np.uint8]
_HALF_PI = math.pi / 2.0


@kernel
def _exponential(x):  # type: ignore[no-untyped-def]
    """exp(x) for |x| ≤ 700, without branches, so that a loop around it is vectorised.

    Reduction and rational approximation of W. J. Cody, W. Waite, "Software Manual for the Elementary
    Functions", 1980;
    coefficients of the public Cephes library (S. L. Moshier). Within 2 units in the last place.
    """
    n = np.floor(1.4426950408889634 * x + 0.5)
    r = x - n * 6.93145751953125e-1 - n * 1.42860682030941723212e-6
    z = r * r
    p = r * ((1.26177193074810590878e-4 * z + 3.02994407707441961300e-2) * z + 9.99999999999999999910e-1)
    q = (3.00198505138664455042e-6 * z + 2.52448340349684104192e-3) * z + 2.27265548208155028766e-1
    q = q * z + 2.0
    power = np.int64((np.int64(n) + np.int64(1023)) << np.int64(52)).view(np.float64)
    return (1.0 + 2.0 * (p / (q - p))) * power


@kernel
def _arctangent(numerator, denominator):  # type: ignore[no-untyped-def]
    """atan(numerator/denominator), denominator not 0, as `_exponential`."""
    ratio = numerator / denominator
    x = abs(ratio)
    steep = x > 2.414213562373095
    middle = (not steep) and x > 0.66
    shift = (_HALF_PI if steep else 0.0) + (0.5 * _HALF_PI if middle else 0.0)
    above = x - 1.0 if middle else x
    below = x + 1.0 if middle else 1.0
    y = (-1.0 if steep else above) / (x if steep else below)
    z = y * y
    p = (-8.750608600031904122785e-1 * z - 1.615753718733365076637e1) * z - 7.500855792314704667340e1
    p = (p * z - 1.228866684490136173410e2) * z - 6.485021904942025371773e1
    q = ((z + 2.485846490142306297962e1) * z + 1.650270098316988542046e2) * z + 4.328810604912902668951e2
    q = (q * z + 4.853903996359136964868e2) * z + 1.945506571482613964425e2
    value = shift + (y * (z * p / q) + y)
    return -value if ratio < 0.0 else value


@kernel
def _edges(framed, row, strength, orientation):  # type: ignore[no-untyped-def]
    """Sobel strength and orientation of one row of an image with a frame of one zero."""
    above, here, below = framed[row], framed[row + 1], framed[row + 2]
    for c in range(strength.size):
        nw, n, ne = np.int32(above[c]), np.int32(above[c + 1]), np.int32(above[c + 2])
        w, e = np.int32(here[c]), np.int32(here[c + 2])
        sw, s, se = np.int32(below[c]), np.int32(below[c + 1]), np.int32(below[c + 2])
        sx = (nw - ne) + 2 * (w - e) + (sw - se)
        sy = (sw - nw) + 2 * (s - n) + (se - ne)
        strength[c] = math.sqrt(np.float64(sx * sx + sy * sy))
        slope = _arctangent(np.float64(sy), 1.0 if sx == 0 else np.float64(sx))
        orientation[c] = _HALF_PI if sx == 0 else slope


@kernel
def _add_row(strength, orientation, source, wrapped, equal_gain, sums):  # type: ignore[no-untyped-def]
    """Add Q·g and g of a source's row to the sums down the columns; the fused image is the third of the rows."""
    gs, gf, of_source, of_fused = strength[source], strength[2], orientation[source], orientation[2]
    weighted, weight = sums[0], sums[1]
    for c in range(gs.size):
        x, y = gs[c], gf[c]
        larger = max(x, y)
        equal = y * equal_gain if equal_gain > 0.0 else 1.0
        ratio = min(x, y) / (larger if larger > 0.0 else 1.0)
        g = min(equal if x == y else ratio, 20.0)  # Q no longer changes there
        turn = abs(of_source[c] - of_fused[c])
        turn = _HALF_PI - abs(turn - _HALF_PI) if wrapped else turn
        a = 1.0 - turn / _HALF_PI
        q = (
            0.9994
            * 0.9879
            / ((1.0 + _exponential(-15.0 * (g - 0.5))) * (1.0 + _exponential(-22.0 * (a - 0.8))))
        )
        weighted[c] += q * x
        weight[c] += x


@kernel
def _sums(infrared, visible, fused, wrapped, equal_gain):  # type: ignore[no-untyped-def]
    """(Σ Q·g, Σ g) over both sources; the images have a frame of one zero."""
    height, width = fused.shape[0] - 2, fused.shape[1] - 2
    strength, orientation, sums = np.empty((3, width)), np.empty((3, width)), np.zeros((2, width))
    for row in range(height):
        _edges(infrared, row, strength[0], orientation[0])
        _edges(visible, row, strength[1], orientation[1])
        _edges(fused, row, strength[2], orientation[2])
        for source in range(2):
            _add_row(strength, orientation, source, wrapped, equal_gain, sums)
    return sums[0].sum(), sums[1].sum()


def qabf(
    infrared: UInt8, visible: UInt8, fused: UInt8, *, wrapped: bool = False, equal_gain: float = 1.0
) -> float:
    """As `qabf.qabf`."""
    framed = [np.pad(image, 1) for image in (infrared, visible, fused)]
    weighted, weight = _sums(*framed, wrapped, float(equal_gain))
    if weight == 0.0:
        raise Undefined("both sources are zero everywhere: Qabf is 0/0")
    return float(weighted / weight)
