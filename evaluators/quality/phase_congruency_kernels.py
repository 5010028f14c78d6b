"""What phase congruency does between the Fourier passes: filter a column as it is transformed, use a row as soon as it is.

Planes and lines are those of `fourier.py`; all values of eight pixels (one column, eight rows) are computed together.
"""

from __future__ import annotations

import math

import numpy as np

from .fourier import transformed, transformed_across
from .fourier_passes import COMPLEX
from .gabor_filters import ORIENTATIONS, RATIOS, SCALES, angular
from .kernels import inline_kernel, kernel
from .simd import (
    WIDTH,
    fused,
    larger,
    load,
    magnitude,
    prefetch,
    root,
    select,
    splat,
    store,
    store_past_cache,
    transpose,
)
from .simd_functions import exponential

__all__ = ["SUMS", "add_orientation", "finish", "orientation_responses"]

CUTOFF = 0.5
GAIN = 10.0
EPSILON = 1e-4
SUMS = 5
"""Σ energy, Σ amplitude, Σ covx², Σ covy², Σ covx·covy over the orientations."""


@kernel
def _weights(finest, angle, orientation, height, weights):  # type: ignore[no-untyped-def]
    """The finest scale's filter for eight columns: 8·H values."""
    for r in range(height // 2 + 1):
        theta, radial = load(angle, WIDTH * r), load(finest, WIDTH * r)
        store(weights, WIDTH * r, radial * angular(theta, orientation))
        mirror = height - r
        if r > 0 and mirror != r:
            store(weights, WIDTH * mirror, radial * angular(theta, -orientation))


@kernel
def _coarser(weights, step, ratio, height):  # type: ignore[no-untyped-def]
    """From one scale's filter to the next one's."""
    for r in range(height // 2 + 1):
        factor = load(step, WIDTH * r) * ratio
        store(weights, WIDTH * r, load(weights, WIDTH * r) * factor)
        mirror = height - r
        if r > 0 and mirror != r:
            store(weights, WIDTH * mirror, load(weights, WIDTH * mirror) * factor)


@kernel
def orientation_responses(spectrum, filters, orientation, along_rows, along_columns, responses, power, work):  # type: ignore[no-untyped-def]
    """Fill `responses` (SCALES planes of rows): the finest scale's responses, the others' before the transform along rows.

    power (H·W, in any order) = |response|² of the finest scale.
    """
    height, width = along_columns.length, along_rows.length
    y, weights = work[0], work[1]
    table = filters.finest.shape[1] * WIDTH
    for block in range(spectrum.shape[0]):
        column = spectrum[block].reshape(COMPLEX * spectrum.shape[1])
        finest, angle = filters.finest[block].reshape(table), filters.angle[block].reshape(table)
        step = filters.step[block].reshape(table)
        _weights(finest, angle, orientation, height, weights)
        for s in range(SCALES):
            if s > 0:
                _coarser(weights, step, RATIOS[s], height)
            transformed_across(column, weights, y, along_columns, responses[s], block)
    at = 0
    for tile in range(responses.shape[1]):
        row = _row(responses[0], tile)
        ahead = _row(responses[0], tile + 1)
        transformed(row, along_rows.ones, y, along_rows)
        lanes = WIDTH if along_columns.lanes_apart > 1 else min(WIDTH, height - tile * WIDTH)
        for c in range(width):
            prefetch(ahead, COMPLEX * c)
            prefetch(ahead, COMPLEX * c + WIDTH)
            re, im = load(y, COMPLEX * c), load(y, COMPLEX * c + WIDTH)
            store_past_cache(row, COMPLEX * c, re)
            store_past_cache(row, COMPLEX * c + WIDTH, im)
            if lanes == WIDTH:
                store_past_cache(power, at, fused(re, re, im * im))
            else:
                for lane in range(lanes):
                    power[at + lane] = y[COMPLEX * c + lane] ** 2 + y[COMPLEX * c + lane + WIDTH] ** 2
            at += lanes


@inline_kernel
def _add_product(sums, at, a, b, first):  # type: ignore[no-untyped-def]
    value = a * b
    if not first:
        value = fused(a, b, load(sums, at))
    store_past_cache(sums, at, value)


@kernel
def _add_row(lines, count, threshold, cosine, sine, first, sums, ahead):  # type: ignore[no-untyped-def]
    """Add one orientation of one tile's row to its sums, or, if it is the `first`, write them.

    lines: the scales' responses. ahead: those of the next tile before their transform. They and its sums are brought into the cache meanwhile: the
    roots and divisions leave the memory idle.
    """
    finest, r1, r2, r3 = lines
    for c in range(count):
        at, to = COMPLEX * c, SUMS * WIDTH * c
        for row in ahead:
            prefetch(row, at)
            prefetch(row, at + WIDTH)
        for k in range(SUMS):
            prefetch(sums, SUMS * WIDTH * count + to + WIDTH * k)
        e0, o0 = load(finest, at), load(finest, at + WIDTH)
        e1, o1 = load(r1, at), load(r1, at + WIDTH)
        e2, o2 = load(r2, at), load(r2, at + WIDTH)
        e3, o3 = load(r3, at), load(r3, at + WIDTH)
        s0, s1 = fused(e0, e0, o0 * o0), fused(e1, e1, o1 * o1)
        s2, s3 = fused(e2, e2, o2 * o2), fused(e3, e3, o3 * o3)
        a0, a1, a2, a3 = root(s0), root(s1), root(s2), root(s3)
        amplitude = (a0 + a1) + (a2 + a3)
        largest = larger(larger(a0, a1), larger(a2, a3))
        even, odd = (e0 + e1) + (e2 + e3), (o0 + o1) + (o2 + o3)
        square = fused(even, even, odd * odd)
        size = root(square) + EPSILON
        apart = (magnitude(e0 * odd - o0 * even) + magnitude(e1 * odd - o1 * even)) + (
            magnitude(e2 * odd - o2 * even) + magnitude(e3 * odd - o3 * even)
        )
        # energy·size; one division serves the weight, the energy and the congruency.
        energy = larger(square - apart - size * threshold, splat(0.0))
        spread = amplitude / (largest + EPSILON) * (1.0 / SCALES)
        gate = exponential((CUTOFF - spread) * GAIN) + 1.0
        divisor = select(amplitude > 0.0, amplitude, splat(1.0))
        congruency = energy / (size * gate * divisor)
        x, y = congruency * cosine, congruency * sine
        _add_product(sums, to, congruency, amplitude, first)
        _add_product(sums, to + WIDTH, amplitude, splat(1.0), first)
        _add_product(sums, to + 2 * WIDTH, x, x, first)
        _add_product(sums, to + 3 * WIDTH, y, y, first)
        _add_product(sums, to + 4 * WIDTH, x, y, first)


@kernel
def _row(plane, tile):  # type: ignore[no-untyped-def]
    """Eight rows of a plane; those of the last tile for one beyond."""
    return plane[min(tile, plane.shape[0] - 1)].reshape(COMPLEX * plane.shape[1])


@kernel
def add_orientation(responses, orientation, threshold, along_rows, first, sums, work):  # type: ignore[no-untyped-def]
    """Transform the coarser scales along rows and add the orientation to `sums`: tiles of rows, SUMS times eight values a column."""
    cosine, sine = math.cos(orientation), math.sin(orientation)
    finest, second, third, coarsest = responses[0], responses[1], responses[2], responses[3]
    for tile in range(finest.shape[0]):
        for s in range(1, SCALES):
            transformed(_row(responses[s], tile), along_rows.ones, work[s], along_rows)
        lines = _row(finest, tile), work[1], work[2], work[3]
        ahead = (
            _row(finest, tile + 1),
            _row(second, tile + 1),
            _row(third, tile + 1),
            _row(coarsest, tile + 1),
        )
        _add_row(lines, along_rows.length, threshold, cosine, sine, first, sums[tile], ahead)


@kernel
def finish(sums, along_columns, maps):  # type: ignore[no-untyped-def]
    """The three maps (congruency, maximum and minimum moment; sides padded to multiples of eight) from the sums."""
    width = maps.shape[2]
    line = np.empty(3 * WIDTH * width)
    flat = maps.reshape(maps.size)
    for tile in range(sums.shape[0]):
        row = sums[tile]
        for c in range(width):
            at, to = SUMS * WIDTH * c, 3 * WIDTH * c
            xx = load(row, at + 2 * WIDTH) * (2.0 / ORIENTATIONS)
            yy = load(row, at + 3 * WIDTH) * (2.0 / ORIENTATIONS)
            xy = load(row, at + 4 * WIDTH) * (4.0 / ORIENTATIONS)
            length = root(xy * xy + (xx - yy) * (xx - yy)) + EPSILON
            store(line, to, load(row, at) / (load(row, at + WIDTH) + EPSILON))
            store(line, to + WIDTH, 0.5 * (yy + xx + length))
            store(line, to + 2 * WIDTH, 0.5 * (yy + xx - length))
        for m in range(3):
            start = (m * maps.shape[1] + tile * along_columns.tiles_apart) * width
            for c in range(0, width, WIDTH):
                transpose(
                    line,
                    3 * WIDTH * c + WIDTH * m,
                    3 * WIDTH,
                    flat,
                    start + c,
                    width * along_columns.lanes_apart,
                )
