"""Metrics of grey-level histograms: EN, CE, MI, NMI, TE and Qncie.

A joint histogram has the levels of the source in its rows and those of the other image in its columns.
Functions that start with the fused image or with joint histograms of (infrared, fused), (visible, fused) …
share those counts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..undefined import Undefined

UInt8 = npt.NDArray[np.uint8]
Table = npt.NDArray[np.int64]
_STRETCH = "the min-max stretch to 0..255 is 0/0"


def histogram(image: UInt8) -> npt.NDArray[np.int64]:
    """Counts of the levels 0…255."""
    return np.bincount(image.ravel(), minlength=256)


def joint_histogram(first: UInt8, second: UInt8) -> npt.NDArray[np.int64]:
    """Counts (256×256) of the pairs of levels of two H×W images; rows are the levels of `first`.

    >>> int(joint_histogram(np.uint8([[3, 3]]), np.uint8([[5, 6]]))[3, 5])
    1
    """
    pairs = first.astype(np.intp).ravel() * 256 + second.ravel()
    return np.bincount(pairs, minlength=65536).reshape(256, 256)


def entropy_of(table: Table) -> float:
    """H = −Σ p log₂ p of a table of counts, in bits; cells without counts give nothing."""
    counts = table[table > 0]
    p = counts / counts.sum()
    return float(max(0.0, -(p * np.log2(p)).sum()))


def entropy(fused: UInt8) -> float:
    """EN = −Σ p log₂ p over the 256-bin histogram of the fused image, in bits.

    Range 0…8, higher is better. Minimum size 1×1. Constant images: 0.
    Source: J. W. Roberts, J. A. van Aardt, F. B. Ahmed, J. Appl. Remote Sens. 2, 2008.

    >>> entropy(np.uint8([[0, 255], [0, 255]]))
    1.0
    """
    return entropy_of(histogram(fused))


def biased_entropy(fused: UInt8) -> float:
    """EN of `ivif-zoo`: −Σ p log₂(p + 10⁻⁷) over all 256 bins; about 10⁻⁵ bits below EN."""
    p = histogram(fused) / fused.size
    return float(-(p * np.log2(p + 1e-7)).sum())


def cross_entropy(infrared: UInt8, visible: UInt8, fused: UInt8) -> float:
    """CE = (D(A‖F) + D(B‖F))/2, D(X‖F) = Σ_k p_X(k) log₂(p_X(k)/p_F(k)) over the bins that neither leaves
    empty.

    In bits. Range 0…∞ but for the skipped bins, which can make it negative; lower is better. 0 where the
    histograms are equal or share no bin: read it beside EN. Minimum size 1×1. Constant images: finite.
    Source: D. M. Bulanon, T. F. Burks, V. Alchanatis, Biosystems Engineering 103(1), 2009.

    >>> cross_entropy(*[np.uint8([[1, 2]])] * 3)
    0.0
    """
    of_fused = histogram(fused) / fused.size
    total = 0.0
    for source in (infrared, visible):
        p = histogram(source) / source.size
        both = (p > 0) & (of_fused > 0)
        total += float((p[both] * np.log2(p[both] / of_fused[both])).sum())
    return total / 2.0


def mutual_information(joint: Table, counted: Table | None = None) -> float:
    """I(X;Y) = H(X) + H(Y) − H(X,Y) in bits; MI = I(A;F) + I(B;F).

    `counted`: the table that H(X,Y) is taken from, if another (`saturated_levels`). Range 0…8 each, higher
    is better.
    Minimum size 1×1. Constant images: 0. Source: G. Qu, D. Zhang, P. Yan, Electronics Letters 38(7), 2002.

    >>> mutual_information(np.diag([5, 5]))
    1.0
    """
    return (
        entropy_of(joint.sum(1))
        + entropy_of(joint.sum(0))
        - entropy_of(joint if counted is None else counted)
    )


def mutual_information_nats(joint: Table) -> float:
    """I(X;Y) = Σ p(x,y) ln(p(x,y)/(p(x)p(y))) in nats (`cddfuse`, as scikit-learn sums it; never below 0)."""
    rows, columns = np.nonzero(joint)
    n = joint.sum()
    p = joint[rows, columns] / n
    independent = (joint.sum(1)[rows] / n) * (joint.sum(0)[columns] / n)
    return float(max(0.0, (p * np.log(p / independent)).sum()))


def saturated_levels(joint: Table) -> Table:
    """A joint histogram with levels 254 and 255 merged in both images: `level + 1` in MATLAB's uint8
    (linfeng).
    """
    merged = joint.copy()
    merged[254] += merged[255]
    merged[:, 254] += merged[:, 255]
    merged[255] = 0
    merged[:, 255] = 0
    return merged


def over_source_entropies(infrared_fused: Table, visible_fused: Table) -> float:
    """NMI of `ivif-zoo`: 2·(I(A;F) + I(B;F))/(H(A) + H(B)). ``Undefined`` where both sources are constant."""
    sources = entropy_of(infrared_fused.sum(1)) + entropy_of(visible_fused.sum(1))
    if sources == 0.0:
        raise Undefined("both sources are constant: NMI is 0/0")
    return 2.0 * (mutual_information(infrared_fused) + mutual_information(visible_fused)) / sources


def hossny_normalised(infrared_fused: Table, visible_fused: Table) -> float:
    """NMI = 2·[I(A;F)/(H(A)+H(F)) + I(B;F)/(H(B)+H(F))].

    The min-max stretch that MEFB does first changes nothing. Range 0…2, higher is better; 2 where the fused
    image determines both sources. Minimum size 1×1. Constant images: ``Undefined`` (0/0 in that stretch).
    Source: M. Hossny, S. Nahavandi, D. Creighton, Electronics Letters 44(18), 2008.

    >>> hossny_normalised(np.diag([5, 5]), np.diag([5, 5]))
    2.0
    """
    total = 0.0
    for joint, source in ((infrared_fused, "infrared"), (visible_fused, "visible")):
        _refuse_constant(joint, source, "fused")
        total += mutual_information(joint) / (entropy_of(joint.sum(1)) + entropy_of(joint.sum(0)))
    return 2.0 * total


def tsallis(
    infrared_fused: Table, visible_fused: Table, *, q: float = 1.85, transposed_marginals: bool = False
) -> float:
    """TE = I_q(A;F) + I_q(B;F), I_q = (1 − Σ p_XF^q/(p_X·p_F)^(q−1))/(1 − q).

    0 for independent images. q is Tsallis' entropic index. `transposed_marginals` is a slip in `mefb`: after
    the min-max stretch, the marginal of X is read at F's level and the other way round; cells with a zero
    there are left out, and the value can be negative or huge. Range 0…∞, higher is better. Minimum size 1×1.
    Constant images: ``Undefined`` (0/0 in the stretch). Source: N. Cvejic, C. N. Canagarajah, D. R. Bull,
    Electronics Letters 42(11), 2006; R. Nava, G. Cristóbal, B. Escalante-Ramírez, SPIE 6527, 2007.

    >>> tsallis(np.ones((4, 4)), np.ones((4, 4)))
    0.0
    """
    total = 0.0
    for joint, source in ((infrared_fused, "infrared"), (visible_fused, "visible")):
        _refuse_constant(joint, source, "fused")
        p = (stretched_joint(joint) if transposed_marginals else joint) / joint.sum()
        of_source, of_fused = p.sum(1), p.sum(0)
        rows, columns = np.nonzero(p)
        if transposed_marginals:
            product = of_fused[rows] * of_source[columns]
        else:
            product = of_source[rows] * of_fused[columns]
        kept = product > 0
        share = p[rows, columns][kept]
        total += (1.0 - float((share * (share / product[kept]) ** (q - 1.0)).sum())) / (1.0 - q)
    return total


def nonlinear_correlation(
    infrared_fused: Table, visible_fused: Table, infrared_visible: Table, *, pearson: bool = False
) -> float:
    """Qncie = 1 + Σ_i (λ_i/3) log₂₅₆(λ_i/3), λ the eigenvalues of the 3×3 matrix of NCC between A, B and F.

    NCC(X,Y) = (H(X) + H(Y) − H(X,Y))/log₂ 256, 1 on the diagonal. `pearson`: Pearson's r in its place
    (`ivif-zoo`). Range 0.80…1 (1 + log₂₅₆ ⅓ … 1), higher is better. Minimum size 1×1. Constant images:
    ``Undefined``: the min-max stretch that comes first is 0/0 (otherwise it changes nothing). Source: Q.
    Wang, Y. Shen, J. Jin, in: Image Fusion: Algorithms and Applications, 2008.

    >>> round(nonlinear_correlation(*[np.ones((9, 9))] * 3), 3)
    0.802
    """
    _refuse_constant(infrared_fused, "infrared", "fused")
    _refuse_constant(visible_fused, "visible", "fused")
    matrix = np.eye(3)
    for row, column, joint in ((0, 1, infrared_visible), (0, 2, infrared_fused), (1, 2, visible_fused)):
        of_pair = pearson_of(joint) if pearson else mutual_information(joint) / 8.0
        matrix[row, column] = matrix[column, row] = of_pair
    share = np.linalg.eigvalsh(matrix) / 3.0
    share = share[share > 0]  # 0·log 0 = 0, where two images determine each other
    return 1.0 + float((share * np.log2(share)).sum()) / 8.0


def pearson_of(joint: Table) -> float:
    """Pearson's r of two images from their joint histogram."""
    p = joint / joint.sum()
    levels = np.arange(p.shape[0])
    x, y = levels - p.sum(1) @ levels, levels - p.sum(0) @ levels
    return float(x @ p @ y / np.sqrt((p.sum(1) @ x**2) * (p.sum(0) @ y**2)))


def stretched_joint(joint: Table) -> Table:
    """The joint histogram after each image's min-max stretch to 0…255: cells are moved, none merged."""
    rows, columns = np.nonzero(joint)
    moved = [
        np.floor((cells - cells.min()) / (cells.max() - cells.min()) * 255.0 + 0.5)
        for cells in (rows, columns)
    ]
    stretched = np.zeros_like(joint)
    stretched[moved[0].astype(np.intp), moved[1].astype(np.intp)] = joint[rows, columns]
    return stretched


def _refuse_constant(joint: Table, first: str, second: str) -> None:
    for axis, image in ((1, first), (0, second)):
        if np.count_nonzero(joint.sum(axis)) < 2:
            raise Undefined(f"constant {image} image: {_STRETCH}")
