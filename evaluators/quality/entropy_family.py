"""Normalised mutual information, Tsallis mutual information, nonlinear correlation and cross entropy.

All four read grey-level histograms only. The functions named `…_of_joints` take the 256×256 tables of counts that
`joint_histogram` makes (rows: source levels, columns: levels of the fused image), so that several metrics share them;
the others take the three uint8 images (H×W).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .information import occupied
from .kernels import kernel
from .undefined import Undefined

__all__ = [
    "cross_entropy",
    "cross_entropy_of_histograms",
    "joint_histogram",
    "ncie_of_joints",
    "nmi_of_joints",
    "nonlinear_correlation_information_entropy",
    "normalised_mutual_information",
    "stretch_to_byte_range",
    "stretched_joint",
    "te_of_joints",
    "tsallis_mutual_information",
]

Levels = NDArray[np.uint8]
Table = NDArray[np.float64] | NDArray[np.int64]


def stretch_to_byte_range(image: NDArray[np.generic], what: str = "image") -> NDArray[np.float64]:
    """Min-max stretch to the integers 0..255: round(255·(x − min)/(max − min)), halves away from zero.

    The first step of NMI, TE, Qncie, Qcb and Qcv in the MATLAB family (its `normalize1`). H×W in, H×W float64 out.
    Raises Undefined for a constant image (0/0 there).
    """
    values = np.asarray(image)
    low, high = float(values.min()), float(values.max())
    if low == high:
        raise Undefined(f"constant {what}: the min-max stretch to 0..255 is 0/0")
    if values.dtype == np.uint8:  # 256 possible values: stretch those, then look them up
        table: NDArray[np.float64] = np.floor((np.arange(256) - low) / (high - low) * 255.0 + 0.5)
        return np.asarray(np.take(table, values), dtype=np.float64)
    stretched: NDArray[np.float64] = np.floor((values.astype(np.float64) - low) / (high - low) * 255.0 + 0.5)
    return stretched


@kernel
def _count_pairs(first, second):  # type: ignore[no-untyped-def]
    counts = np.zeros((256, 256), dtype=np.uint32)  # half the cache that int64 takes
    for y in range(first.shape[0]):
        for x in range(first.shape[1]):
            counts[first[y, x], second[y, x]] += 1
    return counts.astype(np.int64)


def joint_histogram(first: Levels, second: Levels) -> NDArray[np.int64]:
    """Counts (256×256) of the level pairs of two H×W uint8 images; rows are the levels of `first`."""
    if first.dtype != np.uint8 or second.dtype != np.uint8:
        raise TypeError(f"joint_histogram takes uint8 images, got {first.dtype} and {second.dtype}")
    table: NDArray[np.int64] = _count_pairs(np.ascontiguousarray(first), np.ascontiguousarray(second))
    return table


def stretched_joint(joint: Table) -> Table:
    """The joint histogram that the two images have after `stretch_to_byte_range`: its cells moved, none merged.

    The stretch never brings two levels together (its slope is at least 1), so entropies don't notice it; only what
    depends on the levels themselves does. Raises Undefined where either image is constant.
    """
    moved = []
    for axis, what in ((1, "source image"), (0, "fused image")):
        levels = np.flatnonzero(joint.sum(axis=axis))
        if levels.size < 2:
            raise Undefined(f"constant {what}: the min-max stretch to 0..255 is 0/0")
        low, high = float(levels[0]), float(levels[-1])
        table = np.floor((np.arange(256) - low) / (high - low) * 255.0 + 0.5)
        moved.append(np.clip(table, 0, 255).astype(np.int64))
    result = np.zeros_like(joint)
    rows, columns = occupied(joint)
    result[moved[0][rows], moved[1][columns]] = joint[rows, columns]
    return result


def _entropy(table: Table) -> float:
    """Entropy in bits of a table of counts (or of probabilities)."""
    p = table[table > 0] / table.sum()
    return float(-(p * np.log2(p)).sum())


def _entropies(joint: Table) -> tuple[float, float, float]:
    return _entropy(joint.sum(axis=1)), _entropy(joint.sum(axis=0)), _entropy(joint)


def _refuse_constant(joint: Table, which: str) -> None:
    if np.count_nonzero(joint.sum(axis=1)) < 2:
        raise Undefined(f"constant {which}: the min-max stretch to 0..255 is 0/0")
    if np.count_nonzero(joint.sum(axis=0)) < 2:
        raise Undefined("constant fused image: the min-max stretch to 0..255 is 0/0")


def nmi_of_joints(infrared_fused: Table, visible_fused: Table) -> float:
    """NMI from the two joint histograms; see `normalised_mutual_information`."""
    total = 0.0
    for joint, which in ((infrared_fused, "infrared image"), (visible_fused, "visible image")):
        _refuse_constant(joint, which)
        h_source, h_fused, h_joint = _entropies(joint)
        total += (h_source + h_fused - h_joint) / (h_source + h_fused)
    return 2.0 * total


def normalised_mutual_information(infrared: Levels, visible: Levels, fused: Levels) -> float:
    """NMI = 2·[I(A;F)/(H(A)+H(F)) + I(B;F)/(H(B)+H(F))].

    2 where the fused image determines both sources and they it. The base of the logarithm cancels, and the min-max stretch that
    `vifb` and `mefb` do first changes nothing. Range 0…2, higher is better. Minimum size 1×1 (two pixels, to be not constant). Constant
    images: ``Undefined`` where any is (0/0 in that stretch). Source: M. Hossny et al., Electronics Letters 44(18), 2008.
    """
    return nmi_of_joints(joint_histogram(infrared, fused), joint_histogram(visible, fused))


def te_of_joints(
    infrared_fused: Table, visible_fused: Table, *, q: float = 1.85, transposed_marginals: bool = False
) -> float:
    """TE from the two joint histograms; see `tsallis_mutual_information`."""
    total = 0.0
    for joint, which in ((infrared_fused, "infrared image"), (visible_fused, "visible image")):
        _refuse_constant(joint, which)
        p = (stretched_joint(joint) if transposed_marginals else joint) / joint.sum()
        of_source, of_fused = p.sum(axis=1), p.sum(axis=0)
        rows, columns = occupied(p)
        product = (
            of_fused[rows] * of_source[columns]
            if transposed_marginals
            else of_source[rows] * of_fused[columns]
        )
        kept = product > 0
        share = p[rows, columns][kept]
        terms = share * (share / product[kept]) ** (q - 1.0)
        total += (1.0 - float(terms.sum())) / (1.0 - q)
    return total


def tsallis_mutual_information(
    infrared: Levels, visible: Levels, fused: Levels, *, q: float = 1.85, transposed_marginals: bool = False
) -> float:
    """TE = I_q(A;F) + I_q(B;F), I_q = (1 − Σ p_XF^q / (p_X·p_F)^(q−1)) / (1 − q).

    0 for independent images. q: Tsallis' entropic index (1.85 in the MATLAB family). `transposed_marginals`: the slip in the `mefb`
    code: after the min-max stretch the marginal of the second image is read at the level of the first and the other way round; cells
    with a zero there are left out; can be negative. Range 0…∞, higher is better. Minimum size 1×1 (two pixels, to be not constant). Constant
    images: ``Undefined`` where any is (0/0 in that stretch). Source: N. Cvejic et al., Electronics Letters 42(11), 2006; R. Nava et al., SPIE 6527, 2007.
    """
    joints = joint_histogram(infrared, fused), joint_histogram(visible, fused)
    return te_of_joints(*joints, q=q, transposed_marginals=transposed_marginals)


def _nonlinear_correlation(joint: Table) -> float:
    """(H(X) + H(Y) − H(X,Y)) / log2 256."""
    h_row, h_column, h_joint = _entropies(joint)
    return (h_row + h_column - h_joint) / 8.0


def _pearson_of_stretched(joint: Table) -> float:
    """Pearson's r of the two images after their min-max stretch."""
    p = stretched_joint(joint) / joint.sum()
    levels = np.arange(256.0)
    x, y = levels - p.sum(axis=1) @ levels, levels - p.sum(axis=0) @ levels
    return float(x @ p @ y / np.sqrt((p.sum(axis=1) @ x**2) * (p.sum(axis=0) @ y**2)))


