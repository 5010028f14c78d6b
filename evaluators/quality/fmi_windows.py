"""FMI of all 3×3 windows of three feature maps, eight neighbouring windows at a time: distributions, Nelsen's coupling and its entropy.

`_distribution` and `_information` are straight-line programs (`simd_programs.py`): what a window needs lies in rows of eight.
"""

from __future__ import annotations

import numpy as np

from .kernels import kernel
from .simd import WIDTH, load, select, splat, store, total
from .simd_programs import Rows, Value, program_1, program_2

__all__ = ["pattern_pairs", "pattern_table", "window_sums"]

CELLS = 9
"""Pixels of a 3×3 window."""

# A distribution over the nine cells, as rows.
PDF = 0
WEIGHTED_LOG = CELLS  # p·log2 p
CDF = 2 * CELLS  # its first eight values
ENTROPY = CDF + CELLS - 1  # bits
DEVIATION = ENTROPY + 1  # standard deviation of the cell's index
AREA = ENTROPY + 2  # Σ of the cdf's first eight
PAIRS = ENTROPY + 3  # Σ of the smaller one over all pairs of these eight
NORM = ENTROPY + 4  # √(Σ p² − 1/9)
FLAT = ENTROPY + 5  # 1 where the window is flat
ROWS = ENTROPY + 6
SIZE = ROWS * WIDTH

EARLIER = CELLS - 2
"""How many of the cdf's eight values come after its first."""


def _tree(values: list[Value]) -> Value:
    """The sum in pairs."""
    while len(values) > 1:
        values = [values[i] + values[i + 1] for i in range(0, len(values) - 1, 2)] + values[
            len(values) & ~1 :
        ]
    return values[0]


@program_1
def _distribution(d: Rows) -> None:
    """Turn nine values (MATLAB's column order, in the rows of the pdf) into their distribution and what the coupling needs of it."""
    values = [d[k] for k in range(CELLS)]
    low = high = values[0]
    for value in values[1:]:
        low, high = low.smaller(value), high.larger(value)
    flat = values[0] * 0.0 + 1.0
    flat = flat.where(low.compared("==", high), 0.0)
    shares = [value - low + flat for value in values]  # a flat window is all ones
    whole = _tree(shares)
    inverse = 1.0 / whole
    shares = [share * inverse for share in shares]
    squares = _tree([share * share for share in shares])
    d[FLAT] = flat
    d[NORM] = (squares - 1.0 / CELLS).larger(0.0).root()
    first = second = entropy = area = pairs = shares[0] * 0.0
    running = first
    for k, share in enumerate(shares):
        d[PDF + k] = share
        weighted = share * share.where(share.compared(">", 1e-300), 1.0).binary_logarithm()
        d[WEIGHTED_LOG + k] = weighted
        entropy = entropy - weighted
        first, second = first.plus_product(share, float(k)), second.plus_product(share, float(k * k))
        if k < CELLS - 1:
            running = (running + share).smaller(1.0)
            d[CDF + k] = running
            area, pairs = area + running, pairs.plus_product(running, float(EARLIER - k))
    d[ENTROPY], d[AREA], d[PAIRS] = entropy, area, pairs
    deviation = (second - first * first).larger(0.0).root()
    d[DEVIATION] = (deviation * 0.0).where(
        whole.compared("==", high - low), deviation
    )  # 0 exactly where all mass is in one cell


Entry = tuple[Value, Value, Value]
"""A value of a cdf, and what holds beyond it: the next cell's p and p·log2 p."""


def _ordered(a: Entry, b: Entry) -> tuple[Entry, Entry]:
    right = a[0].compared("<", b[0])
    return (
        (a[0].where(right, b[0]), a[1].where(right, b[1]), a[2].where(right, b[2])),
        (b[0].where(right, a[0]), b[1].where(right, a[1]), b[2].where(right, a[2])),
    )


