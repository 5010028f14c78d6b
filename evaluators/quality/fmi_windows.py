"""FMI of all 3×3 windows of three feature maps, eight neighbouring windows at a time: distributions, Nelsen's coupling and its entropy.

`_fused` and `_information` are straight-line programs (`simd_programs.py`): the first leaves in rows of eight what both sources' windows
need of the fused image's, the second has a source's in registers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import add
from typing import NamedTuple

import numpy as np

from .kernels import kernel
from .simd import WIDTH, any_between, load, select, splat, store, total
from .simd_programs import Cells, Rows, Value, magnitude_logarithms, window_program

__all__ = ["pattern_sums", "pattern_table", "window_sums"]

CELLS = 9
"""Pixels of a 3×3 window."""
ENDS = CELLS - 1
"""Values of a cdf that are not 1: the ends of all cells but the last on the way from 0 to 1."""

# The fused image's `Distribution` as rows.
PDF = 0
ENTROPY = CELLS
RATIO = ENTROPY + 1
RANGE = RATIO + 1
FORWARDS = RANGE + 1  # the `Way` in the cells' order: ends, steps, last, area, pairs
WAY = 2 * ENDS + 3
BACKWARDS = FORWARDS + WAY
SIZE = (BACKWARDS + WAY) * WIDTH
"""Float64 in all of them."""

TINY = 2.0**-60
"""Added to each share, far below its rounding: the logarithm of a cell without mass isn't −∞."""


def _tree(join: Callable[[Value, Value], Value], values: list[Value]) -> Value:
    """All values joined to one, in pairs."""
    while len(values) > 1:
        joined = [join(a, b) for a, b in zip(values[::2], values[1::2], strict=False)]
        values = joined + values[2 * len(joined) :]
    return values[0]


def _dot(first: Sequence[Value], second: Sequence[Value | float]) -> Value:
    """Σ a·b, in three chains."""
    sums = [a * b for a, b in zip(first[:3], second[:3], strict=True)]
    for k in range(3, len(first)):
        sums[k % 3] = sums[k % 3].plus_product(first[k], second[k])
    return sums[0] + (sums[1] + sums[2])


class Way(NamedTuple):
    """A walk over the cells, in their order or the reverse one."""

    ends: list[Value]  # the cdf without its last value, 1; marked with their order
    steps: list[Value]  # what log2 p grows by at each end
    last: Value  # log2 p of the last cell
    area: Value  # Σ of the ends
    pairs: Value  # Σ of the smaller one over all pairs of ends


def _way(shares: list[Value], logarithms: list[Value], mark: int) -> Way:
    """The ends are marked with `mark`, `mark` + 2, …"""
    running = area = shares[0]
    ends, pairs = [running.marked(mark)], running.constant(0.0)
    for k in range(1, ENDS):
        pairs = pairs + area
        running = running + shares[k]
        area = area + running
        ends.append(running.marked(mark + 2 * k))
    steps = [after - before for before, after in pairwise(logarithms)]
    return Way(ends, steps, logarithms[-1], area, pairs)


class Distribution(NamedTuple):
    """Eight windows, each as a pdf over its nine cells in MATLAB's column order."""

    shares: list[Value]
    logarithms: list[Value]
    way: Way
    entropy: Value  # bits
    ratio: Value  # √(variance of the cell's index / Σ (p − ⅑)²), 0 where all mass is in one cell
    range: Value  # largest minus smallest value of the window


