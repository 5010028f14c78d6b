"""Straight-line programs on eight float64 at once, written as plain Python that is run at compile time.

A program is a function of `Rows` (eight values at each constant index) that computes with `Value`s; its loops are unrolled, and the compiler
keeps what it can in registers. `program` makes a numba function of it, which takes (array, index of its first row) for each `Rows`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types

from . import simd
from .simd_functions import emit_binary_logarithm

__all__ = ["Rows", "Value", "program_1", "program_2", "program_3"]


class Value:
    """Eight float64 in a program, with the operators of numbers."""

    def __init__(self, builder: Any, of: Any) -> None:
        self.builder, self.of = builder, of

    def _operand(self, other: Value | float) -> Any:
        return other.of if isinstance(other, Value) else simd.constant(float(other))

    def _new(self, of: Any) -> Value:
        return Value(self.builder, of)

    def __add__(self, other: Value | float) -> Value:
        return self._new(self.builder.fadd(self.of, self._operand(other)))

    def __sub__(self, other: Value | float) -> Value:
        return self._new(self.builder.fsub(self.of, self._operand(other)))

    def __rsub__(self, other: float) -> Value:
        return self._new(self.builder.fsub(self._operand(other), self.of))

    def __mul__(self, other: Value | float) -> Value:
        return self._new(self.builder.fmul(self.of, self._operand(other)))

    def __truediv__(self, other: Value | float) -> Value:
        return self._new(self.builder.fdiv(self.of, self._operand(other)))

    def __rtruediv__(self, other: float) -> Value:
        return self._new(self.builder.fdiv(self._operand(other), self.of))

    def plus_product(self, a: Value, b: Value | float) -> Value:
        """This + a·b, rounded once."""
        return self._new(simd.call(self.builder, "llvm.fma", a.of, a._operand(b), self.of))

    def compared(self, relation: str, other: Value | float) -> Any:
        """A condition for `where`."""
        return self.builder.fcmp_ordered(relation, self.of, self._operand(other))

    def where(self, condition: Any, other: Value | float) -> Value:
        """This where the condition holds, else `other`."""
        return self._new(self.builder.select(condition, self.of, self._operand(other)))

    def smaller(self, other: Value | float) -> Value:
        return self.where(self.compared("<", other), other)

    def larger(self, other: Value | float) -> Value:
        return self.where(self.compared(">", other), other)

    def root(self) -> Value:
        return self._new(simd.call(self.builder, "llvm.sqrt", self.of))

    def magnitude(self) -> Value:
        return self._new(simd.call(self.builder, "llvm.fabs", self.of))

    def binary_logarithm(self) -> Value:
        return self._new(emit_binary_logarithm(self.builder, self.of))

    def marked(self, mark: int) -> Value:
        """With the lowest four bits replaced by `mark` (0…15), which travels along through comparisons and exchanges."""
        bits = self.builder.and_(self.builder.bitcast(self.of, simd.INTEGERS), simd.integers(-16))
        bits = self.builder.or_(bits, simd.integers(mark))
        return self._new(self.builder.bitcast(bits, simd.VECTOR))

    def has_odd_mark(self) -> Any:
        """A condition: the mark is odd."""
        bit = self.builder.and_(self.builder.bitcast(self.of, simd.INTEGERS), simd.integers(1))
        return self.builder.icmp_unsigned("!=", bit, simd.integers(0))


class Rows:
    """Rows of eight float64 in an array, by constant index: ``rows[3]`` reads, ``rows[3] = value`` writes."""

    def __init__(self, builder: Any, address: Any) -> None:
        self.builder, self.address = builder, address

    def _at(self, row: int) -> Any:
        return self.builder.gep(self.address, [ir.Constant(ir.IntType(64), row * simd.WIDTH)])

    def __getitem__(self, row: int) -> Value:
        return Value(self.builder, simd.read(self.builder, self._at(row)))

    def __setitem__(self, row: int, value: Value) -> None:
        simd.write(self.builder, value.of, self._at(row))


def program_1(function: Callable[[Rows], None]) -> Any:
    """The program as a numba function of (array, index)."""

    @simd.intrinsic
    def run(_typing: Any, array: Any, _index: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            function(Rows(builder, simd.pointer(context, builder, sig.args[0], args[0], args[1])))
            return context.get_dummy_value()

        return types.none(array, types.intp), emit

    return run


def program_2(function: Callable[[Rows, Rows], Value]) -> Any:
    """The program as a numba function of (array, index, array, index) that returns `Lanes`."""

    @simd.intrinsic
    def run(_typing: Any, first: Any, _i: Any, second: Any, _j: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            rows = [
                Rows(builder, simd.pointer(context, builder, sig.args[k], args[k], args[k + 1]))
                for k in (0, 2)
            ]
            return function(*rows).of

        return simd.lanes(first, types.intp, second, types.intp), emit

    return run


def program_3(function: Callable[[Rows, Rows, Rows], None]) -> Any:
    """The program as a numba function of (array, index, array, index, array, index)."""

    @simd.intrinsic
    def run(_typing: Any, first: Any, _i: Any, second: Any, _j: Any, third: Any, _k: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            function(
                *(
                    Rows(builder, simd.pointer(context, builder, sig.args[k], args[k], args[k + 1]))
                    for k in (0, 2, 4)
                )
            )
            return context.get_dummy_value()

        return types.none(first, types.intp, second, types.intp, third, types.intp), emit

    return run