def _merged(entries: list[Entry]) -> list[Entry]:
    """Sort a list whose halves are sorted (Batcher's odd–even merge)."""
    if len(entries) == 2:
        return list(_ordered(*entries))
    even, odd = _merged(entries[::2]), _merged(entries[1::2])
    inner = [entry for a, b in zip(odd[:-1], even[1:], strict=True) for entry in _ordered(a, b)]
    return [even[0], *inner, odd[-1]]


@program_2
def _information(p: Rows, q: Rows) -> Value:
    """FMI of eight pairs of windows; meaningless where both are flat or equal, 0 where one is flat or has all mass in one cell.

    The joint pdf of Nelsen's construction is J = φ·M + (1 − φ)·p⊗q, M the comonotone (c ≥ 0) or the antitone (c < 0) coupling; the
    antitone one of p and q is the comonotone one of p and q read backwards. M is not 0 on at most 17 of the 81 cells, which lie between
    neighbours among both cdfs' values. Off them J's logarithm falls apart into those of 1 − φ, p and q, so
    −H(J) = (1 − φ)(log|1 − φ| − H(p) − H(q)) + Σ over the 17 of J·log|J| − I·(log|1 − φ| + log p + log q), I = (1 − φ)·p·q.
    Between equal values of the cdfs lies a cell without mass, to which J = I gives nothing.
    """
    dot = _tree([p[k] * q[k] for k in range(CELLS)])
    correlation = (dot - 1.0 / CELLS) / (p[NORM] * q[NORM])
    backwards = correlation.compared("<", 0.0)

    def turned(first_row: int, k: int) -> Value:
        return q[first_row + CELLS - 1 - k].where(backwards, q[first_row + k])

    area = (CELLS - 1.0 - q[AREA]).where(backwards, q[AREA])
    count = (CELLS - 1) * (CELLS - 2) / 2
    pairs = (q[PAIRS] - q[AREA] * float(EARLIER) + count).where(backwards, q[PAIRS])
    # The marks say whose value it is, and keep equal values of one cdf in their order.
    of_p = [(p[CDF + k].marked(2 * k + 1), p[PDF + k + 1], p[WEIGHTED_LOG + k + 1]) for k in range(CELLS - 1)]
    of_q = [
        (
            (1.0 - q[CDF + CELLS - 2 - k]).where(backwards, q[CDF + k]).marked(2 * k),
            turned(PDF, k + 1),
            turned(WEIGHTED_LOG, k + 1),
        )
        for k in range(CELLS - 1)
    ]
    ends = _merged(of_p + of_q)
    # Hoeffding: the covariance of the cells' indices is Σ min(F_i, G_j) − ΣF·ΣG; of all pairs, those within a cdf are known.
    smaller = ends[0][0] * float(len(ends) - 1)
    for k in range(1, len(ends) - 1):
        smaller = smaller.plus_product(ends[k][0], float(len(ends) - 1 - k))
    covariance = smaller - p[PAIRS] - pairs - p[AREA] * area
    spread = p[DEVIATION] * q[DEVIATION]
    phi = correlation.magnitude() * spread / covariance
    rest = 1.0 - phi
    share_p, weighted_p = p[PDF], p[WEIGHTED_LOG]
    share_q, weighted_q = turned(PDF, 0), turned(WEIGHTED_LOG, 0)
    start = on_cells = logarithms = value = phi * 0.0
    for k in range(len(ends) + 1):
        end = ends[k][0] if k < len(ends) else start * 0.0 + 1.0
        product = share_p * share_q
        on_cells = on_cells + product
        logarithms = logarithms.plus_product(share_p, weighted_q).plus_product(share_q, weighted_p)
        joint = (rest * product).plus_product(phi, end - start)
        value = value.plus_product(joint, joint.magnitude().larger(1e-300).binary_logarithm())
        if k < len(ends):
            of_first = ends[k][0].has_odd_mark()
            share_p, weighted_p = ends[k][1].where(of_first, share_p), ends[k][2].where(of_first, weighted_p)
            share_q, weighted_q = share_q.where(of_first, ends[k][1]), weighted_q.where(of_first, ends[k][2])
            start = end
    entropies = p[ENTROPY] + q[ENTROPY]
    value = value - rest * logarithms + phi * entropies
    value = value + (rest - rest * on_cells) * rest.magnitude().larger(1e-300).binary_logarithm()
    value = value * (2.0 / entropies)
    value = (value * 0.0).where(spread.compared("==", 0.0), value)
    zero = p[FLAT] * 0.0
    return zero.where((p[FLAT] + q[FLAT]).compared(">", 0.0), zero.where(spread.compared("==", 0.0), value))


