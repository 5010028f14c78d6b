"""The feature maps that FMI compares: pixels, gradient, edges, DCT and wavelet coefficients, with MATLAB's conventions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from .meyer import meyer_bands

FEATURES = ("none", "gradient", "edge", "dct", "wavelet")

Real = NDArray[np.float64]


def feature_map(image: NDArray[np.generic], feature: str) -> Real:
    """The map (float64) of one of `FEATURES` of an H×W image; H×W again, but for the wavelet's four stacked bands."""
    values: Real = np.ascontiguousarray(image, dtype=np.float64)
    if feature == "gradient":
        # MATLAB's gradient(x) with one output: the derivative along x only.
        return values if values.shape[1] < 2 else np.asarray(np.gradient(values, axis=1), dtype=np.float64)
    if feature == "edge":
        return sobel_edges(values)
    if feature == "dct":
        return np.asarray(fft.dctn(values, norm="ortho"), dtype=np.float64)
    if feature == "wavelet":
        return wavelet_map(values)
    return values


def sobel_edges(image: Real) -> Real:
    """Binary Sobel edges after MATLAB's edge(): thresholded at twice the root mean square, thinned to local maxima.

    Sobel/8 with replicated borders, b = g_x² + g_y², threshold 4·mean(b); an edge is above it and a maximum along the
    axis of its stronger component.
    """
    smooth, slope = np.array([1.0, 2.0, 1.0]), np.array([-1.0, 0.0, 1.0])
    gx = (
        ndimage.correlate1d(
            ndimage.correlate1d(image, slope, axis=1, mode="nearest"), smooth, axis=0, mode="nearest"
        )
        / 8.0
    )
    gy = (
        ndimage.correlate1d(
            ndimage.correlate1d(image, slope, axis=0, mode="nearest"), smooth, axis=1, mode="nearest"
        )
        / 8.0
    )
    b = gx * gx + gy * gy
    cutoff = 4.0 * b.sum() / b.size
    bx, by = np.abs(gx), np.abs(gy)
    left = np.pad(b, ((0, 0), (1, 0)))[:, :-1]
    right = np.pad(b, ((0, 0), (0, 1)))[:, 1:]
    above = np.pad(b, ((1, 0), (0, 0)))[:-1]
    below = np.pad(b, ((0, 1), (0, 0)))[1:]
    edges = (b > cutoff) & (
        ((bx >= by) & (left <= b) & (b > right)) | ((by >= bx) & (above <= b) & (b > below))
    )
    return np.asarray(edges, dtype=np.float64)


def wavelet_map(image: Real) -> Real:
    """[cA cH; cV cD] of a one-level discrete Meyer transform, the whole map stretched to [0, 1]."""
    approximation, horizontal, vertical, diagonal = meyer_bands(image)
    stacked = np.block([[approximation, horizontal], [vertical, diagonal]])
    low, high = float(stacked.min()), float(stacked.max())
    if low == high:
        return np.ones_like(stacked)
    return np.asarray((stacked - low) / (high - low), dtype=np.float64)
