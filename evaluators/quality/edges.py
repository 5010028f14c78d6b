"""Sobel gradients of three images and how alike two of them are: what Qabf and the measures of fusion artefacts share."""

from __future__ import annotations

import math

import numpy as np

from .kernels import inline_kernel, kernel
from .simd import larger, root, select, smaller

__all__ = ["acute_angle", "gradients", "lengths"]

_PI_2 = math.pi / 2
_PI_2_TAIL = 6.123233995736766e-17


@kernel
def gradients(framed, row, dx, dy):  # type: ignore[no-untyped-def]
    """Sobel gradients of one row of a uint8 image with a frame of one pixel, as true convolutions with [−1 0 1]: dx to the left, dy downwards."""
    above, here, below = framed[row], framed[row + 1], framed[row + 2]
    for c in range(framed.shape[1] - 2):
        nw, n, ne = np.int32(above[c]), np.int32(above[c + 1]), np.int32(above[c + 2])
        w, e = np.int32(here[c]), np.int32(here[c + 2])
        sw, s, se = np.int32(below[c]), np.int32(below[c + 1]), np.int32(below[c + 2])
        dx[c] = (nw - ne) + 2 * (w - e) + (sw - se)
        dy[c] = (sw - nw) + 2 * (s - n) + (se - ne)


@inline_kernel
def lengths(dx, dy):  # type: ignore[no-untyped-def]
    """√(dx² + dy²)."""
    return root(dx * dx + dy * dy)


@inline_kernel
def acute_angle(cross, dot):  # type: ignore[no-untyped-def]
    """The angle in [0, π/2] between two lines with the given |cross| and |dot| product, not both 0.

    atan of the smaller over the larger by the rational approximation of the Cephes library (S. L. Moshier; public), within 2 units in the last place.
    """
    low, high = smaller(cross, dot), larger(cross, dot)
    middle = low > 0.66 * high
    y = select(middle, low - high, low) / select(middle, low + high, high)
    z = y * y
    p = (((-8.750608600031904122785e-1 * z - 1.615753718733365076637e1) * z - 7.500855792314704667340e1) * z
         - 1.228866684490136173410e2) * z - 6.485021904942025371773e1  # fmt: skip
    q = ((((z + 2.485846490142306297962e1) * z + 1.650270098316988542046e2) * z + 4.328810604912902668951e2) * z
         + 4.853903996359136964868e2) * z + 1.945506571482613964425e2  # fmt: skip
    angle = y * (z * p / q) + y
    angle = select(middle, 0.5 * _PI_2 + (angle + 0.5 * _PI_2_TAIL), angle)
    return select(cross > dot, _PI_2 - (angle - _PI_2_TAIL), angle)
