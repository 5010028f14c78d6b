"""Paired tests and bootstrap differences of two methods on the same images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from .intervals import CONFIDENCE, RESAMPLES, FloatArray, bootstrap_interval


@dataclass(frozen=True)
class PairedTest:
    """Wilcoxon's signed-rank test of paired values.

    ``p`` is two-sided; ``effect`` is the matched-pairs rank-biserial correlation in [-1, 1] (Kerby 2014): the
    share of the rank sum in favour of the first values less the share against them; ``n`` counts the pairs,
    ``larger`` and ``smaller`` those in which the first value is larger or smaller.
    """

    p: float
    effect: float
    n: int
    larger: int
    smaller: int


def paired_wilcoxon(a: npt.ArrayLike, b: npt.ArrayLike) -> PairedTest:
    """Wilcoxon signed-rank test of a − b (Wilcoxon 1945: pairs without a difference are dropped), two-sided.

    ``a`` and ``b`` have shape n, pair by pair; pairs with a value that is not finite are left out. ``p`` is
    NaN without pairs, and 1 where no pair differs. Raises ``InputError`` for different shapes.
    """
    first, second = _pairs(a, b)
    difference = first - second
    moved = difference[difference != 0]
    larger, smaller = int((moved > 0).sum()), int((moved < 0).sum())
    if not len(difference):
        return PairedTest(float("nan"), float("nan"), 0, 0, 0)
    if not len(moved):
        return PairedTest(1.0, 0.0, len(difference), 0, 0)
    from scipy import stats

    ranks = stats.rankdata(np.abs(moved))
    effect = float((ranks[moved > 0].sum() - ranks[moved < 0].sum()) / ranks.sum())
    p = float(stats.wilcoxon(moved).pvalue)
    return PairedTest(p, effect, len(difference), larger, smaller)


@dataclass(frozen=True)
class PairedDifference:
    """Mean difference of paired values with its bootstrap interval; ``n`` pairs."""

    mean: float
    low: float
    high: float
    n: int


def paired_bootstrap(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> PairedDifference:
    """The mean of a − b over pairs with its BCa bootstrap interval: whole pairs are drawn, so what the images
    share cancels.

    ``a`` and ``b`` have shape n; pairs with a value that is not finite are left out. Raises ``InputError``
    for different shapes.
    """
    first, second = _pairs(a, b)
    difference = first - second
    low, high = bootstrap_interval(difference, confidence=confidence, resamples=resamples, seed=seed)
    mean = float(difference.mean()) if len(difference) else float("nan")
    return PairedDifference(mean, float(low), float(high), len(difference))


def _pairs(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise InputError(
            f"paired values need two vectors of one length, got shapes {first.shape} and {second.shape}"
        )
    both = np.isfinite(first) & np.isfinite(second)
    return first[both], second[both]


def holm(p: npt.ArrayLike) -> FloatArray:
    """Holm's step-down adjustment of p-values for testing several hypotheses at once (Holm 1979).

    NaN stays NaN and does not count as a test. The adjusted values control the family-wise error rate.
    """
    values = np.asarray(p, np.float64)
    adjusted = np.full(values.shape, np.nan)
    tested = np.isfinite(values)
    if tested.any():
        from statsmodels.stats.multitest import multipletests

        adjusted[tested] = multipletests(values[tested], method="holm")[1]
    return adjusted
