"""Correlation and error metrics: CC, SCD, MSE, RMSE, PSNR."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ..undefined import Undefined
from .windows import floats

UInt8 = npt.NDArray[np.uint8]
Real = npt.NDArray[np.float64]


def pearson(x: Real, y: Real, x_name: str, y_name: str, metric: str) -> float:
    """r = Σ(x − x̄)(y − ȳ)/√(Σ(x − x̄)² Σ(y − ȳ)²). ``Undefined`` where either is constant (0/0)."""
    for values, name in ((x, x_name), (y, y_name)):
        if values.min() == values.max():
            raise Undefined(f"{name} is constant: {metric} is 0/0")
    x, y = (x - x.mean()).ravel(), (y - y.mean()).ravel()
    return float(x @ y / (math.sqrt(x @ x) * math.sqrt(y @ y)))


def correlation_coefficient(infrared: UInt8, visible: UInt8, fused: UInt8) -> float:
    """CC = (r(A,F) + r(B,F))/2, Pearson.

    Range −1…1, higher is better. Minimum size 1×1. Constant images: ``Undefined`` where any of the three is
    (0/0). Source: S. Deshmukh, S. Bhosle, Int. J. Image Graph. Signal Process. 2010.

    >>> round(correlation_coefficient(*[np.uint8([[1, 2, 9]])] * 3), 12)
    1.0
    """
    a, b, f = floats(infrared, visible, fused)
    sources = ((a, "the infrared image"), (b, "the visible image"))
    return sum(pearson(source, f, name, "the fused image", "CC") for source, name in sources) / 2.0


def sum_of_correlations_of_differences(infrared: UInt8, visible: UInt8, fused: UInt8) -> float:
    """SCD = r(F − B, A) + r(F − A, B) with signed differences.

    Range −2…2, higher is better. Minimum size 1×1. Constant images: ``Undefined`` (0/0) where a source is,
    or a
    difference, e.g. where the fused image equals a source. Source: V. Aslantas, E. Bendes, AEÜ 69(12), 2015.

    >>> round(sum_of_correlations_of_differences(np.uint8([[1, 2]]), np.uint8([[4, 3]]), np.uint8([[5, 5]])), 12)
    2.0
    """
    a, b, f = floats(infrared, visible, fused)
    first = pearson(a, f - b, "the infrared image", "the fused minus the visible image", "SCD")
    return first + pearson(b, f - a, "the visible image", "the fused minus the infrared image", "SCD")


def source_errors(infrared: UInt8, visible: UInt8, fused: UInt8) -> tuple[float, float]:
    """Mean squared error of the fused image against infrared and against visible, in squared grey levels."""
    a, b, f = floats(infrared, visible, fused)
    return float(np.mean((a - f) ** 2)), float(np.mean((b - f) ** 2))


def mean_squared_error(infrared: UInt8, visible: UInt8, fused: UInt8) -> float:
    """MSE = (mse(A,F) + mse(B,F))/2 in squared grey levels.

    Range 0…65025, lower is better. Minimum size 1×1. Constant images: finite, 0 where the three are equal.
    Source: P. Jagalingam, A. V. Hegde, Aquatic Procedia 4, 2015.

    >>> mean_squared_error(np.uint8([[0]]), np.uint8([[2]]), np.uint8([[2]]))
    2.0
    """
    return sum(source_errors(infrared, visible, fused)) / 2.0


def root_mean_squared_error(infrared: UInt8, visible: UInt8, fused: UInt8) -> float:
    """RMSE = (√mse(A,F) + √mse(B,F))/2 in grey levels.

    Range 0…255, lower is better. Minimum size 1×1. Constant images: finite, 0 where the three are equal.
    Source: P. Jagalingam, A. V. Hegde, Aquatic Procedia 4, 2015.

    >>> root_mean_squared_error(np.uint8([[0]]), np.uint8([[2]]), np.uint8([[2]]))
    1.0
    """
    return sum(math.sqrt(error) for error in source_errors(infrared, visible, fused)) / 2.0


def root_of_sum_over_pixels(infrared: UInt8, visible: UInt8, fused: UInt8) -> float:
    """VIFB's and MEFB's "mse", published as RMSE: (√SSE(A,F) + √SSE(B,F))/(2·H·W), divided after the root."""
    return root_mean_squared_error(infrared, visible, fused) / math.sqrt(fused.size)


def peak_signal_to_noise_ratio(error: float, peak: float = 255.0) -> float:
    """PSNR = 10 log₁₀(peak²/error) in dB.

    Range 0…∞ where the peak is white, higher is better. Minimum size 1×1. Constant images: finite. Raises
    ``Undefined`` for an error of 0 (the three are equal: infinite), and for a peak of 0. Source: P.
    Jagalingam, A. V. Hegde, Aquatic Procedia 4, 2015.

    >>> peak_signal_to_noise_ratio(650.25)
    20.0
    """
    if error == 0.0:
        raise Undefined("the three images are equal (error 0): PSNR is infinite")
    if peak == 0.0:
        raise Undefined("the fused image is zero everywhere: PSNR relative to its maximum is −∞")
    return 10.0 * math.log10(peak * peak / error)
