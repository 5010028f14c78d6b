"""The passes of a Fourier transform on eight signals side by side (decimation in time, radices 2, 3, 4, 5, 7, 8, 10 and 12).

Source: C. Van Loan, "Computational Frameworks for the Fast Fourier Transform", 1992. A line of n complex numbers for each of eight
signals lies in one array of 16·n float64: for each index the eight real parts, then the eight imaginary parts. The first pass gathers numbers that
lie apart in one array side by side in another one, which the later passes transform in place, each part as soon as it is ready, so that all passes
but the first and the last work in the nearest cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from numba import types
from numba.core import cgutils

from .kernels import kernel
from .simd import (
    WIDTH,
    call,
    constant,
    exchanged,
    integer,
    intrinsic,
    kept_apart,
    pointer,
    read,
    spread,
    write,
)

RADICES = (12, 10, 8, 7, 5, 4, 3, 2)
"""Of the passes there are."""
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
    for a, b in ((2, 5), (4, 3)):
        if n == a * b:  # no common divisor: sums of sums without factors (Good, 1958)
            inner = [_sums(builder, [x[(i * b + j * a) % n] for j in range(b)]) for i in range(a)]
            outer = [_sums(builder, [row[k] for row in inner]) for k in range(b)]
            return [outer[k % b][k % a] for k in range(n)]
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


class _Line:
    """The eight complex numbers side by side in an array, for code generators."""

    def __init__(self, context: Any, builder: Any, kind: Any, array: Any) -> None:
        self.builder = builder
        self.address: Callable[[Any], Any] = lambda index: pointer(context, builder, kind, array, index)

    def _at(self, index: Any, part: int) -> Any:
        return self.address(
            self.builder.add(self.builder.mul(index, integer(COMPLEX)), integer(WIDTH * part))
        )

    def __getitem__(self, index: Any) -> Number:
        return read(self.builder, self._at(index, 0)), read(self.builder, self._at(index, 1))

    def __setitem__(self, index: Any, number: Number) -> None:
        for part in (0, 1):
            write(self.builder, number[part], self._at(index, part))


def _first(radix: int) -> Any:
    """For leaf = begin…end−1: the transform of `radix` numbers of x, order[leaf] and on, order.size apart, times weights, side by side in y."""

    @intrinsic
    def butterflies(
        _typing: Any, x: Any, weights: Any, _weight_step: Any, y: Any, order: Any, _begin: Any, _end: Any
    ) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            source, target = (_Line(context, builder, sig.args[k], args[k]) for k in (0, 3))
            apart = context.make_array(sig.args[4])(context, builder, args[4]).nitems
            with cgutils.for_range_slice(builder, args[5], args[6], integer(1)) as (leaf, _):
                start = builder.load(pointer(context, builder, sig.args[4], args[4], leaf))
                values = []
                for k in range(radix):
                    at = builder.add(start, builder.mul(apart, integer(k)))
                    where = pointer(context, builder, sig.args[1], args[1], builder.mul(at, args[2]))
                    weight = read(builder, where)
                    values.append(tuple(builder.fmul(weight, part) for part in source[at]))
                for k, number in enumerate(_sums(builder, values)):
                    target[builder.add(builder.mul(leaf, integer(radix)), integer(k))] = number
            return context.get_dummy_value()

        i = types.intp
        return types.none(x, weights, i, y, order, i, i), emit

    return butterflies


def _combined(
    context: Any, builder: Any, line: _Line, start: Any, count: Any, factors: tuple[Any, Any, Any], radix: int
) -> list[Number]:
    """One butterfly of a later pass: numbers `count` apart, times a row of the table of factors (its type, the table, where) but for the first."""
    kind, table, row = factors
    values = []
    for k in range(radix):
        number = line[builder.add(start, builder.mul(count, integer(k)))]
        if k:
            re, im = (
                spread(builder, builder.load(pointer(context, builder, kind, table, builder.add(row, integer(at)))))
                for at in (2 * k - 2, 2 * k - 1)
            )  # fmt: skip
            number = _times(builder, number, re, im)
        values.append(number)
    return _sums(builder, values)


def _later(radix: int) -> Any:
    """In place: one transform of `radix` transforms of `count` numbers that lie side by side in y from `start`."""

    @intrinsic
    def butterflies(_typing: Any, y: Any, _start: Any, _count: Any, factors: Any, _row: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            line = _Line(context, builder, sig.args[0], args[0])
            start, count, table, row = args[1:]
            with cgutils.for_range(builder, count) as loop:
                first = builder.add(start, loop.index)
                entry = builder.add(row, builder.mul(loop.index, integer(2 * (radix - 1))))
                factors = sig.args[3], table, entry
                for k, number in enumerate(_combined(context, builder, line, first, count, factors, radix)):
                    line[builder.add(first, builder.mul(count, integer(k)))] = number
            return context.get_dummy_value()

        i = types.intp
        return types.none(y, i, i, factors, i), emit

    return butterflies


_first_12, _first_10, _first_8, _first_7, _first_5, _first_4, _first_3, _first_2 = (
    _first(r) for r in RADICES
)
_later_12, _later_10, _later_8, _later_7, _later_5, _later_4, _later_3, _later_2 = (
    _later(r) for r in RADICES
)


@intrinsic
def last_pass_across(
    _typing: Any, y: Any, _count: Any, factors: Any, _row: Any, plane: Any, _to: Any, _step: Any
) -> Any:
    """A last pass of radix 8, straight to memory: the eight results of butterfly q, which lie an eighth of the length apart, become the lanes of
    the eight numbers at plane[to + q·step]."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        line = _Line(context, builder, sig.args[0], args[0])
        count, table, row, target, to, step = args[1:]
        with cgutils.for_range(builder, count) as loop:
            entry = builder.add(row, builder.mul(loop.index, integer(2 * (WIDTH - 1))))
            factors = sig.args[2], table, entry
            values = _combined(context, builder, line, loop.index, count, factors, WIDTH)
            start = builder.add(to, builder.mul(loop.index, step))
            for part in (0, 1):
                for k, lanes in enumerate(exchanged(builder, [v[part] for v in values])):
                    at = builder.add(start, integer(COMPLEX * k + WIDTH * part))
                    address = pointer(context, builder, sig.args[4], target, at)
                    write(builder, lanes, address, past_cache=True)
        return context.get_dummy_value()

    i = types.intp
    return types.none(y, i, factors, i, plane, i, i), emit


