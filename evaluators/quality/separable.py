"""Local moments of three images under a separable, symmetric window, a tile at a time.

Every structural metric here needs the local means, variances and covariances of (infrared, visible, fused) under some window. A tile is
eight rows of windows high: its columns are filtered with eight of them side by side, then turned over, and its rows likewise. No vector
lies across two lines of the cache that way, and a tile with all its moments stays in the second level of it, whatever the image's size.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kernels import kernel
from .scratch import aligned
from .simd import WIDTH, load, prefetch, smaller, splat, store, transpose
from .simd_programs import Rows, program_3

__all__ = [
    "ALL_MOMENTS",
    "COLUMNS",
    "COUNT",
    "FIRST",
    "LAST",
    "LEFT",
    "MOMENTS",
    "TOP",
    "Images",
    "Tiling",
    "counted",
    "decimated",
    "gaussian_taps",
    "levels",
    "tile_moments",
    "tiled",
    "window_of",
]

Real = NDArray[np.float64]
Images = list[NDArray[np.generic]]

COUNT = 9
"""Moments of A, B, F in order: μA μB μF  E[A²] E[B²] E[F²]  E[AF] E[BF] E[AB]."""
ALL_MOMENTS = np.arange(COUNT)
MOMENTS = np.arange(COUNT - 1)
"""All but E[AB]."""

AHEAD = 4 * WIDTH
"""Pixels from those that are read to those that are asked for."""
MOST_COLUMNS = 256
"""Windows side by side in a tile, at most."""
BLOCK = WIDTH * WIDTH
_LARGEST = 17
TOP, LEFT, COLUMNS, FIRST, LAST = range(5)
"""What describes a tile: its upper row, left column and width, and which of its eight rows count, from FIRST to LAST − 1."""


class Tiling(NamedTuple):
    """The tiles of an image, and the memory that they are computed in."""

    tiles: NDArray[np.int64]
    """One a row: TOP, LEFT, COLUMNS, FIRST, LAST."""
    blocks: NDArray[np.int64]
    """0, 1, 2… for the blocks of eight columns of a tile."""
    products: Real
    filtered: Real
    turned: Real


def gaussian_taps(size: int, sigma: float) -> Real:
    """One axis of MATLAB's fspecial('gaussian', size, sigma): `size` (odd) taps that sum to 1."""
    x = np.arange(size, dtype=np.float64) - (size - 1) / 2
    taps = np.exp(-(x * x) / (2 * sigma * sigma))
    result: Real = taps / taps.sum()
    return result