@kernel
def _window(image, start, width, d, at):  # type: ignore[no-untyped-def]
    """Load the nine cells of eight windows, the first one's corner at `start` of the flat map, and make their distributions."""
    for k in range(CELLS):
        store(d, at + WIDTH * (PDF + k), load(image, start + width * (k % 3) + k // 3))
    _distribution(d, at)


@kernel
def _same(first, second, start, width):  # type: ignore[no-untyped-def]
    """1 where eight windows of two flat maps are the same, else 0."""
    apart = splat(0.0)
    for k in range(CELLS):
        cell = start + width * (k % 3) + k // 3
        apart = select(load(first, cell) == load(second, cell), apart, splat(1.0))
    return 1.0 - apart


@kernel
def window_sums(infrared, visible, fused, height, width):  # type: ignore[no-untyped-def]
    """Σ over all 3×3 windows of FMI(infrared; fused) + FMI(visible; fused), of flat H·W float64 maps with eight values more at their end."""
    columns = width - 2
    d = np.zeros(3 * SIZE)
    lane = np.arange(WIDTH) * 1.0
    sums = splat(0.0)
    for row in range(height - 2):
        for first in range(0, columns, WIDTH):
            start = row * width + first
            counted = load(lane, 0) < np.float64(columns - first)
            _window(fused, start, width, d, 2 * SIZE)
            flat = load(d, 2 * SIZE + WIDTH * FLAT)
            same = _same(infrared, fused, start, width)
            if total(select(counted, 1.0 - same, splat(0.0))) > 0.0:
                _window(infrared, start, width, d, 0)
                alike = same + load(d, WIDTH * FLAT) * flat > 0.0
                same = select(alike, splat(1.0), _information(d, 0, d, 2 * SIZE))
            sums = sums + select(counted, same, splat(0.0))
            same = _same(visible, fused, start, width)
            if total(select(counted, 1.0 - same, splat(0.0))) > 0.0:
                _window(visible, start, width, d, SIZE)
                alike = same + load(d, SIZE + WIDTH * FLAT) * flat > 0.0
                same = select(alike, splat(1.0), _information(d, SIZE, d, 2 * SIZE))
            sums = sums + select(counted, same, splat(0.0))
    return total(sums)


@kernel
def pattern_table():  # type: ignore[no-untyped-def]
    """FMI of every pair of binary 3×3 windows: 512×512, a window's index the bits of its nine cells in column order, first cell lowest."""
    patterns = 1 << CELLS
    first, second = np.zeros(SIZE), np.zeros(SIZE)
    table = np.empty((patterns, patterns))
    for other in range(patterns):
        for k in range(CELLS):
            second[WIDTH * k : WIDTH * k + WIDTH] = np.float64((other >> k) & 1)
        _distribution(second, 0)
        for start in range(0, patterns, WIDTH):
            for k in range(CELLS):
                for lane in range(WIDTH):
                    first[WIDTH * k + lane] = np.float64(((start + lane) >> k) & 1)
            _distribution(first, 0)
            flat = load(first, WIDTH * FLAT) * load(second, WIDTH * FLAT)
            store(table[other], start, select(flat > 0.0, splat(1.0), _information(first, 0, second, 0)))
        table[other, other] = 1.0
    return table.T.copy()


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
