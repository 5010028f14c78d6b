"""Phase congruency (Kovesi) and Qp, the fusion metric built on it (Zhao, Laganière & Liu).

Sources: P. Kovesi, "Image features from phase congruency", Videre 1(3), 1999, and "Phase congruency detects corners and
edges", DICTA 2003 (moments); J. Zhao, R. Laganière, Z. Liu, "Performance assessment of combinative pixel-level image
fusion based on an absolute feature measurement", Int. J. Innovative Computing, Information and Control 3(6A), 2007.
Parameters as in the MATLAB family (`mefb`).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from .elementary import exponential
from .feature_correlation import feature_correlation
from .kernels import kernel
from .undefined import Undefined

__all__ = ["PhaseCongruency", "phase_congruency", "q_p"]

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]

SCALES = 4
ORIENTATIONS = 6
SHORTEST_WAVE = 3.0
SCALE_FACTOR = 2.1
SIGMA_ON_F = 0.55
ANGLE_ON_SIGMA = 1.2
NOISE_SIGMAS = 2.0
CUTOFF = 0.5
GAIN = 10.0
EPSILON = 1e-4


class PhaseCongruency(NamedTuple):
    """Three H×W maps: phase congruency (0…1), and the maximum (edge) and minimum (corner) moment of its covariance."""

    congruency: Real
    maximum_moment: Real
    minimum_moment: Real


class _FilterBank(NamedTuple):
    radial: Real  # SCALES×H×W, log-Gabor times low-pass
    angular: Real  # ORIENTATIONS×H×W
    first_energy: Real  # Σ H² of the finest scale, per orientation
    noise_factor: Real  # 2·Σ_s Σ h_s² + 4·Σ_{s<t} Σ h_s h_t of the even parts, per orientation


def _frequencies(count: int) -> Real:
    """Frequencies in FFT order; an odd count is divided by count − 1, as Kovesi's code does."""
    k = np.fft.fftfreq(count, 1.0 / count)
    return np.asarray(k / (count - 1 if count % 2 else count), dtype=np.float64)


@lru_cache(maxsize=1)
def _filter_bank(height: int, width: int) -> _FilterBank:
    """Log-Gabor filters for one image size; the last size's are kept, 80 bytes a pixel."""
    x = _frequencies(width)[np.newaxis, :]
    y = _frequencies(height)[:, np.newaxis]
    radius = np.sqrt(x * x + y * y)
    low_pass = 1.0 / (1.0 + (radius / 0.45) ** 30)
    radius[0, 0] = 1.0
    logarithm = np.log(radius)
    radial = np.empty((SCALES, height, width))
    for s in range(SCALES):
        centre = 1.0 / (SHORTEST_WAVE * SCALE_FACTOR**s)
        radial[s] = (
            np.exp(-((logarithm - math.log(centre)) ** 2) / (2.0 * math.log(SIGMA_ON_F) ** 2)) * low_pass
        )
        radial[s, 0, 0] = 0.0
    theta = np.arctan2(-y, x)
    sigma = math.pi / ORIENTATIONS / ANGLE_ON_SIGMA
    angular = np.empty((ORIENTATIONS, height, width))
    first_energy = np.empty(ORIENTATIONS)
    noise_factor = np.empty(ORIENTATIONS)
    opposite = np.ix_((-np.arange(height)) % height, (-np.arange(width)) % width)
    for o in range(ORIENTATIONS):
        turn = np.abs(theta - o * math.pi / ORIENTATIONS)
        turn = np.where(turn > math.pi, 2.0 * math.pi - turn, turn)
        angular[o] = np.exp(-(turn * turn) / (2.0 * sigma * sigma))
        first_energy[o] = ((radial[0] * angular[o]) ** 2).sum()
        # By Parseval the spatial sums of the real parts √N·Re h are frequency sums of the even parts of the filters.
        even = [0.5 * (radial[s] * angular[o] + (radial[s] * angular[o])[opposite]) for s in range(SCALES)]
        squares = sum(float((e * e).sum()) for e in even)
        products = sum(float((even[s] * even[t]).sum()) for s in range(SCALES) for t in range(s + 1, SCALES))
        noise_factor[o] = 2.0 * squares + 4.0 * products
    return _FilterBank(radial, angular, first_energy, noise_factor)


