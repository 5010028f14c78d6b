"""Cvejic's Qc and Yang's Qy: local SSIM with both sources, mixed window by window.

Sources: N. Cvejic, A. Loza, D. Bull, N. Canagarajah, "A similarity metric for assessment of image fusion
algorithms", Int. J. of Signal Processing 2(3), 2005; C. Yang, J.-Q. Zhang, X.-R. Wang, X. Liu, "A novel
similarity based quality metric for image fusion", Information Fusion 9(2), 2008. Window and constants are
those of the MATLAB family: 7×7 Gaussian, σ = 1.5, windows inside the image, both constants 2·10⁻¹⁶.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..undefined import require_size
from .windows import Real, floats, gaussian_taps, valid

UInt8 = npt.NDArray[np.uint8]
SIZE = 7
CONSTANT = 2e-16
THRESHOLD = 0.75
FLAT = 1e-9
"""Variances below are rounding noise of a flat window; they and its covariances count as 0."""


class LocalSimilarities(NamedTuple):
    """SSIM between the images, and what the mixtures are made of, in every 7×7 window."""

    infrared: Real  # SSIM(A,F)
    visible: Real  # SSIM(B,F)
    sources: Real  # SSIM(A,B)
    variance_share: Real  # λ = σ_A²/(σ_A² + σ_B²), ½ where both are 0
    covariance_share: Real  # σ_AF/(σ_AF + σ_BF), ½ where the sum is 0


def local_similarities(infrared: UInt8, visible: UInt8, fused: UInt8) -> LocalSimilarities:
    """The maps behind Qc and Qy. H×W, at least 7×7 (``Undefined`` below).

    Variances of flat windows are exactly 0 here. The originals have rounding noise of about 10⁻¹² there,
    against their constant of 2·10⁻¹⁶.
    """
    require_size(fused.shape, SIZE, "Qc and Qy")
    taps = gaussian_taps(SIZE, 1.5)
    images = floats(infrared, visible, fused)
    means = [valid(image, taps) for image in images]
    variances = [valid(x * x, taps) - m * m for x, m in zip(images, means, strict=True)]
    variances = [np.where(v > FLAT, v, 0.0) for v in variances]

    def pair(i: int, j: int) -> tuple[Real, Real]:
        """SSIM and covariance of two of the images."""
        covariance = valid(images[i] * images[j], taps) - means[i] * means[j]
        covariance = np.where((variances[i] > 0.0) & (variances[j] > 0.0), covariance, 0.0)
        above = (2.0 * means[i] * means[j] + CONSTANT) * (2.0 * covariance + CONSTANT)
        below = (means[i] ** 2 + means[j] ** 2 + CONSTANT) * (variances[i] + variances[j] + CONSTANT)
        return above / below, covariance

    (of_a, covariance_a), (of_b, covariance_b), (of_sources, _) = pair(0, 2), pair(1, 2), pair(0, 1)
    return LocalSimilarities(
        of_a, of_b, of_sources, _share(variances[0], variances[1]), _share(covariance_a, covariance_b)
    )


def _share(first: Real, second: Real) -> Real:
    """first/(first + second), ½ where the sum is 0."""
    return np.divide(first, first + second, out=np.full_like(first, 0.5), where=first + second != 0.0)


def qc(of: LocalSimilarities) -> float:
    """Qc = mean of s·SSIM(A,F) + (1 − s)·SSIM(B,F), s = σ_AF/(σ_AF + σ_BF) clipped to [0, 1] (equations 3
    and 4).

    Range −1…1, higher is better. Minimum size 7×7. Constant images: finite, 0 where the fused one alone is,
    1 where the
    three are equal. Source: N. Cvejic, A. Loza, D. Bull, N. Canagarajah, Int. J. Signal Process. 2(3), 2005.

    >>> image = np.random.default_rng(0).integers(0, 256, (7, 7), dtype=np.uint8)
    >>> round(qc(local_similarities(image, image, image)), 12)
    1.0
    """
    s = np.clip(of.covariance_share, 0.0, 1.0)
    return float((s * of.infrared + (1.0 - s) * of.visible).mean())


def qy(of: LocalSimilarities) -> float:
    """Qy = mean of λ·SSIM(A,F) + (1 − λ)·SSIM(B,F) where SSIM(A,B) ≥ 0.75, else of the larger of the two.

    λ = σ_A²/(σ_A² + σ_B²). Range −1…1, higher is better. Minimum size 7×7. Constant images: finite, 0 where
    the fused one alone is, 1 where the three are equal. Source: C. Yang, J.-Q. Zhang, X.-R. Wang, X. Liu,
    Information Fusion 9(2), 2008.

    >>> image = np.random.default_rng(0).integers(0, 256, (7, 7), dtype=np.uint8)
    >>> round(qy(local_similarities(image, image, image)), 12)
    1.0
    """
    mixed = of.variance_share * of.infrared + (1.0 - of.variance_share) * of.visible
    return float(np.where(of.sources >= THRESHOLD, mixed, np.maximum(of.infrared, of.visible)).mean())
