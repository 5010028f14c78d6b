"""The local correlation that Qp is a mean of: the fused feature map's with the source map, or the larger of both, that it resembles most."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from .kernels import kernel
from .separable import gaussian_taps
from .simd import WIDTH, integer, intrinsic, lanes, load, pointer, read, splat, total, window, write
from .simd_programs import Value

__all__ = ["feature_correlation"]

SIZE = 11
CONSTANT = 1e-4
TAPS = [float(tap) for tap in gaussian_taps(SIZE, 1.5)]
HALF = SIZE // 2

A, B, F, LARGER, MASK = range(5)
"""The images of a strip."""
MOMENTS = ((A,), (B,), (F,), (LARGER,), (A, A), (B, B), (F, F), (LARGER, LARGER), (A, F), (B, F), (LARGER, F))
"""What is averaged under the window: products of these."""
COUNT = len(MOMENTS)
ROWS = 4
"""Rows of the result that are computed together."""
STRIP = 32
"""Rows of a strip that is kept: a few times the ROWS + SIZE − 1 that are in use."""


@intrinsic
def _vertical(
    _typing: Any, strip: Any, _at: Any, _row: Any, _image: Any, out: Any, _to: Any, _step: Any
) -> Any:
    """out[to + (COUNT·t + m)·step] = moment m of eight columns around row t < ROWS.

    The strip's images lie `image` apart and their rows `row`; `at`: the columns in the first row under the first window.
    """

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        array, at, row, image, target, to, step = args

        def rows_of(which: int) -> list[Any]:
            start = builder.add(at, builder.mul(image, integer(which)))
            offsets = (builder.add(start, builder.mul(row, integer(k))) for k in range(ROWS + SIZE - 1))
            return [
                read(builder, pointer(context, builder, sig.args[0], array, offset)) for offset in offsets
            ]

        for m, factors in enumerate(MOMENTS):
            values = rows_of(factors[0])
            if len(factors) > 1:
                values = [builder.fmul(*pair) for pair in zip(values, rows_of(factors[1]), strict=True)]
            for t in range(ROWS):
                offset = builder.add(to, builder.mul(step, integer(COUNT * t + m)))
                address = pointer(context, builder, sig.args[4], target, offset)
                write(builder, window(builder, values[t : t + SIZE], TAPS), address)
        return context.get_dummy_value()

    i = types.intp
    return types.none(strip, i, i, i, out, i, i), emit


@intrinsic
def _best(_typing: Any, columns: Any, _at: Any, _step: Any) -> Any:
    """max(C_AF, C_BF, C_SF), C = (σ_XF + c)/(σ_X σ_F + c), of eight pixels, from what `_vertical` wrote at and around `at`."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        array, at, step = args

        def moment(m: int) -> Value:
            start = builder.add(at, builder.mul(step, integer(m)))
            values = [
                read(
                    builder,
                    pointer(context, builder, sig.args[0], array, builder.add(start, integer(k - HALF))),
                )
                for k in range(SIZE)
            ]
            return Value(builder, window(builder, values, TAPS))

        def variance(m: int, x: Value) -> Value:
            return moment(m) - x * x

        f = moment(F)
        of_fused = variance(6, f)
        correlations = []
        for source in (A, B, LARGER):
            x = moment(source)
            size = (variance(4 + source if source < F else 7, x) * of_fused).magnitude().root()
            covariance = moment(8 + min(source, 2)) - x * f
            correlations.append((covariance + CONSTANT) / (size + CONSTANT))
        first, second, third = correlations
        return first.larger(second).larger(third).of

    return lanes(columns, types.intp, types.intp), emit


@kernel
def _fill_row(maps, congruencies, threshold, row, strip, to):  # type: ignore[no-untyped-def]
    """Write row `row` of the maps (0 outside the mask and outside the image), of their maximum and of the mask into a strip."""
    height, width = maps[0].shape
    for image in strip:
        image[to, :] = 0.0
    if not 0 <= row < height:
        return
    a, b, f = maps[0][row], maps[1][row], maps[2][row]
    ca, cb, cf = congruencies[0][row], congruencies[1][row], congruencies[2][row]
    to_a, to_b, to_f, to_larger, mask = (
        strip[A, to],
        strip[B, to],
        strip[F, to],
        strip[LARGER, to],
        strip[MASK, to],
    )
    for c in range(width):
        inside = 1.0 if max(ca[c], cb[c], cf[c]) > threshold else 0.0
        to_a[WIDTH + c] = a[c] * inside
        to_b[WIDTH + c] = b[c] * inside
        to_f[WIDTH + c] = f[c] * inside
        to_larger[WIDTH + c] = max(a[c], b[c]) * inside
        mask[WIDTH + c] = inside


@kernel
def _correlation_sum(maps, congruencies, threshold):  # type: ignore[no-untyped-def]
    """(Σ over the mask, its pixels)."""
    height, width = maps[0].shape
    step = (width + WIDTH - 1) // WIDTH * WIDTH + 2 * WIDTH  # eight zeros on either side
    strip = np.zeros((MASK + 1, STRIP, step))
    flat = strip.reshape(strip.size)
    columns = np.zeros(ROWS * COUNT * step)
    sums, pixels = splat(0.0), splat(0.0)
    first, last = -HALF, -HALF  # rows of the image that the strip has
    for y in range(0, height, ROWS):
        if y - HALF + ROWS + SIZE - 1 > first + STRIP:
            kept = last - (y - HALF)
            strip[:, :kept] = strip[:, y - HALF - first : last - first].copy()
            first = y - HALF
        while last < y - HALF + ROWS + SIZE - 1:
            _fill_row(maps, congruencies, threshold, last, strip, last - first)
            last += 1
        top = y - HALF - first
        for c in range(WIDTH, step - WIDTH, WIDTH):
            _vertical(flat, top * step + c, step, STRIP * step, columns, c, step)
        for t in range(min(ROWS, height - y)):
            mask = (MASK * STRIP + top + HALF + t) * step
            for c in range(WIDTH, step - WIDTH, WIDTH):
                inside = load(flat, mask + c)
                pixels = pixels + inside
                sums = sums + _best(columns, COUNT * t * step + c, step) * inside
    return total(sums), total(pixels)


def feature_correlation(
    maps: tuple[NDArray[np.float64], ...], congruencies: tuple[NDArray[np.float64], ...], threshold: float
) -> float:
    """Mean over the mask of the best local correlation (11×11 Gaussian, σ = 1.5, zero borders) of F with A, B, max(A, B).

    maps, congruencies: three of H×W each, of A, B, F. The mask is where any congruency is above the threshold; the maps are set to 0 outside it first.
    NaN where there is no such pixel.
    """
    rows = (tuple(np.ascontiguousarray(m, dtype=np.float64) for m in three) for three in (maps, congruencies))
    sum_, pixels = _correlation_sum(*rows, threshold)
    return float(sum_) / float(pixels) if pixels else math.nan