@kernel
def passes(x, weights, y, radices, order, factors):  # type: ignore[no-untyped-def]
    """y = Σ_k w_k·x_k·e^(2πijk/n) of eight signals, unnormalised; n = `order.size` times the first radix. x stays as it is.

    weights: eight for each number, or eight for all. Passes that `radices` leaves out at its end aren't done.
    """
    kept_apart()
    weight_step = 0 if weights.size == WIDTH else WIDTH
    first = radices[0]
    chunk = radices[1] if radices.size > 1 else 1
    for end in range(chunk, order.size + 1, chunk):
        begin = end - chunk
        if first == 8:
            _first_8(x, weights, weight_step, y, order, begin, end)
        elif first == 10:
            _first_10(x, weights, weight_step, y, order, begin, end)
        elif first == 12:
            _first_12(x, weights, weight_step, y, order, begin, end)
        elif first == 5:
            _first_5(x, weights, weight_step, y, order, begin, end)
        elif first == 4:
            _first_4(x, weights, weight_step, y, order, begin, end)
        elif first == 7:
            _first_7(x, weights, weight_step, y, order, begin, end)
        elif first == 3:
            _first_3(x, weights, weight_step, y, order, begin, end)
        else:
            _first_2(x, weights, weight_step, y, order, begin, end)
        count, row, done = first, 0, end
        for radix in radices[1:]:
            if done % radix:
                break
            done //= radix
            start = count * radix * (done - 1)
            if radix == 8:
                _later_8(y, start, count, factors, row)
            elif radix == 10:
                _later_10(y, start, count, factors, row)
            elif radix == 12:
                _later_12(y, start, count, factors, row)
            elif radix == 5:
                _later_5(y, start, count, factors, row)
            elif radix == 4:
                _later_4(y, start, count, factors, row)
            elif radix == 7:
                _later_7(y, start, count, factors, row)
            elif radix == 3:
                _later_3(y, start, count, factors, row)
            else:
                _later_2(y, start, count, factors, row)
            row += 2 * (radix - 1) * count
            count *= radix
