"""log2 as straight-line code that a compiler can vectorise, within 1 unit in the last place of libm.

The reduction and the polynomial are the classical ones (x = 2^k·m with m in [√½, √2], s = (m − 1)/(m + 1), an odd minimax
polynomial in s; coefficients as published with FreeBSD's msun library, Sun Microsystems 1993).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .kernels import inline_kernel, kernel

_LOG2_E = 1.4426950408889634
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD


@intrinsic  # type: ignore[untyped-decorator]
def bits_of(_typing: Any, _value: Any) -> Any:
    """The bits of a float64 as an int64. In registers: the detour of an array's `view` would keep a loop from being vectorised."""
    return types.int64(types.float64), lambda _c, builder, _s, args: builder.bitcast(args[0], ir.IntType(64))


@intrinsic  # type: ignore[untyped-decorator]
def float_of(_typing: Any, _bits: Any) -> Any:
    """The float64 that an int64's bits mean."""
    return types.float64(types.int64), lambda _c, builder, _s, args: builder.bitcast(args[0], ir.DoubleType())


@inline_kernel
def binary_logarithm(x):  # type: ignore[no-untyped-def]
    """log2 of a positive normal float64."""
    shifted = bits_of(x) - np.int64(_ROOT_HALF_BITS)
    exponent = np.float64(shifted >> np.int64(52))
    f = float_of((shifted & np.int64(0xFFFFFFFFFFFFF)) + np.int64(_ROOT_HALF_BITS)) - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = 1.531383769920937332e-01 + z * 1.479819860511658591e-01
    p = 2.222219843214978396e-01 + z * (1.818357216161805012e-01 + z * p)
    p = 6.666666666666735130e-01 + z * (3.999999999940941908e-01 + z * (2.857142874366239149e-01 + z * p))
    return exponent + (f - s * (f - z * p)) * _LOG2_E


@kernel
def binary_logarithms(values):  # type: ignore[no-untyped-def]
    """Replace `values` (contiguous, positive, normal) by their log2."""
    for i in range(values.size):
        values[i] = binary_logarithm(values[i])
