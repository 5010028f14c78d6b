"""Local moments of three images under a separable window, streamed row by row.

Every structural metric here needs the local means, variances and covariances of (infrared, visible, fused) under some
window. They are made row by row, a strip of the image at a time, so that memory stays far below one map per moment.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .kernels import kernel
from .local_moments import horizontal, vertical_products

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
    step = max(1, 6_000 // max(width, 1))
    return [(first, min(first + step, rows)) for first in range(0, rows, step)]


@kernel
def filtered_moments(a, b, f, taps, first, last, out):  # type: ignore[no-untyped-def]
    """Write the nine local moments of output rows `first`…`last`−1 (valid filtering) into out[rows, 9, W − size + 1].

    `a`, `b`, `f`: H×W float64; `taps`: symmetric, odd length, the same on both axes. out[rows, 8, …] leaves E[AB] out.
    """
    vertical = np.empty((out.shape[1], a.shape[1]))
    for y in range(first, last):
        vertical_products(a, b, f, taps, y, None, vertical)
        if out.shape[1] == COUNT:
            _vertical_cross(a, b, taps, y, vertical[COUNT - 1])
        horizontal(vertical, taps, out[y - first])


@kernel
def _vertical_cross(a, b, taps, top, out):  # type: ignore[no-untyped-def]
    half = taps.size // 2
    ra, rb = a[top + half], b[top + half]
    k = taps[half]
    for c in range(out.size):
        out[c] = k * (ra[c] * rb[c])
    for t in range(half):
        k = taps[t]
        ra, rb, sa, sb = a[top + t], b[top + t], a[top + 2 * half - t], b[top + 2 * half - t]
        for c in range(out.size):
            out[c] += k * (ra[c] * rb[c] + sa[c] * sb[c])
