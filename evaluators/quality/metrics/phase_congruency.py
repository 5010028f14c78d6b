"""Phase congruency (Kovesi): how far an image's Fourier components agree in phase, which marks features at
any contrast.

Sources: P. Kovesi, "Image features from phase congruency", Videre 1(3), 1999, and "Phase congruency detects
corners and edges", DICTA 2003 (moments). Parameters as in the MATLAB family (`mefb`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import fft

from .windows import Real

SCALES = 4
ORIENTATIONS = 6
SHORTEST_WAVE = 3.0
SCALE_FACTOR = 2.1
SIGMA_ON_F = 0.55
ANGLE_ON_SIGMA = 1.2
NOISE_SIGMAS = 2.0
CUTOFF, GAIN = 0.5, 10.0
EPSILON = 1e-4
ANGLES = [o * math.pi / ORIENTATIONS for o in range(ORIENTATIONS)]
BAND = 16
"""Rows whose energies are computed together, so that they stay in the cache."""
Complex = npt.NDArray[np.complex128]


class PhaseCongruency(NamedTuple):
    """Three H×W maps: phase congruency (0…1), and the maximum (edge) and minimum (corner) moment of its
    covariance.
    """

    congruency: Real
    maximum_moment: Real
    minimum_moment: Real


class FilterBank(NamedTuple):
    """Log-Gabor filters of one image size at the frequencies of `fft2`: filter (scale, orientation) =
    radial·angular.
    """

    radial: list[Real]
    angular: list[tuple[Real, float]]
    """Per orientation: its part of the filters, and τ² of the noise's energy over the median power of the
    finest scale.
    """


def frequency_axis(count: int) -> Real:
    """Frequencies in FFT order; an odd count is divided by count − 1, as Kovesi's code does."""
    return np.asarray(fft.fftfreq(count, 1.0 / count) / max(count - count % 2, 1), dtype=np.float64)


def angular_part(angle: Real, orientation: float) -> Real:
    """exp(−Δθ²/(2σ_θ²)), Δθ the distance to the orientation on the circle."""
    turn = np.abs(angle - orientation)
    turn = np.minimum(turn, 2.0 * math.pi - turn)
    sigma = math.pi / ORIENTATIONS / ANGLE_ON_SIGMA
    return np.exp(-(turn * turn) / (2.0 * sigma * sigma))


def noise_gain(radial: list[Real], angular: Real) -> float:
    """τ²/(median power): noise of unit power through the even parts of all scales' filters together, by
    Parseval.
    """
    finest, together = radial[0] * angular, sum(radial) * angular
    even = (together + np.roll(together[::-1, ::-1], (1, 1), axis=(0, 1))) / 2.0
    return float((even * even).sum()) / math.log(2.0) / float((finest * finest).sum())


@lru_cache(maxsize=2)
def filter_bank(height: int, width: int) -> FilterBank:
    """The filters of an image size: G(f) = exp(−log²(f/f₀)/(2 log² 0.55)) times a low-pass of cut-off 0.45,
    order 15.
    """
    x, y = frequency_axis(width)[np.newaxis], frequency_axis(height)[:, np.newaxis]
    radius = np.hypot(x, y)
    low_pass = 1.0 / (1.0 + (radius / 0.45) ** 30)
    radius[0, 0] = 1.0
    radial = []
    for scale in range(SCALES):
        wave = SHORTEST_WAVE * SCALE_FACTOR**scale
        gabor = np.exp(-(np.log(radius * wave) ** 2) / (2.0 * math.log(SIGMA_ON_F) ** 2)) * low_pass
        gabor[0, 0] = 0.0
        radial.append(gabor)
    angle = np.arctan2(-y, x)
    parts = [angular_part(angle, orientation) for orientation in ANGLES]
    return FilterBank(radial, [(part, noise_gain(radial, part)) for part in parts])