def ncie_of_joints(
    infrared_fused: Table, visible_fused: Table, infrared_visible: Table, *, pearson: bool = False
) -> float:
    """Qncie from the three joint histograms; see `nonlinear_correlation_information_entropy`. `pearson`: Pearson's r of the stretched
    images in place of NCC, as IVIF_ZOO has it."""
    matrix = np.eye(3)
    _refuse_constant(infrared_fused, "infrared image")
    _refuse_constant(visible_fused, "visible image")
    correlation = _pearson_of_stretched if pearson else _nonlinear_correlation
    for row, column, joint in ((0, 1, infrared_visible), (0, 2, infrared_fused), (1, 2, visible_fused)):
        matrix[row, column] = matrix[column, row] = correlation(joint)
    share = np.linalg.eigvalsh(matrix) / 3.0
    share = share[
        share > 0
    ]  # an eigenvalue is 0 where two images determine each other at 8 bits; 0·log 0 = 0
    return 1.0 + float((share * np.log2(share)).sum()) / 8.0


def nonlinear_correlation_information_entropy(infrared: Levels, visible: Levels, fused: Levels) -> float:
    """Qncie = 1 + Σ_i (λ_i/3)·log_256(λ_i/3), λ the eigenvalues of the 3×3 nonlinear correlation matrix of A, B, F.

    Off-diagonal NCC(X,Y) = (H(X) + H(Y) − H(X,Y)) / log2 256. Range 0.80…1, higher is better. Minimum size 1×1 (two
    pixels, to be not constant). Constant images: ``Undefined`` where any is (0/0 in the min-max stretch that comes first and otherwise changes
    nothing). Source: Q. Wang, Y. Shen, J. Jin, in: Image Fusion: Algorithms and Applications, 2008.
    """
    return ncie_of_joints(
        joint_histogram(infrared, fused), joint_histogram(visible, fused), joint_histogram(infrared, visible)
    )


def cross_entropy_of_histograms(
    infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]
) -> float:
    """CE from three histograms of 256 counts (or probabilities); see `cross_entropy`."""
    p_fused = fused / fused.sum()
    total = 0.0
    for histogram in (infrared, visible):
        p = histogram / histogram.sum()
        kept = (p > 0) & (p_fused > 0)
        total += float((p[kept] * np.log2(p[kept] / p_fused[kept])).sum())
    return total / 2.0


def cross_entropy(infrared: Levels, visible: Levels, fused: Levels) -> float:
    """CE = mean over both sources of Σ_k p_X(k)·log2(p_X(k)/p_F(k)), bins where either is 0 left out (`vifb`).

    256-bin histograms of the levels 0..255, no stretch; in bits, 0 for equal histograms. Because bins are left out it can be
    negative, and it is 0 where the histograms share no bin: read it beside EN. Range 0…∞ but for that, lower is better. Minimum
    size 1×1. Constant images: finite. Source: D. M. Bulanon et al., Biosystems Engineering 103(1), 2009.
    """
    histograms = [
        np.bincount(np.asarray(image).ravel(), minlength=256) for image in (infrared, visible, fused)
    ]
    return cross_entropy_of_histograms(*histograms)
