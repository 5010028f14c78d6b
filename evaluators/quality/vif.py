"""VIF: pixel-domain visual information fidelity (vifp) of Sheikh and Bovik, and what VIFF shares with it.

Sources: H. R. Sheikh, A. C. Bovik, "Image information and visual quality", IEEE TIP 15(2), 2006; the pixel-domain, four-scale
variant of the LIVE laboratory's release of 2005.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.ndimage import correlate1d

from . import separable
from .kernels import inline_kernel, kernel
from .separable import COLUMNS, MOMENTS, counted, decimated, levels, tile_moments, tiled, window_of
from .simd import WIDTH, larger, less_product, load, select, splat, store
from .simd_functions import binary_logarithm
from .undefined import Undefined

Float64 = npt.NDArray[np.float64]

MINIMUM_SIZE = 41
"""Both sides must be at least this long: scale 4 needs 3 pixels after three valid filterings and decimations."""
NOISE_VARIANCE = 2.0
FUSION_NOISE_VARIANCE = 0.005 * 255.0 * 255.0
"""σ_n² of VIFF."""
EPSILON = 1e-10
TERMS_PER_LOG = 32
"""Terms multiplied before one logarithm is taken: each lies in [1, 2^14], so that a product stays far below the float64 maximum."""
SUMS = 6


class Information(NamedTuple):
    """Information at one scale, in bits, summed over its windows: with distortion and without it."""

    infrared: tuple[float, float]
    visible: tuple[float, float]
    chosen: tuple[float, float]
    """Of the source with the smaller gain (the visible one where equal), with VIFF's noise."""
    windows: int


def gaussian_taps(scale: int) -> Float64:
    """The one-dimensional Gaussian of a scale (1…4): N = 17, 9, 5, 3 taps, σ = N/5, sum 1; its outer product is the 2-D window."""
    size = 2 ** (5 - scale) + 1
    return separable.gaussian_taps(size, size / 5.0)


@inline_kernel
def _gain(mean, square, cross, fused_mean, fused_variance):  # type: ignore[no-untyped-def]
    """(σ₁², g, σ_v²) of eight windows, with the release's cases for flat windows and for g < 0."""
    variance = larger(less_product(square, mean, mean), splat(0.0))
    covariance = less_product(cross, mean, fused_mean)
    g = covariance / (variance + EPSILON)
    rest = less_product(fused_variance, g, covariance)
    flat = variance < EPSILON
    g = select(flat, splat(0.0), g)
    rest = select(flat, fused_variance, rest)
    variance = select(flat, splat(0.0), variance)
    flat = fused_variance < EPSILON
    g = select(flat, splat(0.0), g)
    rest = select(flat, splat(0.0), rest)
    negative = g < 0.0
    rest = select(negative, fused_variance, rest)
    g = select(negative, splat(0.0), g)
    return variance, g, larger(rest, splat(EPSILON))


@kernel
def _tile_information(moments, columns, sums):  # type: ignore[no-untyped-def]
    """sums[k] = Σ log2 over each of eight rows of windows of 1 + g²σ₁²/(σ_v² + σ_n²) and 1 + σ₁²/σ_n²: infrared, visible, chosen."""
    for k in range(SUMS):
        store(sums[k], 0, splat(0.0))
    for start in range(0, columns, TERMS_PER_LOG):
        with_a = without_a = with_b = without_b = with_c = without_c = splat(1.0)
        for at in range(start * WIDTH, min(start + TERMS_PER_LOG, columns) * WIDTH, WIDTH):
            mean = load(moments[2], at)
            variance = larger(less_product(load(moments[5], at), mean, mean), splat(0.0))
            va, ga, rest_a = _gain(load(moments[0], at), load(moments[3], at), load(moments[6], at), mean, variance)  # fmt: skip
            vb, gb, rest_b = _gain(load(moments[1], at), load(moments[4], at), load(moments[7], at), mean, variance)  # fmt: skip
            signal_a, signal_b = ga * ga * va, gb * gb * vb
            with_a = with_a * (1.0 + signal_a / (rest_a + NOISE_VARIANCE))
            with_b = with_b * (1.0 + signal_b / (rest_b + NOISE_VARIANCE))
            without_a = without_a * (1.0 + va * (1.0 / NOISE_VARIANCE))
            without_b = without_b * (1.0 + vb * (1.0 / NOISE_VARIANCE))
            of_b = gb <= ga
            signal, rest, v = (
                select(of_b, signal_b, signal_a),
                select(of_b, rest_b, rest_a),
                select(of_b, vb, va),
            )
            with_c = with_c * (1.0 + signal / (rest + FUSION_NOISE_VARIANCE))
            without_c = without_c * (1.0 + v * (1.0 / FUSION_NOISE_VARIANCE))
        for k, product in enumerate((with_a, without_a, with_b, without_b, with_c, without_c)):
            store(sums[k], 0, load(sums[k], 0) + binary_logarithm(product))


