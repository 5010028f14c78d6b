"""Two-dimensional Fourier transforms of float64 images in tiles of eight rows or columns, for kernels that work between the passes.

SciPy's transform is general; a metric that filters one spectrum many times gains by multiplying while a column is at hand and by using a
row while it is still in the cache. A **plane** is one side's tiles: `columns` (⌈W/8⌉, 8⌈H/8⌉, 16) or `rows` (⌈H/8⌉, 8⌈W/8⌉, 16), float64; the last
axis holds the eight columns' (rows') real parts, then their imaginary parts. A tile of columns has eight neighbours; so has a tile of rows, or else,
where the transform of columns ends with a pass of radix 8, what that pass computes together, rows an eighth of the height apart: lane k of tile t is
row `tiles_apart`·t + `lanes_apart`·k. Lanes beyond the image are zeros or without meaning.
Lengths with prime factors above 7 go through Bluestein's convolution (L. I. Bluestein, IEEE Trans. Audio Electroacoustics 18(4), 1970).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from .fourier_passes import COMPLEX, RADICES, last_pass_across, passes
from .kernels import kernel
from .scratch import scratch
from .simd import WIDTH, fused, kept_apart, load, splat, store, transpose, transpose_past_cache

__all__ = [
    "Plan",
    "filtered",
    "padded_shape",
    "plan",
    "spectrum",
    "tiles",
    "transformed",
    "transformed_across",
    "work_arrays",
]

Real = NDArray[np.float64]


class Plan(NamedTuple):
    """How a line of `length` is transformed. `chirp` and `response` are empty but for Bluestein's convolution."""

    length: int
    work: int  # float64 numbers that the work array for eight lines needs
    radices: NDArray[np.int64]
    order: NDArray[np.int64]
    factors: Real
    ones: Real  # the weights of a transform without any
    tiles_apart: int
    lanes_apart: int
    chirp: Real
    response: Real


