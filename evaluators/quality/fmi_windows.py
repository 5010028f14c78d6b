"""FMI of all 3×3 windows of three feature maps: distributions, Nelsen's coupling and its entropy, a row of windows at a time.

Everything here is a plain loop over windows that lie side by side, without branches, so that the compiler computes several at once.
What a window needs lies in rows of STRIDE in one flat array, at offsets that are constants: overlap is then ruled out at compile time.
"""

from __future__ import annotations

import math

import numpy as np

from .kernels import kernel
from .logarithm import binary_logarithm, bits_of, float_of

__all__ = ["pattern_pairs", "pattern_table", "window_sums"]

CELLS = 9
"""Pixels of a 3×3 window."""
CHUNK = 128
"""Windows worked on at a time, so that their distributions stay in the cache."""
STRIDE = CHUNK + 8
"""Row length of the work arrays: a power of two would crowd a window's nine cells into few sets of the cache."""

# A distribution over the nine cells, as rows.
PDF = 0
LOG = CELLS * STRIDE  # log2 of the pdf; 0 where that is 0
CDF = 2 * CELLS * STRIDE  # ten rows: 0, the cdf's first eight, 1
ENTROPY = CDF + (CELLS + 1) * STRIDE  # bits
DEVIATION = ENTROPY + STRIDE  # standard deviation of the cell's index
AREA = DEVIATION + STRIDE  # Σ of the cdf's first eight
NORM = AREA + STRIDE  # √(Σ p² − 1/9)
FLAT = NORM + STRIDE  # 1 where the window is flat
ROWS = 2 * CELLS + CELLS + 1 + 5

# A pair of distributions: the 17 cells that a coupling can fill, and sums over them.
SEGMENTS = 2 * CELLS - 1
MASS = 0  # the coupling's mass
INDEPENDENT = SEGMENTS * STRIDE  # p·q
LOGS = 2 * SEGMENTS * STRIDE  # log2 p + log2 q
CORRELATION = 3 * SEGMENTS * STRIDE
COVARIANCE = CORRELATION + STRIDE
PHI = COVARIANCE + STRIDE
ON_CELLS = PHI + STRIDE
VALUE = ON_CELLS + STRIDE
EQUAL = VALUE + STRIDE
PAIR_ROWS = 3 * SEGMENTS + 6


