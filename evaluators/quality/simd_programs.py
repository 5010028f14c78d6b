"""Straight-line programs on eight float64 at once, written as plain Python that is run at compile time.

A program is a function of `Rows` (eight values at each constant index), or of `Cells` (eight windows of a map) and `Rows`, that computes with
`Value`s; its loops are unrolled, and the compiler keeps what it can in registers. `program_3` and `window_program` make numba functions of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from . import simd
from .simd_functions import emit_magnitude_logarithms

__all__ = ["Cells", "Rows", "Value", "magnitude_logarithms", "program_3", "window_program"]


class Value:
    """Eight float64 in a program, with the operators of numbers."""

    def __init__(self, builder: Any, of: Any) -> None:
        self.builder, self.of = builder, of

    def _operand(self, other: Value | float) -> Any:
        return other.of if isinstance(other, Value) else simd.constant(float(other))

    def _new(self, of: Any) -> Value:
        return Value(self.builder, of)

    def constant(self, value: float) -> Value:
        """`value` in every lane."""
        return self._new(simd.constant(value))

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

    def marked(self, mark: int) -> Value:
        """With the lowest four bits replaced by `mark` (0…15), which travels along through comparisons and exchanges."""
        bits = self.builder.and_(self.builder.bitcast(self.of, simd.INTEGERS), simd.integers(-16))
        bits = self.builder.or_(bits, simd.integers(mark))
        return self._new(self.builder.bitcast(bits, simd.VECTOR))

    def has_odd_mark(self) -> Any:
        """A condition: the mark is odd."""
        bit = self.builder.and_(self.builder.bitcast(self.of, simd.INTEGERS), simd.integers(1))
        return self.builder.icmp_unsigned("!=", bit, simd.integers(0))


def magnitude_logarithms(values: list[Value]) -> list[Value]:
    """log2|x| (`emit_magnitude_logarithms`), three at a time: more don't find room in registers."""
    builder = values[0].builder
    return [
        Value(builder, of)
        for k in range(0, len(values), 3)
        for of in emit_magnitude_logarithms(builder, [v.of for v in values[k : k + 3]])
    ]


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


class Cells:
    """Eight neighbouring windows of a map: ``cells[row, column]`` reads what they hold there, from an address of any alignment."""

    def __init__(self, builder: Any, address: Any, down: Any, right: Any) -> None:
        self.builder, self.address, self.down, self.right = builder, address, down, right

    def __getitem__(self, place: tuple[int, int]) -> Value:
        row, column = (ir.Constant(ir.IntType(64), k) for k in place)
        offset = self.builder.add(self.builder.mul(self.down, row), self.builder.mul(self.right, column))
        return Value(self.builder, simd.read(self.builder, self.builder.gep(self.address, [offset])))


def _align_frame(builder: Any) -> None:
    """Make LLVM align the function's frame to 64 bytes, by a variable that needs it and can't be removed.

    numba's functions get 16 bytes; three quarters of the `Lanes` that don't find a register would lie across two lines of the cache.
    """
    variable = cgutils.alloca_once(builder, simd.VECTOR)
    variable.align = 64
    builder.asm(ir.FunctionType(ir.VoidType(), [variable.type]), "", "r", [variable], True)


def window_program(function: Callable[[Cells, Rows], Value]) -> Any:
    """The program as a numba function of (map, index of the first window's corner, step to the next row, to the next column, rows).

    Map and rows are contiguous one-dimensional float64 arrays, not checked against their ends; it returns `Lanes`.
    """

    @simd.intrinsic
    def run(_typing: Any, array: Any, _index: Any, _down: Any, _right: Any, rows: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            _align_frame(builder)
            corner = simd.pointer(context, builder, sig.args[0], args[0], args[1])
            first = simd.pointer(context, builder, sig.args[4], args[4], ir.Constant(ir.IntType(64), 0))
            return function(Cells(builder, corner, args[2], args[3]), Rows(builder, first)).of

        return simd.lanes(array, types.intp, types.intp, types.intp, rows), emit

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
