"""Qp: how well the fused image keeps the sources' features, measured by phase congruency (Zhao, Laganière &
Liu).

Source: J. Zhao, R. Laganière, Z. Liu, "Performance assessment of combinative pixel-level image fusion based
on an absolute feature measurement", Int. J. Innovative Computing, Information and Control 3(6A), 2007.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..undefined import Undefined, require_size
from .phase_congruency import PhaseCongruency, phase_congruency
from .windows import Real, gaussian_taps, local_mean

UInt8 = npt.NDArray[np.uint8]
THRESHOLD = 0.1
CONSTANT = 1e-4


def best_correlation(a: Real, b: Real, f: Real) -> Real:
    """max(C_AF, C_BF, C_SF) around every pixel, S = max(A, B), C_XF = (σ_XF + c)/(σ_X σ_F + c), c = 10⁻⁴.

    Under an 11×11 Gaussian window (σ = 1.5), zeros beyond the border.
    """
    taps = gaussian_taps(11, 1.5)
    mf = local_mean(f, taps)
    vf = local_mean(f * f, taps) - mf * mf
    correlations = []
    for x in (a, b, np.maximum(a, b)):
        mx = local_mean(x, taps)
        vx, covariance = local_mean(x * x, taps) - mx * mx, local_mean(x * f, taps) - mx * mf
        correlations.append((covariance + CONSTANT) / (np.sqrt(np.abs(vx * vf)) + CONSTANT))
    return np.asarray(np.maximum.reduce(correlations))


def qp(
    infrared: UInt8,
    visible: UInt8,
    fused: UInt8,
    *,
    of_image: Callable[[UInt8], PhaseCongruency] = phase_congruency,
) -> float:
    """Qp = P_p·P_M·P_m: mean local correlation of phase congruency and of its maximum and minimum moment.

    Each P is the mean of `best_correlation` over the pixels with a congruency above 0.1 in A, B or F; the
    maps are 0 elsewhere. `of_image`: computes the maps. H×W. Range about 0…1, higher is better. Minimum size 2×2 (``Undefined`` below).
    Constant images: ``Undefined`` where no image has a feature; a constant fused image beside others scores
    near 1. Source: J. Zhao, R. Laganière, Z. Liu, Int. J. Innov. Comput. Inf. Control 3(6A), 2007.

    >>> image = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)
    >>> round(qp(image, image, image), 9)
    1.0
    """
    require_size(fused.shape, 2, "Qp")
    maps: list[PhaseCongruency] = [of_image(image) for image in (infrared, visible, fused)]
    mask = np.logical_or.reduce([of.congruency > THRESHOLD for of in maps])
    if not mask.any():
        raise Undefined(f"no image has a pixel with phase congruency above {THRESHOLD:g}: Qp is 0/0")
    value = 1.0
    for a, b, f in zip(*maps, strict=True):
        value *= float(best_correlation(a * mask, b * mask, f * mask)[mask].mean())
    return value