def _distribution(cells: Cells, mark: int) -> Distribution:
    """`mark`: of the way's first end. A flat window's shares are NaN, and so is what comes of them."""
    values = [cells[k % 3, k // 3] for k in range(CELLS)]
    low, high = _tree(Value.smaller, values), _tree(Value.larger, values)
    shares = [value - low for value in values]
    whole = _tree(add, shares)
    inverse = 1.0 / whole
    shares = [inverse.constant(TINY).plus_product(share, inverse) for share in shares]
    logarithms = magnitude_logarithms(shares)
    way = _way(shares, logarithms, mark)
    variance = way.area + way.pairs * 2.0 - way.area * way.area
    variance = variance.where((high - low).compared("<", whole), 0.0)
    ratio = (variance.larger(0.0) / (_dot(shares, shares) - 1.0 / CELLS)).root()
    return Distribution(shares, logarithms, way, 0.0 - _dot(shares, logarithms), ratio, high - low)


@window_program
def _fused(cells: Cells, rows: Rows) -> Value:
    """Write the rows of eight windows of the fused image; returns their ranges."""
    d = _distribution(cells, 0)
    for k, share in enumerate(d.shares):
        rows[PDF + k] = share
    rows[ENTROPY], rows[RATIO], rows[RANGE] = d.entropy, d.ratio, d.range
    for first, way in ((FORWARDS, d.way), (BACKWARDS, _way(d.shares[::-1], d.logarithms[::-1], 0))):
        for k, value in enumerate([*way.ends, *way.steps, way.last, way.area, way.pairs]):
            rows[first + k] = value
    return d.range


Entry = tuple[Value, Value, Value]
"""An end of a cell, the next cell's share, and the step of the logarithm to it."""


def _ordered(a: Entry, b: Entry) -> tuple[Entry, Entry]:
    right = a[0].compared("<", b[0])
    return (
        (a[0].smaller(b[0]), a[1].where(right, b[1]), a[2].where(right, b[2])),
        (b[0].larger(a[0]), b[1].where(right, a[1]), b[2].where(right, a[2])),
    )


def _merged(entries: list[Entry]) -> list[Entry]:
    """Sort a list whose halves are sorted (Batcher's odd–even merge)."""
    if len(entries) == 2:
        return list(_ordered(*entries))
    even, odd = _merged(entries[::2]), _merged(entries[1::2])
    inner = [entry for a, b in zip(odd[:-1], even[1:], strict=True) for entry in _ordered(a, b)]
    return [even[0], *inner, odd[-1]]


@window_program
def _information(cells: Cells, q: Rows) -> Value:
    """FMI of eight windows of a source with those of the fused image, whose rows are at hand, where they aren't equal.

    1 where both are flat, 0 where one is or has all mass in one cell. The joint pdf of Nelsen's construction is J = φ·M + (1 − φ)·p⊗q, M the comonotone (c ≥ 0) or the antitone (c < 0) coupling; the
    antitone one of p and q is the comonotone one of p and q read backwards. M is not 0 on at most 17 of the 81 cells, which lie between
    neighbours among both cdfs' values. Off them J's logarithm falls apart into those of 1 − φ, p and q, so
    −H(J) = (1 − φ)(log|1 − φ| − H(p) − H(q)) + Σ over the 17 of J·log|J| − I·(log|1 − φ| + log p + log q), I = (1 − φ)·p·q.
    Between equal values of the cdfs lies a cell without mass, to which J = I gives nothing.
    """
    p = _distribution(cells, 1)
    product = _dot(p.shares, [q[k] for k in range(CELLS)]) - 1.0 / CELLS
    backwards = product.compared("<", 0.0)
    turned = [q[BACKWARDS + k].where(backwards, q[FORWARDS + k]) for k in range(WAY)]
    ends_of_q, steps_of_q, (last, area, pairs) = turned[:ENDS], turned[ENDS : 2 * ENDS], turned[2 * ENDS :]
    shares = [q[PDF + CELLS - 1 - k].where(backwards, q[PDF + k]) for k in range(CELLS)]
    # The marks say whose end it is, and keep equal ends of one cdf in their order.
    of_p = list(zip(p.way.ends, p.shares[1:], p.way.steps, strict=True))
    of_q = list(zip(ends_of_q, shares[1:], steps_of_q, strict=True))
    ends = _merged(of_p + of_q)
    # Hoeffding: the covariance of the cells' indices is Σ min(F_i, G_j) − ΣF·ΣG; of all pairs, those within a cdf are known.
    smaller = below = ends[0][0]
    for end, *_ in ends[1:-1]:
        below = below + end
        smaller = smaller + below
    covariance = smaller - p.way.pairs - pairs - p.way.area * area
    spread = p.ratio * q[RATIO]
    phi = product.magnitude() * spread / covariance
    share_p, share_q, start = p.shares[0], shares[0], phi.constant(0.0)
    products, lengths, until = [], [], [phi.constant(0.0)]
    for k in range(len(ends) + 1):
        end = ends[k][0] if k < len(ends) else phi.constant(1.0)
        products.append(share_p * share_q)
        until.append(until[-1] + products[-1])
        lengths.append(end - start)
        if k < len(ends):
            of_first = end.has_odd_mark()
            share_p, share_q = ends[k][1].where(of_first, share_p), share_q.where(of_first, ends[k][1])
            start = end
    on_cells = until[-1]
    # Σ p·q·(log p + log q) over the cells of M, summed by parts: the steps lie at the ends.
    logarithms = on_cells * (p.way.last + last) - _dot(until[1:-1], [step for *_, step in ends])
    rest = 1.0 - phi
    joints = [
        product.plus_product(phi, length - product) for product, length in zip(products, lengths, strict=True)
    ]
    entropies = p.entropy + q[ENTROPY]
    value = phi * entropies - rest * logarithms
    value = value + _dot([*joints, rest - rest * on_cells], magnitude_logarithms([*joints, rest]))
    value = value * (2.0 / entropies)
    value = value.where(spread.compared(">", 0.0), 0.0)
    return value.constant(1.0).where((p.range + q[RANGE]).compared("==", 0.0), value)


@kernel
def _same(maps, first, second, width):  # type: ignore[no-untyped-def]
    """1 where eight windows, with their corners at `first` and `second`, are the same, else 0."""
    same = select(load(maps, first) == load(maps, second), splat(1.0), splat(0.0))
    if any_between(same, 1.0, 1.0):
        for k in range(1, CELLS):
            cell = width * (k % 3) + k // 3
            same = select(load(maps, first + cell) == load(maps, second + cell), same, splat(0.0))
    return same


@kernel
def window_sums(maps, height, width, rows):  # type: ignore[no-untyped-def]
    """Σ over all 3×3 windows of FMI(infrared; fused) + FMI(visible; fused).

    `maps`: flat float64, the infrared, the visible and the fused map one after the other, each H·W values and eight more; `rows`: work
    memory of SIZE.
    """
    columns = width - 2
    lane = np.arange(WIDTH) * 1.0
    sums = splat(0.0)
    for row in range(height - 2):
        for column in range(0, columns, WIDTH):
            fused = 2 * (height * width + WIDTH) + row * width + column
            counted = load(lane, 0) < np.float64(columns - column)
            _fused(maps, fused, width, 1, rows)
            for image in range(2):
                source = image * (height * width + WIDTH) + row * width + column
                values = _same(maps, source, fused, width)
                if any_between(values, 0.0, 0.0):
                    values = select(values > 0.0, splat(1.0), _information(maps, source, width, 1, rows))
                sums = sums + select(counted, values, splat(0.0))
    return total(sums)


@kernel
def pattern_table():  # type: ignore[no-untyped-def]
    """FMI of every pair of binary 3×3 windows: 512×512, a window's index the bits of its nine cells in column order, first cell lowest."""
    patterns = 1 << CELLS
    cells, rows = np.empty(CELLS * WIDTH), np.empty(SIZE)
    table = np.empty((patterns, patterns))
    for other in range(patterns):
        for k in range(CELLS):
            cells[WIDTH * k : WIDTH * k + WIDTH] = np.float64((other >> k) & 1)
        _fused(cells, 0, WIDTH, 3 * WIDTH, rows)
        for start in range(0, patterns, WIDTH):
            for k in range(CELLS):
                for lane in range(WIDTH):
                    cells[WIDTH * k + lane] = np.float64(((start + lane) >> k) & 1)
            store(table[other], start, _information(cells, 0, WIDTH, 3 * WIDTH, rows))
        table[other, other] = 1.0
    return table.T.copy()


@kernel
def _move_down(codes, row):  # type: ignore[no-untyped-def]
    """Codes of the three pixels of each column, the lowest one the highest bit, for windows that begin a row further down."""
    for c in range(codes.size):
        codes[c] = (codes[c] >> 1) | (np.uint8(row[c]) << 2)


@kernel
def pattern_sums(infrared, visible, fused, table):  # type: ignore[no-untyped-def]
    """Σ over all 3×3 windows of FMI(infrared; fused) + FMI(visible; fused), of bool maps, by the `pattern_table`."""
    height, width = fused.shape
    codes = np.zeros((4, width), np.uint8)
    of_infrared, of_visible, of_fused, of_any = codes[0], codes[1], codes[2], codes[3]
    total = 0.0
    for row in range(height):
        _move_down(of_infrared, infrared[row])
        _move_down(of_visible, visible[row])
        _move_down(of_fused, fused[row])
        if row < 2:
            continue
        for c in range(width):
            of_any[c] = of_infrared[c] | of_visible[c] | of_fused[c]
        empty, others = 0, 0.0
        for c in range(width - 2):
            if of_any[c] | of_any[c + 1] | of_any[c + 2]:
                f = of_fused[c] + 8 * of_fused[c + 1] + 64 * np.int64(of_fused[c + 2])
                i = of_infrared[c] + 8 * of_infrared[c + 1] + 64 * np.int64(of_infrared[c + 2])
                v = of_visible[c] + 8 * of_visible[c + 1] + 64 * np.int64(of_visible[c + 2])
                others += table[i, f] + table[v, f]
            else:
                empty += 1
        total += others + 2.0 * empty
    return total
