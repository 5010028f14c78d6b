"""Two-dimensional Fourier transforms of float64 images in tiles of eight rows or columns, for kernels that work between the passes.

SciPy's transform is general; a metric that filters one spectrum many times gains by multiplying while a column is at hand and by using a
row while it is still in the cache. A **plane** is one side's tiles: `columns` (⌈W/8⌉, 8⌈H/8⌉, 16) or `rows`
(⌈H/8⌉, 8⌈W/8⌉, 16), float64; the last
axis holds the eight columns' (rows') real parts, then their imaginary parts. Lanes beyond the image are zeros or without meaning.
Lengths with prime factors above 7 go through Bluestein's convolution (L. I. Bluestein, IEEE Trans. Audio Electroacoustics 18(4), 1970).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from .fourier_passes import COMPLEX, RADICES, passes
from .kernels import kernel
from .scratch import scratch
from .simd import WIDTH, fused, load, splat, store, transpose, transpose_past_cache

__all__ = ["Plan", "across", "inverse", "part_of", "plan", "spectrum", "tiles", "transformed"]

Real = NDArray[np.float64]


class Plan(NamedTuple):
    """How a line of `length` is transformed. `chirp` and `response` are empty but for Bluestein's convolution."""

    length: int
    work: int  # float64 numbers that a work array for eight lines needs
    radices: NDArray[np.int64]
    factors: Real
    chirp: Real
    response: Real


