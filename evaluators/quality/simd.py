"""Eight float64 side by side as a value of numba's: kernels written with them are vectorised by construction.

LLVM vectorises plain loops only where it can prove that nothing overlaps and the loop is small. A kernel on `Lanes` says what it
means instead: `load` eight neighbours, compute with the operators below, `store`. The code generator splits the eight into what the
processor has (one AVX-512, two AVX, four SSE or NEON registers). All operations are IEEE ones, lane by lane; `fused` is the fused
multiply-add, rounded once everywhere.

Types in kernels: ``Lanes`` (eight float64), ``Choice`` (eight truth values, from comparisons; only for `select`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic as _intrinsic
from numba.extending import lower_builtin, models, register_model

__all__ = [
    "WIDTH",
    "any_between",
    "exchanged",
    "fused",
    "kept_apart",
    "larger",
    "less_product",
    "load",
    "magnitude",
    "prefetch",
    "root",
    "select",
    "smaller",
    "splat",
    "store",
    "store_past_cache",
    "total",
    "transpose",
    "transpose_past_cache",
]  # fmt: skip

intrinsic: Callable[[Callable[..., Any]], Any] = _intrinsic
"""numba's decorator; its annotations don't describe what may be called in a kernel."""

WIDTH = 8
"""Values in one `Lanes`."""

DOUBLE = ir.DoubleType()
VECTOR = ir.VectorType(DOUBLE, WIDTH)
INTEGERS = ir.VectorType(ir.IntType(64), WIDTH)
TRUTHS = ir.VectorType(ir.IntType(1), WIDTH)


class _Lanes(types.Type):
    def __init__(self) -> None:
        super().__init__(name="Lanes")


class _Choice(types.Type):
    def __init__(self) -> None:
        super().__init__(name="Choice")


lanes = _Lanes()
choice = _Choice()


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, VECTOR)  # type: ignore[no-untyped-call]


@register_model(_Choice)
class _ChoiceModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, TRUTHS)  # type: ignore[no-untyped-call]


def constant(value: float) -> Any:
    """A constant with `value` in every lane, for code generators."""
    return ir.Constant(VECTOR, [value] * WIDTH)


def integers(value: int) -> Any:
    """A constant of int64 lanes, for code generators."""
    return ir.Constant(INTEGERS, [value] * WIDTH)


def integer(value: int) -> Any:
    """A constant index, for code generators."""
    return ir.Constant(ir.IntType(64), value)


def spread(builder: Any, scalar: Any) -> Any:
    """A float64 in every lane, for code generators."""
    one = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH))


def call(builder: Any, name: str, *arguments: Any) -> Any:
    """An LLVM intrinsic on `Lanes`, for code generators: "llvm.sqrt", "llvm.fma"…"""
    kind = ir.FunctionType(VECTOR, [VECTOR] * len(arguments))
    function = cgutils.get_or_insert_function(builder.module, kind, f"{name}.v{WIDTH}f64")
    return builder.call(function, arguments)


def window(builder: Any, values: list[Any], taps: Sequence[float]) -> Any:
    """An odd number of `Lanes` times the taps of a symmetric window, summed from the outside in, for code generators."""
    half = len(taps) // 2
    total = builder.fmul(builder.fadd(values[0], values[-1]), constant(taps[0]))
    for k in range(1, half):
        total = call(builder, "llvm.fma", builder.fadd(values[k], values[-1 - k]), constant(taps[k]), total)
    return call(builder, "llvm.fma", values[half], constant(taps[half]), total)


def pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Where element `index` of a contiguous one-dimensional array lies, for code generators."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index])


def read(builder: Any, address: Any) -> Any:
    """Eight float64 from an address of any alignment, for code generators."""
    return builder.load(builder.bitcast(address, VECTOR.as_pointer()), align=8)


def write(builder: Any, value: Any, address: Any, *, past_cache: bool = False) -> None:
    """Eight float64 to an address of any alignment, for code generators; `past_cache`: straight to memory, at a multiple of 64 bytes."""
    stored = builder.store(
        value, builder.bitcast(address, VECTOR.as_pointer()), align=64 if past_cache else 8
    )
    if past_cache:
        stored.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)]))


# Arithmetic and comparisons, between lanes and with a float64 on either side.

_SIDES = ((lanes, lanes), (lanes, types.float64), (types.float64, lanes))


def _operator(function: Callable[..., Any], result: Any, emit: Callable[..., Any]) -> None:
    @infer_global(function)
    class _Typing(ConcreteTemplate):
        cases = tuple(signature(result, *sides) for sides in _SIDES)

    for sides in _SIDES:

        @lower_builtin(function, *sides)  # type: ignore[untyped-decorator]
        def _lower(_context: Any, builder: Any, sig: Any, args: Any) -> Any:
            values = [
                spread(builder, v) if t == types.float64 else v for t, v in zip(sig.args, args, strict=True)
            ]
            return emit(builder, *values)


for _function, _name in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul"), (operator.truediv, "fdiv")):  # fmt: skip
    _operator(_function, lanes, lambda builder, a, b, name=_name: getattr(builder, name)(a, b))
for _function, _name in ((operator.lt, "<"), (operator.le, "<="), (operator.gt, ">"), (operator.eq, "==")):
    _operator(_function, choice, lambda builder, a, b, name=_name: builder.fcmp_ordered(name, a, b))


@intrinsic
def kept_apart(_typing: Any) -> Any:
    """Called in a kernel, keeps it from being copied into each kernel that calls it: they would take long to compile."""

    def emit(context: Any, builder: Any, _sig: Any, _args: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.none(), emit


@intrinsic
def splat(_typing: Any, _value: Any) -> Any:
    """A float64 in every lane."""
    return lanes(types.float64), lambda _c, builder, _s, args: spread(builder, args[0])


@intrinsic
def load(_typing: Any, array: Any, _index: Any) -> Any:
    """Elements index…index+7 of a contiguous one-dimensional float64 or uint8 array as float64; not checked against its end."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address = pointer(context, builder, sig.args[0], *args)
        if sig.args[0].dtype == types.float64:
            return read(builder, address)
        levels = ir.VectorType(ir.IntType(8), WIDTH)
        return builder.uitofp(builder.load(builder.bitcast(address, levels.as_pointer()), align=1), VECTOR)

    return lanes(array, types.intp), emit


