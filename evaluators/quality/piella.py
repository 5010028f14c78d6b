"""Piella's Qs, Qw, Qe, Cvejic's Qc and Yang's Qy: fusion metrics built on local structural similarity.

Sources: G. Piella, H. Heijmans, "A new quality metric for image fusion", ICIP 2003; N. Cvejic et al., "A similarity
metric for assessment of image fusion algorithms", Int. J. of Signal Processing 2(3), 2005; C. Yang et al., "A novel
similarity based quality metric for image fusion", Information Fusion 9(2), 2008. Windows and constants as in the MATLAB
family (`mefb`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kernels import inline_kernel, kernel
from .separable import (
    ALL_MOMENTS,
    COLUMNS,
    MOMENTS,
    Images,
    counted,
    gaussian_taps,
    levels,
    tile_moments,
    tiled,
    window_of,
)
from .simd import WIDTH, larger, less_product, load, select, smaller, splat
from .ssim import C1, C2, similarity
from .undefined import Undefined

__all__ = [
    "CvejicYang",
    "Piella",
    "cvejic_yang",
    "defined",
    "means_of_piella_sums",
    "piella_metrics",
    "piella_of_levels",
    "q_c",
    "q_e",
    "q_s",
    "q_w",
    "q_y",
    "qe_of",
    "weighed",
    "weighted_of_edges",
]

Real = NDArray[np.float64]

FLAT = 1e-9
"""Variances below are rounding noise of a flat window (levels are integers: true ones are larger); they count as 0."""
YANG_CONSTANT = 2e-16
YANG_THRESHOLD = 0.75
SIZE = 11
EDGE_ROWS = 256
"""Rows of windows whose edge maps are in memory at a time."""
CVEJIC_SIZE = 7


class Piella(NamedTuple):
    """Qs, Qw and Qe of one fused image."""

    qs: float
    qw: float
    qe: float


class CvejicYang(NamedTuple):
    """Qc and Qy of one fused image."""

    qc: float
    qy: float


@inline_kernel
def weighed(similar_a, similar_b, va, vb):  # type: ignore[no-untyped-def]
    """(q, w) of eight windows: q = λ·SSIM(A,F) + (1 − λ)·SSIM(B,F), w = max(σ_A², σ_B²)."""
    va = select(va > FLAT, va, splat(0.0))
    vb = select(vb > FLAT, vb, splat(0.0))
    both = va + vb
    share = select(both > 0.0, va / both, splat(0.5))
    return share * similar_a + (1.0 - share) * similar_b, larger(va, vb)


@kernel
def _tile_piella(moments, columns):  # type: ignore[no-untyped-def]
    """(Σ q, Σ w·q, Σ w) over each of eight rows of windows."""
    sum_q = sum_wq = sum_w = splat(0.0)
    for at in range(0, columns * WIDTH, WIDTH):
        ma, mb, mf = load(moments[0], at), load(moments[1], at), load(moments[2], at)
        va, vb = less_product(load(moments[3], at), ma, ma), less_product(load(moments[4], at), mb, mb)
        vf = less_product(load(moments[5], at), mf, mf)
        similar_a, _ = similarity(ma, mf, va, vf, less_product(load(moments[6], at), ma, mf), C1, C2)
        similar_b, _ = similarity(mb, mf, vb, vf, less_product(load(moments[7], at), mb, mf), C1, C2)
        q, w = weighed(similar_a, similar_b, va, vb)
        sum_q, sum_wq, sum_w = sum_q + q, sum_wq + w * q, sum_w + w
    return sum_q, sum_wq, sum_w


@kernel
def _piella_sums(a, b, f, taps, tiling, moments):  # type: ignore[no-untyped-def]
    sums = np.zeros(3)
    rows = np.empty(WIDTH)
    for tile in tiling.tiles:
        tile_moments(a, b, f, taps, MOMENTS, None, tiling, tile, moments)
        for k, of_rows in enumerate(_tile_piella(moments, tile[COLUMNS])):
            sums[k] += counted(of_rows, tile, rows)
    return sums


def means_of_piella_sums(sums: Real, windows: int) -> tuple[float, float]:
    """(Qs, Qw) from the sums of q, w·q and w; Qw is NaN where no window of either source has any variance."""
    return float(sums[0]) / windows, float(sums[1] / sums[2]) if sums[2] > 0.0 else float("nan")


def _checked(
    images: tuple[NDArray[np.generic], NDArray[np.generic], NDArray[np.generic]], size: int, what: str
) -> Images:
    if min(images[2].shape) < size:
        raise Undefined(
            f"{what} need at least {size}×{size} px, got {images[2].shape[1]}×{images[2].shape[0]}"
        )
    return levels(*images)


@kernel
def _prewitt(framed, out):  # type: ignore[no-untyped-def]
    width = out.shape[1]
    total = np.empty(width + 2)
    step = np.empty(width + 2)
    for y in range(out.shape[0]):
        above, here, below = framed[y], framed[y + 1], framed[y + 2]
        for c in range(width + 2):
            total[c] = np.float64(above[c]) + np.float64(here[c]) + np.float64(below[c])
            step[c] = np.float64(below[c]) - np.float64(above[c])
        for c in range(width):
            gx = total[c + 2] - total[c]
            gy = step[c] + step[c + 1] + step[c + 2]
            out[y, c] = np.sqrt(gx * gx + gy * gy)


def _edge_maps(images: Images) -> Iterator[Images]:
    """√(g_x² + g_y²) of the Prewitt masks, zeros beyond the border, in bands of rows that have `EDGE_ROWS` windows one above the other."""
    framed = [np.pad(image, 1) for image in images]
    height, width = images[0].shape
    for first in range(0, height - SIZE + 1, EDGE_ROWS):
        last = min(first + EDGE_ROWS + SIZE - 1, height)
        maps = [np.empty((last - first, width)) for _ in images]
        for image, edges in zip(framed, maps, strict=True):
            _prewitt(image[first : last + 2], edges)
        yield list(maps)


def _sums(images: Images) -> Real:
    large_enough, tiling, moments = tiled(images, SIZE)
    sums: Real = _piella_sums(*large_enough, window_of(gaussian_taps(SIZE, 1.5)), tiling, moments)
    return sums


def _windows(images: Images) -> int:
    height, width = images[0].shape
    count: int = (height - SIZE + 1) * (width - SIZE + 1)
    return count


def piella_of_levels(
    infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]
) -> tuple[float, float]:
    """(Qs, Qw); Qw is NaN where no window of either source has any variance. See `piella_metrics`."""
    images = _checked((infrared, visible, fused), SIZE, "Qs, Qw and Qe")
    return means_of_piella_sums(_sums(images), _windows(images))


def weighted_of_edges(
    infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]
) -> float:
    """Qw of the Prewitt gradient magnitudes, NaN where those of the sources are flat. See `piella_metrics`."""
    images = _checked((infrared, visible, fused), SIZE, "Qs, Qw and Qe")
    sums = np.sum([_sums(maps) for maps in _edge_maps(images)], axis=0)
    return means_of_piella_sums(sums, _windows(images))[1]


def defined(weighted: float, what: str) -> float:
    """A value of Qw. Raises ``Undefined`` where it is NaN."""
    if not np.isfinite(weighted):
        raise Undefined(f"{what}: both sources are flat everywhere, the saliency weights are 0/0")
    return weighted


def qe_of(weighted: float, of_edges: float, exponent: float = 1.0) -> float:
    """Qe from Qw of the levels and of the edges. Raises ``Undefined`` where either is NaN, or the power isn't real."""
    weighted, of_edges = defined(weighted, "Qw"), defined(of_edges, "Qe")
    if of_edges < 0.0 and exponent != int(exponent):
        raise Undefined(
            f"Qe: negative similarity of the edge maps ({of_edges:.3g}) has no real power {exponent:g}"
        )
    return float(weighted * of_edges**exponent)


