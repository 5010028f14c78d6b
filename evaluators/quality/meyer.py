"""One level of the two-dimensional discrete Meyer transform ('dmey'), with MATLAB's 102-tap filter and borders.

PyWavelets' dmey is another, 62-tap approximation: it gives bands of other sizes, and an FMI that differs in the third digit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .kernels import kernel
from .scratch import scratch
from .simd import WIDTH, load, prefetch, splat, store, transpose

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
"""Lines filtered at a time."""
SAMPLES = 4
"""Samples of either filter made at a time: their eight sums stay in registers."""
REACH = LOW_PASS.size
"""Samples that a line is continued by at either end."""
_PADDED = tuple(np.pad(taps, 2 * SAMPLES - 2) for taps in (LOW_PASS, HIGH_PASS))
"""The taps amid zeros, for samples that don't reach as far as the others of their time."""


@kernel
def _continued(line, length):  # type: ignore[no-untyped-def]
    """Continue GROUP lines, of which `length` samples lie in `line` from REACH on, with half-point symmetry."""
    for k in range(REACH):
        for here, there in ((REACH - 1 - k, k), (REACH + length + k, length - 1 - k)):
            period = there % (2 * length)
            source = REACH + min(period, 2 * length - 1 - period)
            for c in range(0, GROUP, WIDTH):
                store(line, here * GROUP + c, load(line, source * GROUP + c))


@kernel
def _filtered(line, count, low, high, out, low_at, high_at, step):  # type: ignore[no-untyped-def]
    """Filter GROUP continued lines and keep every second of their samples: `count` low ones from low_at on, each `step` after the other,
    and as many high ones. `low`, `high`: PADDED taps.

    The taps are added one after the other and in their order: in flat areas the detail bands are rounding noise, which FMI stretches to
    [0, 1], and another order would give other values.
    """
    for c in range(0, count, SAMPLES):
        sample = min(c, count - SAMPLES)  # there are at least 51
        last = (REACH + 2 * (sample + SAMPLES) - 1) * GROUP
        for ahead in range(0, 2 * SAMPLES * GROUP, WIDTH):
            prefetch(line, last + 4 * SAMPLES * GROUP + ahead)
        for k in range(SAMPLES, 2 * SAMPLES):
            for ahead in range(0, GROUP + WIDTH, WIDTH):
                prefetch(out, low_at + (sample + k) * step + ahead)
                prefetch(out, high_at + (sample + k) * step + ahead)
        for lane in range(0, GROUP, WIDTH):
            l0, l1, l2, l3 = splat(0.0), splat(0.0), splat(0.0), splat(0.0)
            h0, h1, h2, h3 = splat(0.0), splat(0.0), splat(0.0), splat(0.0)
            for j in range(low.size - 2 * SAMPLES + 2):
                x = load(line, last - j * GROUP + lane)
                l0, l1, l2, l3 = (
                    l0 + x * low[j],
                    l1 + x * low[j + 2],
                    l2 + x * low[j + 4],
                    l3 + x * low[j + 6],
                )
                h0, h1, h2, h3 = (
                    h0 + x * high[j],
                    h1 + x * high[j + 2],
                    h2 + x * high[j + 4],
                    h3 + x * high[j + 6],
                )
            to = low_at + sample * step + lane
            store(out, to, l0)
            store(out, to + step, l1)
            store(out, to + 2 * step, l2)
            store(out, to + 3 * step, l3)
            to = high_at + sample * step + lane
            store(out, to, h0)
            store(out, to + step, h1)
            store(out, to + 2 * step, h2)
            store(out, to + 3 * step, h3)


@kernel
def _along_rows(image, low, high, levels, line, turned, lines):  # type: ignore[no-untyped-def]
    """Filter the rows, a group at a time, and write groups of columns, of `lines` the low and the high ones, each (REACH + H + REACH, GROUP).

    The last group of columns ends with the last column and overlaps the one before.
    """
    height, width = image.shape
    columns = (width + REACH - 1) // 2
    half, groups = columns * GROUP, lines.shape[1]
    padded = levels.size // WIDTH
    target = lines.reshape(lines.size)
    for row in range(0, height, GROUP):
        for lane in range(0, GROUP, WIDTH):
            for k in range(WIDTH):
                here = image[min(row + lane + k, height - 1)]
                for x in range(width):
                    levels[k * padded + x] = here[x]
            for x in range(0, width, WIDTH):
                transpose(levels, x, padded, line, (REACH + x) * GROUP + lane, GROUP)
        _continued(line, width)
        _filtered(line, columns, low, high, turned, 0, half, GROUP)
        for part in range(2):
            for group in range(groups):
                first = min(group * GROUP, columns - GROUP)  # there are at least 51
                begin = ((part * groups + group) * lines.shape[2] + REACH + row) * GROUP
                for c in range(0, GROUP, WIDTH):
                    for lane in range(0, GROUP, WIDTH):
                        source = part * half + (first + c) * GROUP + lane
                        transpose(turned, source, GROUP, target, begin + lane * GROUP + c, GROUP)


@kernel
def _along_columns(lines, height, columns, low, high, out):  # type: ignore[no-untyped-def]
    """out = [[a, h], [v, d]], flat: a and h the low and the high parts along the low columns, v and d along the high ones."""
    rows = (height + REACH - 1) // 2
    for part in range(2):
        for group in range(lines.shape[1]):
            line = lines[part, group].reshape(lines.shape[2] * GROUP)
            _continued(line, height)
            to = part * rows * 2 * columns + min(group * GROUP, columns - GROUP)
            _filtered(line, rows, low, high, out, to, to + columns, 2 * columns)


def meyer_shape(height: int, width: int) -> tuple[int, int]:
    """The size of an image's four bands side by side."""
    return 2 * ((height + REACH - 1) // 2), 2 * ((width + REACH - 1) // 2)


def write_meyer_bands(image: NDArray[np.generic], out: Real) -> None:
    """Write [cA cH; cV cD] of MATLAB's dwt2(image, 'dmey') of an H×W image, of `meyer_shape`, into flat memory."""
    height, width = image.shape
    columns = (width + REACH - 1) // 2
    levels = scratch("eight rows", WIDTH * -(-width // WIDTH) * WIDTH)
    line = scratch("group of rows", (2 * REACH + width + WIDTH) * GROUP)
    turned = scratch("filtered rows", 2 * columns * GROUP)
    lines = scratch("groups of columns", 2, -(-columns // GROUP), 2 * REACH + height, GROUP)
    _along_rows(image, *_PADDED, levels, line, turned, lines)
    _along_columns(lines, height, columns, *_PADDED, out)


def meyer_bands(image: NDArray[np.generic]) -> tuple[Real, Real, Real, Real]:
    """(cA, cH, cV, cD) of MATLAB's dwt2(image, 'dmey'): bands of (H + 101)//2 × (W + 101)//2 from H×W."""
    shape = meyer_shape(*image.shape)
    bands = np.empty(shape)
    write_meyer_bands(image, bands.reshape(bands.size))
    (a, h), (v, d) = (np.hsplit(half, 2) for half in np.vsplit(bands, 2))
    return a, h, v, d
