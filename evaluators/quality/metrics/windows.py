"""Separable windows: Gaussian taps and local means under them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]


def gaussian_taps(size: int, sigma: float) -> Real:
    """One axis of MATLAB's fspecial('gaussian', size, sigma): `size` (odd) taps with sum 1.

    >>> gaussian_taps(3, 1.0).round(3)
    array([0.274, 0.452, 0.274])
    """
    x = np.arange(size) - size // 2
    taps = np.exp(-(x * x) / (2.0 * sigma * sigma))
    return np.asarray(taps / taps.sum(), dtype=np.float64)


def floats(*images: NDArray[np.generic]) -> list[Real]:
    """The images in float64."""
    return [np.asarray(image, dtype=np.float64) for image in images]


def local_mean(image: Real, taps: Real, border: int = cv2.BORDER_CONSTANT) -> Real:
    """The weighted mean around every pixel (H×W in and out); beyond the border lie zeros, or what `border`
    says.
    """
    return np.asarray(cv2.sepFilter2D(image, cv2.CV_64F, taps, taps, borderType=border), dtype=np.float64)


def valid(image: Real, taps: Real) -> Real:
    """The weighted mean of every window that lies inside the image: (H − N + 1)×(W − N + 1) for N taps."""
    margin = taps.size // 2
    height, width = image.shape
    return local_mean(image, taps)[margin : height - margin, margin : width - margin]
