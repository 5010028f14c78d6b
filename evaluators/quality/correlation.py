"""Correlation and error metrics from exact integer moments: CC, SCD, MSE, RMSE, PSNR."""

from __future__ import annotations

import math

from .pixel_sums import Moments, exact_ratio
from .undefined import Undefined


def _pearson(covariance: int, variance_x: int, variance_y: int) -> float:
    """Pearson's r from exact integers of one common scale."""
    # The root of the exact product: variances reach 2^80, beyond what a float64 product may lose.
    return covariance / (math.sqrt(variance_x) * math.sqrt(variance_y))


def correlation_coefficient(m: Moments) -> float:
    """CC = (r(A,F) + r(B,F))/2, Pearson.

    Range −1…1, higher is better. Minimum size 1×1. Constant images: ``Undefined`` (0/0) where any of the three is. Source: S. Deshmukh,
    S. Bhosle, Int. J. Image Graph. Signal Process. 2010.
    """
    variances = {
        "infrared": m.covariance(m.a, m.a, m.aa),
        "visible": m.covariance(m.b, m.b, m.bb),
        "fused": m.covariance(m.f, m.f, m.ff),
    }
    for name, variance in variances.items():
        if variance == 0:
            raise Undefined(f"constant {name} image: CC is 0/0")
    r_a = _pearson(m.covariance(m.a, m.f, m.af), variances["infrared"], variances["fused"])
    r_b = _pearson(m.covariance(m.b, m.f, m.bf), variances["visible"], variances["fused"])
    return (r_a + r_b) / 2


def sum_of_correlations_of_differences(m: Moments) -> float:
    """SCD = r(F−B, A) + r(F−A, B) with signed differences.

    Range −2…2, higher is better. Minimum size 1×1. Constant images: ``Undefined`` (0/0) where a source is, or a difference image, e.g.
    where the fused image equals a source. Source: V. Aslantas, E. Bendes, AEÜ 69(12), 2015.
    """
    cov_ab = m.covariance(m.a, m.b, m.ab)
    cov_af = m.covariance(m.a, m.f, m.af)
    cov_bf = m.covariance(m.b, m.f, m.bf)
    var_a, var_b, var_f = (m.covariance(s, s, q) for s, q in ((m.a, m.aa), (m.b, m.bb), (m.f, m.ff)))
    total = 0.0
    for name, other, covariance, variance, difference in (
        ("infrared", "visible", cov_af - cov_ab, var_a, var_f + var_b - 2 * cov_bf),
        ("visible", "infrared", cov_bf - cov_ab, var_b, var_f + var_a - 2 * cov_af),
    ):
        if variance == 0:
            raise Undefined(f"constant {name} image: SCD is 0/0")
        if difference == 0:
            raise Undefined(f"fused minus {other} image is constant: SCD is 0/0")
        total += _pearson(covariance, variance, difference)
    return total


def mean_squared_error(m: Moments) -> float:
    """MSE = (mse(A,F) + mse(B,F))/2 in squared grey levels.

    Range 0…65025, lower is better. Minimum size 1×1. Constant images: finite, 0 where the three are equal. Source: P. Jagalingam,
    A. V. Hegde, Aquatic Procedia 4, 2015.
    """
    return exact_ratio(m.aa + m.bb + 2 * m.ff - 2 * (m.af + m.bf), 2 * m.n)


def source_errors(m: Moments) -> tuple[float, float]:
    """Mean squared error of the fused image against infrared and against visible, in squared grey levels."""
    return exact_ratio(m.aa + m.ff - 2 * m.af, m.n), exact_ratio(m.bb + m.ff - 2 * m.bf, m.n)


def root_mean_squared_error(m: Moments) -> float:
    """RMSE = (√mse(A,F) + √mse(B,F))/2 in grey levels.

    Range 0…255, lower is better. Minimum size 1×1. Constant images: finite, 0 where the three are equal. Source: P. Jagalingam,
    A. V. Hegde, Aquatic Procedia 4, 2015.
    """
    first, second = source_errors(m)
    return (math.sqrt(first) + math.sqrt(second)) / 2


def root_of_sum_over_pixels(m: Moments) -> float:
    """VIFB's "mse": (√SSE(A,F) + √SSE(B,F))/(2·H·W), the count divided by after the root; published as its RMSE."""
    return sum(math.sqrt(mse * m.n) for mse in source_errors(m)) / (2 * m.n)


def peak_signal_to_noise_ratio(error: float, peak: float) -> float:
    """PSNR = 10 log₁₀(peak²/error) in dB.

    Range 0…∞ where the peak is white, higher is better. Minimum size 1×1. Constant images: finite. Raises ``Undefined`` for an error
    of 0 (infinite: the three are equal), or a peak of 0. Source: P. Jagalingam, A. V. Hegde, Aquatic Procedia 4, 2015.
    """
    if error == 0.0:
        raise Undefined("the three images are equal (error 0): PSNR is infinite")
    if peak == 0.0:
        raise Undefined("the fused image is zero everywhere: PSNR relative to its maximum is −∞")
    return 10.0 * math.log10(peak * peak / error)
