"""FMI by the few cells in which two windows' joint distribution isn't a product:
`fmi.feature_mutual_information`.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import numpy.typing as npt

from ..metrics import fmi as definition
from ..metrics.fmi_features import FEATURES, wavelet_bands
from ..metrics.windows import Real
from ..undefined import require_size
from .compiling import kernel

CELLS = definition.CELLS
STAIR = 2 * CELLS - 1
"""Cells of the coupling M that can have mass: a stair from the first cell to the last."""
JOINT, REST = 2 * CELLS, 2 * CELLS + STAIR
"""Rows of a window's terms: p, q (read backwards where it is so coupled), J on the stair, 1 − φ."""
ROWS = 4
"""Rows of windows whose terms are in memory at a time."""


@kernel
def _distribution(image, row, column, p):  # type: ignore[no-untyped-def]
    """Write a window's pdf, column by column; returns (flat, all mass in one cell)."""
    low = high = image[row, column]
    for k in range(9):
        value = image[row + k % 3, column + k // 3]
        p[k] = value
        low, high = min(low, value), max(high, value)
    total = 0.0
    for k in range(9):
        p[k] = p[k] - low
        total += p[k]
    if high == low:
        p[:] = 1.0 / 9.0
        return True, False
    for k in range(9):
        p[k] = p[k] / total
    return False, total == high - low


@kernel
def _variances(p, cdf):  # type: ignore[no-untyped-def]
    """(Σ (p − ⅑)², variance of the cell's index); writes the cdf."""
    square = first = second = running = 0.0
    for k in range(9):
        running += p[k]
        cdf[k] = running
        square += (p[k] - 1.0 / 9.0) * (p[k] - 1.0 / 9.0)
        first += k * p[k]
        second += k * k * p[k]
    cdf[8] = 1.0
    return square, max(second - first * first, 0.0)


@kernel
def _terms(source, fused, first, last, terms, factors):  # type: ignore[no-untyped-def]
    """(windows that count 1, windows with terms) of rows `first`…`last` − 1.

    The terms are those of `fmi.window_information`; `factors` are what the logarithms of p, q and 1 − φ count
    in −H(J), in the same rows.
    """
    p, q, turned = np.empty(9), np.empty(9), np.empty(9)
    cdf_p, cdf_q, smaller = np.empty(9), np.empty(9), np.empty(9)
    of_p, of_q = np.empty(9), np.empty(9)
    alike = n = 0
    for row in range(first, last):
        for column in range(fused.shape[1] - 2):
            same = True
            for k in range(9):
                y, x = row + k % 3, column + k // 3
                same = same and source[y, x] == fused[y, x]
            if same:
                alike += 1
                continue
            flat_p, one_p = _distribution(source, row, column, p)
            flat_q, one_q = _distribution(fused, row, column, q)
            if flat_p or flat_q or one_p or one_q:
                alike += 1 if flat_p and flat_q else 0
                continue
            dot = 0.0
            for k in range(9):
                dot += (p[k] - 1.0 / 9.0) * (q[k] - 1.0 / 9.0)
            for k in range(9):
                turned[k] = q[8 - k] if dot < 0.0 else q[k]
            square_p, variance_p = _variances(p, cdf_p)
            square_q, variance_q = _variances(turned, cdf_q)
            smaller[:] = 0.0  # nine sums that the processor adds to at once
            for i in range(9):
                for j in range(9):
                    smaller[j] += min(cdf_p[i], cdf_q[j])
            covariance = smaller.sum() - cdf_p.sum() * cdf_q.sum()
            phi = abs(dot) / math.sqrt(square_p * square_q) * math.sqrt(variance_p * variance_q) / covariance
            rest = 1.0 - phi
            of_rest = rest
            for k in range(9):
                of_p[k], of_q[k] = rest * p[k], rest * turned[k]
            i = j = 0
            start = 0.0
            for k in range(17):
                end = min(cdf_p[i], cdf_q[j])
                product = rest * (p[i] * turned[j])
                terms[18 + k, n] = phi * (end - start) + product
                # On the stair J's own logarithm counts, so that of (1 − φ)·p·q is taken out again.
                of_p[i] -= product
                of_q[j] -= product
                of_rest -= product
                start = end
                down = j == 8 or (i < 8 and cdf_p[i] <= cdf_q[j])
                i, j = i + down, j + 1 - down
            for k in range(9):
                terms[k, n], terms[9 + k, n] = p[k], turned[k]
                factors[k, n], factors[9 + k, n] = of_p[k], of_q[k]
            terms[35, n], factors[35, n] = rest, of_rest
            n += 1
    return alike, n


def feature_mutual_information(
    infrared: npt.NDArray[np.generic], visible: npt.NDArray[np.generic], fused: npt.NDArray[np.generic]
) -> float:
    """As `fmi.feature_mutual_information`.

    Off the stair J = (1 − φ)·p·q, whose logarithm is a sum of logarithms: 36 of them instead of 99 a window.
    """
    require_size(fused.shape, 3, "FMI")
    a, b, f = (np.ascontiguousarray(values, dtype=np.float64) for values in (infrared, visible, fused))
    rows, columns = f.shape[0] - 2, f.shape[1] - 2
    terms, factors, logs = np.empty((3, REST + 1, ROWS * columns))
    total = 0.0
    for row in range(0, rows, ROWS):
        for source in (a, b):
            alike, count = _terms(source, f, row, min(row + ROWS, rows), terms, factors)
            total += alike
            found, factor, logarithms = (of[:, :count] for of in (terms, factors, logs))
            np.maximum(np.abs(found, out=logarithms), 1e-300, out=logarithms)
            np.log(logarithms, out=logarithms)  # natural ones: their base drops out
            entropies = -np.einsum("kn,kn->n", found[:JOINT], logarithms[:JOINT])
            together = np.einsum("kn,kn->n", factor[:JOINT], logarithms[:JOINT])  # −H(J)
            together += np.einsum("kn,kn->n", found[JOINT:REST], logarithms[JOINT:REST])
            together += factor[REST] * logarithms[REST]
            total += float((2.0 * (entropies + together) / entropies).sum())
    return float(total / (2.0 * rows * columns))


@kernel
def _filtered(extended, taps, count):  # type: ignore[no-untyped-def]
    """Every second row of the array filtered downwards, its taps added in their order."""
    out = np.zeros((count, extended.shape[1]))
    for row in range(count):
        line = out[row]
        for j in range(taps.size):
            tap, source = taps[j], extended[taps.size + 1 - j + 2 * row]
            for c in range(line.size):
                line[c] += tap * source[c]
    return out


def decimated(values: Real, taps: Real) -> Real:
    """As `fmi_features.decimated`, to the last bit."""
    extended = np.pad(values, ((taps.size, taps.size), (0, 0)), mode="symmetric")
    return np.asarray(_filtered(extended, taps, (values.shape[0] + taps.size - 1) // 2))


fmi = partial(
    definition.fmi,
    of_maps=feature_mutual_information,
    features={**FEATURES, "wavelet": partial(wavelet_bands, down=decimated)},
)
"""As `fmi.fmi`."""
