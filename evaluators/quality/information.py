"""Information-theoretic metrics from histograms: EN and MI."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]


def entropy(histogram: Int64) -> float:
    """EN = −Σ p log₂ p of a histogram of counts, in bits (0…8 for 256 bins). Higher is better. 0 for a constant image."""
    counts = histogram[histogram > 0]
    p = counts / counts.sum()
    return float(max(0.0, -(p * np.log2(p)).sum()))


def mutual_information(joint: Int64) -> float:
    """I(X;Y) = Σ p(x,y) ln(p(x,y)/(p(x)p(y))) of a joint histogram of counts, in nats.

    0 where one of the images is constant; never negative (rounding below zero is cut off, as scikit-learn does).
    """
    n = joint.sum()
    rows, columns = np.nonzero(joint)
    p = joint[rows, columns] / n
    outer = (joint.sum(1)[rows] / n) * (joint.sum(0)[columns] / n)
    return float(max(0.0, (p * np.log(p / outer)).sum()))