@kernel
def _select(values, rank, work):  # type: ignore[no-untyped-def]
    """The element of `rank` (0-based, ascending) and its successor, of non-negative floats: their bits sort as they do."""
    bins = np.zeros(32768, np.int64)
    flat = values.view(np.int64)
    for i in range(flat.size):
        bins[flat[i] >> 48] += 1
    below = 0
    bucket = 0
    while below + bins[bucket] <= rank:
        below += bins[bucket]
        bucket += 1
    kept = 0
    following = np.inf
    for i in range(flat.size):
        b = flat[i] >> 48
        if b == bucket:
            work[kept] = values[i]
            kept += 1
        elif b > bucket:
            following = min(following, values[i])
    ordered = np.sort(work[:kept])
    here = rank - below
    return ordered[here], ordered[here + 1] if here + 1 < kept else following


@kernel
def _filtered(spectrum, angular, radial, out):  # type: ignore[no-untyped-def]
    """out = spectrum·angular·radial (spectra: re, im interleaved)."""
    for i in range(angular.size):
        weight = angular[i] * radial[i]
        out[2 * i] = weight * spectrum[2 * i]
        out[2 * i + 1] = weight * spectrum[2 * i + 1]


@kernel
def _squared_amplitude(response, out):  # type: ignore[no-untyped-def]
    for i in range(out.size):
        re, im = response[2 * i], response[2 * i + 1]
        out[i] = re * re + im * im


