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


@kernel
def _analyse(image, taps):  # type: ignore[no-untyped-def]
    """Filter along axis 0 with half-point symmetric borders and keep every second row: (H, W) → ((H + taps − 1)//2, W)."""
    height, width = image.shape
    size = taps.size
    rows = (height + size - 1) // 2
    out = np.zeros((rows, width))
    position = np.empty(size, np.int64)
    for row in range(rows):
        for j in range(size):
            y = 2 * row + 1 - j
            while y < 0 or y >= height:
                y = -1 - y if y < 0 else 2 * height - 1 - y
            position[j] = y
        target = out[row]
        j = 0
        while (
            j + 6 <= size
        ):  # one after the other, in the order of the taps, six to a load and store of the sum
            t0, t1, t2, t3, t4, t5 = taps[j], taps[j + 1], taps[j + 2], taps[j + 3], taps[j + 4], taps[j + 5]
            r0, r1, r2 = image[position[j]], image[position[j + 1]], image[position[j + 2]]
            r3, r4, r5 = image[position[j + 3]], image[position[j + 4]], image[position[j + 5]]
            for c in range(width):
                target[c] = ((((((target[c] + t0 * r0[c]) + t1 * r1[c]) + t2 * r2[c]) + t3 * r3[c]) + t4 * r4[c])
                             + t5 * r5[c])  # fmt: skip
            j += 6
        while j < size:
            t0 = taps[j]
            r0 = image[position[j]]
            for c in range(width):
                target[c] += t0 * r0[c]
            j += 1
    return out


def meyer_bands(image: Real) -> tuple[Real, Real, Real, Real]:
    """(cA, cH, cV, cD) of MATLAB's dwt2(image, 'dmey'): bands of (H + 101)//2 × (W + 101)//2 from H×W float64."""
    turned = np.ascontiguousarray(image.T, dtype=np.float64)
    low = np.ascontiguousarray(_analyse(turned, LOW_PASS).T)
    high = np.ascontiguousarray(_analyse(turned, HIGH_PASS).T)
    return (
        _analyse(low, LOW_PASS),
        _analyse(low, HIGH_PASS),
        _analyse(high, LOW_PASS),
        _analyse(high, HIGH_PASS),
    )
