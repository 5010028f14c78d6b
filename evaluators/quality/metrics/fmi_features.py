"""The feature maps that FMI compares: pixels, gradient, edges, DCT and wavelet coefficients, with MATLAB's
conventions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
from scipy import fft

from .features import sobel
from .windows import Real

UInt8 = npt.NDArray[np.uint8]

_MEYER = """
743751004903787 444095030766529 -35048287390595 -132696615358862 30621243943425 63667300884468
-24321783959519 -32094063354505 17403888210177 15250913158586 -11044641900539 -6386728618548
6045510596456 2194775336459 -2702168733939 -578185795273 859500213762 161189819725 -93512893880
-139913148217 -75592870255 149713515389 24461956845 -102779005085 37409665760 32341311914 -46428764284
14993523600 20106387691 -24438005846 6187580298 10503914271 -14206928581 4849078300 7216527695
-9556309846 2402288023 4837555802 -6034501342 1674721859 3353501538 -4217789186 982515602 2383148395
-2879408033 698082276 1723223554 -2096568870 449585560 1278766757 -1509740857
"""
"""The low-pass filter from its centre outwards, in 10⁻¹⁵: the Meyer scaling filter √2·φ̂(2ω), cut to 101
taps, sum √2.

(MATLAB's table has 15 decimals; evaluating the formula gives the same to 6·10⁻¹¹.) PyWavelets' own dmey is
another approximation with 62 taps: bands of other sizes, and an FMI that differs in the third digit.
"""


@cache
def meyer_filters() -> tuple[Real, Real]:
    """The (low-pass, high-pass) decomposition filters of MATLAB's `dmey`, 102 taps each.

    The high-pass is the quadrature mirror of the low-pass.
    """
    half = np.array(_MEYER.split(), dtype=np.float64) / 1e15
    low = np.concatenate([half[:0:-1], half, [0.0]])[::-1]
    signs = np.where(np.arange(low.size) % 2 == 0, 1.0, -1.0)
    return low, (low * signs)[::-1]


def decimated(values: Real, taps: Real) -> Real:
    """Filter an array downwards and keep every second sample; half-point symmetry beyond the border.

    The taps are added in their order. In flat areas the detail bands are rounding noise, which FMI stretches
    to [0, 1], so another order (PyWavelets', a matrix product's) would give other values there.
    """
    extended = np.pad(values, ((taps.size, taps.size), (0, 0)), mode="symmetric")
    count = (values.shape[0] + taps.size - 1) // 2
    result = np.zeros((count, values.shape[1]))
    for j, tap in enumerate(taps):
        start = taps.size + 1 - j
        result += tap * extended[start : start + 2 * count : 2]
    return result


def pixels(image: UInt8) -> Real:
    """The grey levels themselves."""
    return image.astype(np.float64)


def x_derivative(image: UInt8) -> Real:
    """MATLAB's gradient(x) with one output: the derivative along x alone, central differences inside."""
    values = image.astype(np.float64)
    return np.asarray(np.gradient(values, axis=1)) if image.shape[1] > 1 else values


def sobel_edges(image: UInt8) -> npt.NDArray[np.bool_]:
    """Binary Sobel edges after MATLAB's edge(): thresholded at twice the root mean square, thinned to local
    maxima.

    b = g_x² + g_y² of Sobel/8 with replicated borders, threshold 4·mean(b). An edge is above it and a maximum
    along the axis of its stronger component; beyond the border b is 0.
    """
    gx, gy = sobel(image, cv2.BORDER_REPLICATE)
    gx, gy = gx / 8.0, gy / 8.0
    b = gx * gx + gy * gy
    framed = np.pad(b, 1)
    left, right, above, below = framed[1:-1, :-2], framed[1:-1, 2:], framed[:-2, 1:-1], framed[2:, 1:-1]
    ridge_x = (np.abs(gx) >= np.abs(gy)) & (left <= b) & (b > right)
    ridge_y = (np.abs(gy) >= np.abs(gx)) & (above <= b) & (b > below)
    return np.asarray((b > 4.0 * b.sum() / b.size) & (ridge_x | ridge_y))


def transform_coefficients(image: UInt8) -> Real:
    """The orthonormal DCT-II of the whole image (MATLAB's dct2)."""
    return np.asarray(fft.dctn(image.astype(np.float64), norm="ortho"), dtype=np.float64)


def wavelet_bands(image: UInt8, *, down: Callable[[Real, Real], Real] = decimated) -> Real:
    """[cA cH; cV cD] of MATLAB's dwt2(image, 'dmey'), stretched to [0, 1] together (ones where all values
    are equal). `down`: filters downwards.
    """
    halves = [down(np.ascontiguousarray(image.T, dtype=np.float64), taps).T for taps in meyer_filters()]
    low, high = ([down(half, taps) for taps in meyer_filters()] for half in halves)
    bands = np.block([low, high])
    span = bands.max() - bands.min()
    return np.asarray((bands - bands.min()) / span if span > 0.0 else np.ones_like(bands))


FEATURES: dict[str, Callable[[UInt8], npt.NDArray[np.generic]]] = {
    "none": pixels,
    "gradient": x_derivative,
    "edge": sobel_edges,
    "dct": transform_coefficients,
    "wavelet": wavelet_bands,
}
"""Name → H×W uint8 to its map: H×W again, but for the wavelet's four bands."""
