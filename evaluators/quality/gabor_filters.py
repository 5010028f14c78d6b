"""Kovesi's log-Gabor filters in the frequency domain, as tables of half a plane from which every filter is two products and one exp away.

Filter of scale s and orientation o = radial_s(|f|)·angular_o(θ). The radial parts of neighbouring scales differ by a power of |f|, so
radial_s = radial_{s−1}·step·ratio_s; the angular part is exp(−turn²·c) of the angle to the orientation. Rows of negative frequency mirror
those of positive frequency (|f| the same, θ negated). Tables are in tiles of eight columns: (⌈W/8⌉, H//2 + 1, 8).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .fourier import tiles
from .kernels import inline_kernel, kernel
from .scratch import aligned
from .simd import WIDTH, fused, load, magnitude, select, splat, total
from .simd_functions import exponential

__all__ = ["ORIENTATIONS", "RATIOS", "SCALES", "SHARPNESS", "GaborFilters", "angular", "gabor_filters"]

Real = NDArray[np.float64]

SCALES = 4
ORIENTATIONS = 6
SHORTEST_WAVE = 3.0
SCALE_FACTOR = 2.1
SIGMA_ON_F = 0.55
CUTOFF = 0.45
ANGLE_ON_SIGMA = 1.2

SHARPNESS = 0.5 / (math.pi / ORIENTATIONS / ANGLE_ON_SIGMA) ** 2
"""c of the angular part."""
_VARIANCE = math.log(SIGMA_ON_F) ** 2
_OCTAVE = math.log(SCALE_FACTOR)
RATIOS = tuple(math.exp(-(2 * s - 1) * _OCTAVE**2 / (2.0 * _VARIANCE)) for s in range(SCALES))
"""radial_s = radial_{s−1}·step·RATIOS[s] for s ≥ 1."""


class GaborFilters(NamedTuple):
    """The filters of one image size; 12 bytes a pixel."""

    finest: Real  # radial part of the finest scale, divided by the number of pixels; 0 in columns beyond the image
    step: Real
    angle: Real  # θ
    first_energy: Real  # Σ H² of the finest scale, per orientation
    noise_factor: Real  # 2·Σ_s Σ h_s² + 4·Σ_{s<t} Σ h_s h_t of the even parts, per orientation


def _frequencies(count: int) -> Real:
    """Frequencies in FFT order; an odd count is divided by count − 1, as Kovesi's code does."""
    k = np.fft.fftfreq(count, 1.0 / count)
    return np.asarray(k / max(count - 1 if count % 2 else count, 1), dtype=np.float64)


@inline_kernel
def angular(angle, orientation):  # type: ignore[no-untyped-def]
    """exp(−turn²·c) of eight angles that lie at most 2π from the orientation."""
    turn = magnitude(angle - orientation)
    turn = select(turn > math.pi, 2.0 * math.pi - turn, turn)
    return exponential(turn * turn * -SHARPNESS)


@kernel
def _energies(finest, step, angle, height, middle, first_energy, noise_factor):  # type: ignore[no-untyped-def]
    """Fill the sums over all frequencies, by Parseval: the even part of a filter at f is half its sum with that at −f.

    middle (⌈W/8⌉·8): 1 in the column of the highest frequency of an even width, which is its own opposite, else 0. So it is with the row.
    """
    rows = finest.shape[1]
    flat = [table.reshape(table.size) for table in (finest, step, angle)]
    for o in range(ORIENTATIONS):
        orientation = o * math.pi / ORIENTATIONS
        energy, noise = splat(0.0), splat(0.0)
        for block in range(finest.shape[0]):
            own_column = load(middle, WIDTH * block) > 0.0
            for r in range(rows):
                paired = 0 < r < height - r  # a row of negative frequency mirrors it
                at = WIDTH * (block * rows + r)
                theta = load(flat[2], at)
                mirrored = math.pi - theta if r > 0 and not paired else theta + math.pi
                opposite = select(own_column, 0.0 - theta if paired else theta, mirrored)
                here, there = angular(theta, orientation), angular(opposite, orientation)
                radial = load(flat[0], at)
                x = radial * here
                energy = fused(x, x, energy)
                if paired:
                    x = radial * there
                    energy = fused(x, x, energy)
                everywhere, factor = radial, load(flat[1], at)
                for s in range(1, SCALES):
                    radial = radial * factor * RATIOS[s]
                    everywhere = everywhere + radial
                x = everywhere * (here + there)
                noise = fused(x * (2.0 if paired else 1.0), x, noise)
        first_energy[o] = total(energy)
        noise_factor[o] = 0.5 * total(noise)  # 2·(½ (here + there))²


@lru_cache(maxsize=2)
def gabor_filters(height: int, width: int) -> GaborFilters:
    """The tables of an image size; those of the last two sizes are kept."""
    shape = tiles(width), height // 2 + 1, WIDTH
    finest, step, angle = aligned(*shape), aligned(*shape), aligned(*shape)
    y = _frequencies(height)[: height // 2 + 1, np.newaxis]
    columns = np.arange(shape[0] * WIDTH).reshape(-1, WIDTH)
    x_of_all = _frequencies(width)[np.minimum(columns, width - 1)]
    for block, x in enumerate(x_of_all):
        square = x * x + y * y
        cut = square / CUTOFF**2  # (|f|/0.45)³⁰ is its 15th power
        cut = (cut * cut) ** 2 * cut
        low_pass = 1.0 / (1.0 + cut * cut * cut)
        square[square == 0.0] = 1.0
        octaves = 0.5 * np.log(square) + math.log(SHORTEST_WAVE)
        inside = columns[block] < width
        finest[block] = inside * np.exp(-(octaves**2) / (2.0 * _VARIANCE)) * low_pass / (height * width)
        step[block] = np.exp(-octaves * _OCTAVE / _VARIANCE)
        angle[block] = np.arctan2(-y, x)
    finest[0, 0, 0] = 0.0
    filters = GaborFilters(finest, step, angle, np.empty(ORIENTATIONS), np.empty(ORIENTATIONS))
    middle = (2 * columns.ravel() == width).astype(np.float64)
    _energies(finest, step, angle, height, middle, filters.first_energy, filters.noise_factor)
    for sums in filters.first_energy, filters.noise_factor:
        sums *= float(height * width) ** 2
    return filters