def piella_metrics(
    infrared: NDArray[np.generic],
    visible: NDArray[np.generic],
    fused: NDArray[np.generic],
    *,
    edge_exponent: float = 1.0,
) -> Piella:
    """Qs, Qw and Qe in one go: Qs and Qw share one pass, Qe adds one over the edge maps.

    SSIM under an 11×11 Gaussian window (σ = 1.5), 'valid', K = (0.01, 0.03), L = 255; λ = σ_A²/(σ_A² + σ_B²) (½ where both
    are 0), q = λ SSIM(A,F) + (1 − λ) SSIM(B,F). Qs = mean q; Qw = Σ w q / Σ w with w = max(σ_A², σ_B²);
    Qe = Qw(A, B, F)·Qw(A', B', F')^α with A' the Prewitt gradient magnitudes and α = `edge_exponent`.

    Parameters: H×W arrays of levels 0..255, both sides at least 11. Range −1…1, higher is better. Constant sources: Qs is
    finite, Qw and Qe are 0/0: raises ``Undefined`` (use `q_s` alone). A negative Qw(A', B', F') has no real power for a
    non-integer α: ``Undefined`` too. `mefb`'s metricsQw has its switch set to 3: as published, its "Qw" is Qe.
    """
    qs, qw = piella_of_levels(infrared, visible, fused)
    return Piella(
        qs, defined(qw, "Qw"), qe_of(qw, weighted_of_edges(infrared, visible, fused), edge_exponent)
    )


