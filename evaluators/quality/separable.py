"""Local moments of three images under a separable window, streamed row by row.

Every structural metric here needs the local means, variances and covariances of (infrared, visible, fused) under some
window. They are made row by row, a strip of the image at a time, so that memory stays far below one map per moment.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .kernels import kernel

__all__ = ["COUNT", "filtered_moments", "gaussian_taps", "strips"]

COUNT = 9
"""Moments of A, B, F in order: μA μB μF  E[A²] E[B²] E[F²]  E[AF] E[BF] E[AB]."""


def gaussian_taps(size: int, sigma: float) -> NDArray[np.float64]:
    """One axis of MATLAB's fspecial('gaussian', size, sigma): `size` (odd) taps that sum to 1."""
    x = np.arange(size, dtype=np.float64) - (size - 1) / 2
    taps = np.exp(-(x * x) / (2 * sigma * sigma))
    result: NDArray[np.float64] = taps / taps.sum()
    return result


def strips(rows: int, width: int) -> list[tuple[int, int]]:
    """Row ranges (first, last) into which `rows` output rows are cut so that nine maps of a strip stay in the cache."""
    step = max(16, min(64, 40_000 // max(width, 1)))
    return [(first, min(first + step, rows)) for first in range(0, rows, step)]


@kernel
def _weighted_pairs(rows, size, position, taps, out):  # type: ignore[no-untyped-def]
    """`out` = Σ_k taps[k]·rows[(position + k) mod size], symmetric odd taps; rows five or three pairs to a pass.

    Each pass writes `out` once: a pass for each pair would spend its time on loading and storing `out`.
    """
    radius = taps.size // 2
    width = out.size
    first = rows[(position + radius) % size]
    centre = taps[radius]
    for c in range(width):
        out[c] = centre * first[c]
    k = 0
    while k + 5 <= radius:
        t0, t1, t2, t3, t4 = taps[k], taps[k + 1], taps[k + 2], taps[k + 3], taps[k + 4]
        end = position + 2 * radius - k
        a0, b0 = rows[(position + k) % size], rows[end % size]
        a1, b1 = rows[(position + k + 1) % size], rows[(end - 1) % size]
        a2, b2 = rows[(position + k + 2) % size], rows[(end - 2) % size]
        a3, b3 = rows[(position + k + 3) % size], rows[(end - 3) % size]
        a4, b4 = rows[(position + k + 4) % size], rows[(end - 4) % size]
        for c in range(width):
            out[c] += (
                t0 * (a0[c] + b0[c]) + t1 * (a1[c] + b1[c]) + t2 * (a2[c] + b2[c]) + t3 * (a3[c] + b3[c])
                + t4 * (a4[c] + b4[c])
            )  # fmt: skip
        k += 5
    while k < radius:
        t0 = taps[k]
        a0, b0 = rows[(position + k) % size], rows[(position + 2 * radius - k) % size]
        for c in range(width):
            out[c] += t0 * (a0[c] + b0[c])
        k += 1


@kernel
def _filter_row(row, taps, out):  # type: ignore[no-untyped-def]
    """`out` = `row` filtered by symmetric odd taps, valid part (length of `row` − size + 1); see `_weighted_pairs`."""
    radius = taps.size // 2
    width = out.size
    middle = row[radius:]
    centre = taps[radius]
    for c in range(width):
        out[c] = centre * middle[c]
    k = 0
    while k + 5 <= radius:
        t0, t1, t2, t3, t4 = taps[k], taps[k + 1], taps[k + 2], taps[k + 3], taps[k + 4]
        left, right = row[k:], row[2 * radius - k - 4 :]
        for c in range(width):
            out[c] += (
                t0 * (left[c] + right[c + 4]) + t1 * (left[c + 1] + right[c + 3]) + t2 * (left[c + 2] + right[c + 2])
                + t3 * (left[c + 3] + right[c + 1]) + t4 * (left[c + 4] + right[c])
            )  # fmt: skip
        k += 5
    while k < radius:
        t0 = taps[k]
        left, right = row[k:], row[2 * radius - k :]
        for c in range(width):
            out[c] += t0 * (left[c] + right[c])
        k += 1


@kernel
def filtered_moments(a, b, f, taps, first, last, out):  # type: ignore[no-untyped-def]
    """Write the nine local moments of output rows `first`…`last`−1 (valid filtering) into out[9, rows, W − size + 1].

    `a`, `b`, `f`: H×W float64; `taps`: symmetric, odd length, the same on both axes.
    """
    size = taps.size
    width = a.shape[1]
    inner = width - size + 1
    ring = np.empty((COUNT, size, inner))
    product = np.empty(width)
    for y in range(first, last + size - 1):
        slot = y % size
        for m in range(COUNT):
            if m < 3:
                _filter_row(a[y] if m == 0 else (b[y] if m == 1 else f[y]), taps, ring[m, slot])
            else:
                left = a[y] if (m in {3, 6, 8}) else (b[y] if (m in {4, 7}) else f[y])
                right = a[y] if m == 3 else (b[y] if (m in {4, 8}) else f[y])
                for c in range(width):
                    product[c] = left[c] * right[c]
                _filter_row(product, taps, ring[m, slot])
        top = y - size + 1
        if top >= first:
            for m in range(COUNT):
                _weighted_pairs(ring[m], size, top, taps, out[m, top - first])
