"""Natural-scene statistics that NIQE and BRISQUE share: normalised luminance, generalised Gaussian fits,
halving.
"""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma

from .windows import gaussian_taps

Real = NDArray[np.float64]

FLAT = 1e-8
"""|I − μ| below this is rounding noise of a flat neighbourhood."""


def normalised_luminance(image: Real, *, replicate: bool, mend_flat: bool) -> Real:
    """(I − μ)/(σ + 1) with a 7×7 Gaussian window, σ_window = 7/6; H×W in and out.

    `replicate`: edge pixels repeat beyond the border (NIQE); else zeros (BRISQUE). `mend_flat`: numerators
    below 10⁻⁸, which are rounding noise of flat neighbourhoods, become 0.
    """
    taps = gaussian_taps(7, 7.0 / 6.0)
    border = cv2.BORDER_REPLICATE if replicate else cv2.BORDER_CONSTANT
    mean = cv2.sepFilter2D(image, cv2.CV_64F, taps, taps, borderType=border)
    square = cv2.sepFilter2D(image * image, cv2.CV_64F, taps, taps, borderType=border)
    deviation = np.sqrt(np.abs(square - mean * mean))
    numerator = image - mean
    if mend_flat:
        numerator[np.abs(numerator) < FLAT] = 0.0
    return np.asarray(numerator / (deviation + 1.0), dtype=np.float64)


@lru_cache(maxsize=1)
def _shape_table() -> tuple[Real, Real]:
    """Shapes 0.200, 0.201, …, 10 and their Γ(2/α)²/(Γ(1/α)Γ(3/α))."""
    shapes: Real = 0.2 + 0.001 * np.arange(9801, dtype=np.float64)
    ratios = gamma(2.0 / shapes) ** 2 / (gamma(1.0 / shapes) * gamma(3.0 / shapes))
    return shapes, np.asarray(ratios, dtype=np.float64)


def symmetric_fit(values: Real) -> tuple[float, float]:
    """(shape α, standard deviation) of a generalised Gaussian, by moment matching on a grid of shapes; NaN
    for all zeros.
    """
    square = float(np.mean(values * values))
    absolute = float(np.mean(np.abs(values)))
    if absolute == 0.0:
        return math.nan, 0.0
    shapes, ratio = _shape_table()
    return float(shapes[np.argmin(np.abs(square / absolute**2 - 1.0 / ratio))]), math.sqrt(square)


def asymmetric_fit(values: Real) -> tuple[float, float, float]:
    """(shape α, left and right standard deviation) of an asymmetric generalised Gaussian; NaN where a side
    is empty.
    """
    left, right = values[values < 0.0], values[values > 0.0]
    if left.size == 0 or right.size == 0:
        return math.nan, math.nan, math.nan
    sigma_left = math.sqrt(float(np.mean(left * left)))
    sigma_right = math.sqrt(float(np.mean(right * right)))
    g = sigma_left / sigma_right
    r = float(np.mean(np.abs(values))) ** 2 / float(np.mean(values * values))
    r *= (g**3 + 1.0) * (g + 1.0) / (g * g + 1.0) ** 2
    shapes, ratio = _shape_table()
    return float(shapes[np.argmin((ratio - r) ** 2)]), sigma_left, sigma_right


def _cubic(x: float) -> float:
    a = abs(x)
    if a <= 1.0:
        return 1.5 * a**3 - 2.5 * a**2 + 1.0
    return -0.5 * a**3 + 2.5 * a**2 - 4.0 * a + 2.0 if a <= 2.0 else 0.0


def halve_bicubic(image: Real) -> Real:
    """MATLAB's imresize(image, 0.5): bicubic (a = −0.5), stretched to eight taps against aliasing, mirrored
    borders.
    """
    weights = np.array([0.5 * _cubic(0.5 * (d - 3.5)) for d in range(8)])
    weights /= weights.sum()
    result = image
    for axis in (0, 1):
        count = (result.shape[axis] + 1) // 2
        pad = [(0, 0), (0, 0)]
        pad[axis] = (3, 5)
        extended = np.pad(result, pad, mode="symmetric")
        rows = [np.take(extended, range(k, k + 2 * count - 1, 2), axis=axis) for k in range(8)]
        result = np.sum([w * part for w, part in zip(weights, rows, strict=True)], axis=0)
    return result
