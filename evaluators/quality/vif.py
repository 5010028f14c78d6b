"""VIF: pixel-domain visual information fidelity (vifp) of Sheikh and Bovik, streamed over rows.

Sources: H. R. Sheikh, A. C. Bovik, "Image information and visual quality", IEEE TIP 15(2), 2006; the pixel-domain, four-scale
variant of the LIVE laboratory's release of 2005.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.ndimage import correlate1d

from .kernels import kernel
from .local_moments import FUSED, INFRARED, VISIBLE, horizontal, vertical_products
from .undefined import Undefined

Float64 = npt.NDArray[np.float64]

MINIMUM_SIZE = 41
"""Both sides must be at least this long: scale 4 needs 3 pixels after three valid filterings and decimations."""
NOISE_VARIANCE = 2.0
EPSILON = 1e-10
ROWS_PER_LOG = 32
"""Terms multiplied before one logarithm is taken: each lies in [1, 2^14], so that a product stays far below the float64 maximum."""


def gaussian_taps(scale: int) -> Float64:
    """The one-dimensional Gaussian of a scale (1…4): N = 17, 9, 5, 3 taps, σ = N/5, sum 1; its outer product is the 2-D window."""
    size = 2 ** (5 - scale) + 1
    offsets = np.arange(size) - size // 2
    taps = np.exp(-(offsets**2) / (2.0 * (size / 5.0) ** 2))
    return np.asarray(taps / taps.sum(), dtype=np.float64)


@kernel
def _information_terms(reference, reference_square, cross, fused, fused_square, numerator, denominator):  # type: ignore[no-untyped-def]
    """Multiply 1 + g²σ₁²/(σ_v²+σ_n²) and 1 + σ₁²/σ_n² of each window of a row into the running products."""
    for c in range(fused.size):
        m = reference[c]
        n = fused[c]
        s1 = max(reference_square[c] - m * m, 0.0)
        s2 = max(fused_square[c] - n * n, 0.0)
        s12 = cross[c] - m * n
        g = s12 / (s1 + EPSILON)
        sv = s2 - g * s12
        flat = s1 < EPSILON
        g = 0.0 if flat else g
        sv = s2 if flat else sv
        s1 = 0.0 if flat else s1
        flat = s2 < EPSILON
        g = 0.0 if flat else g
        sv = 0.0 if flat else sv
        negative = g < 0.0
        sv = s2 if negative else sv
        g = 0.0 if negative else g
        sv = max(sv, EPSILON)
        numerator[c] *= 1.0 + g * g * s1 / (sv + NOISE_VARIANCE)
        denominator[c] *= 1.0 + s1 / NOISE_VARIANCE


@kernel
def _scale_sums(a, b, f, taps, ceiling):  # type: ignore[no-untyped-def]
    """Σ log10 of the four kinds of terms over all windows of a scale: (numerator a, denominator a, numerator b, denominator b)."""
    size = taps.size
    height, width = a.shape
    rows = height - size + 1
    columns = width - size + 1
    vertical = np.empty((8, width))
    local = np.empty((8, columns))
    products = np.ones((4, columns))
    sums = np.zeros(4)
    for row in range(rows):
        vertical_products(a, b, f, taps, row, ceiling, vertical)
        horizontal(vertical, taps, local)
        mean, square = local[FUSED[0]], local[FUSED[1]]
        _information_terms(
            local[INFRARED[0]], local[INFRARED[1]], local[INFRARED[2]], mean, square, products[0], products[1]
        )
        _information_terms(
            local[VISIBLE[0]], local[VISIBLE[1]], local[VISIBLE[2]], mean, square, products[2], products[3]
        )
        if row % ROWS_PER_LOG == ROWS_PER_LOG - 1 or row == rows - 1:
            for kind in range(4):
                total = 0.0
                for c in range(columns):
                    total += np.log10(products[kind, c])
                    products[kind, c] = 1.0
                sums[kind] += total
    return sums


@kernel
def _decimate(image, taps):  # type: ignore[no-untyped-def]
    """Filter ('valid') and keep every second row and column; only the kept positions are computed."""
    size = taps.size
    half = size // 2
    height, width = image.shape
    rows = (height - size) // 2 + 1
    columns = (width - size) // 2 + 1
    out = np.empty((rows, columns))
    line = np.empty(width)
    for row in range(rows):
        top = 2 * row
        k = taps[half]
        for c in range(width):
            line[c] = k * image[top + half, c]
        for t in range(half):
            k = taps[t]
            for c in range(width):
                line[c] += k * (image[top + t, c] + image[top + size - 1 - t, c])
        for c in range(columns):
            value = taps[half] * line[2 * c + half]
            for t in range(half):
                value += taps[t] * (line[2 * c + t] + line[2 * c + size - 1 - t])
            out[row, c] = value
    return out


def vifp_pair(
    infrared: npt.NDArray[np.generic],
    visible: npt.NDArray[np.generic],
    fused: npt.NDArray[np.generic],
    *,
    saturating: bool = False,
) -> tuple[float, float]:
    """vifp(infrared, fused) and vifp(visible, fused), the fused image's statistics computed once for both.

    vifp = Σ_s Σ log10(1 + g²σ₁²/(σ_v²+σ_n²)) / Σ_s Σ log10(1 + σ₁²/σ_n²), σ_n² = 2, over four scales of Gaussian windows
    (N = 17, 9, 5, 3, σ = N/5, 'valid'), each scale after the first filtered and decimated by two; reference = source, distorted = fused.

    Parameters: H×W arrays (uint8 or float64), 0..255, both sides at least 41; `saturating`: products at scale 1 stop at 255, as MATLAB's uint8
    arithmetic made them in the tables of 2021 (linfeng-legacy). Range 0…∞ each, 1 for identical images, above 1 where the fused image
    has more contrast; higher is better. Minimum size 41×41 (``Undefined`` below). Constant images: 0 where the fused one is,
    ``Undefined`` where a source is (0/0). Source: H. R. Sheikh, A. C. Bovik, IEEE TIP 15(2), 2006.
    """
    height, width = fused.shape
    if min(height, width) < MINIMUM_SIZE:
        raise Undefined(f"VIF needs at least {MINIMUM_SIZE}×{MINIMUM_SIZE} px, got {width}×{height}")
    images = [np.ascontiguousarray(image, dtype=np.float64) for image in (infrared, visible, fused)]
    sums = np.zeros(4)
    for scale in range(1, 5):
        taps = gaussian_taps(scale)
        if scale > 1:
            images = [_decimate(image, taps) for image in images]
        sums += _scale_sums(*images, taps, 255.0 if saturating and scale == 1 else None)
    for name, denominator in (("infrared", sums[1]), ("visible", sums[3])):
        if denominator <= 0.0 or not math.isfinite(denominator):
            raise Undefined(f"constant {name} image: VIF is 0/0")
    return float(sums[0] / sums[1]), float(sums[2] / sums[3])


def vifp_off_centre(source: npt.NDArray[np.generic], fused: npt.NDArray[np.generic]) -> float:
    """vifp(source, fused) as `ivif-zoo` computes it: window offsets from ⌊−N/2⌋ to ⌊N/2⌋ in N steps (half a pixel off centre), zero-padded 'same' filtering.

    About 6 % above vifp. H×W, 0..255, any size. Raises ``Undefined`` where the source is zero everywhere (0/0).
    """
    reference, distorted = (np.asarray(image, dtype=np.float64) for image in (source, fused))
    sums = np.zeros(2)
    for scale in range(1, 5):
        size = 2 ** (5 - scale) + 1
        offsets = np.linspace(-size // 2, size // 2, size)
        taps = np.exp(-(offsets**2) / (2.0 * (size / 5.0) ** 2))
        taps /= taps.sum()

        def smooth(image: Float64, taps: Float64 = taps) -> Float64:
            down = correlate1d(image, taps, axis=0, mode="constant")
            return np.asarray(correlate1d(down, taps, axis=1, mode="constant"), dtype=np.float64)

        if scale > 1:
            reference, distorted = smooth(reference)[::2, ::2], smooth(distorted)[::2, ::2]
        moments = [
            smooth(image)
            for image in (reference, reference**2, reference * distorted, distorted, distorted**2)
        ]
        products = np.ones((2, moments[0].shape[1]))
        for row in range(moments[0].shape[0]):
            _information_terms(*(moment[row] for moment in moments), products[0], products[1])
            sums += np.log10(products).sum(1)
            products[:] = 1.0
    if sums[1] <= 0.0:
        raise Undefined("the source is zero everywhere: VIF is 0/0")
    return float(sums[0] / sums[1])