def q_s(infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]) -> float:
    """Qs = mean of λ·SSIM(A,F) + (1 − λ)·SSIM(B,F), Piella's fusion quality index; see `piella_metrics`.

    Range −1…1, higher is better. Minimum size 11×11. Constant images: finite, 1 where the three are equal. Source: G. Piella, H. Heijmans, ICIP 2003.
    """
    return piella_of_levels(infrared, visible, fused)[0]


def q_w(infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]) -> float:
    """Qw = Σ w q/Σ w, Piella's weighted fusion quality index; see `piella_metrics`.

    Range −1…1, higher is better. Minimum size 11×11. Constant images: finite; ``Undefined`` where both sources are. Source: G. Piella, H. Heijmans, ICIP 2003.
    """
    return defined(piella_of_levels(infrared, visible, fused)[1], "Qw")


def q_e(infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]) -> float:
    """Qe = Qw(A, B, F)·Qw(A', B', F'), Piella's edge-dependent fusion quality index; see `piella_metrics`.

    Range −1…1, higher is better. Minimum size 11×11. Constant images: finite; ``Undefined`` where both sources are. Source: G. Piella, H. Heijmans, ICIP 2003.
    """
    return piella_metrics(infrared, visible, fused).qe


@inline_kernel
def _yang_similarity(mx, my, vx, vy, covariance):  # type: ignore[no-untyped-def]
    k = YANG_CONSTANT
    # A covariance with a flat window is rounding noise.
    covariance = select(vx > 0.0, covariance, splat(0.0))
    covariance = select(vy > 0.0, covariance, splat(0.0))
    value = (2.0 * mx * my + k) * (2.0 * covariance + k) / ((mx * mx + my * my + k) * (vx + vy + k))
    return value, covariance


@kernel
def _tile_cvejic_yang(moments, columns):  # type: ignore[no-untyped-def]
    """(Σ Qc, Σ Qy) over each of eight rows of windows."""
    zero, half = splat(0.0), splat(0.5)
    sum_c = sum_y = zero
    for at in range(0, columns * WIDTH, WIDTH):
        ma, mb, mf = load(moments[0], at), load(moments[1], at), load(moments[2], at)
        va, vb = less_product(load(moments[3], at), ma, ma), less_product(load(moments[4], at), mb, mb)
        vf = less_product(load(moments[5], at), mf, mf)
        va, vb, vf = select(va > FLAT, va, zero), select(vb > FLAT, vb, zero), select(vf > FLAT, vf, zero)
        similar_a, vaf = _yang_similarity(ma, mf, va, vf, less_product(load(moments[6], at), ma, mf))
        similar_b, vbf = _yang_similarity(mb, mf, vb, vf, less_product(load(moments[7], at), mb, mf))
        similar_ab, _ = _yang_similarity(ma, mb, va, vb, less_product(load(moments[8], at), ma, mb))
        both = va + vb
        share = select(both > 0.0, va / both, half)
        mixed = share * similar_a + (1.0 - share) * similar_b
        sum_y = sum_y + select(similar_ab < YANG_THRESHOLD, larger(similar_a, similar_b), mixed)
        joint = vaf + vbf
        sim = select(joint == 0.0, half, vaf / joint)
        sim = smaller(larger(sim, zero), splat(1.0))
        sum_c = sum_c + (sim * similar_a + (1.0 - sim) * similar_b)
    return sum_c, sum_y


