"""One level of the two-dimensional discrete Meyer transform ('dmey'), with MATLAB's 102-tap filter and borders.

PyWavelets' dmey is another, 62-tap approximation: it gives bands of other sizes, and an FMI that differs in the third digit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .kernels import kernel
from .scratch import scratch
from .simd import WIDTH, load, splat, store

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


GROUP = 4 * WIDTH
"""Columns filtered at a time: their eight sums stay in registers."""


def _room(length: int) -> int:
    """A row length that whole groups fill."""
    return -(-length // GROUP) * GROUP


@kernel
def _analyse(image, height, low, high, low_out, high_out):  # type: ignore[no-untyped-def]
    """Filter `height` rows along axis 0 with half-point symmetric borders and keep every second row: (H + taps − 1)//2 rows of either.

    Row lengths are multiples of GROUP. The taps are added one after the other and in their order: in flat areas the detail bands are
    rounding noise, which FMI stretches to [0, 1], and another order would give other values.
    """
    width = image.shape[1]
    size = low.size
    flat, flat_low, flat_high = (
        image.reshape(image.size),
        low_out.reshape(low_out.size),
        high_out.reshape(high_out.size),
    )
    start = np.empty(size, np.int64)
    for row in range((height + size - 1) // 2):
        for j in range(size):
            y = 2 * row + 1 - j
            while y < 0 or y >= height:
                y = -1 - y if y < 0 else 2 * height - 1 - y
            start[j] = y * width
        for c in range(0, width, GROUP):
            l0, l1, l2, l3 = splat(0.0), splat(0.0), splat(0.0), splat(0.0)
            h0, h1, h2, h3 = splat(0.0), splat(0.0), splat(0.0), splat(0.0)
            for j in range(size):
                at, p, q = start[j] + c, low[j], high[j]
                x0, x1 = load(flat, at), load(flat, at + WIDTH)
                x2, x3 = load(flat, at + 2 * WIDTH), load(flat, at + 3 * WIDTH)
                l0, l1, l2, l3 = l0 + x0 * p, l1 + x1 * p, l2 + x2 * p, l3 + x3 * p
                h0, h1, h2, h3 = h0 + x0 * q, h1 + x1 * q, h2 + x2 * q, h3 + x3 * q
            to = row * width + c
            store(flat_low, to, l0)
            store(flat_low, to + WIDTH, l1)
            store(flat_low, to + 2 * WIDTH, l2)
            store(flat_low, to + 3 * WIDTH, l3)
            store(flat_high, to, h0)
            store(flat_high, to + WIDTH, h1)
            store(flat_high, to + 2 * WIDTH, h2)
            store(flat_high, to + 3 * WIDTH, h3)


def _turned(image: Real, purpose: str) -> Real:
    """The transpose, its rows filled up with zeros to whole groups, in `scratch` memory."""
    turned = scratch(purpose, image.shape[1], _room(image.shape[0]))
    turned[:, : image.shape[0]] = image.T
    turned[:, image.shape[0] :] = 0.0
    return turned


def meyer_bands(image: Real) -> tuple[Real, Real, Real, Real]:
    """(cA, cH, cV, cD) of MATLAB's dwt2(image, 'dmey'): bands of (H + 101)//2 × (W + 101)//2 from H×W float64; in `scratch` memory."""
    height, width = image.shape
    rows, columns = ((side + LOW_PASS.size - 1) // 2 for side in (height, width))
    across = [scratch(f"{band} across", columns, _room(height)) for band in ("low", "high")]
    _analyse(_turned(image, "turned image"), width, LOW_PASS, HIGH_PASS, *across)
    bands = []
    for first in across:
        of_first = [scratch(f"band {len(bands) + k}", rows, _room(columns)) for k in range(2)]
        _analyse(_turned(first[:, :height], "turned band"), height, LOW_PASS, HIGH_PASS, *of_first)
        bands += of_first
    a, h, v, d = (band[:, :columns] for band in bands)
    return a, h, v, d
