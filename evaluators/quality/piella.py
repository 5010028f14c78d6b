"""Piella's Qs, Qw, Qe, Cvejic's Qc and Yang's Qy: fusion metrics built on local structural similarity.

Sources: G. Piella, H. Heijmans, "A new quality metric for image fusion", ICIP 2003; N. Cvejic et al., "A similarity
metric for assessment of image fusion algorithms", Int. J. of Signal Processing 2(3), 2005; C. Yang et al., "A novel
similarity based quality metric for image fusion", Information Fusion 9(2), 2008. Windows and constants as in the MATLAB
family (`mefb`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kernels import kernel
from .separable import COUNT, filtered_moments, gaussian_taps, strips
from .undefined import Undefined

__all__ = ["CvejicYang", "Piella", "cvejic_yang", "piella_metrics", "q_c", "q_e", "q_s", "q_w", "q_y"]

Real = NDArray[np.float64]

FLAT = 1e-9
"""Variances below are rounding noise of a flat window (levels are integers: true ones are larger); they count as 0."""
YANG_CONSTANT = 2e-16


class Piella(NamedTuple):
    """Qs, Qw and Qe of one fused image."""

    qs: float
    qw: float
    qe: float


class CvejicYang(NamedTuple):
    """Qc and Qy of one fused image."""

    qc: float
    qy: float


@kernel
def piella_sums(moments, margin):  # type: ignore[no-untyped-def]
    """(Σ q, Σ w·q, Σ w) over a strip without `margin` columns at either side, q = λ·SSIM(A,F) + (1 − λ)·SSIM(B,F), w = max(σ_A², σ_B²)."""
    width = moments.shape[2] - 2 * margin
    c1, c2 = (0.01 * 255.0) ** 2, (0.03 * 255.0) ** 2
    sums = np.zeros((3, width))
    for y in range(moments.shape[0]):
        local = moments[y]
        for c in range(width):
            ma, mb, mf = local[0, c + margin], local[1, c + margin], local[2, c + margin]
            va, vb = local[3, c + margin] - ma * ma, local[4, c + margin] - mb * mb
            vf = local[5, c + margin] - mf * mf
            vaf, vbf = local[6, c + margin] - ma * mf, local[7, c + margin] - mb * mf
            similar_a = (2.0 * ma * mf + c1) * (2.0 * vaf + c2) / ((ma * ma + mf * mf + c1) * (va + vf + c2))
            similar_b = (2.0 * mb * mf + c1) * (2.0 * vbf + c2) / ((mb * mb + mf * mf + c1) * (vb + vf + c2))
            va = va if va > FLAT else 0.0
            vb = vb if vb > FLAT else 0.0
            both = va + vb
            share = va / both if both > 0.0 else 0.5
            q = share * similar_a + (1.0 - share) * similar_b
            w = max(va, vb)
            sums[0, c] += q
            sums[1, c] += w * q
            sums[2, c] += w
    return sums.sum(axis=1)


def _piella_pass(a: Real, b: Real, f: Real) -> tuple[float, float]:
    """(Qs, Qw) of three maps; Qw is NaN where no window of either source has any variance."""
    size = 11
    rows, inner = a.shape[0] - size + 1, a.shape[1] - size + 1
    taps = gaussian_taps(size, 1.5)
    sums = np.zeros(3)
    for first, last in strips(rows, a.shape[1]):
        moments = np.empty((last - first, COUNT - 1, inner))
        filtered_moments(a, b, f, taps, first, last, moments)
        sums += piella_sums(moments, 0)
    return means_of_piella_sums(sums, rows * inner)


def means_of_piella_sums(sums: Real, windows: int) -> tuple[float, float]:
    """(Qs, Qw) from the three sums of `piella_sums`; Qw is NaN where no window of either source has any variance."""
    return float(sums[0]) / windows, float(sums[1] / sums[2]) if sums[2] > 0.0 else float("nan")


def _checked(
    images: tuple[NDArray[np.generic], NDArray[np.generic], NDArray[np.generic]], size: int, what: str
) -> list[Real]:
    if min(images[2].shape) < size:
        raise Undefined(
            f"{what} need at least {size}×{size} px, got {images[2].shape[1]}×{images[2].shape[0]}"
        )
    return [np.ascontiguousarray(image, dtype=np.float64) for image in images]


@kernel
def prewitt_magnitude(image):  # type: ignore[no-untyped-def]
    """√(g_x² + g_y²) of the Prewitt masks, zeros beyond the border. H×W in, H×W float64 out."""
    height, width = image.shape
    out = np.empty((height, width))
    nothing = np.zeros(width)
    total = np.zeros(width + 2)
    step = np.zeros(width + 2)
    for y in range(height):
        above = image[y - 1] if y > 0 else nothing
        here = image[y]
        below = image[y + 1] if y < height - 1 else nothing
        for c in range(width):
            total[c + 1] = above[c] + here[c] + below[c]
            step[c + 1] = below[c] - above[c]
        for c in range(width):
            gx = total[c + 2] - total[c]
            gy = step[c] + step[c + 1] + step[c + 2]
            out[y, c] = np.sqrt(gx * gx + gy * gy)
    return out


def _qw_of(value: float, what: str) -> float:
    if not np.isfinite(value):
        raise Undefined(f"{what}: both sources are flat everywhere, the saliency weights are 0/0")
    return value


def piella_metrics(
    infrared: NDArray[np.generic],
    visible: NDArray[np.generic],
    fused: NDArray[np.generic],
    *,
    edge_exponent: float = 1.0,
    of_levels: tuple[float, float] | None = None,
) -> Piella:
    """Qs, Qw and Qe in one go: Qs and Qw share one pass, Qe adds one over the edge maps.

    SSIM under an 11×11 Gaussian window (σ = 1.5), 'valid', K = (0.01, 0.03), L = 255; λ = σ_A²/(σ_A² + σ_B²) (½ where both
    are 0), q = λ SSIM(A,F) + (1 − λ) SSIM(B,F). Qs = mean q; Qw = Σ w q / Σ w with w = max(σ_A², σ_B²);
    Qe = Qw(A, B, F)·Qw(A', B', F')^α with A' the Prewitt gradient magnitudes and α = `edge_exponent`. `of_levels`: Qs and Qw, where
    they are known already (`gaussian_windows`).

    Parameters: H×W arrays of levels 0..255, both sides at least 11. Range −1…1, higher is better. Constant sources: Qs is
    finite, Qw and Qe are 0/0: raises ``Undefined`` (use `q_s` alone). A negative Qw(A', B', F') has no real power for a
    non-integer α: ``Undefined`` too. `mefb`'s metricsQw has its switch set to 3: as published, its "Qw" is Qe.
    """
    a, b, f = _checked((infrared, visible, fused), 11, "Qs, Qw and Qe")
    qs, qw = of_levels or _piella_pass(a, b, f)
    edge = _piella_pass(prewitt_magnitude(a), prewitt_magnitude(b), prewitt_magnitude(f))[1]
    qw, edge = _qw_of(qw, "Qw"), _qw_of(edge, "Qe")
    if edge < 0.0 and edge_exponent != int(edge_exponent):
        raise Undefined(
            f"Qe: negative similarity of the edge maps ({edge:.3g}) has no real power {edge_exponent:g}"
        )
    return Piella(qs, qw, float(qw * edge**edge_exponent))


def q_s(infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]) -> float:
    """Qs = mean of λ·SSIM(A,F) + (1 − λ)·SSIM(B,F), Piella's fusion quality index; see `piella_metrics`.

    Range −1…1, higher is better. Minimum size 11×11. Constant images: finite, 1 where the three are equal. Source: G. Piella, H. Heijmans, ICIP 2003.
    """
    return _piella_pass(*_checked((infrared, visible, fused), 11, "Qs"))[0]


def q_w(infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]) -> float:
    """Qw = Σ w q/Σ w, Piella's weighted fusion quality index; see `piella_metrics`.

    Range −1…1, higher is better. Minimum size 11×11. Constant images: finite; ``Undefined`` where both sources are. Source: G. Piella, H. Heijmans, ICIP 2003.
    """
    return _qw_of(_piella_pass(*_checked((infrared, visible, fused), 11, "Qw"))[1], "Qw")


def q_e(infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]) -> float:
    """Qe = Qw(A, B, F)·Qw(A', B', F'), Piella's edge-dependent fusion quality index; see `piella_metrics`.

    Range −1…1, higher is better. Minimum size 11×11. Constant images: finite; ``Undefined`` where both sources are. Source: G. Piella, H. Heijmans, ICIP 2003.
    """
    return piella_metrics(infrared, visible, fused).qe


@kernel
def _cvejic_yang_sums(moments, constant, threshold):  # type: ignore[no-untyped-def]
    """(Σ Qc, Σ Qy) over the windows of one strip."""
    width = moments.shape[2]
    sums = np.zeros((2, width))
    for y in range(moments.shape[0]):
        for c in range(width):
            ma, mb, mf = moments[y, 0, c], moments[y, 1, c], moments[y, 2, c]
            va, vb = moments[y, 3, c] - ma * ma, moments[y, 4, c] - mb * mb
            vf = moments[y, 5, c] - mf * mf
            vaf, vbf = moments[y, 6, c] - ma * mf, moments[y, 7, c] - mb * mf
            vab = moments[y, 8, c] - ma * mb
            va = va if va > FLAT else 0.0
            vb = vb if vb > FLAT else 0.0
            vf = vf if vf > FLAT else 0.0
            # A covariance with a flat window is rounding noise as well.
            vaf = vaf if va > 0.0 and vf > 0.0 else 0.0
            vbf = vbf if vb > 0.0 and vf > 0.0 else 0.0
            vab = vab if va > 0.0 and vb > 0.0 else 0.0
            k = constant
            similar_a = (2.0 * ma * mf + k) * (2.0 * vaf + k) / ((ma * ma + mf * mf + k) * (va + vf + k))
            similar_b = (2.0 * mb * mf + k) * (2.0 * vbf + k) / ((mb * mb + mf * mf + k) * (vb + vf + k))
            similar_ab = (2.0 * ma * mb + k) * (2.0 * vab + k) / ((ma * ma + mb * mb + k) * (va + vb + k))
            both = va + vb
            share = va / both if both > 0.0 else 0.5
            mixed = share * similar_a + (1.0 - share) * similar_b
            sums[1, c] += mixed if similar_ab >= threshold else max(similar_a, similar_b)
            joint = vaf + vbf
            sim = vaf / joint if joint != 0.0 else 0.5
            sim = min(max(sim, 0.0), 1.0)
            sums[0, c] += sim * similar_a + (1.0 - sim) * similar_b
    return sums.sum(axis=1)


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
    a, b, f = _checked((infrared, visible, fused), 7, "Qc and Qy")
    if same_size:
        a, b, f = (np.pad(image, 3) for image in (a, b, f))
    size = 7
    rows, inner = a.shape[0] - size + 1, a.shape[1] - size + 1
    taps = gaussian_taps(size, 1.5)
    sums = np.zeros(2)
    for first, last in strips(rows, a.shape[1]):
        moments = np.empty((last - first, COUNT, inner))
        filtered_moments(a, b, f, taps, first, last, moments)
        sums += _cvejic_yang_sums(moments, YANG_CONSTANT, 0.75)
    return CvejicYang(float(sums[0]) / (rows * inner), float(sums[1]) / (rows * inner))


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