@kernel
def _cvejic_yang_sums(a, b, f, taps, tiling, moments):  # type: ignore[no-untyped-def]
    sums = np.zeros(2)
    rows = np.empty(WIDTH)
    for tile in tiling.tiles:
        tile_moments(a, b, f, taps, ALL_MOMENTS, None, tiling, tile, moments)
        for k, of_rows in enumerate(_tile_cvejic_yang(moments, tile[COLUMNS])):
            sums[k] += counted(of_rows, tile, rows)
    return sums


def cvejic_yang(
    infrared: NDArray[np.generic],
    visible: NDArray[np.generic],
    fused: NDArray[np.generic],
    *,
    same_size: bool = False,
) -> CvejicYang:
    """Qc and Qy in one pass.

    SSIM under a 7×7 Gaussian window (σ = 1.5) with both constants 2·10⁻¹⁶, 'valid' (`same_size`: zeros beyond the border).
    Qy = mean of: λ SSIM(A,F) + (1 − λ) SSIM(B,F), λ = σ_A²/(σ_A² + σ_B²), where SSIM(A,B) ≥ 0.75; else
    max(SSIM(A,F), SSIM(B,F)). Qc = mean of s·SSIM(A,F) + (1 − s)·SSIM(B,F), s = σ_AF/(σ_AF + σ_BF) clipped to [0, 1].
    Where both terms of a ratio are 0 (flat windows), it is ½; variances of flat windows are exactly 0 here, where the
    original has rounding noise of about 10⁻¹² against its constant of 2·10⁻¹⁶.

    Parameters: H×W arrays of levels 0..255, both sides at least 7. Range −1…1, higher is better. Constant images are finite.
    """
    images = _checked((infrared, visible, fused), CVEJIC_SIZE, "Qc and Qy")
    if same_size:
        images = [np.pad(image, CVEJIC_SIZE // 2) for image in images]
    large_enough, tiling, moments = tiled(images, CVEJIC_SIZE)
    sums = _cvejic_yang_sums(*large_enough, window_of(gaussian_taps(CVEJIC_SIZE, 1.5)), tiling, moments)
    height, width = images[0].shape
    windows = (height - CVEJIC_SIZE + 1) * (width - CVEJIC_SIZE + 1)
    return CvejicYang(float(sums[0]) / windows, float(sums[1]) / windows)


def q_c(infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]) -> float:
    """Qc = mean of s·SSIM(A,F) + (1 − s)·SSIM(B,F), Cvejic's index; see `cvejic_yang`.

    Range −1…1, higher is better. Minimum size 7×7. Constant images: finite, 0 where the fused one is, 1 where the three are equal.
    Source: N. Cvejic et al., Int. J. Signal Process. 2(3), 2005.
    """
    return cvejic_yang(infrared, visible, fused).qc


def q_y(infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]) -> float:
    """Qy = mean of λ·SSIM(A,F) + (1 − λ)·SSIM(B,F) where SSIM(A,B) ≥ 0.75, else of the larger of the two; see `cvejic_yang`.

    Range −1…1, higher is better. Minimum size 7×7. Constant images: finite, 0 where the fused one is, 1 where the three are equal.
    Source: C. Yang et al., Information Fusion 9(2), 2008.
    """
    return cvejic_yang(infrared, visible, fused).qy
