"""One level of the two-dimensional discrete Meyer transform ('dmey'), with MATLAB's 102-tap filter and borders.

PyWavelets' dmey is another, 62-tap approximation: it gives bands of other sizes, and an FMI that differs in the third digit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .kernels import kernel

Real = NDArray[np.float64]

_HALF = (
    743751004903787,
    444095030766529,
    -35048287390595,
    -132696615358862,
    30621243943425,
    63667300884468,
    -24321783959519,
    -32094063354505,
    17403888210177,
    15250913158586,
    -11044641900539,
    -6386728618548,
    6045510596456,
    2194775336459,
    -2702168733939,
    -578185795273,
    859500213762,
    161189819725,
    -93512893880,
    -139913148217,
    -75592870255,
    149713515389,
    24461956845,
    -102779005085,
    37409665760,
    32341311914,
    -46428764284,
    14993523600,
    20106387691,
    -24438005846,
    6187580298,
    10503914271,
    -14206928581,
    4849078300,
    7216527695,
    -9556309846,
    2402288023,
    4837555802,
    -6034501342,
    1674721859,
    3353501538,
    -4217789186,
    982515602,
    2383148395,
    -2879408033,
    698082276,
    1723223554,
    -2096568870,
    449585560,
    1278766757,
    -1509740857,
)
"""The low-pass filter from its centre outwards, in 10⁻¹⁵: the Meyer scaling filter √2·φ̂(2ω), cut to 101 taps and scaled to sum √2.

(MATLAB's table has 15 decimals; evaluating the formula gives the same to 6·10⁻¹¹.)
"""


def _filters() -> tuple[Real, Real]:
    """(low-pass, high-pass) decomposition filters of 102 taps; the high-pass is the quadrature mirror of the other."""
    half = np.array(_HALF, dtype=np.float64) / 1e15
    reconstruction = np.concatenate([half[:0:-1], half, [0.0]])
    signs = np.where(np.arange(reconstruction.size) % 2 == 0, 1.0, -1.0)
    return reconstruction[::-1].copy(), (reconstruction[::-1] * signs)[::-1].copy()


LOW_PASS, HIGH_PASS = _filters()


COLUMNS = 256
"""Columns filtered at a time: their sums stay in the cache, in one array whose halves are told apart when it is compiled."""


@kernel
def _add_taps(r0, r1, r2, r3, r4, r5, low, high, count, sums):  # type: ignore[no-untyped-def]
    """Add six rows, weighted by six taps of either filter, one after the other and in the order of the taps.

    In flat areas the detail bands are rounding noise, which FMI stretches to [0, 1]: another order would give other values.
    """
    l0, l1, l2, l3, l4, l5 = low[0], low[1], low[2], low[3], low[4], low[5]
    h0, h1, h2, h3, h4, h5 = high[0], high[1], high[2], high[3], high[4], high[5]
    for c in range(count):
        x0, x1, x2, x3, x4, x5 = r0[c], r1[c], r2[c], r3[c], r4[c], r5[c]
        sums[c] = (((((sums[c] + l0 * x0) + l1 * x1) + l2 * x2) + l3 * x3) + l4 * x4) + l5 * x5
        sums[COLUMNS + c] = (
            ((((sums[COLUMNS + c] + h0 * x0) + h1 * x1) + h2 * x2) + h3 * x3) + h4 * x4
        ) + h5 * x5


@kernel
def _analyse(image, low, high):  # type: ignore[no-untyped-def]
    """Filter along axis 0 with half-point symmetric borders and keep every second row: (H, W) → twice ((H + taps − 1)//2, W)."""
    height, width = image.shape
    size = low.size  # 102, a multiple of six
    rows = (height + size - 1) // 2
    low_out = np.empty((rows, width))
    high_out = np.empty((rows, width))
    position = np.empty(size, np.int64)
    sums = np.empty(2 * COLUMNS)
    for first in range(0, width, COLUMNS):
        last = min(first + COLUMNS, width)
        count = last - first
        for row in range(rows):
            for j in range(size):
                y = 2 * row + 1 - j
                while y < 0 or y >= height:
                    y = -1 - y if y < 0 else 2 * height - 1 - y
                position[j] = y
            sums[:] = 0.0
            for j in range(0, size, 6):
                _add_taps(image[position[j], first:], image[position[j + 1], first:], image[position[j + 2], first:], image[position[j + 3], first:],
                          image[position[j + 4], first:], image[position[j + 5], first:], low[j:], high[j:], count, sums)  # fmt: skip
            low_out[row, first:last] = sums[:count]
            high_out[row, first:last] = sums[COLUMNS : COLUMNS + count]
    return low_out, high_out


def meyer_bands(image: Real) -> tuple[Real, Real, Real, Real]:
    """(cA, cH, cV, cD) of MATLAB's dwt2(image, 'dmey'): bands of (H + 101)//2 × (W + 101)//2 from H×W float64."""
    turned = np.ascontiguousarray(image.T, dtype=np.float64)
    low, high = (np.ascontiguousarray(band.T) for band in _analyse(turned, LOW_PASS, HIGH_PASS))
    return (*_analyse(low, LOW_PASS, HIGH_PASS), *_analyse(high, LOW_PASS, HIGH_PASS))
