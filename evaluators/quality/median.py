"""The exact median of many values by counting around a guess from a sample."""

from __future__ import annotations

import numpy as np

from .kernels import kernel
from .simd import WIDTH, any_between, load, select, splat, total

__all__ = ["median"]

BLOCK = 4096


@kernel
def _bracket(values):  # type: ignore[no-untyped-def]
    """Two values that very probably lie on either side of the median, from a sample of about 8000; −∞ and ∞ where there are few."""
    if values.size < 65536:
        return -np.inf, np.inf
    sample = values[:: values.size // 8192 | 1].copy()
    spread, middle = sample.size // 64, sample.size // 2
    low = np.partition(sample, middle - spread)[middle - spread]
    return low, np.partition(sample, middle + spread)[middle + spread]


@kernel
def _collected(values, low, high, kept):  # type: ignore[no-untyped-def]
    """(Number of values below `low`, number in low…high, these in `kept`); (0, −1) where these would leave less than BLOCK of room."""
    below_in_lanes = splat(0.0)
    whole = values.size - values.size % WIDTH
    below = inside = 0
    for start in range(0, values.size, WIDTH):
        if start % BLOCK == 0 and inside + BLOCK > kept.size:
            return 0, -1
        if start < whole:
            here = load(values, start)
            below_in_lanes = select(here < low, below_in_lanes + 1.0, below_in_lanes)
            if not any_between(here, low, high):
                continue
        for i in range(start, min(start + WIDTH, values.size)):
            kept[inside] = values[i]  # without a branch: it would be mispredicted
            inside += 1 if low <= values[i] <= high else 0
            below += 1 if values[i] < low and start >= whole else 0
    return below + int(total(below_in_lanes)), inside


@kernel
def median(values):  # type: ignore[no-untyped-def]
    """The median of a contiguous array without NaN; the mean of the two middle ones for an even count, as MATLAB's."""
    first, last = (values.size - 1) // 2, values.size // 2
    low, high = _bracket(values)
    kept = np.empty(values.size // 16 + 2 * BLOCK)
    below, inside = _collected(values, low, high, kept)
    if below > first or below + inside <= last:  # few values, or the sample was off
        kept = np.empty(values.size + BLOCK)
        below, inside = _collected(values, -np.inf, np.inf, kept)
    ordered = np.partition(kept[:inside], first - below)
    here = ordered[first - below]
    return here if first == last else 0.5 * (here + ordered[first - below + 1 :].min())
