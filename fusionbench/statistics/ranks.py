"""Rank correlation and the Friedman test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import InputError
from .intervals import CONFIDENCE


def rank_correlation(frame: pd.DataFrame, kind: str = "kendall") -> pd.DataFrame:
    """Rank correlation between the columns of a frame: ``kendall`` (tau-b, fair to ties) or ``spearman``.

    Each pair of columns uses the rows in which both are finite; NaN with fewer than three such rows or a
    constant column.
    """
    from scipy import stats

    measure = {"kendall": stats.kendalltau, "spearman": stats.spearmanr}.get(kind)
    if measure is None:
        raise InputError(f"there is no rank correlation called {kind!r}; choose kendall or spearman")
    values = frame.to_numpy(np.float64)
    size = values.shape[1]
    matrix = np.full((size, size), np.nan)
    for i in range(size):
        for j in range(i, size):
            both = np.isfinite(values[:, i]) & np.isfinite(values[:, j])
            x, y = values[both, i], values[both, j]
            if len(x) >= 3 and np.ptp(x) > 0 and np.ptp(y) > 0:
                matrix[i, j] = matrix[j, i] = 1.0 if i == j else float(measure(x, y).statistic)
    return pd.DataFrame(matrix, index=frame.columns, columns=frame.columns)


@dataclass(frozen=True)
class Friedman:
    """Friedman's test over n blocks (images) and k treatments (methods).

    ``ranks`` are the mean ranks by method, 1 the best, sorted; ``critical_difference`` is Nemenyi's: two
    methods whose mean ranks differ by less are indistinguishable at the level of the test (Demšar 2006).
    """

    statistic: float
    p: float
    ranks: pd.Series[float]
    n: int
    critical_difference: float


def friedman(
    frame: pd.DataFrame, *, larger_is_better: bool = True, confidence: float = CONFIDENCE
) -> Friedman:
    """Friedman's rank test on a frame of images × methods; images without a finite value for every method are
    left out.

    Raises ``InputError`` with fewer than three methods or two complete images.
    """
    from scipy import stats

    complete = frame.replace([np.inf, -np.inf], np.nan).dropna()
    n, k = complete.shape
    if k < 3 or n < 2:
        raise InputError(
            f"Friedman's test needs at least 3 methods and 2 images scored for all of them, got {k} and {n}"
        )
    signed = -complete if larger_is_better else complete
    ranks = signed.rank(axis=1).mean().sort_values(kind="stable")
    values = complete.to_numpy(np.float64)
    if (values == values[:, :1]).all():  # every method the same on every image: the statistic is 0/0
        statistic, p = 0.0, 1.0
    else:
        result = stats.friedmanchisquare(*values.T)
        statistic, p = float(result.statistic), float(result.pvalue)
    q = float(stats.studentized_range.ppf(confidence, k, np.inf)) / np.sqrt(2)
    return Friedman(statistic, p, ranks, n, float(q * np.sqrt(k * (k + 1) / (6 * n))))
