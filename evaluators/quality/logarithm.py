"""log2 of whole arrays as straight-line code that a compiler can vectorise, within 1 unit in the last place of libm.

The reduction and the polynomial are the classical ones (x = 2^k·m with m in [√½, √2], s = (m − 1)/(m + 1), an odd minimax
polynomial in s; coefficients as published with FreeBSD's msun library, Sun Microsystems 1993).
"""

from __future__ import annotations

import numpy as np

from .kernels import kernel

_LOG2_E = 1.4426950408889634
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD


@kernel
def _split(values, bits, exponents):  # type: ignore[no-untyped-def]
    """values = 2^exponents·m: the exponents as floats, m as its bits."""
    raw = values.view(np.int64)
    for i in range(values.size):
        shifted = raw[i] - np.int64(_ROOT_HALF_BITS)
        exponents[i] = shifted >> np.int64(52)
        bits[i] = (shifted & np.int64(0xFFFFFFFFFFFFF)) + np.int64(_ROOT_HALF_BITS)


@kernel
def _join(mantissas, exponents, values):  # type: ignore[no-untyped-def]
    for i in range(values.size):
        f = mantissas[i] - 1.0
        s = f / (2.0 + f)
        z = s * s
        p = 1.531383769920937332e-01 + z * 1.479819860511658591e-01
        p = 2.222219843214978396e-01 + z * (1.818357216161805012e-01 + z * p)
        p = 6.666666666666735130e-01 + z * (3.999999999940941908e-01 + z * (2.857142874366239149e-01 + z * p))
        values[i] = exponents[i] + (f - s * (f - z * p)) * _LOG2_E


@kernel
def binary_logarithms(values, bits, exponents):  # type: ignore[no-untyped-def]
    """Replace `values` (contiguous, positive, normal) by their log2.

    `bits` (int64) and `exponents` (float64) are work space of the same length. Two loops, because LLVM does not
    vectorise a loop that turns a computed integer's bits into a float.
    """
    _split(values, bits, exponents)
    _join(bits.view(np.float64), exponents, values)