@intrinsic
def store(_typing: Any, array: Any, _index: Any, _value: Any) -> Any:
    """Write a `Lanes` to elements index…index+7 of a contiguous one-dimensional float64 array; not checked against its end."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        write(builder, args[2], pointer(context, builder, sig.args[0], args[0], args[1]))
        return context.get_dummy_value()

    return types.none(array, types.intp, lanes), emit


@intrinsic
def store_past_cache(_typing: Any, array: Any, _index: Any, _value: Any) -> Any:
    """As `store`, straight to memory: for what is larger than the caches; the eight begin at a multiple of 64 bytes."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        write(builder, args[2], pointer(context, builder, sig.args[0], args[0], args[1]), past_cache=True)
        return context.get_dummy_value()

    return types.none(array, types.intp, lanes), emit


@intrinsic
def prefetch(_typing: Any, array: Any, _index: Any) -> Any:
    """Ask for the part of a contiguous one-dimensional array around an index, which may lie beyond its end, before it is needed."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        address = builder.bitcast(pointer(context, builder, sig.args[0], *args), byte)
        to_read, keep, data = (ir.Constant(number, value) for value in (0, 3, 1))
        builder.call(function, [address, to_read, keep, data])
        return context.get_dummy_value()

    return types.none(array, types.intp), emit


@intrinsic
def select(_typing: Any, _which: Any, _first: Any, _second: Any) -> Any:
    """`first` where the choice is true, else `second`."""
    return lanes(choice, lanes, lanes), lambda _c, builder, _s, args: builder.select(*args)


@intrinsic
def any_between(_typing: Any, _value: Any, _low: Any, _high: Any) -> Any:
    """Whether low ≤ value ≤ high anywhere."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        value, low, high = args[0], spread(builder, args[1]), spread(builder, args[2])
        inside = builder.and_(builder.fcmp_ordered(">=", value, low), builder.fcmp_ordered("<=", value, high))
        bits = builder.bitcast(inside, ir.IntType(WIDTH))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(WIDTH), 0))

    return types.boolean(lanes, types.float64, types.float64), emit


