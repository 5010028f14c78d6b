"""Information-theoretic metrics from histograms: EN and MI."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .undefined import Undefined

Int64 = npt.NDArray[np.int64]


def entropy(histogram: Int64) -> float:
    """EN = −Σ p log₂ p of a histogram of counts, in bits.

    Range 0…8 (256 bins), higher is better. Minimum size 1×1. Constant images: 0. Source: J. W. Roberts et al., J. Appl. Remote Sens. 2, 2008.
    """
    counts = histogram[histogram > 0]
    p = counts / counts.sum()
    return float(max(0.0, -(p * np.log2(p)).sum()))


def occupied(table: npt.NDArray[np.generic]) -> tuple[Int64, Int64]:
    """Rows and columns of the cells that aren't 0 in a table of 256 columns: `numpy.nonzero`, several times faster."""
    cells = np.flatnonzero(table.ravel() != 0)
    return cells >> 8, cells & 255


def mutual_information(joint: Int64) -> float:
    """I(X;Y) = Σ p(x,y) ln(p(x,y)/(p(x)p(y))) of a joint histogram of counts, in nats; MI = I(A;F) + I(B;F).

    Rounding below zero is cut off, as scikit-learn does. Range 0…5.55 (in bits 0…8) each, higher is better. Minimum size 1×1.
    Constant images: 0 where either is. Source: G. Qu et al., Electronics Letters 38(7), 2002.
    """
    n = joint.sum()
    rows, columns = occupied(joint)
    p = joint[rows, columns] / n
    outer = (joint.sum(1)[rows] / n) * (joint.sum(0)[columns] / n)
    return float(max(0.0, (p * np.log(p / outer)).sum()))


def saturated_levels(joint: Int64) -> Int64:
    """The joint histogram with levels 254 and 255 merged, in both images: what `level + 1` on MATLAB's uint8 makes of it (linfeng)."""
    merged = joint.copy()
    merged[254] += merged[255]
    merged[:, 254] += merged[:, 255]
    merged[255] = 0
    merged[:, 255] = 0
    return merged


def mutual_information_bits(joint: Int64, joint_counted: Int64) -> float:
    """I(X;Y) = H(X) + H(Y) − H(X,Y) in bits, H(X) and H(Y) from `joint`, H(X,Y) from `joint_counted` (equal unless levels are merged)."""
    return entropy(joint.sum(1)) + entropy(joint.sum(0)) - entropy(joint_counted.ravel())


def biased_entropy(histogram: Int64) -> float:
    """−Σ p log₂(p + 10⁻⁷) in bits: EN of `ivif-zoo`, about 10⁻⁵ below the exact value; its constant images give −1.4·10⁻⁷."""
    p = histogram / histogram.sum()
    return float(-(p * np.log2(p + 1e-7)).sum())


def mutual_information_over_source_entropies(joint_infrared: Int64, joint_visible: Int64) -> float:
    """2·(I(A;F) + I(B;F)) / (H(A) + H(B)): the NMI of `ivif-zoo`, which isn't Hossny's. Raises ``Undefined`` where both sources are constant."""
    sources = entropy(joint_infrared.sum(1)) + entropy(joint_visible.sum(1))
    if sources == 0.0:
        raise Undefined("both sources are constant: NMI is 0/0")
    return (
        2.0
        * sum(mutual_information_bits(joint, joint) for joint in (joint_infrared, joint_visible))
        / sources
    )