@kernel
def _distributions(image, row, start, count, d):  # type: ignore[no-untyped-def]
    """The pdfs over the nine cells (MATLAB's column order) of `count` windows of one row, and what the coupling needs of them."""
    for k in range(CELLS):
        line = image[row + k % 3, start + k // 3 :]
        for c in range(count):
            d[k * STRIDE + c] = line[c]
    for c in range(count):
        v0, v1, v2 = d[c], d[STRIDE + c], d[2 * STRIDE + c]
        v3, v4, v5 = d[3 * STRIDE + c], d[4 * STRIDE + c], d[5 * STRIDE + c]
        v6, v7, v8 = d[6 * STRIDE + c], d[7 * STRIDE + c], d[8 * STRIDE + c]
        low = min(v0, v1, v2, v3, v4, v5, v6, v7, v8)
        high = max(v0, v1, v2, v3, v4, v5, v6, v7, v8)
        flat = 1.0 if low == high else 0.0
        v0, v1, v2 = v0 - low + flat, v1 - low + flat, v2 - low + flat  # a flat window is all ones
        v3, v4, v5 = v3 - low + flat, v4 - low + flat, v5 - low + flat
        v6, v7, v8 = v6 - low + flat, v7 - low + flat, v8 - low + flat
        total = ((v0 + v1) + (v2 + v3)) + ((v4 + v5) + (v6 + v7)) + v8
        inverse = 1.0 / total
        v0, v1, v2 = v0 * inverse, v1 * inverse, v2 * inverse
        v3, v4, v5 = v3 * inverse, v4 * inverse, v5 * inverse
        v6, v7, v8 = v6 * inverse, v7 * inverse, v8 * inverse
        squares = (
            ((v0 * v0 + v1 * v1) + (v2 * v2 + v3 * v3))
            + ((v4 * v4 + v5 * v5) + (v6 * v6 + v7 * v7))
            + v8 * v8
        )
        d[c], d[STRIDE + c], d[2 * STRIDE + c] = v0, v1, v2
        d[3 * STRIDE + c], d[4 * STRIDE + c], d[5 * STRIDE + c] = v3, v4, v5
        d[6 * STRIDE + c], d[7 * STRIDE + c], d[8 * STRIDE + c] = v6, v7, v8
        d[FLAT + c] = flat
        d[NORM + c] = math.sqrt(max(squares - 1.0 / CELLS, 0.0))
        d[DEVIATION + c] = 0.0 if total == high - low else 1.0  # 0 exactly where all mass is in one cell
    for c in range(count):
        f0 = d[c]
        f1 = f0 + d[STRIDE + c]
        f2 = f1 + d[2 * STRIDE + c]
        f3 = f2 + d[3 * STRIDE + c]
        f4 = f3 + d[4 * STRIDE + c]
        f5 = f4 + d[5 * STRIDE + c]
        f6 = f5 + d[6 * STRIDE + c]
        f7 = f6 + d[7 * STRIDE + c]
        # Above 1 by rounding, a value would end a cell that the last value, 1, ends too.
        f4, f5, f6, f7 = min(f4, 1.0), min(f5, 1.0), min(f6, 1.0), min(f7, 1.0)
        f0, f1, f2, f3 = min(f0, 1.0), min(f1, 1.0), min(f2, 1.0), min(f3, 1.0)
        d[CDF + 1 * STRIDE + c], d[CDF + 2 * STRIDE + c], d[CDF + 3 * STRIDE + c] = f0, f1, f2
        d[CDF + 4 * STRIDE + c], d[CDF + 5 * STRIDE + c], d[CDF + 6 * STRIDE + c] = f3, f4, f5
        d[CDF + 7 * STRIDE + c], d[CDF + 8 * STRIDE + c] = f6, f7
        d[AREA + c] = ((f0 + f1) + (f2 + f3)) + ((f4 + f5) + (f6 + f7))
    for c in range(count):
        p1, p2, p3, p4 = d[STRIDE + c], d[2 * STRIDE + c], d[3 * STRIDE + c], d[4 * STRIDE + c]
        p5, p6, p7, p8 = d[5 * STRIDE + c], d[6 * STRIDE + c], d[7 * STRIDE + c], d[8 * STRIDE + c]
        first = p1 + 2.0 * p2 + 3.0 * p3 + 4.0 * p4 + 5.0 * p5 + 6.0 * p6 + 7.0 * p7 + 8.0 * p8
        second = p1 + 4.0 * p2 + 9.0 * p3 + 16.0 * p4 + 25.0 * p5 + 36.0 * p6 + 49.0 * p7 + 64.0 * p8
        d[DEVIATION + c] *= math.sqrt(max(second - first * first, 0.0))
        d[ENTROPY + c] = 0.0
    for k in range(CELLS):
        here = d[k * STRIDE :]
        for c in range(count):
            share = here[PDF + c]
            logarithm = binary_logarithm(share if share > 1e-300 else 1.0)
            here[LOG + c] = logarithm
            d[ENTROPY + c] -= share * logarithm


@kernel
def _equal_windows(first, second, row, start, count, equal, s):  # type: ignore[no-untyped-def]
    """s[EQUAL…] = 1 where the window is the same in both maps."""
    a0, a1, a2 = first[row, start:], first[row + 1, start:], first[row + 2, start:]
    b0, b1, b2 = second[row, start:], second[row + 1, start:], second[row + 2, start:]
    for c in range(count + 2):
        equal[c] = abs(a0[c] - b0[c]) + abs(a1[c] - b1[c]) + abs(a2[c] - b2[c])
    for c in range(count):
        s[EQUAL + c] = 1.0 if equal[c] + equal[c + 1] + equal[c + 2] == 0.0 else 0.0


@kernel
def _picked(d, picks, count, out):  # type: ignore[no-untyped-def]
    """Copy the `count` windows named in `picks` to the front of `out`."""
    for r in range(ROWS):
        for c in range(count):
            out[r * STRIDE + c] = d[r * STRIDE + picks[c]]


@kernel
def _oriented(p, q, count, out, s):  # type: ignore[no-untyped-def]
    """The correlation of two pdfs, and the second one read backwards where it is negative.

    The antitone coupling of p and q is the comonotone one of p and q read backwards, so that only the latter is built.
    """
    for c in range(count):
        dot = ((p[c] * q[c] + p[STRIDE + c] * q[STRIDE + c]) + (p[2 * STRIDE + c] * q[2 * STRIDE + c]
               + p[3 * STRIDE + c] * q[3 * STRIDE + c])) + ((p[4 * STRIDE + c] * q[4 * STRIDE + c]
               + p[5 * STRIDE + c] * q[5 * STRIDE + c]) + (p[6 * STRIDE + c] * q[6 * STRIDE + c]
               + p[7 * STRIDE + c] * q[7 * STRIDE + c])) + p[8 * STRIDE + c] * q[8 * STRIDE + c]  # fmt: skip
        s[CORRELATION + c] = (dot - 1.0 / CELLS) / (p[NORM + c] * q[NORM + c])
    for k in range(CELLS):
        here, back, target = q[k * STRIDE :], q[(CELLS - 1 - k) * STRIDE :], out[k * STRIDE :]
        for c in range(count):
            backwards = s[CORRELATION + c] < 0.0
            p0, p1 = (
                here[PDF + c],
                back[PDF + c],
            )  # loaded whether needed or not: what is loaded on a condition is not vectorised
            log0, log1 = here[LOG + c], back[LOG + c]
            f0, f1 = here[CDF + c], 1.0 - back[CDF + STRIDE + c]
            target[PDF + c] = p1 if backwards else p0
            target[LOG + c] = log1 if backwards else log0
            target[CDF + c] = f1 if backwards else f0
    for c in range(count):
        out[CDF + CELLS * STRIDE + c] = 1.0
        out[AREA + c] = (CELLS - 1.0) - q[AREA + c] if s[CORRELATION + c] < 0.0 else q[AREA + c]
        s[COVARIANCE + c] = -p[AREA + c] * out[AREA + c]


@kernel
def _cells_ending(p, q, i, ulps, count, segment, s):  # type: ignore[no-untyped-def]
    """Where p's cdf reaches its value `i` a cell (i, j) of the comonotone coupling ends: write its mass, p·q and log2 p + log2 q.

    j is the number of q's cdf values below that value plus `ulps` units in its last place, and the mass reaches back to the last
    value of either cdf. With 1 for p's values (equal ones count) and 0 for q's, every cell with mass is met once.
    """
    mine = p[
        i * STRIDE :
    ]  # a slice: an index that might be negative, as far as the compiler knows, is not vectorised
    here = s[segment * STRIDE :]
    for c in range(count):
        end = mine[CDF + STRIDE + c]
        limit = float_of(bits_of(end) + ulps)
        start = mine[CDF + c]
        share = q[PDF + c]
        log = q[LOG + c]
        g0 = q[CDF + 1 * STRIDE + c]
        g1 = q[CDF + 2 * STRIDE + c]
        g2 = q[CDF + 3 * STRIDE + c]
        g3 = q[CDF + 4 * STRIDE + c]
        g4 = q[CDF + 5 * STRIDE + c]
        g5 = q[CDF + 6 * STRIDE + c]
        g6 = q[CDF + 7 * STRIDE + c]
        g7 = q[CDF + 8 * STRIDE + c]
        below = g0 < limit
        start = max(start, g0 if below else 0.0)
        next_share = q[PDF + 1 * STRIDE + c]
        next_log = q[LOG + 1 * STRIDE + c]
        share = next_share if below else share
        log = next_log if below else log
        below = g1 < limit
        start = max(start, g1 if below else 0.0)
        next_share = q[PDF + 2 * STRIDE + c]
        next_log = q[LOG + 2 * STRIDE + c]
        share = next_share if below else share
        log = next_log if below else log
        below = g2 < limit
        start = max(start, g2 if below else 0.0)
        next_share = q[PDF + 3 * STRIDE + c]
        next_log = q[LOG + 3 * STRIDE + c]
        share = next_share if below else share
        log = next_log if below else log
        below = g3 < limit
        start = max(start, g3 if below else 0.0)
        next_share = q[PDF + 4 * STRIDE + c]
        next_log = q[LOG + 4 * STRIDE + c]
        share = next_share if below else share
        log = next_log if below else log
        below = g4 < limit
        start = max(start, g4 if below else 0.0)
        next_share = q[PDF + 5 * STRIDE + c]
        next_log = q[LOG + 5 * STRIDE + c]
        share = next_share if below else share
        log = next_log if below else log
        below = g5 < limit
        start = max(start, g5 if below else 0.0)
        next_share = q[PDF + 6 * STRIDE + c]
        next_log = q[LOG + 6 * STRIDE + c]
        share = next_share if below else share
        log = next_log if below else log
        below = g6 < limit
        start = max(start, g6 if below else 0.0)
        next_share = q[PDF + 7 * STRIDE + c]
        next_log = q[LOG + 7 * STRIDE + c]
        share = next_share if below else share
        log = next_log if below else log
        below = g7 < limit
        start = max(start, g7 if below else 0.0)
        next_share = q[PDF + 8 * STRIDE + c]
        next_log = q[LOG + 8 * STRIDE + c]
        share = next_share if below else share
        log = next_log if below else log
        here[MASS + c] = end - start
        here[INDEPENDENT + c] = share * mine[PDF + c]
        here[LOGS + c] = log + mine[LOG + c]


@kernel
def _add_covariance(p, q, i, count, s):  # type: ignore[no-untyped-def]
    """Add Σ_j min(F_i, G_j): over all i and less ΣF·ΣG, this is the covariance of the cells' indices under the coupling (Hoeffding)."""
    mine = p[i * STRIDE :]
    for c in range(count):
        f = mine[CDF + STRIDE + c]
        s[COVARIANCE + c] += (
            (min(f, q[CDF + STRIDE + c]) + min(f, q[CDF + 2 * STRIDE + c]))
            + (min(f, q[CDF + 3 * STRIDE + c]) + min(f, q[CDF + 4 * STRIDE + c]))
        ) + (
            (min(f, q[CDF + 5 * STRIDE + c]) + min(f, q[CDF + 6 * STRIDE + c]))
            + (min(f, q[CDF + 7 * STRIDE + c]) + min(f, q[CDF + 8 * STRIDE + c]))
        )


@kernel
def _information(p, q, oriented, count, s):  # type: ignore[no-untyped-def]
    """Σ of FMI over `count` windows, none of which is the same in both maps or flat in both.

    The joint pdf of Nelsen's construction is J = φ·M + (1 − φ)·p⊗q, M the comonotone (c ≥ 0) or the antitone (c < 0)
    coupling, which is not 0 on at most 17 of the 81 cells. Off them J's logarithm falls apart into those of 1 − φ, p and q, so
    −H(J) = (1 − φ)(log|1 − φ| − H(p) − H(q)) + Σ over the 17 of J·log|J| − I·(log|1 − φ| + log p + log q), I = (1 − φ)·p·q.
    """
    _oriented(p, q, count, oriented, s)
    for i in range(CELLS):
        _cells_ending(p, oriented, i, 1, count, i, s)
        if i < CELLS - 1:
            _cells_ending(oriented, p, i, 0, count, CELLS + i, s)
            _add_covariance(p, oriented, i, count, s)
    for c in range(count):
        s[PHI + c] = abs(s[CORRELATION + c]) * (p[DEVIATION + c] * q[DEVIATION + c]) / s[COVARIANCE + c]
        s[ON_CELLS + c] = 0.0
        s[VALUE + c] = 0.0
    for segment in range(SEGMENTS):
        here = s[segment * STRIDE :]
        for c in range(count):
            phi = s[PHI + c]
            independent = (1.0 - phi) * here[INDEPENDENT + c]
            joint = phi * here[MASS + c] + independent
            s[ON_CELLS + c] += independent
            s[VALUE + c] += joint * binary_logarithm(max(abs(joint), 1e-300)) - independent * here[LOGS + c]
    total = 0.0
    for c in range(count):
        rest = 1.0 - s[PHI + c]
        entropies = p[ENTROPY + c] + q[ENTROPY + c]
        value = s[VALUE + c] + s[PHI + c] * entropies
        value += (rest - s[ON_CELLS + c]) * binary_logarithm(max(abs(rest), 1e-300))
        # One window flat or all in one cell: nothing in common (and 0 bits, where the entropies are 0 too).
        degenerate = p[FLAT + c] + q[FLAT + c] > 0.0 or p[DEVIATION + c] * q[DEVIATION + c] == 0.0
        s[VALUE + c] = 0.0 if degenerate else value * (2.0 / entropies)
    for c in range(count):
        total += s[VALUE + c]
    return total


@kernel
def window_sums(infrared, visible, fused):  # type: ignore[no-untyped-def]
    """Σ over all 3×3 windows of FMI(infrared; fused) and of FMI(visible; fused), of contiguous H×W float64 maps."""
    rows, columns = fused.shape[0] - 2, fused.shape[1] - 2
    d = np.ones((3, ROWS * STRIDE))
    picked = np.ones((2, ROWS * STRIDE))
    oriented = np.ones(ROWS * STRIDE)
    s = np.ones(PAIR_ROWS * STRIDE)
    for k in range(3):
        d[k, CDF : CDF + STRIDE] = 0.0
    picked[:, CDF : CDF + STRIDE] = 0.0
    difference = np.empty(STRIDE)
    picks = np.empty(CHUNK, np.int64)
    sums = np.zeros(2)
    for row in range(rows):
        for start in range(0, columns, CHUNK):
            count = min(CHUNK, columns - start)
            _distributions(infrared, row, start, count, d[0])
            _distributions(visible, row, start, count, d[1])
            _distributions(fused, row, start, count, d[2])
            for source in range(2):
                image = infrared if source == 0 else visible
                _equal_windows(image, fused, row, start, count, difference, s)
                left = 0
                for c in range(count):
                    picks[left] = c
                    left += 0 if s[EQUAL + c] == 1.0 or d[source, FLAT + c] * d[2, FLAT + c] == 1.0 else 1
                sums[source] += count - left
                if left == count:
                    sums[source] += _information(d[source], d[2], oriented, count, s)
                elif left > 0:
                    _picked(d[source], picks, left, picked[0])
                    _picked(d[2], picks, left, picked[1])
                    sums[source] += _information(picked[0], picked[1], oriented, left, s)
    return sums


@kernel
def pattern_table():  # type: ignore[no-untyped-def]
    """FMI of every pair of binary 3×3 windows: 512×512, a window's index the bits of its nine cells in column order, first cell lowest."""
    patterns = 1 << CELLS
    together = CHUNK // 3
    image = np.empty((3, 3 * patterns))
    for code in range(patterns):
        for k in range(CELLS):
            image[k % 3, 3 * code + k // 3] = np.float64((code >> k) & 1)
    side_by_side = np.ones(ROWS * STRIDE)
    first = np.zeros(ROWS * STRIDE)
    second = np.zeros(ROWS * STRIDE)
    oriented = np.ones(ROWS * STRIDE)
    s = np.ones(PAIR_ROWS * STRIDE)
    side_by_side[CDF : CDF + STRIDE] = 0.0
    table = np.empty((patterns, patterns))
    picks = np.arange(together) * 3
    everywhere = np.empty(CHUNK, np.int64)
    for start in range(0, patterns, together):
        count = min(together, patterns - start)
        _distributions(image, 0, 3 * start, 3 * count - 2, side_by_side)
        _picked(side_by_side, picks, count, first)
        for other in range(patterns):
            if other % together == 0:
                _distributions(
                    image, 0, 3 * other, min(3 * together, 3 * (patterns - other)) - 2, side_by_side
                )
            everywhere[:] = 3 * (other % together)
            _picked(side_by_side, everywhere, count, second)
            _information(first, second, oriented, count, s)
            for c in range(count):
                both_flat = first[FLAT + c] * second[FLAT + c] == 1.0
                table[start + c, other] = 1.0 if start + c == other or both_flat else s[VALUE + c]
    return table


@kernel
def pattern_pairs(infrared, visible, fused):  # type: ignore[no-untyped-def]
    """How often each pair of windows' patterns occurs, (infrared, fused) and (visible, fused) together: 512×512 counts of bool maps."""
    counts = np.zeros((1 << CELLS, 1 << CELLS), np.int64)
    rows, columns = fused.shape[0] - 2, fused.shape[1] - 2
    for row in range(rows):
        a = np.int64(0)
        b = np.int64(0)
        f = np.int64(0)
        for c in range(columns + 2):
            a, b, f = a >> 3, b >> 3, f >> 3  # the window moves on by one column, three cells
            for k in range(3):
                a |= np.int64(infrared[row + k, c]) << (6 + k)
                b |= np.int64(visible[row + k, c]) << (6 + k)
                f |= np.int64(fused[row + k, c]) << (6 + k)
            if c >= 2:
                counts[a, f] += 1
                counts[b, f] += 1
    return counts