def _median(values: Real, work: Real) -> float:
    """MATLAB's median: the mean of the two middle values for an even count."""
    low, high = _select(values, (values.size - 1) // 2, work)
    return float(low) if values.size % 2 else 0.5 * float(low + high)


@kernel
def _accumulate(r0, r1, r2, r3, threshold, cosine, sine, sums):  # type: ignore[no-untyped-def]
    """Add one orientation to sums[0…4] = Σ energy, Σ amplitude, Σ covx², Σ covy², Σ covx·covy (responses: re, im interleaved)."""
    energy_sum, amplitude_sum, xx, yy, xy = sums[0], sums[1], sums[2], sums[3], sums[4]
    for i in range(energy_sum.size):
        e0, o0 = r0[2 * i], r0[2 * i + 1]
        e1, o1 = r1[2 * i], r1[2 * i + 1]
        e2, o2 = r2[2 * i], r2[2 * i + 1]
        e3, o3 = r3[2 * i], r3[2 * i + 1]
        a0, a1 = math.sqrt(e0 * e0 + o0 * o0), math.sqrt(e1 * e1 + o1 * o1)
        a2, a3 = math.sqrt(e2 * e2 + o2 * o2), math.sqrt(e3 * e3 + o3 * o3)
        amplitude = a0 + a1 + a2 + a3
        largest = max(a0, a1, a2, a3)
        even, odd = e0 + e1 + e2 + e3, o0 + o1 + o2 + o3
        size = math.sqrt(even * even + odd * odd) + EPSILON
        me, mo = even / size, odd / size
        energy = (
            even * me
            + odd * mo
            - (
                abs(e0 * mo - o0 * me)
                + abs(e1 * mo - o1 * me)
                + abs(e2 * mo - o2 * me)
                + abs(e3 * mo - o3 * me)
            )
        )
        energy = max(energy - threshold, 0.0)
        width = amplitude / (largest + EPSILON) / SCALES
        energy = energy / (1.0 + exponential((CUTOFF - width) * GAIN))
        congruency = energy / (amplitude if amplitude > 0.0 else 1.0)
        energy_sum[i] += energy
        amplitude_sum[i] += amplitude
        cx, cy = congruency * cosine, congruency * sine
        xx[i] += cx * cx
        yy[i] += cy * cy
        xy[i] += cx * cy


@kernel
def _finish(sums):  # type: ignore[no-untyped-def]
    """Turn the five sums into congruency, maximum and minimum moment, in sums[0…2]."""
    for i in range(sums.shape[1]):
        xx, yy = sums[2, i] / (ORIENTATIONS / 2), sums[3, i] / (ORIENTATIONS / 2)
        xy = 4.0 * sums[4, i] / ORIENTATIONS
        root = math.sqrt(xy * xy + (xx - yy) * (xx - yy)) + EPSILON
        sums[0, i] = sums[0, i] / (sums[1, i] + EPSILON)
        sums[1, i] = 0.5 * (yy + xx + root)
        sums[2, i] = 0.5 * (yy + xx - root)


def phase_congruency(image: NDArray[np.generic]) -> PhaseCongruency:
    """Phase congruency of an image: how far its Fourier components agree in phase, which marks features at any contrast.

    Log-Gabor filters, 4 scales (shortest wavelength 3 px, factor 2.1, σ/f = 0.55), 6 orientations (Δθ/σ = 1.2), a low-pass
    of cut-off 0.45 and order 15; per orientation
    PC = W(width)·max(E − T, 0)/Σ A, E = Σ_s (e ē + o ō − |e ō − o ē|), T from the median energy of the finest scale
    (k = 2, divided by 1.7), W a sigmoid (cut-off 0.5, gain 10). The congruency map sums energies and amplitudes over the
    orientations; the moments are those of PC's covariance over the orientations.

    Parameters: H×W array of levels 0..255, at least 2×2. Constant images: congruency 0.
    """
    values = np.ascontiguousarray(image, dtype=np.float64)
    height, width = values.shape
    bank = _filter_bank(height, width)
    spectrum = np.asarray(fft.fft2(values), dtype=np.complex128)
    sums = np.zeros((5, height * width))
    squared = np.empty(height * width)
    work = np.empty(height * width)
    buffers = [np.empty((height, width), dtype=np.complex128) for _ in range(SCALES)]
    flat = spectrum.view(np.float64).ravel()
    for o in range(ORIENTATIONS):
        responses = []
        for s, buffer in enumerate(buffers):
            _filtered(flat, bank.angular[o].ravel(), bank.radial[s].ravel(), buffer.view(np.float64).ravel())
            # In place where SciPy can; fresh arrays of this size cost as much in page faults as the transform itself.
            response = np.ascontiguousarray(fft.ifft2(buffer, overwrite_x=True))
            responses.append(response.view(np.float64).ravel())
        _squared_amplitude(responses[0], squared)
        noise_power = _median(squared, work) / math.log(2.0) / float(bank.first_energy[o])
        tau = math.sqrt(noise_power * float(bank.noise_factor[o]) / 2.0)
        threshold = (
            tau * math.sqrt(math.pi / 2.0) + NOISE_SIGMAS * math.sqrt((2.0 - math.pi / 2.0) * tau * tau)
        ) / 1.7
        angle = o * math.pi / ORIENTATIONS
        _accumulate(*responses, threshold, math.cos(angle), math.sin(angle), sums)
    _finish(sums)
    return PhaseCongruency(*(sums[m].reshape(height, width).copy() for m in range(3)))


def q_p(
    infrared: NDArray[np.generic] | PhaseCongruency,
    visible: NDArray[np.generic] | PhaseCongruency,
    fused: NDArray[np.generic] | PhaseCongruency,
    *,
    feature_threshold: float = 0.1,
) -> float:
    """Qp = P_p·P_M·P_m: how well the fused image keeps the sources' features, measured by phase congruency.

    For each of the three maps (congruency, maximum and minimum moment), P = mean over all pixels with a congruency above
    0.1 in A, B or F of max(C_AF, C_BF, C_SF), S = max(A, B), C_XF = (σ_XF + c)/(σ_X σ_F + c), c = 10⁻⁴, under an 11×11
    Gaussian window (σ = 1.5) with zero borders; the maps are 0 outside these pixels.

    Parameters: H×W arrays of levels 0..255, or their `phase_congruency` (the sources' serve every method). About 0…1,
    higher is better. Raises ``Undefined`` where no image has a feature (constant images) and below 2×2 px.
    """
    maps = []
    for image in (infrared, visible, fused):
        if isinstance(image, PhaseCongruency):
            maps.append(image)
            continue
        if min(image.shape) < 2:
            raise Undefined(f"Qp needs at least 2×2 px, got {image.shape[1]}×{image.shape[0]}")
        maps.append(phase_congruency(image))
    mask = np.zeros(maps[0].congruency.shape, dtype=bool)
    for of_image in maps:
        mask |= of_image.congruency > feature_threshold
    if not mask.any():
        raise Undefined(f"no image has a pixel with phase congruency above {feature_threshold:g}: Qp is 0/0")
    value = 1.0
    for a, b, f in zip(*maps, strict=True):
        value *= feature_correlation(a, b, f, mask)
    return value