def tiles(length: int) -> int:
    """How many tiles of eight lines a side of `length` has."""
    return -(-length // WIDTH)


def _interleaved(values: NDArray[np.complex128]) -> Real:
    return np.ascontiguousarray(values, dtype=np.complex128).view(np.float64).ravel()


@lru_cache(maxsize=256)
def _radices(length: int) -> tuple[int, ...]:
    """A length as a product of as few radices as possible, the last one 8 if possible; () if there is no such product."""
    if length in RADICES:
        return (length,)
    products = [(*found, r) for r in RADICES if length % r == 0 and (found := _radices(length // r))]
    return min(products, key=lambda found: (len(found), found[-1] != WIDTH, sum(found)), default=())


def _order(radices: tuple[int, ...]) -> NDArray[np.int64]:
    """Where the first pass begins to gather, leaf by leaf."""
    order = np.zeros(1, np.int64)
    for radix in radices[1:]:
        order = (np.arange(radix)[:, np.newaxis] + radix * order).ravel()
    return order


def _factors(radices: tuple[int, ...]) -> Real:
    """What the later passes multiply their inputs with: e^(2πiqk/n) for each q < n/r and 0 < k < r, pass by pass."""
    factors, count = [np.zeros(1, np.complex128)], radices[0]
    for radix in radices[1:]:
        powers = np.outer(np.arange(count), np.arange(1, radix))
        count *= radix
        factors.append(np.exp(2j * np.pi * powers / count).ravel())
    return _interleaved(np.concatenate(factors[1:] or factors))


@lru_cache(maxsize=16)
def plan(length: int) -> Plan:
    """The plan of a length (16 are kept; each a few tens of bytes a sample)."""
    radices = _radices(length)
    nothing, ones = np.empty(0), np.ones(WIDTH)
    if radices:
        eighths = len(radices) > 1 and radices[-1] == WIDTH
        return Plan(
            length, COMPLEX * tiles(length) * WIDTH, np.array(radices), _order(radices), _factors(radices), ones,
            1 if eighths else WIDTH, length // WIDTH if eighths else 1, nothing, nothing,
        )  # fmt: skip
    whole = fft.next_fast_len(max(2 * length - 1, WIDTH))
    while not _radices(whole):  # SciPy's fast lengths may have prime factors 11 and 13
        whole = fft.next_fast_len(whole + 1)
    chirp = np.exp(1j * np.pi * (np.arange(length) ** 2 % (2 * length)) / length)
    around = np.zeros(whole, np.complex128)
    around[:length] = chirp.conj()
    around[whole - length + 1 :] = chirp[:0:-1].conj()
    response = np.conj(np.fft.fft(np.conj(around))) / whole
    return plan(whole)._replace(
        length=length, work=2 * COMPLEX * whole, tiles_apart=WIDTH, lanes_apart=1,
        chirp=_interleaved(chirp), response=_interleaved(response),
    )  # fmt: skip


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
def transformed(x, weights, y, plan):  # type: ignore[no-untyped-def]
    """y = Σ_k w_k·x_k·e^(2πijk/n) of the eight complex lines at the front of x, at the front of y; x stays as it is.

    `y`: `plan.work` float64. `weights`: eight for each k, or eight for all (`plan.ones` for none). For the forward transform swap the parts
    before and after.
    """
    kept_apart()
    if plan.chirp.size == 0:
        passes(x, weights, y, plan.radices, plan.order, plan.factors)
        return
    whole = plan.response.size // 2
    z = y[COMPLEX * whole :]
    weight_step = 0 if weights.size == WIDTH else WIDTH
    for k in range(plan.length):
        weight = load(weights, weight_step * k)
        store(z, COMPLEX * k, load(x, COMPLEX * k) * weight)
        store(z, COMPLEX * k + WIDTH, load(x, COMPLEX * k + WIDTH) * weight)
    _times_table(z, plan.length, plan.chirp)
    z[COMPLEX * plan.length :] = 0.0
    passes(z, plan.ones, y, plan.radices, plan.order, plan.factors)
    _times_table(y, whole, plan.response)
    _swap_parts(y, whole)
    passes(y, plan.ones, z, plan.radices, plan.order, plan.factors)
    _swap_parts(z, plan.length)
    _times_table(z, plan.length, plan.chirp)
    for k in range(0, COMPLEX * plan.length, WIDTH):
        store(y, k, load(z, k))


@kernel
def _across(line, plane, tile):  # type: ignore[no-untyped-def]
    """Write eight transformed lines, the `tile`-th, into the plane of the other direction, eight neighbours a tile."""
    flat = plane.reshape(plane.size)
    for block in range(plane.shape[0]):
        target = COMPLEX * (block * plane.shape[1] + WIDTH * tile)
        for part in range(0, COMPLEX, WIDTH):
            transpose_past_cache(line, block * WIDTH * COMPLEX + part, COMPLEX, flat, target + part, COMPLEX)


@kernel
def transformed_across(x, weights, y, plan, plane, tile):  # type: ignore[no-untyped-def]
    """Transform eight columns, the `tile`-th, and write them into a plane of rows; arguments as of `transformed`."""
    kept_apart()
    if plan.lanes_apart > 1:
        flat = plane.reshape(plane.size)
        passes(x, weights, y, plan.radices[:-1], plan.order, plan.factors)
        count = plan.lanes_apart
        row = plan.factors.size - 2 * (WIDTH - 1) * count
        last_pass_across(y, count, plan.factors, row, flat, COMPLEX * WIDTH * tile, COMPLEX * plane.shape[1])
        return
    transformed(x, weights, y, plan)
    _across(y, plane, tile)


@kernel
def _eight_rows(image, first, line):  # type: ignore[no-untyped-def]
    """line = the eight rows of an image from `first`, with zeros up to multiples of eight."""
    height, width = image.shape
    padded = line.size // WIDTH
    for lane in range(WIDTH):
        to = line[lane * padded : (lane + 1) * padded]
        if first + lane >= height:
            to[:] = 0.0
            continue
        row = image[first + lane]
        for c in range(width):
            to[c] = row[c]
        to[width:] = 0.0


@kernel
def _forward(real, imaginary, both, along_rows, along_columns, columns, x, y):  # type: ignore[no-untyped-def]
    """columns = the forward transform of real, or with `both` of real + i·imaginary."""
    padded = columns.shape[0] * WIDTH
    a, b = np.empty(WIDTH * padded), np.zeros(WIDTH * padded)
    for tile in range(columns.shape[1] // WIDTH):
        _eight_rows(real, WIDTH * tile, a)
        if both:
            _eight_rows(imaginary, WIDTH * tile, b)
        for c in range(0, padded, WIDTH):  # with its parts swapped, the inverse transform is the forward one
            transpose(b, c, padded, x, COMPLEX * c, COMPLEX)
            transpose(a, c, padded, x, COMPLEX * c + WIDTH, COMPLEX)
        transformed(x, along_rows.ones, y, along_rows)
        _across(y, columns, tile)
    for block in range(columns.shape[0]):
        here = columns[block].reshape(COMPLEX * columns.shape[1])
        transformed(here, along_columns.ones, y, along_columns)
        for k in range(0, COMPLEX * along_columns.length, COMPLEX):
            store(here, k, load(y, k + WIDTH))
            store(here, k + WIDTH, load(y, k))


@kernel
def _inverse(columns, other, subtract, table, along_rows, along_columns, rows, image, second, both, x, y):  # type: ignore[no-untyped-def]
    """image = the real part of the inverse transform of table·columns, or with `subtract` of table·(columns − (1 + i)·other), times the number of pixels.

    With `both`, second = its imaginary part. Flags instead of None: the transforms are compiled once.
    """
    height = along_columns.length
    weights = np.empty(WIDTH * height)
    for block in range(columns.shape[0]):
        half = table[block].reshape(WIDTH * table.shape[1])
        for r in range(height):
            store(weights, WIDTH * r, load(half, WIDTH * min(r, height - r)))
        column = columns[block].reshape(COMPLEX * columns.shape[1])
        if subtract:
            subtracted = other[block].reshape(column.size)
            for k in range(0, COMPLEX * height, COMPLEX):
                re, im = load(subtracted, k), load(subtracted, k + WIDTH)
                store(x, k, load(column, k) - (re - im))
                store(x, k + WIDTH, load(column, k + WIDTH) - (re + im))
            transformed_across(x, weights, y, along_columns, rows, block)
        else:
            transformed_across(column, weights, y, along_columns, rows, block)
    for tile in range(rows.shape[0]):
        row = rows[tile].reshape(COMPLEX * rows.shape[1])
        transformed(row, along_rows.ones, y, along_rows)
        _put(y, 0, along_columns, tile, image)
        if both:
            _put(y, WIDTH, along_columns, tile, second)


@kernel
def _put(line, part, along_columns, tile, image):  # type: ignore[no-untyped-def]
    """Write one part of eight transformed rows, the `tile`-th, to their places in an image."""
    flat, width = image.reshape(image.size), image.shape[1]
    start, stride = width * along_columns.tiles_apart * tile, width * along_columns.lanes_apart
    for c in range(0, width, WIDTH):
        transpose(line, COMPLEX * c + part, COMPLEX, flat, start + c, stride)


def work_arrays(*plans: Plan) -> tuple[Real, Real]:
    """A line and a work array for `transformed` with any of the plans."""
    size = max(p.work for p in plans)
    return scratch("line", size), scratch("transformed line", size)


def spectrum(
    real: NDArray[np.generic], imaginary: NDArray[np.generic] | None = None, purpose: str = "spectrum"
) -> Real:
    """The forward transform of `real` + i·`imaginary` (H×W) as a plane of columns; in `scratch` memory, by its purpose."""
    height, width = real.shape
    along_rows, along_columns = plan(width), plan(height)
    columns = scratch(purpose, tiles(width), tiles(height) * WIDTH, COMPLEX)
    both = imaginary is not None
    work = work_arrays(along_rows, along_columns)
    _forward(real, imaginary if both else real, both, along_rows, along_columns, columns, *work)
    return columns


def padded_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """The sides of an image up to multiples of eight."""
    return tiles(shape[0]) * WIDTH, tiles(shape[1]) * WIDTH


def filtered(
    columns: Real,
    table: Real,
    shape: tuple[int, int],
    image: Real,
    second: Real | None = None,
    *,
    other: Real | None = None,
) -> None:
    """image + i·second = the inverse transform of table·(columns − (1 + i)·other), not divided by the number of pixels.

    `columns`, `other`: spectra of images of `shape`; `image`, `second`: of `padded_shape`; `table`: (⌈W/8⌉, H//2 + 1, 8) real weights, the same for
    rows of negative frequency.
    """
    along_rows, along_columns = plan(shape[1]), plan(shape[0])
    rows = scratch("rows", tiles(shape[0]), tiles(shape[1]) * WIDTH, COMPLEX)
    subtract, both = other is not None, second is not None
    _inverse(
        columns, other if subtract else columns, subtract, table, along_rows, along_columns, rows,
        image, second if both else image, both, *work_arrays(along_rows, along_columns),
    )  # fmt: skip
