"""The feature maps that FMI compares: pixels, gradient, edges, DCT and wavelet coefficients, with MATLAB's conventions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from .kernels import kernel
from .meyer import meyer_bands

FEATURES = ("none", "gradient", "edge", "dct", "wavelet")

Real = NDArray[np.float64]


def feature_map(image: NDArray[np.generic], feature: str) -> Real | NDArray[np.bool_]:
    """The map of one of `FEATURES` of an H×W image (float64, edges bool); H×W again, but for the wavelet's four stacked bands."""
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


@kernel
def _squared_gradients(image, squared, along):  # type: ignore[no-untyped-def]
    """b = g_x² + g_y² of Sobel/8 with replicated borders; `along`: 1 where |g_x| ≥ |g_y|, + 2 where |g_y| ≥ |g_x|."""
    height, width = image.shape
    across = np.empty(width + 2)
    down = np.empty(width + 2)
    for y in range(height):
        above, here, below = image[max(y - 1, 0)], image[y], image[min(y + 1, height - 1)]
        for c in range(width):
            down[c + 1] = below[c] - above[c]
            across[c + 1] = above[c] + 2.0 * here[c] + below[c]
        down[0], down[width + 1] = down[1], down[width]
        across[0], across[width + 1] = across[1], across[width]
        for c in range(width):
            gx = (across[c + 2] - across[c]) / 8.0
            gy = (down[c] + 2.0 * down[c + 1] + down[c + 2]) / 8.0
            squared[y, c] = gx * gx + gy * gy
            bx, by = abs(gx), abs(gy)
            along[y, c] = (1 if bx >= by else 0) + (2 if by >= bx else 0)


@kernel
def _thinned(b, along, cutoff, edges):  # type: ignore[no-untyped-def]
    """Where b is above the cut-off and a maximum along the axis of the stronger component; beyond the border b is 0."""
    height, width = b.shape
    nothing = np.zeros(width)
    for y in range(height):
        above = b[y - 1] if y > 0 else nothing
        below = b[y + 1] if y < height - 1 else nothing
        for x in range(width):
            here = b[y, x]
            if here > cutoff:
                left = b[y, x - 1] if x > 0 else 0.0
                right = b[y, x + 1] if x < width - 1 else 0.0
                ridge_x = (along[y, x] & 1) != 0 and left <= here and here > right
                ridge_y = (along[y, x] & 2) != 0 and above[x] <= here and here > below[x]
                edges[y, x] = ridge_x or ridge_y


def sobel_edges(image: Real) -> NDArray[np.bool_]:
    """Binary Sobel edges after MATLAB's edge(): thresholded at twice the root mean square, thinned to local maxima.

    Sobel/8 with replicated borders, b = g_x² + g_y², threshold 4·mean(b); an edge is above it and a maximum along the
    axis of its stronger component.
    """
    squared, along = np.empty(image.shape), np.empty(image.shape, np.uint8)
    edges = np.zeros(image.shape, np.bool_)
    _squared_gradients(image, squared, along)
    _thinned(squared, along, 4.0 * squared.sum() / squared.size, edges)
    return edges


def wavelet_map(image: Real) -> Real:
    """[cA cH; cV cD] of a one-level discrete Meyer transform, the whole map stretched to [0, 1]."""
    approximation, horizontal, vertical, diagonal = meyer_bands(image)
    stacked: Real = np.block([[approximation, horizontal], [vertical, diagonal]])
    low, high = float(stacked.min()), float(stacked.max())
    if low == high:
        return np.ones_like(stacked)
    stacked -= low
    stacked /= high - low
    return stacked