def window_of(taps: Real) -> Real:
    """Symmetric taps (3, 5, 7, 9, 11 or 17) as the kernels take them: from the outermost to the middle one, each eight times."""
    half = taps[: taps.size // 2 + 1]
    result = aligned(half.size * WIDTH)
    result[:] = np.repeat(half, WIDTH)
    return result


def levels(*images: NDArray[np.generic]) -> Images:
    """Images as the kernels take them: contiguous, uint8 as they are and all others as float64."""
    return [np.ascontiguousarray(i, None if i.dtype == np.uint8 else np.float64) for i in images]


def _at_least(images: Images, height: int, width: int) -> Images:
    """The images, repeated beyond the lower and the right border where they are smaller."""
    missing = [max(0, wanted - side) for wanted, side in zip((height, width), images[0].shape, strict=True)]
    if not any(missing):
        return images
    return [np.pad(image, [(0, more) for more in missing], mode="edge") for image in images]


def _tiling(rows: int, columns: int) -> Tiling:
    """For `rows`×`columns` windows. The last eight rows overlap the tiles before them; what those had doesn't count."""
    tiles = []
    for row in range(0, rows, WIDTH):
        top = max(min(row, rows - WIDTH), 0)
        for left in range(0, columns, MOST_COLUMNS):
            tiles.append((top, left, min(MOST_COLUMNS, columns - left), row - top, min(rows - top, WIDTH)))
    return Tiling(
        np.array(tiles),
        np.arange(MOST_COLUMNS // WIDTH),
        products=aligned(COUNT * (_LARGEST + WIDTH) * WIDTH),
        filtered=aligned(COUNT * BLOCK),
        turned=aligned(COUNT * (min(MOST_COLUMNS, columns) + _LARGEST + 2 * WIDTH) * WIDTH),
    )


def tiled(images: Images, size: int) -> tuple[Images, Tiling, Real]:
    """The images, the tiles of their 'valid' windows of `size`×`size`, and memory for a tile's moments.

    Images with fewer than eight rows of windows are made larger; no window that counts notices it.
    """
    height, width = images[0].shape
    tiling = _tiling(height - size + 1, width - size + 1)
    moments = aligned(COUNT, WIDTH * (min(MOST_COLUMNS, width) + WIDTH))
    return _at_least(images, size + WIDTH - 1, WIDTH), tiling, moments


def _symmetric(size: int, step: int) -> Any:
    """The program that makes eight sums of `size` rows, `step` rows apart: (rows, window, sums)."""

    def run(source: Rows, taps: Rows, target: Rows) -> None:
        values = [source[i] for i in range(size + (WIDTH - 1) * step)]
        weights = [taps[t] for t in range(size // 2 + 1)]
        sums = []
        for i in range(WIDTH):
            near = values[i * step : i * step + size]
            value = (near[0] + near[-1]) * weights[0]
            for t in range(1, size // 2):
                value = value.plus_product(near[t] + near[-1 - t], weights[t])
            sums.append(value.plus_product(near[size // 2], weights[-1]))
        for i, value in enumerate(sums):
            target[i] = value

    return program_3(run)


_3, _5, _7, _9, _11, _17 = (_symmetric(size, 1) for size in (3, 5, 7, 9, 11, 17))
_every_other_3, _every_other_5, _every_other_9 = (_symmetric(size, 2) for size in (3, 5, 9))


@kernel
def _filter(source, step, which, taps, target):  # type: ignore[no-untyped-def]
    """Eight filtered rows for each of `which`, whose rows begin at which·step."""
    size = taps.size // WIDTH * 2 - 1
    if size == 17:
        for i in range(which.size):
            _17(source, which[i] * step, taps, 0, target, i * BLOCK)
    elif size == 11:
        for i in range(which.size):
            _11(source, which[i] * step, taps, 0, target, i * BLOCK)
    elif size == 9:
        for i in range(which.size):
            _9(source, which[i] * step, taps, 0, target, i * BLOCK)
    elif size == 7:
        for i in range(which.size):
            _7(source, which[i] * step, taps, 0, target, i * BLOCK)
    elif size == 5:
        for i in range(which.size):
            _5(source, which[i] * step, taps, 0, target, i * BLOCK)
    else:
        for i in range(which.size):
            _3(source, which[i] * step, taps, 0, target, i * BLOCK)


@kernel
def _filter_every_other(source, start, taps, target):  # type: ignore[no-untyped-def]
    """Eight filtered rows, two apart, from the rows that begin at `start`."""
    size = taps.size // WIDTH * 2 - 1
    if size == 9:
        _every_other_9(source, start, taps, 0, target, 0)
    elif size == 5:
        _every_other_5(source, start, taps, 0, target, 0)
    else:
        _every_other_3(source, start, taps, 0, target, 0)


@kernel
def _capped(product, ceiling):  # type: ignore[no-untyped-def]
    """`product`, or the ceiling of saturating arithmetic where there is one (a compile-time choice: None has its own type)."""
    if ceiling is None:
        return product
    return smaller(product, splat(ceiling))


@kernel
def _products(a, b, f, top, left, height, ceiling, out):  # type: ignore[no-untyped-def]
    """out[k·height + row] = eight columns of A, B, F, A², B², F², AF, BF, AB."""
    step = height * WIDTH
    for row in range(height):
        row_a, row_b, row_f = a[top + row], b[top + row], f[top + row]
        x, y, z = load(row_a, left), load(row_b, left), load(row_f, left)
        prefetch(row_a, left + AHEAD)
        prefetch(row_b, left + AHEAD)
        prefetch(row_f, left + AHEAD)
        at = row * WIDTH
        store(out, at, x)
        store(out, at + step, y)
        store(out, at + 2 * step, z)
        store(out, at + 3 * step, _capped(x * x, ceiling))
        store(out, at + 4 * step, _capped(y * y, ceiling))
        store(out, at + 5 * step, _capped(z * z, ceiling))
        store(out, at + 6 * step, _capped(x * z, ceiling))
        store(out, at + 7 * step, _capped(y * z, ceiling))
        store(out, at + 8 * step, _capped(x * y, ceiling))


@kernel
def tile_moments(a, b, f, taps, which, ceiling, tiling, tile, out):  # type: ignore[no-untyped-def]
    """out[i, 8·column + row] = moment which[i] of a tile's windows; products above `ceiling` (or None) saturate."""
    height = taps.size // WIDTH * 2 + WIDTH - 2
    left, columns = tile[LEFT], tile[COLUMNS]
    stride = tiling.turned.size // COUNT
    for column in range(left, left + columns + height - WIDTH, WIDTH):
        start = min(column, a.shape[1] - WIDTH)
        _products(a, b, f, tile[TOP], start, height, ceiling, tiling.products)
        _filter(tiling.products, height * WIDTH, which, taps, tiling.filtered)
        for i in range(which.size):
            to = i * stride + (start - left) * WIDTH
            transpose(tiling.filtered, i * BLOCK, WIDTH, tiling.turned, to, WIDTH)
    blocks = tiling.blocks[: (columns + WIDTH - 1) // WIDTH]
    for i in range(which.size):
        _filter(tiling.turned[i * stride :], BLOCK, blocks, taps, out[i])


@kernel
def counted(sums, tile, rows):  # type: ignore[no-untyped-def]
    """The sum of a tile's sums over its rows (`Lanes`), of those rows that count; `rows`: memory for eight float64."""
    store(rows, 0, sums)
    total = 0.0
    for row in range(tile[FIRST], tile[LAST]):
        total += rows[row]
    return total


@kernel
def _decimate(image, taps, rows, filtered, turned, out):  # type: ignore[no-untyped-def]
    size = taps.size // WIDTH * 2 - 1
    height, width = out.shape
    to = out.reshape(out.size)
    for block in range(0, height, WIDTH):
        top = min(block, height - WIDTH)
        for column in range(0, image.shape[1], WIDTH):
            start = min(column, image.shape[1] - WIDTH)
            for row in range(size + 2 * WIDTH - 2):
                store(rows, row * WIDTH, load(image[2 * top + row], start))
            _filter_every_other(rows, 0, taps, filtered)
            transpose(filtered, 0, WIDTH, turned, start * WIDTH, WIDTH)
        for column in range(0, width, WIDTH):
            start = min(column, width - WIDTH)
            _filter_every_other(turned, 2 * start * WIDTH, taps, filtered)
            transpose(filtered, 0, WIDTH, to, top * width + start, width)


def decimated(image: NDArray[np.generic], taps: Real) -> Real:
    """Filter ('valid') with 3, 5 or 9 symmetric taps on both axes and keep every second row and column."""
    height, width = ((side - taps.size) // 2 + 1 for side in image.shape)
    (image,) = _at_least([image], taps.size + 2 * WIDTH - 2, taps.size + 2 * WIDTH - 2)
    out = np.empty((max(height, WIDTH), max(width, WIDTH)))
    rows, filtered, turned = (
        aligned(n * WIDTH) for n in (_LARGEST + 2 * WIDTH, WIDTH, image.shape[1] + 2 * WIDTH)
    )
    _decimate(image, window_of(taps), rows, filtered, turned, out)
    return np.ascontiguousarray(out[:height, :width])
