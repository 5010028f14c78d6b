"""The feature maps that FMI compares: pixels, gradient, edges, DCT and wavelet coefficients, with MATLAB's conventions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .dct import write_dct
from .kernels import kernel
from .meyer import meyer_shape, write_meyer_bands
from .simd import WIDTH, larger, load, smaller, splat, store

FEATURES = ("none", "gradient", "edge", "dct", "wavelet")

Real = NDArray[np.float64]


def map_shape(shape: tuple[int, ...], feature: str) -> tuple[int, int]:
    """Height and width of the map of an image of `shape`."""
    height, width = shape
    return meyer_shape(height, width) if feature == "wavelet" else (height, width)


def write_map(image: NDArray[np.generic], feature: str, out: Real) -> None:
    """Write the map of one of `FEATURES` but the edges of an H×W image, contiguous float64 of `map_shape`."""
    if feature == "gradient" and image.shape[1] > 1:
        _gradient(image, out)
    elif feature == "dct":
        write_dct(image, out)
    elif feature == "wavelet":
        write_meyer_bands(image, out.reshape(out.size))
        _stretch(out.reshape(out.size))
    else:
        out[:] = image


def feature_map(image: NDArray[np.generic], feature: str) -> Real | NDArray[np.bool_]:
    """The map of one of `FEATURES` of an H×W image (float64, edges bool); H×W again, but for the wavelet's four stacked bands."""
    if feature == "edge":
        return sobel_edges(image)
    out = np.empty(map_shape(image.shape, feature))
    write_map(image, feature, out)
    return out


@kernel
def _gradient(image, out):  # type: ignore[no-untyped-def]
    """MATLAB's gradient(x) with one output: the derivative along x only, central differences inside."""
    height, width = image.shape
    for y in range(height):
        here, to = image[y], out[y]
        to[0] = np.float64(here[1]) - np.float64(here[0])
        for x in range(1, width - 1):
            to[x] = (np.float64(here[x + 1]) - np.float64(here[x - 1])) / 2.0
        to[width - 1] = np.float64(here[width - 1]) - np.float64(here[width - 2])


@kernel
def _stretch(values):  # type: ignore[no-untyped-def]
    """Stretch to [0, 1]; ones where all values are equal."""
    lows, highs = splat(values[0]), splat(values[0])
    whole = values.size - values.size % WIDTH
    for i in range(0, whole, WIDTH):
        here = load(values, i)
        lows, highs = smaller(here, lows), larger(here, highs)
    ends = np.empty(2 * WIDTH)
    store(ends, 0, lows)
    store(ends, WIDTH, highs)
    low, high = values[0], values[0]
    for i in range(WIDTH):
        low, high = min(low, ends[i]), max(high, ends[WIDTH + i])
    for i in range(whole, values.size):
        low, high = min(low, values[i]), max(high, values[i])
    span = high - low
    for i in range(values.size):
        values[i] = (values[i] - low) / span if span > 0.0 else 1.0


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


def sobel_edges(image: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Binary Sobel edges after MATLAB's edge(): thresholded at twice the root mean square, thinned to local maxima.

    Sobel/8 with replicated borders, b = g_x² + g_y², threshold 4·mean(b); an edge is above it and a maximum along the
    axis of its stronger component.
    """
    squared, along = np.empty(image.shape), np.empty(image.shape, np.uint8)
    edges = np.zeros(image.shape, np.bool_)
    _squared_gradients(np.ascontiguousarray(image, dtype=np.float64), squared, along)
    _thinned(squared, along, 4.0 * squared.sum() / squared.size, edges)
    return edges