def tiles(length: int) -> int:
    """How many tiles of eight lines a side of `length` has."""
    return -(-length // WIDTH)


def _interleaved(values: NDArray[np.complex128]) -> Real:
    return np.ascontiguousarray(values, dtype=np.complex128).view(np.float64).ravel()


@lru_cache(maxsize=16)
def plan(length: int) -> Plan:
    """The plan of a length (16 are kept; each a few tens of bytes a sample)."""
    radices, factors, rest = [], [np.zeros(1, np.complex128)], length
    for radix in RADICES:
        while rest % radix == 0:
            radices.append(radix)
            rest //= radix
    nothing = np.empty(0)
    if rest == 1:
        for radix in radices:
            step = length // rest
            groups = length // (rest * radix)
            powers = np.outer(np.arange(groups), np.arange(1, radix))
            factors.append(np.exp(2j * np.pi * powers / step).ravel())
            rest *= radix
        table = _interleaved(np.concatenate(factors[1:] or factors))
        padded = tiles(length) * WIDTH
        return Plan(length, COMPLEX * padded, np.array(radices, np.int64), table, nothing, nothing)
    whole = fft.next_fast_len(2 * length - 1)
    while any(whole % prime == 0 for prime in (11, 13)):  # SciPy's fast lengths may have them
        whole = fft.next_fast_len(whole + 1)
    chirp = np.exp(1j * np.pi * (np.arange(length) ** 2 % (2 * length)) / length)
    around = np.zeros(whole, np.complex128)
    around[:length] = chirp.conj()
    around[whole - length + 1 :] = chirp[:0:-1].conj()
    of_whole = plan(whole)
    response = np.conj(np.fft.fft(np.conj(around))) / whole
    return Plan(
        length, of_whole.work, of_whole.radices, of_whole.factors, _interleaved(chirp), _interleaved(response)
    )


@kernel
def _times_table(x, count, table):  # type: ignore[no-untyped-def]
    """Multiply the complex lines in `x` by the complex numbers of a table."""
    for k in range(count):
        re, im = load(x, COMPLEX * k), load(x, COMPLEX * k + WIDTH)
        c, s = splat(table[2 * k]), splat(table[2 * k + 1])
        store(x, COMPLEX * k, fused(re, c, im * (-table[2 * k + 1])))
        store(x, COMPLEX * k + WIDTH, fused(re, s, im * table[2 * k]))


@kernel
def _swap_parts(x, count):  # type: ignore[no-untyped-def]
    for k in range(count):
        re, im = load(x, COMPLEX * k), load(x, COMPLEX * k + WIDTH)
        store(x, COMPLEX * k, im)
        store(x, COMPLEX * k + WIDTH, re)


@kernel
def transformed(x, y, plan):  # type: ignore[no-untyped-def]
    """Σ_k x_k·e^(2πijk/n) of the eight complex lines at the front of `x`; returns `x` or `y`, whichever has the result.

    Both are work arrays of `plan.work` float64. For the forward transform swap the parts before and after.
    """
    if plan.chirp.size == 0:
        return passes(x, y, plan.radices, plan.factors)
    whole = plan.response.size // 2
    _times_table(x, plan.length, plan.chirp)
    x[COMPLEX * plan.length : COMPLEX * whole] = 0.0
    z = passes(x, y, plan.radices, plan.factors)
    _times_table(z, whole, plan.response)
    _swap_parts(z, whole)
    if plan.radices.size % 2 == 0:
        z = passes(x, y, plan.radices, plan.factors)
    else:
        z = passes(y, x, plan.radices, plan.factors)
    _swap_parts(z, plan.length)
    _times_table(z, plan.length, plan.chirp)
    return z


@kernel
def across(line, plane, tile):  # type: ignore[no-untyped-def]
    """Write eight transformed lines, the `tile`-th, into the plane of the other direction."""
    flat = plane.reshape(plane.size)
    length = plane.shape[1]
    for block in range(plane.shape[0]):
        target = COMPLEX * (block * length + WIDTH * tile)
        for part in range(0, COMPLEX, WIDTH):
            transpose_past_cache(line, block * WIDTH * COMPLEX + part, COMPLEX, flat, target + part, COMPLEX)


@kernel
def _forward(real, imaginary, along_rows, along_columns, columns, x, y):  # type: ignore[no-untyped-def]
    """columns = the forward transform of real + i·imaginary, images whose sides are padded to multiples of eight."""
    a, b = real.reshape(real.size), imaginary.reshape(imaginary.size)
    padded = real.shape[1]
    for tile in range(real.shape[0] // WIDTH):
        start = tile * WIDTH * padded
        for c in range(0, padded, WIDTH):  # with its parts swapped, the inverse transform is the forward one
            transpose(b, start + c, padded, x, COMPLEX * c, COMPLEX)
            transpose(a, start + c, padded, x, COMPLEX * c + WIDTH, COMPLEX)
        across(transformed(x, y, along_rows), columns, tile)
    for block in range(columns.shape[0]):
        here = columns[block].reshape(COMPLEX * columns.shape[1])
        x[: here.size] = here
        line = transformed(x, y, along_columns)
        for k in range(0, COMPLEX * along_columns.length, COMPLEX):
            store(here, k, load(line, k + WIDTH))
            store(here, k + WIDTH, load(line, k))


@kernel
def _inverse(columns, along_rows, along_columns, rows, x, y):  # type: ignore[no-untyped-def]
    """rows = the inverse transform of `columns`, which it leaves as they are, times the number of pixels."""
    for block in range(columns.shape[0]):
        here = columns[block].reshape(COMPLEX * columns.shape[1])
        x[: here.size] = here
        across(transformed(x, y, along_columns), rows, block)
    for tile in range(rows.shape[0]):
        here = rows[tile].reshape(COMPLEX * rows.shape[1])
        x[: here.size] = here
        line = transformed(x, y, along_rows)
        here[:] = line[: here.size]


@kernel
def part_of(rows, part, image):  # type: ignore[no-untyped-def]
    """image = the real (0) or imaginary (1) part of a plane of rows; the image's sides are padded to multiples of eight."""
    flat, target = rows.reshape(rows.size), image.reshape(image.size)
    width = image.shape[1]
    for tile in range(rows.shape[0]):
        for c in range(0, width, WIDTH):
            source = COMPLEX * (tile * width + c) + WIDTH * part
            transpose(flat, source, COMPLEX, target, tile * WIDTH * width + c, width)


def work_arrays(*plans: Plan) -> tuple[Real, Real]:
    """Two work arrays for `transformed` with any of the plans."""
    size = max(p.work for p in plans)
    return scratch("line", size), scratch("other line", size)


def _padded(image: NDArray[np.generic], purpose: str) -> Real:
    """An H×W image as float64 with zeros up to multiples of eight."""
    height, width = image.shape
    out = scratch(purpose, tiles(height) * WIDTH, tiles(width) * WIDTH)
    out[:height, :width] = image
    out[height:] = 0.0
    out[:height, width:] = 0.0
    return out


def spectrum(
    real: NDArray[np.generic], imaginary: NDArray[np.generic] | None = None, purpose: str = "spectrum"
) -> Real:
    """The forward transform of `real` + i·`imaginary` (H×W) as a plane of columns; in `scratch` memory, by its purpose."""
    height, width = real.shape
    along_rows, along_columns = plan(width), plan(height)
    columns = scratch(purpose, tiles(width), tiles(height) * WIDTH, COMPLEX)
    a = _padded(real, "real part")
    b = scratch("imaginary part", *a.shape) if imaginary is None else _padded(imaginary, "imaginary part")
    if imaginary is None:
        b[:] = 0.0
    _forward(a, b, along_rows, along_columns, columns, *work_arrays(along_rows, along_columns))
    return columns


def inverse(columns: Real, shape: tuple[int, int]) -> Real:
    """The inverse transform of a plane of columns, of an image of `shape`, as a plane of rows; not divided by the number of pixels."""
    along_rows, along_columns = plan(shape[1]), plan(shape[0])
    rows = scratch("rows", tiles(shape[0]), tiles(shape[1]) * WIDTH, COMPLEX)
    _inverse(columns, along_rows, along_columns, rows, *work_arrays(along_rows, along_columns))
    return rows