@intrinsic
def smaller(_typing: Any, _a: Any, _b: Any) -> Any:
    """a where a < b, else b."""
    return lanes(lanes, lanes), lambda _c, builder, _s, args: builder.select(
        builder.fcmp_ordered("<", *args), *args
    )


@intrinsic
def larger(_typing: Any, _a: Any, _b: Any) -> Any:
    """a where a > b, else b."""
    return lanes(lanes, lanes), lambda _c, builder, _s, args: builder.select(
        builder.fcmp_ordered(">", *args), *args
    )


@intrinsic
def fused(_typing: Any, _a: Any, _b: Any, _c: Any) -> Any:
    """a·b + c, rounded once."""
    return lanes(lanes, lanes, lanes), lambda _c, builder, _s, args: call(builder, "llvm.fma", *args)


@intrinsic
def less_product(_typing: Any, _c: Any, _a: Any, _b: Any) -> Any:
    """c − a·b, rounded once: variances and covariances, where most digits of c and a·b are the same."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return call(builder, "llvm.fma", builder.fneg(args[1]), args[2], args[0])

    return lanes(lanes, lanes, lanes), emit


@intrinsic
def root(_typing: Any, _value: Any) -> Any:
    """√."""
    return lanes(lanes), lambda _c, builder, _s, args: call(builder, "llvm.sqrt", *args)


@intrinsic
def magnitude(_typing: Any, _value: Any) -> Any:
    """|x|."""
    return lanes(lanes), lambda _c, builder, _s, args: call(builder, "llvm.fabs", *args)


def exchanged(builder: Any, rows: list[Any]) -> list[Any]:
    """Eight `Lanes` with rows and lanes exchanged, for code generators."""
    rows = list(rows)
    for distance in (4, 2, 1):  # exchange the off-diagonal blocks of ever smaller squares
        low = [i + (WIDTH - distance if i & distance else 0) for i in range(WIDTH)]
        high = [i + distance if not i & distance else i + WIDTH for i in range(WIDTH)]
        masks = [ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), order) for order in (low, high)]
        for k in (k for k in range(WIDTH) if not k & distance):
            pair = rows[k], rows[k + distance]
            rows[k], rows[k + distance] = (builder.shuffle_vector(*pair, mask) for mask in masks)
    return rows


def _transpose(*, past_cache: bool) -> Any:
    @intrinsic
    def transpose(
        _typing: Any, source: Any, _from: Any, _step: Any, target: Any, _to: Any, _stride: Any
    ) -> Any:
        """target[to + i·stride + j] = source[from + j·step + i] for i, j < 8; arrays contiguous, one-dimensional, not checked."""

        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            out_of, start, step, into, to, stride = args

            def at(base: Any, by: Any, k: int) -> Any:
                return builder.add(base, builder.mul(by, ir.Constant(ir.IntType(64), k)))

            rows = [
                read(builder, pointer(context, builder, sig.args[0], out_of, at(start, step, k)))
                for k in range(WIDTH)
            ]
            for k, row in enumerate(exchanged(builder, rows)):
                address = pointer(context, builder, sig.args[3], into, at(to, stride, k))
                write(builder, row, address, past_cache=past_cache)
            return context.get_dummy_value()

        i = types.intp
        return types.none(source, i, i, target, i, i), emit

    return transpose


transpose = _transpose(past_cache=False)
transpose_past_cache = _transpose(past_cache=True)
"""As `transpose`, written straight to memory: for a target that is larger than the caches; all its rows begin at multiples of 64 bytes."""


@intrinsic
def total(_typing: Any, _value: Any) -> Any:
    """The sum of the eight, in pairs: ((0+4)+(2+6)) + ((1+5)+(3+7))."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        parts = [builder.extract_element(args[0], ir.Constant(ir.IntType(32), i)) for i in range(WIDTH)]
        while len(parts) > 1:
            half = len(parts) // 2
            parts = [builder.fadd(parts[i], parts[i + half]) for i in range(half)]
        return parts[0]

    return types.float64(lanes), emit