def local_energy(responses: Complex, threshold: float) -> tuple[Real, Real]:
    """(W·max(E − T, 0), Σ_s|r_s|) from the complex responses of an orientation at all scales.

    E = Σ_s Re(r_s m̄) − |Im(r_s m̄)| with the mean direction m; W is a sigmoid of how the amplitudes spread
    over the scales.
    """
    sizes = np.abs(responses)
    total = responses.sum(0)
    direction = np.conj(total) / (np.abs(total) + EPSILON)
    along = responses * direction
    energy = (along.real - np.abs(along.imag)).sum(0) - threshold
    amplitude: Real = sizes.sum(0)
    spread = amplitude / (sizes.max(0) + EPSILON) / SCALES
    return np.maximum(energy, 0.0) / (1.0 + np.exp((CUTOFF - spread) * GAIN)), amplitude


def add_orientation(responses: Complex, threshold: float, orientation: float, sums: Real) -> None:
    """Add an orientation to the sums (5×H×W) of energy, of amplitude, and of the products xx, yy and xy of
    PC's components.
    """
    for row in range(0, sums.shape[1], BAND):
        band = slice(row, row + BAND)
        energy, amplitude = local_energy(responses[:, band], threshold)
        congruency = energy / np.where(amplitude > 0.0, amplitude, 1.0)
        cx, cy = congruency * math.cos(orientation), congruency * math.sin(orientation)
        for total, part in zip(sums, (energy, amplitude, cx * cx, cy * cy, cx * cy), strict=True):
            total[band] += part


def phase_congruency(
    image: npt.NDArray[np.generic],
    *,
    add: Callable[[Complex, float, float, Real], None] = add_orientation,
) -> PhaseCongruency:
    """Phase congruency and its moments, from log-Gabor filters at 4 scales and 6 orientations.

    Shortest wavelength 3 px, factor 2.1, σ/f = 0.55, Δθ/σ_θ = 1.2; per orientation PC =
    `local_energy`/Σ_s|r_s|, with T from the median power of the finest scale (k = 2, divided by 1.7), W's
    cut-off 0.5 and gain 10. The congruency map sums energies and amplitudes over the orientations; the
    moments are those of PC's covariance over the orientations. `add`: adds an orientation. H×W levels
    0..255, at least 2×2. Constant images: congruency 0.

    >>> float(phase_congruency(np.full((8, 8), 90)).congruency.max())
    0.0
    """
    height, width = image.shape
    energies, amplitudes, xx, yy, xy = sums = np.zeros((5, height, width))
    if image.min() == image.max():  # its spectrum is rounding noise
        return PhaseCongruency(*sums[:3])
    bank = filter_bank(height, width)
    spectrum = fft.fft2(image.astype(np.float64))
    filtered = np.empty((SCALES, height, width), np.complex128)
    for orientation, (angular, noise) in zip(ANGLES, bank.angular, strict=True):
        oriented = spectrum * angular
        for scale, radial in enumerate(bank.radial):
            np.multiply(oriented, radial, out=filtered[scale])
        responses = fft.ifft2(filtered, overwrite_x=True)
        tau = math.sqrt(float(np.median(responses[0].real ** 2 + responses[0].imag ** 2)) * noise)
        # The mean of Rayleigh noise and k = 2 of its deviations.
        threshold = tau * (math.sqrt(math.pi / 2.0) + NOISE_SIGMAS * math.sqrt(2.0 - math.pi / 2.0)) / 1.7
        add(responses, threshold, orientation, sums)
    # Principal moments of the covariance (DICTA 2003, equations 2 to 6).
    xx, yy, xy = xx / (ORIENTATIONS / 2.0), yy / (ORIENTATIONS / 2.0), 4.0 * xy / ORIENTATIONS
    root = np.sqrt(xy * xy + (xx - yy) ** 2) + EPSILON
    return PhaseCongruency(energies / (amplitudes + EPSILON), (yy + xx + root) / 2.0, (yy + xx - root) / 2.0)
