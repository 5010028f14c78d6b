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

from .elementary import exponential
from .fourier import tiles
from .kernels import kernel
from .scratch import aligned
from .simd import WIDTH

__all__ = ["ORIENTATIONS", "RATIOS", "SCALES", "SHARPNESS", "GaborFilters", "gabor_filters"]

Real = NDArray[np.float64]

SCALES = 4
ORIENTATIONS = 6
SHORTEST_WAVE = 3.0
SCALE_FACTOR = 2.1
SIGMA_ON_F = 0.55
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


@kernel
def _angular(angle, orientation):  # type: ignore[no-untyped-def]
    turn = abs(angle - orientation)
    turn = 2.0 * math.pi - turn if turn > math.pi else turn
    return exponential(-turn * turn * SHARPNESS)


@kernel
def _energies(finest, step, angle, height, width, first_energy, noise_factor):  # type: ignore[no-untyped-def]
    """Fill the sums over all frequencies, by Parseval: the even part of a filter at f is half its sum with that at −f."""
    for o in range(ORIENTATIONS):
        orientation = o * math.pi / ORIENTATIONS
        energy = noise = 0.0
        for r in range(height):
            row, sign = (r, 1.0) if r <= height // 2 else (height - r, -1.0)
            back = (height - r) % height
            opposite, opposite_sign = (back, 1.0) if back <= height // 2 else (height - back, -1.0)
            for c in range(width):
                d = (width - c) % width
                radial = finest[c // WIDTH, row, c % WIDTH] * (height * width)
                here = _angular(sign * angle[c // WIDTH, row, c % WIDTH], orientation)
                there = _angular(opposite_sign * angle[d // WIDTH, opposite, d % WIDTH], orientation)
                energy += (radial * here) ** 2
                everywhere = 0.0
                for s in range(SCALES):
                    radial *= step[c // WIDTH, row, c % WIDTH] * RATIOS[s] if s > 0 else 1.0
                    everywhere += radial
                noise += (everywhere * (here + there)) ** 2
        first_energy[o] = energy
        noise_factor[o] = 0.5 * noise  # 2·(½ (here + there))²


@lru_cache(maxsize=2)
def gabor_filters(height: int, width: int) -> GaborFilters:
    """The tables of an image size; those of the last two sizes are kept."""
    shape = tiles(width), height // 2 + 1, WIDTH
    finest, step, angle = aligned(*shape), aligned(*shape), aligned(*shape)
    finest[:], step[:], angle[:] = 0.0, 1.0, 0.0
    y = _frequencies(height)[: height // 2 + 1, np.newaxis]
    x_of_all = _frequencies(width)
    for block in range(shape[0]):
        x = x_of_all[np.newaxis, block * WIDTH : (block + 1) * WIDTH]
        here = block, slice(None), slice(x.shape[1])
        radius = np.sqrt(x * x + y * y)
        low_pass = 1.0 / (1.0 + (radius / 0.45) ** 30)
        radius[radius == 0.0] = 1.0
        octaves = np.log(radius * SHORTEST_WAVE)
        finest[here] = np.exp(-(octaves**2) / (2.0 * _VARIANCE)) * low_pass / (height * width)
        step[here] = np.exp(-octaves * _OCTAVE / _VARIANCE)
        angle[here] = np.arctan2(-y, x)
    finest[0, 0, 0] = 0.0
    filters = GaborFilters(finest, step, angle, np.empty(ORIENTATIONS), np.empty(ORIENTATIONS))
    _energies(finest, step, angle, height, width, filters.first_energy, filters.noise_factor)
    return filters
