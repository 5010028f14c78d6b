"""Phase congruency (Kovesi) and Qp, the fusion metric built on it (Zhao, Laganière & Liu).

Sources: P. Kovesi, "Image features from phase congruency", Videre 1(3), 1999, and "Phase congruency detects corners and
edges", DICTA 2003 (moments); J. Zhao, R. Laganière, Z. Liu, "Performance assessment of combinative pixel-level image
fusion based on an absolute feature measurement", Int. J. Innovative Computing, Information and Control 3(6A), 2007.
Parameters as in the MATLAB family (`mefb`).

Memory of Qp, bytes a pixel: 64 for an orientation's responses (4 scales, complex; a pixel's energy needs all of them, and a transform the whole
image), 40 for the sums over the orientations, 8 for the finest scale's power (its median sets the noise threshold before anything can be summed),
16 for the spectrum, 12 for the filters' tables and 48 for the maps of both sources (the correlation needs those of the three images together, the
fused image's take the place of its responses): 188. Less would need transforms to be done again: of the finest scale for the median, then of all
scales for one class of rows after the other.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .feature_correlation import feature_correlation
from .fourier import plan, spectrum, tiles
from .fourier_passes import COMPLEX
from .gabor_filters import ORIENTATIONS, SCALES, gabor_filters
from .median import median
from .phase_congruency_kernels import SUMS, add_orientation, finish, orientation_responses
from .scratch import scratch
from .simd import WIDTH
from .undefined import Undefined

__all__ = ["PhaseCongruency", "phase_congruency", "q_p"]

Real = NDArray[np.float64]

NOISE_SIGMAS = 2.0
_APART = 24
"""Work lines that lay a multiple of 4096 bytes apart would compete for the same places of the cache."""


class PhaseCongruency(NamedTuple):
    """Three H×W maps: phase congruency (0…1), and the maximum (edge) and minimum (corner) moment of its covariance."""

    congruency: Real
    maximum_moment: Real
    minimum_moment: Real


class _Work(NamedTuple):
    """What is reused from one image to the next."""

    responses: Real
    power: Real
    sums: Real
    lines: Real


def _work(height: int, width: int) -> _Work:
    padded = tiles(width) * WIDTH
    line = max(plan(width).work, plan(height).work)
    return _Work(
        scratch("responses", SCALES, tiles(height), padded, COMPLEX),
        scratch("power", height * width),
        scratch("sums", tiles(height), padded * SUMS * WIDTH),
        scratch("lines", SCALES, line + _APART),
    )


def _maps_shape(height: int, width: int) -> tuple[int, int, int]:
    return 3, tiles(height) * WIDTH, tiles(width) * WIDTH


def _fill_maps(image: NDArray[np.generic], work: _Work, maps: Real) -> PhaseCongruency:
    """The three maps of an image, in an array of `_maps_shape`, which may lie in the memory of the responses."""
    height, width = image.shape
    views = PhaseCongruency(*(m[:height, :width] for m in maps))
    if image.min() == image.max():  # its spectrum is rounding noise
        maps[:] = 0.0
        return views
    filters = gabor_filters(height, width)
    along_rows, along_columns = plan(width), plan(height)
    responses, power, sums, lines = work
    of_image = spectrum(image)
    for o in range(ORIENTATIONS):
        angle = o * math.pi / ORIENTATIONS
        orientation_responses(of_image, filters, angle, along_rows, along_columns, responses, power, lines)
        noise_power = median(power) / math.log(2.0) / float(filters.first_energy[o])
        tau = math.sqrt(noise_power * float(filters.noise_factor[o]) / 2.0)
        limit = tau * math.sqrt(math.pi / 2.0) + NOISE_SIGMAS * math.sqrt((2.0 - math.pi / 2.0) * tau * tau)
        add_orientation(responses, angle, limit / 1.7, along_rows, o == 0, sums, lines)
    finish(sums, along_columns, maps)
    return views


def phase_congruency(image: NDArray[np.generic]) -> PhaseCongruency:
    """Phase congruency of an image: how far its Fourier components agree in phase, which marks features at any contrast.

    Log-Gabor filters, 4 scales (shortest wavelength 3 px, factor 2.1, σ/f = 0.55), 6 orientations (Δθ/σ = 1.2), a low-pass
    of cut-off 0.45 and order 15; per orientation
    PC = W(width)·max(E − T, 0)/Σ A, E = Σ_s (e ē + o ō − |e ō − o ē|), T from the median energy of the finest scale
    (k = 2, divided by 1.7), W a sigmoid (cut-off 0.5, gain 10). The congruency map sums energies and amplitudes over the
    orientations; the moments are those of PC's covariance over the orientations.

    Parameters: H×W array of levels 0..255, at least 2×2. Constant images: congruency 0.
    """
    height, width = image.shape
    return _fill_maps(image, _work(height, width), np.empty(_maps_shape(height, width)))


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

    Parameters: H×W arrays of levels 0..255, or their `phase_congruency` (the sources' serve every method). Range 0…1,
    higher is better. Minimum size 2×2, ``Undefined`` below. Constant images: ``Undefined`` where no image has a feature; a constant fused
    image beside others scores near 1. Source: J. Zhao, R. Laganière, Z. Liu, Int. J. Innov. Comput. Inf. Control 3(6A), 2007.
    """
    maps: list[PhaseCongruency] = []
    work: _Work | None = None
    for image, role in ((infrared, "infrared"), (visible, "visible"), (fused, "fused")):
        if isinstance(image, PhaseCongruency):
            maps.append(image)
            continue
        height, width = image.shape
        if min(height, width) < 2:
            raise Undefined(f"Qp needs at least 2×2 px, got {width}×{height}")
        work = work or _work(height, width)
        shape = _maps_shape(height, width)
        if role == "fused":  # the last: nothing else will need the responses
            filled = work.responses.ravel()[: math.prod(shape)].reshape(shape)
        else:
            filled = scratch(f"phase congruency of the {role} image", *shape)
        maps.append(_fill_maps(image, work, filled))
    congruencies = tuple(of_image.congruency for of_image in maps)
    value = 1.0
    for of_feature in zip(*maps, strict=True):
        value *= feature_correlation(of_feature, congruencies, feature_threshold)
    if math.isnan(value):
        raise Undefined(f"no image has a pixel with phase congruency above {feature_threshold:g}: Qp is 0/0")
    return value
