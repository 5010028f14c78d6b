"""The passes of a Fourier transform on eight signals side by side (Stockham's autosort algorithm, radices 2, 3, 4, 5, 7 and 8).

Source: C. Van Loan, "Computational Frameworks for the Fast Fourier Transform", 1992. A line of n complex numbers for each of eight
signals lies in one array of 16·n float64: for each index the eight real parts, then the eight imaginary parts.
"""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir
from numba import types

from .kernels import kernel
from .simd import WIDTH, call, constant, intrinsic, pointer, read, spread, write

RADICES = (8, 5, 4, 7, 3, 2)
"""Of the passes there are, in the order in which a length is divided."""
COMPLEX = 2 * WIDTH
"""Float64 numbers in one complex number of eight signals."""

Number = tuple[Any, Any]


def _add(builder: Any, a: Number, b: Number) -> Number:
    return builder.fadd(a[0], b[0]), builder.fadd(a[1], b[1])


def _subtract(builder: Any, a: Number, b: Number) -> Number:
    return builder.fsub(a[0], b[0]), builder.fsub(a[1], b[1])


def _quarter_turn(builder: Any, a: Number) -> Number:
    """i·a."""
    return builder.fneg(a[1]), a[0]


def _times(builder: Any, a: Number, re: Any, im: Any) -> Number:
    real = call(builder, "llvm.fma", a[0], re, builder.fneg(builder.fmul(a[1], im)))
    return real, call(builder, "llvm.fma", a[0], im, builder.fmul(a[1], re))


def _weighted(builder: Any, parts: list[Any], weights: list[float], start: Any = None) -> Any:
    total = start
    for part, weight in zip(parts, weights, strict=True):
        if total is None:
            total = builder.fmul(part, constant(weight))
        else:
            total = call(builder, "llvm.fma", part, constant(weight), total)
    return total


def _sums(builder: Any, x: list[Number]) -> list[Number]:
    """Σ_k x_k·e^(2πijk/n) for j = 0…n−1."""
    n = len(x)
    if n == 2:
        return [_add(builder, *x), _subtract(builder, *x)]
    if n == 4:
        even, odd = _sums(builder, x[::2]), _sums(builder, x[1::2])
        odd[1] = _quarter_turn(builder, odd[1])
        return [_add(builder, even[j], odd[j]) for j in range(2)] + [
            _subtract(builder, even[j], odd[j]) for j in range(2)
        ]
    if n == 8:
        even, odd = _sums(builder, x[::2]), _sums(builder, x[1::2])
        half = constant(math.sqrt(0.5))
        for j, turned in ((1, odd[1]), (3, odd[3])):
            re, im = turned
            if j == 1:  # times (1 + i)/√2
                odd[j] = builder.fmul(half, builder.fsub(re, im)), builder.fmul(half, builder.fadd(re, im))
            else:  # times (−1 + i)/√2
                odd[j] = (
                    builder.fneg(builder.fmul(half, builder.fadd(re, im))),
                    builder.fmul(half, builder.fsub(re, im)),
                )
        odd[2] = _quarter_turn(builder, odd[2])
        return [_add(builder, even[j], odd[j]) for j in range(4)] + [
            _subtract(builder, even[j], odd[j]) for j in range(4)
        ]
    # An odd length: sums and differences of opposite terms, real weights.
    half = range(1, n // 2 + 1)
    sums = [_add(builder, x[k], x[n - k]) for k in half]
    differences = [_subtract(builder, x[k], x[n - k]) for k in half]
    out: list[Number] = [x[0]] * n
    for s in sums:
        out[0] = _add(builder, out[0], s)
    for j in half:
        cosines = [math.cos(2 * math.pi * (j * k % n) / n) for k in half]
        sines = [math.sin(2 * math.pi * (j * k % n) / n) for k in half]
        real, imaginary = (
            _weighted(builder, [s[part] for s in sums], cosines, x[0][part]) for part in (0, 1)
        )
        turned = _quarter_turn(
            builder,
            (
                _weighted(builder, [d[0] for d in differences], sines),
                _weighted(builder, [d[1] for d in differences], sines),
            ),
        )
        out[j] = _add(builder, (real, imaginary), turned)
        out[n - j] = _subtract(builder, (real, imaginary), turned)
    return out


def _butterfly(radix: int) -> Any:
    @intrinsic
    def butterfly(
        _typing: Any,
        x: Any,
        _from: Any,
        _step: Any,
        y: Any,
        _to: Any,
        _stride: Any,
        factors: Any,
        _first: Any,
    ) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            source, start, step, target, to, stride, table, first = args
            index = ir.IntType(64)

            def at(base: Any, by: Any, k: int, part: int) -> Any:
                offset = builder.add(builder.mul(by, ir.Constant(index, k)), ir.Constant(index, part * WIDTH))
                return builder.add(base, offset)

            x_type, y_type, table_type = sig.args[0], sig.args[3], sig.args[6]
            values = [
                tuple(
                    read(builder, pointer(context, builder, x_type, source, at(start, step, k, part)))
                    for part in (0, 1)
                )
                for k in range(radix)
            ]
            for k, number in enumerate(_sums(builder, values)):
                if k:
                    re, im = (
                        spread(builder, builder.load(pointer(context, builder, table_type, table,
                               builder.add(first, ir.Constant(index, 2 * (k - 1) + part)))))
                        for part in (0, 1)
                    )  # fmt: skip
                    number = _times(builder, number, re, im)
                for part in (0, 1):
                    write(
                        builder,
                        number[part],
                        pointer(context, builder, y_type, target, at(to, stride, k, part)),
                    )
            return context.get_dummy_value()

        i = types.intp
        return types.none(x, i, i, y, i, i, factors, i), emit

    return butterfly


_butterfly_8, _butterfly_7, _butterfly_5, _butterfly_4, _butterfly_3, _butterfly_2 = (
    _butterfly(r) for r in (8, 7, 5, 4, 3, 2)
)


@kernel
def passes(x, y, radices, factors):  # type: ignore[no-untyped-def]
    """Σ_k x_k·e^(2πijk/n) of eight signals, unnormalised; returns the one of the two work arrays that has the result."""
    groups = 1
    for radix in radices:
        groups *= radix
    stride, first = 1, 0
    for radix in radices:
        groups //= radix
        step, out = COMPLEX * stride * groups, COMPLEX * stride
        for p in range(groups):
            row = first + 2 * (radix - 1) * p
            for q in range(stride):
                source, target = COMPLEX * (q + stride * p), COMPLEX * (q + stride * radix * p)
                if radix == 8:
                    _butterfly_8(x, source, step, y, target, out, factors, row)
                elif radix == 5:
                    _butterfly_5(x, source, step, y, target, out, factors, row)
                elif radix == 4:
                    _butterfly_4(x, source, step, y, target, out, factors, row)
                elif radix == 7:
                    _butterfly_7(x, source, step, y, target, out, factors, row)
                elif radix == 3:
                    _butterfly_3(x, source, step, y, target, out, factors, row)
                else:
                    _butterfly_2(x, source, step, y, target, out, factors, row)
        first += 2 * (radix - 1) * groups
        stride *= radix
        x, y = y, x
    return x
