"""ln and log2 as straight-line code that a compiler can vectorise, within 1 unit in the last place of libm.

The reduction and the polynomial are the classical ones (x = 2^k·m with m in [√½, √2], s = (m − 1)/(m + 1), an odd minimax
polynomial in s; coefficients as published with FreeBSD's msun library, Sun Microsystems 1993).
"""

from __future__ import annotations

import numpy as np

from .kernels import inline_kernel, kernel

_LN2 = 0.6931471805599453
_LOG2_E = 1.4426950408889634
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD


@inline_kernel
def _reduced(x: float) -> tuple[float, float]:
    """(k, ln m) of x = 2^k·m, m in [√½, √2). `x`: positive, finite, normal."""
    bits = np.float64(x).view(np.int64) - np.int64(_ROOT_HALF_BITS)
    k = bits >> np.int64(52)
    m = np.int64((bits & np.int64(0xFFFFFFFFFFFFF)) + np.int64(_ROOT_HALF_BITS)).view(np.float64)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    odd = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    even = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01
                + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)))  # fmt: skip
    half_square = 0.5 * f * f
    return np.float64(k), f - (half_square - s * (half_square + odd + even))


@inline_kernel
def natural_logarithm(x: float) -> float:
    """ln x for a positive, finite, normal x."""
    k, rest = _reduced(x)
    return k * _LN2 + rest


@inline_kernel
def binary_logarithm(x: float) -> float:
    """log2 x for a positive, finite, normal x."""
    k, rest = _reduced(x)
    return k + rest * _LOG2_E


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
