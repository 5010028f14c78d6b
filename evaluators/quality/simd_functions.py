"""exp and log2 of eight float64 at once, within 1–2 units in the last place of libm, without branches.

The reductions are the classical ones; log2's minimax polynomial is that of FreeBSD's msun library (Sun Microsystems 1993), exp's
the Taylor polynomial of degree 13 on [−½ ln 2, ½ ln 2].
"""

from __future__ import annotations

import math
from typing import Any

from .simd import INTEGERS, VECTOR, call, constant, integers, intrinsic, lanes

__all__ = ["binary_logarithm", "emit_magnitude_logarithms", "exponential"]

_LN2_HIGH = 6.93145751953125e-1
_LN2_LOW = 1.42860682030941723212e-6
_SHIFTER = 1.5 * 2.0**52  # added to a number, it leaves the nearest integer in the low bits
_ONE_BITS = 1023 << 52
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD
_LOG2_E = 1.4426950408889634
_LOGARITHM = (1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01, 2.222219843214978396e-01,
              2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01)  # fmt: skip


def _polynomial(builder: Any, x: Any, coefficients: tuple[float, ...]) -> Any:
    """Horner's rule, the highest power first."""
    value = constant(coefficients[0])
    for coefficient in coefficients[1:]:
        value = call(builder, "llvm.fma", value, x, constant(coefficient))
    return value


@intrinsic
def exponential(_typing: Any, _x: Any) -> Any:
    """exp(x) for −700 ≤ x ≤ 700."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        shifted = call(builder, "llvm.fma", args[0], constant(_LOG2_E), constant(_SHIFTER))
        n = builder.fneg(builder.fsub(shifted, constant(_SHIFTER)))
        r = call(builder, "llvm.fma", n, constant(_LN2_HIGH), args[0])
        r = call(builder, "llvm.fma", n, constant(_LN2_LOW), r)
        value = _polynomial(builder, r, tuple(1.0 / math.factorial(k) for k in range(13, -1, -1)))
        power = builder.shl(builder.bitcast(shifted, INTEGERS), integers(52))
        return builder.bitcast(builder.add(builder.bitcast(value, INTEGERS), power), VECTOR)

    return lanes(lanes), emit


def _emit_binary_logarithm(builder: Any, x: Any) -> Any:
    shifted = builder.add(builder.bitcast(x, INTEGERS), integers(_ONE_BITS - _ROOT_HALF_BITS))
    mantissa = builder.add(builder.and_(shifted, integers((1 << 52) - 1)), integers(_ROOT_HALF_BITS))
    # The biased exponent as the low bits of 2^52 + exponent.
    exponent = builder.or_(builder.lshr(shifted, integers(52)), integers((1023 + 52) << 52))
    exponent = builder.fsub(builder.bitcast(exponent, VECTOR), constant(2.0**52 + 1023))
    f = builder.fsub(builder.bitcast(mantissa, VECTOR), constant(1.0))
    s = builder.fdiv(f, builder.fadd(f, constant(2.0)))
    z = builder.fmul(s, s)
    p = builder.fmul(z, _polynomial(builder, z, _LOGARITHM))
    natural = builder.fsub(f, builder.fmul(s, builder.fsub(f, p)))
    return call(builder, "llvm.fma", natural, constant(_LOG2_E), exponent)


@intrinsic
def binary_logarithm(_typing: Any, _x: Any) -> Any:
    """log2(x) for positive normal numbers."""
    return lanes(lanes), lambda _c, builder, _s, args: _emit_binary_logarithm(builder, args[0])


_ROOT_2 = math.sqrt(2.0)
_HALVES = 2.0**51  # its unit in the last place is a half
_ODD_LOGARITHM = (0.2445092798897235, 0.2612919032801859, 0.3206219905676373, 0.4121983031689049, 0.5770780180945133,
                  0.9617966939212172, 2.8853900817779308)  # fmt: skip
"""log2((1 + s)/(1 − s))/s in powers of s², the highest first: Remez's polynomial for |s| ≤ (√2 − 1)/(√2 + 1), within 4.4·10⁻¹⁷/s."""


def emit_magnitude_logarithms(builder: Any, values: list[Any]) -> list[Any]:
    """log2|x| of several `Lanes` for code generators, within 2⁻⁵¹ absolutely or 2⁻⁵² relatively, whichever is more; −1023 for zeros.

    Step by step for all of them, so that none has to wait for the one before.
    """
    mantissa_bits, one = integers((1 << 52) - 1), integers(_ONE_BITS)
    exponent_bits, shift = integers(0x7FF << 1), integers(51)
    halves = integers((1023 + 51) << 52)
    bits = [builder.bitcast(x, INTEGERS) for x in values]
    mantissas = [builder.bitcast(builder.or_(builder.and_(b, mantissa_bits), one), VECTOR) for b in bits]
    shifted = [builder.or_(builder.and_(builder.lshr(b, shift), exponent_bits), halves) for b in bits]
    exponents = [builder.fsub(builder.bitcast(e, VECTOR), constant(_HALVES + 1022.5)) for e in shifted]
    below = [builder.fsub(m, constant(_ROOT_2)) for m in mantissas]
    above = [builder.fadd(m, constant(_ROOT_2)) for m in mantissas]
    s = [builder.fdiv(a, b) for a, b in zip(below, above, strict=True)]
    z = [builder.fmul(a, a) for a in s]
    p = [constant(_ODD_LOGARITHM[0])] * len(values)
    for coefficient in _ODD_LOGARITHM[1:]:
        p = [call(builder, "llvm.fma", a, b, constant(coefficient)) for a, b in zip(p, z, strict=True)]
    return [call(builder, "llvm.fma", *terms) for terms in zip(s, p, exponents, strict=True)]