@kernel
def _information(a, b, f, taps, ceiling, tiling, moments):  # type: ignore[no-untyped-def]
    """What `_tile_information` sums, over all windows."""
    total = np.zeros(SUMS)
    sums = np.empty((SUMS, WIDTH))
    one = np.empty(WIDTH)
    for tile in tiling.tiles:
        tile_moments(a, b, f, taps, MOMENTS, ceiling, tiling, tile, moments)
        _tile_information(moments, tile[COLUMNS], sums)
        for k in range(SUMS):
            total[k] += counted(load(sums[k], 0), tile, one)
    return total


def information(
    infrared: npt.NDArray[np.generic],
    visible: npt.NDArray[np.generic],
    fused: npt.NDArray[np.generic],
    *,
    saturating: bool = False,
) -> list[Information]:
    """The information at four scales: windows of N = 17, 9, 5, 3 pixels, σ = N/5, 'valid'; each scale after the first filtered with its window and
    decimated by two.

    H×W images of levels 0..255, both sides at least 41 (``Undefined`` below). `saturating`: products at scale 1 stop at 255, as MATLAB's uint8
    arithmetic made them in the tables of 2021 (linfeng-legacy).
    """
    height, width = fused.shape
    if min(height, width) < MINIMUM_SIZE:
        raise Undefined(f"VIF and VIFF need at least {MINIMUM_SIZE}×{MINIMUM_SIZE} px, got {width}×{height}")
    scales = []
    images = levels(infrared, visible, fused)
    for scale in range(1, 5):
        taps = gaussian_taps(scale)
        if scale > 1:
            images = [decimated(image, taps) for image in images]
        rows, columns = (side - taps.size + 1 for side in images[0].shape)
        large_enough, tiling, moments = tiled(images, taps.size)
        ceiling = 255.0 if saturating and scale == 1 else None
        sums = _information(*large_enough, window_of(taps), ceiling, tiling, moments).tolist()
        scales.append(Information(tuple(sums[:2]), tuple(sums[2:4]), tuple(sums[4:]), rows * columns))
    return scales


def vifp_of_scales(scales: list[Information]) -> tuple[float, float]:
    """`vifp_pair` from what `information` gives."""
    values = []
    for name, sums in (
        ("infrared", [scale.infrared for scale in scales]),
        ("visible", [scale.visible for scale in scales]),
    ):
        kept, whole = (sum(of) for of in zip(*sums, strict=True))
        if whole <= 0.0 or not math.isfinite(whole):
            raise Undefined(f"constant {name} image: VIF is 0/0")
        values.append(kept / whole)
    return values[0], values[1]


def vifp_pair(
    infrared: npt.NDArray[np.generic], visible: npt.NDArray[np.generic], fused: npt.NDArray[np.generic]
) -> tuple[float, float]:
    """vifp(infrared, fused) and vifp(visible, fused), the fused image's statistics computed once for both.

    vifp = Σ_s Σ log10(1 + g²σ₁²/(σ_v²+σ_n²)) / Σ_s Σ log10(1 + σ₁²/σ_n²), σ_n² = 2, over four scales of Gaussian windows
    (N = 17, 9, 5, 3, σ = N/5, 'valid'), each scale after the first filtered and decimated by two; reference = source, distorted = fused.

    Parameters: H×W arrays (uint8 or float64), 0..255, both sides at least 41. Range 0…∞ each, 1 for identical images, above 1 where the fused image
    has more contrast; higher is better. Minimum size 41×41 (``Undefined`` below). Constant images: 0 where the fused one is,
    ``Undefined`` where a source is (0/0). Source: H. R. Sheikh, A. C. Bovik, IEEE TIP 15(2), 2006.
    """
    return vifp_of_scales(information(infrared, visible, fused))


def vifp_off_centre(source: npt.NDArray[np.generic], fused: npt.NDArray[np.generic]) -> float:
    """vifp(source, fused) as `ivif-zoo` computes it: window offsets from ⌊−N/2⌋ to ⌊N/2⌋ in N steps (half a pixel off centre), zero-padded 'same' filtering.

    About 6 % above vifp. H×W, 0..255, any size. Raises ``Undefined`` where the source is zero everywhere (0/0).
    """
    reference, distorted = (np.asarray(image, dtype=np.float64) for image in (source, fused))
    kept = whole = 0.0
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
        mean, square, cross, mean_fused, square_fused = (
            smooth(image).ravel()
            for image in (reference, reference**2, reference * distorted, distorted, distorted**2)
        )
        # Both sources the same; windows of zeros, to the next eight, carry no information.
        moments = np.zeros((MOMENTS.size, -(-mean.size // WIDTH) * WIDTH))
        for of, values in (
            (slice(0, 2), mean),
            (2, mean_fused),
            (slice(3, 5), square),
            (5, square_fused),
            (slice(6, 8), cross),
        ):
            moments[of, : mean.size] = values
        sums = np.empty((SUMS, WIDTH))
        _tile_information(moments, moments.shape[1] // WIDTH, sums)
        kept, whole = kept + float(sums[0].sum()), whole + float(sums[1].sum())
    if whole <= 0.0:
        raise Undefined("the source is zero everywhere: VIF is 0/0")
    return kept / whole
