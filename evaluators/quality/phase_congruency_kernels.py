"""What phase congruency does between the Fourier passes: filter a column as it is transformed, use a row as soon as it is.

Planes and lines are those of `fourier.py`; all values of eight pixels (one column, eight rows) are computed together.
"""

from __future__ import annotations

import math

import numpy as np

from .fourier import across, transformed
from .fourier_passes import COMPLEX
from .gabor_filters import ORIENTATIONS, RATIOS, SCALES, SHARPNESS
from .kernels import kernel
from .simd import WIDTH, fused, larger, load, magnitude, root, select, splat, store, transpose
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
        turn = magnitude(theta - orientation)
        turn = select(turn > math.pi, 2.0 * math.pi - turn, turn)
        store(weights, WIDTH * r, radial * exponential(turn * turn * -SHARPNESS))
        mirror = height - r
        if r > 0 and mirror != r:
            turn = magnitude(theta + orientation)
            turn = select(turn > math.pi, 2.0 * math.pi - turn, turn)
            store(weights, WIDTH * mirror, radial * exponential(turn * turn * -SHARPNESS))


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
def _filtered(column, weights, height, x):  # type: ignore[no-untyped-def]
    """x = the column times the filter."""
    for r in range(height):
        weight = load(weights, WIDTH * r)
        store(x, COMPLEX * r, load(column, COMPLEX * r) * weight)
        store(x, COMPLEX * r + WIDTH, load(column, COMPLEX * r + WIDTH) * weight)


@kernel
def _row(plane, tile, along_rows, x, y):  # type: ignore[no-untyped-def]
    """A tile of a plane of rows, transformed; the plane stays as it is (writing it back to memory would take longer than a copy)."""
    row = plane[tile].reshape(COMPLEX * plane.shape[1])
    for k in range(0, row.size, WIDTH):
        store(x, k, load(row, k))
    return transformed(x, y, along_rows)


@kernel
def orientation_responses(spectrum, filters, orientation, along_rows, along_columns, responses, power, work):  # type: ignore[no-untyped-def]
    """Fill `responses` (SCALES planes of rows): the finest scale's responses, the others' before the transform along rows.

    power (H·W, in any order) = |response|² of the finest scale.
    """
    height, width = along_columns.length, along_rows.length
    x, y, weights = work[0], work[1], work[2]
    table = filters.finest.shape[1] * WIDTH
    for block in range(spectrum.shape[0]):
        column = spectrum[block].reshape(COMPLEX * spectrum.shape[1])
        finest, angle = filters.finest[block].reshape(table), filters.angle[block].reshape(table)
        step = filters.step[block].reshape(table)
        _weights(finest, angle, orientation, height, weights)
        for s in range(SCALES):
            if s > 0:
                _coarser(weights, step, RATIOS[s], height)
            _filtered(column, weights, height, x)
            across(transformed(x, y, along_columns), responses[s], block)
    at = 0
    for tile in range(responses.shape[1]):
        line = _row(responses[0], tile, along_rows, x, y)
        row = responses[0, tile].reshape(COMPLEX * responses.shape[2])
        lanes = min(WIDTH, height - tile * WIDTH)
        for c in range(width):
            re, im = load(line, COMPLEX * c), load(line, COMPLEX * c + WIDTH)
            store(row, COMPLEX * c, re)
            store(row, COMPLEX * c + WIDTH, im)
            if lanes == WIDTH:
                store(power, at, fused(re, re, im * im))
            else:
                for lane in range(lanes):
                    power[at + lane] = line[COMPLEX * c + lane] ** 2 + line[COMPLEX * c + lane + WIDTH] ** 2
            at += lanes


@kernel
def _add_row(finest, r1, r2, r3, count, threshold, cosine, sine, sums):  # type: ignore[no-untyped-def]
    """Add one orientation of one tile's row to its sums."""
    for c in range(count):
        at = COMPLEX * c
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
        to = SUMS * WIDTH * c
        store(sums, to, fused(congruency, amplitude, load(sums, to)))
        store(sums, to + WIDTH, load(sums, to + WIDTH) + amplitude)
        store(sums, to + 2 * WIDTH, fused(x, x, load(sums, to + 2 * WIDTH)))
        store(sums, to + 3 * WIDTH, fused(y, y, load(sums, to + 3 * WIDTH)))
        store(sums, to + 4 * WIDTH, fused(x, y, load(sums, to + 4 * WIDTH)))


@kernel
def add_orientation(responses, orientation, threshold, along_rows, sums, work):  # type: ignore[no-untyped-def]
    """Transform the coarser scales along rows and add the orientation to `sums`: tiles of rows, SUMS times eight values a column."""
    cosine, sine = math.cos(orientation), math.sin(orientation)
    for tile in range(responses.shape[1]):
        finest = responses[0, tile].reshape(COMPLEX * responses.shape[2])
        r1 = _row(responses[1], tile, along_rows, work[0], work[1])
        r2 = _row(responses[2], tile, along_rows, work[2], work[3])
        r3 = _row(responses[3], tile, along_rows, work[4], work[5])
        _add_row(finest, r1, r2, r3, along_rows.length, threshold, cosine, sine, sums[tile])


@kernel
def finish(sums, maps):  # type: ignore[no-untyped-def]
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
            start = (m * maps.shape[1] + tile * WIDTH) * width
            for c in range(0, width, WIDTH):
                transpose(line, 3 * WIDTH * c + WIDTH * m, 3 * WIDTH, flat, start + c, width)
