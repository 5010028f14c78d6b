"""The two-dimensional discrete cosine transform (DCT-II, orthonormal) of an image, sixteen lines at a time.

A line's transform is that of a complex line of the same length, its even samples followed by the odd ones in reverse (J. Makhoul, IEEE Trans.
Acoustics, Speech, Signal Processing 28(1), 1980); eight lines are the real and eight the imaginary parts of those that `fourier.py` transforms.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .fourier import plan, tiles, transformed, work_arrays
from .fourier_passes import COMPLEX
from .kernels import kernel
from .scratch import scratch
from .simd import WIDTH, load, store, transpose

__all__ = ["write_dct"]

Real = NDArray[np.float64]


@lru_cache(maxsize=16)
def _factors(length: int) -> Real:
    """(cos, sin)(πk/2n), times the orthonormal scale, for k < n."""
    angles = np.arange(length) * (np.pi / (2 * length))
    scale = np.full(length, np.sqrt(0.5 / length))
    scale[0] = np.sqrt(0.25 / length)
    return np.stack([np.cos(angles) * scale, np.sin(angles) * scale])


@kernel
def _cosine_parts(line, length, factors):  # type: ignore[no-untyped-def]
    """Turn transformed lines into the cosine transforms of the lines that were their real and imaginary parts."""
    for k in range(length // 2 + 1):
        other = (length - k) % length
        r, i = load(line, COMPLEX * k), load(line, COMPLEX * k + WIDTH)
        s, t = load(line, COMPLEX * other), load(line, COMPLEX * other + WIDTH)
        for at, c, d, turn in (
            (k, factors[0, k], factors[1, k], 1.0),
            (other, factors[0, other], factors[1, other], -1.0),
        ):
            store(line, COMPLEX * at, (r + s) * c - (i - t) * (turn * d))
            store(line, COMPLEX * at + WIDTH, (i + t) * c + (r - s) * (turn * d))


@kernel
def _take_rows(image, first, levels, x):  # type: ignore[no-untyped-def]
    """Sixteen rows, reordered, as lines; beyond the last row it again."""
    height, width = image.shape
    flat, padded = levels.reshape(levels.size), levels.shape[1]
    for part in range(0, COMPLEX, WIDTH):
        for k in range(WIDTH):
            row, to = image[min(first + part + k, height - 1)], levels[k]
            for c in range((width + 1) // 2):
                to[c] = row[2 * c]
            for c in range(width // 2):
                to[width - 1 - c] = row[2 * c + 1]
        for c in range(0, width, WIDTH):
            transpose(flat, c, padded, x, COMPLEX * c + part, COMPLEX)


@kernel
def _put_rows(line, levels, first, out):  # type: ignore[no-untyped-def]
    height, width = out.shape
    flat, padded = levels.reshape(levels.size), levels.shape[1]
    for part in range(0, COMPLEX, WIDTH):
        for c in range(0, width, WIDTH):
            transpose(line, COMPLEX * c + part, COMPLEX, flat, c, padded)
        for k in range(min(WIDTH, height - first - part)):
            for c in range(width):
                out[first + part + k, c] = levels[k, c]


@kernel
def _take_columns(out, first, x):  # type: ignore[no-untyped-def]
    """Up to sixteen columns, reordered, as lines."""
    height, width = out.shape
    flat, count = out.reshape(out.size), min(COMPLEX, width - first)
    for row in range(height):
        source = row * width + first
        target = COMPLEX * (row // 2 if row % 2 == 0 else height - 1 - row // 2)
        if count == COMPLEX:
            store(x, target, load(flat, source))
            store(x, target + WIDTH, load(flat, source + WIDTH))
        else:
            for c in range(count):
                x[target + c] = flat[source + c]


@kernel
def _put_columns(line, first, out):  # type: ignore[no-untyped-def]
    height, width = out.shape
    flat, count = out.reshape(out.size), min(COMPLEX, width - first)
    for row in range(height):
        source, target = COMPLEX * row, row * width + first
        if count == COMPLEX:
            store(flat, target, load(line, source))
            store(flat, target + WIDTH, load(line, source + WIDTH))
        else:
            for c in range(count):
                flat[target + c] = line[source + c]


@kernel
def _transform(image, of_rows, plan, factors, levels, x, y, out):  # type: ignore[no-untyped-def]
    """The transform of the image's rows into `out`, or of the columns of `out` in place."""
    height, width = out.shape
    for first in range(0, height if of_rows else width, COMPLEX):
        if of_rows:
            _take_rows(image, first, levels, x)
        else:
            _take_columns(out, first, x)
        transformed(x, plan.ones, y, plan)
        _cosine_parts(y, plan.length, factors)
        if of_rows:
            _put_rows(y, levels, first, out)
        else:
            _put_columns(y, first, out)


def write_dct(image: NDArray[np.generic], out: Real) -> None:
    """Write the DCT-II of an H×W image with orthonormal scale into `out` (H×W, contiguous)."""
    height, width = image.shape
    along_rows, along_columns = plan(width), plan(height)
    x, y = work_arrays(along_rows, along_columns)
    levels = scratch("eight rows", WIDTH, tiles(width) * WIDTH)
    _transform(image, True, along_rows, _factors(width), levels, x, y, out)
    _transform(image, False, along_columns, _factors(height), levels, x, y, out)
