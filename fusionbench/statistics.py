"""The statistics behind every table and comparison: intervals, paired tests, rank correlation, Friedman
ranks.

Pure functions on arrays and on frames of rows (columns of ``fusionbench.store.COLUMNS``), built on SciPy.
Randomness is seeded, so that a report rendered twice is the same. Values that are not finite never enter a
statistic; how many were left out, and which, is for the caller to say (see ``fusionbench.reports.summary``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from .errors import InputError

FloatArray = npt.NDArray[np.float64]

RESAMPLES = 2000
CONFIDENCE = 0.95
SCORE_KEY = ["dataset", "split", "evaluator", "convention", "metric", "class_name"]
"""What names one score of a method: numbers may be averaged or compared only where all of these agree."""
_BLOCK = 4_000_000  # resampling weights held at once: 32 MB, whatever the number of images


def bootstrap_interval(
    values: npt.ArrayLike, *, confidence: float = CONFIDENCE, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[FloatArray, FloatArray]:
    """Bias-corrected and accelerated (BCa) bootstrap interval of the mean (Efron 1987).

    ``values`` has shape n or n×k (k scores of the same n images, which share the resamples); values that are
    not finite are left out, column by column. Returns the lower and upper ends, of shape () or (k,). The ends
    are NaN for fewer than two values, and equal to the mean where all values agree. The means of all
    resamples are one matrix product, and the acceleration has a closed form for a mean, so hundreds of scores
    cost little more than one.
    """
    array = np.asarray(values, np.float64)
    if array.ndim not in (1, 2):
        raise InputError(f"bootstrap_interval takes an n or n×k array, got shape {array.shape}")
    columns = array.reshape(len(array), 1 if array.ndim == 1 else array.shape[1])
    low = np.full(columns.shape[1], np.nan)
    high = low.copy()
    finite = np.isfinite(columns)
    for mask, chosen in _columns_by_mask(finite):
        if mask.sum() >= 2:
            low[chosen], high[chosen] = _bca(columns[np.ix_(mask, chosen)], confidence, resamples, seed)
    shape = array.shape[1:]
    return low.reshape(shape), high.reshape(shape)


def _columns_by_mask(
    finite: npt.NDArray[np.bool_],
) -> Iterator[tuple[npt.NDArray[np.bool_], npt.NDArray[np.intp]]]:
    """The distinct columns of an n×k mask, each with the indices of the columns that equal it."""
    groups: dict[bytes, list[int]] = {}
    for index in range(finite.shape[1]):
        groups.setdefault(finite[:, index].tobytes(), []).append(index)
    for indices in groups.values():
        yield finite[:, indices[0]], np.asarray(indices, np.intp)


def _bca(x: FloatArray, confidence: float, resamples: int, seed: int) -> tuple[FloatArray, FloatArray]:
    mean = x.mean(axis=0)
    deviation = x - mean
    constant = np.ptp(x, axis=0) == 0
    means = resampled_means(x, resamples, seed)
    below = (means < mean).mean(axis=0) + 0.5 * (means == mean).mean(axis=0)
    bias = stats.norm.ppf(np.clip(below, 1 / (resamples + 1), resamples / (resamples + 1)))
    spread = np.where(constant, 1.0, (deviation**2).sum(axis=0))
    acceleration = (deviation**3).sum(axis=0) / (6 * spread**1.5)
    ends = []
    for tail in ((1 - confidence) / 2, (1 + confidence) / 2):
        z = bias + stats.norm.ppf(tail)
        level = stats.norm.cdf(bias + z / (1 - acceleration * z))
        end = np.array([np.quantile(means[:, j], level[j]) for j in range(x.shape[1])])
        ends.append(np.where(constant, mean, end))
    return ends[0], ends[1]


def resampled_means(x: FloatArray, resamples: int = RESAMPLES, seed: int = 0) -> FloatArray:
    """The means of ``resamples`` draws of n rows with replacement from an n×k array: resamples×k. All columns
    share the draws.
    """
    n = len(x)
    random = np.random.default_rng(seed)
    step = max(1, _BLOCK // n)
    blocks = []
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        drawn = random.integers(0, n, size=(count, n)) + n * np.arange(count)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=count * n).reshape(count, n)
        blocks.append(weights.astype(np.float64) @ x / n)
    return np.concatenate(blocks)


def student_interval(values: npt.ArrayLike, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Student-t interval of the mean of a few independent values (seeds), where a bootstrap would be far too
    narrow.

    ``values`` has shape n; values that are not finite are left out. NaN for fewer than two values.
    """
    x = np.asarray(values, np.float64)
    x = x[np.isfinite(x)]
    if len(x) < 2:
        return float("nan"), float("nan")
    half = float(stats.t.ppf((1 + confidence) / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x)))
    return float(x.mean()) - half, float(x.mean()) + half


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
    tested = np.flatnonzero(np.isfinite(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    steps = (
        np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1)) if len(order) else values[order]
    )
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def rank_correlation(frame: pd.DataFrame, kind: str = "kendall") -> pd.DataFrame:
    """Rank correlation between the columns of a frame: ``kendall`` (tau-b, fair to ties) or ``spearman``.

    Each pair of columns uses the rows in which both are finite; NaN with fewer than three such rows or a
    constant column.
    """
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
    methods whose mean ranks differ by less are not told apart at the level of the test (Demšar 2006).
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


def entrant_names(rows: pd.DataFrame) -> pd.Series[str]:
    """How each row's method is called in a comparison: its name, or ``name@run`` where one method stands in
    several runs.
    """
    runs = rows.groupby("method")["run"].transform("nunique")
    plain = rows["method"].astype(str)
    return plain.where(runs <= 1, plain + "@" + rows["run"].astype(str))


def compare(
    rows: pd.DataFrame,
    a: str,
    b: str | Sequence[str] | None = None,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare one method ``a`` with another, or with each of several (``b``; all others if None), score by
    score and pair by pair.

    Methods are named as ``entrant_names`` does (``max``, or ``max@run-2`` where the rows of several runs hold
    ``max``). Scores that exist image by image are paired by image (repeated seeds averaged first); whole-set
    scores are paired by seed. The result has one row for each score and method of ``b`` with the columns of
    ``SCORE_KEY`` and

    ``a``, ``b``, ``unit`` (``image`` or ``seed``), ``n``, ``mean_a``, ``mean_b``, ``difference`` (mean of b −
    a), ``low``, ``high`` (its paired bootstrap interval; Student-t over seeds), ``p`` (Wilcoxon, two-sided),
    ``p_holm`` (adjusted over all tests of one dataset, split, evaluator and convention), ``effect``
    (rank-biserial, positive where b is larger), ``larger``, ``smaller`` (pairs in which b is), ``left_out``
    (pairs with a value missing on one side).

    Raises ``InputError`` naming a method that has no rows or none that can be compared (other datasets or conventions: their numbers
    are different quantities), and for fewer than two methods.
    """
    names = entrant_names(rows) if len(rows) else pd.Series([], dtype=str)
    known = sorted(set(names))
    if b is None:
        b = list(dict.fromkeys(names))
    others = [b] if isinstance(b, str) else [name for name in b if name != a]
    for name in (a, *others):
        if name not in known:
            raise InputError(
                f"no rows of method {name!r} to compare; the rows hold {', '.join(known) or 'no method'}"
            )
    if not others or others == [a]:
        raise InputError(f"a comparison needs two different methods, got only {a!r}")
    chosen = rows.assign(entrant=names)[names.isin([a, *others])]
    for name in others:
        _refuse_strangers(chosen, a, name)
    bootstrap = (confidence, resamples, seed)
    found: list[dict[str, Any]] = []
    for (dataset, split, evaluator), group in chosen.groupby(["dataset", "split", "evaluator"], sort=True):
        place = {"dataset": dataset, "split": split, "evaluator": evaluator}
        by_image = _compare_units(group[group["image"] != ""], "image", a, others, bootstrap)
        by_seed = _compare_units(group[group["image"] == ""], "seed", a, others, bootstrap)
        scored = {(r["convention"], r["metric"], r["class_name"], r["b"]) for r in by_image}
        by_seed = [
            r for r in by_seed if (r["convention"], r["metric"], r["class_name"], r["b"]) not in scored
        ]
        found += [place | r for r in by_image + by_seed]
    columns = [*SCORE_KEY, "a", "b", "unit", "n", "mean_a", "mean_b", "difference", "low", "high"]
    columns += ["p", "p_holm", "effect", "larger", "smaller", "left_out"]
    result = pd.DataFrame(found, columns=[c for c in columns if c != "p_holm"])
    family = result.groupby(["dataset", "split", "evaluator", "convention"], sort=False)["p"]
    result["p_holm"] = (
        family.transform(lambda p: holm(p.to_numpy())) if len(result) else pd.Series(dtype=float)
    )
    return result[columns]


def _refuse_strangers(rows: pd.DataFrame, a: str, b: str) -> None:
    """Raise ``InputError`` if two methods share no dataset, split, evaluator and convention."""
    key = ["dataset", "split", "evaluator", "convention"]
    places = {
        name: list(dict.fromkeys(rows.loc[rows["entrant"] == name, key].itertuples(index=False, name=None)))
        for name in (a, b)
    }
    if a != b and not set(places[a]) & set(places[b]):
        said = [
            f"{name} is scored on {', '.join(' '.join(part for part in place if part) for place in found)}"
            for name, found in places.items()
        ]
        raise InputError(
            f"{a} and {b} can't be compared: {'; '.join(said)}. Numbers of different conventions, datasets or splits are different "
            "quantities; run one of them again with the --convention and --dataset of the other (scoring again doesn't fuse again)"
        )


def _compare_units(
    rows: pd.DataFrame, unit: str, a: str, others: Sequence[str], bootstrap: tuple[float, int, int]
) -> list[dict[str, Any]]:
    """Compare on one dataset, pairing by ``unit`` (the column ``image`` or ``seed``); see ``compare``."""
    if not len(rows):
        return []
    confidence, resamples, seed = bootstrap
    values = rows.assign(value=rows["value"].where(np.isfinite(rows["value"])))
    score = ["convention", "metric", "class_name"]
    order = list(dict.fromkeys(values[score].itertuples(index=False, name=None)))
    wide = values.groupby([unit, "entrant", *score])["value"].mean().unstack(["entrant", *score])
    found: list[dict[str, Any]] = []
    for b in others:
        keys = [key for key in order if (a, *key) in wide.columns and (b, *key) in wide.columns]
        if not keys:
            continue
        first = wide[[(a, *key) for key in keys]].to_numpy(np.float64)
        second = wide[[(b, *key) for key in keys]].to_numpy(np.float64)
        difference = second - first
        if unit == "image":
            low, high = bootstrap_interval(difference, confidence=confidence, resamples=resamples, seed=seed)
        else:
            ends = [student_interval(column, confidence=confidence) for column in difference.T]
            low, high = np.array(ends).reshape(-1, 2).T
        for j, (convention, metric, class_name) in enumerate(keys):
            both = np.isfinite(difference[:, j])
            if not both.any():
                continue
            either = np.isfinite(first[:, j]) | np.isfinite(second[:, j])
            test = paired_wilcoxon(second[:, j], first[:, j])
            found.append(
                {
                    "convention": convention,
                    "metric": metric,
                    "class_name": class_name,
                    "a": a,
                    "b": b,
                    "unit": unit,
                }
                | {"n": test.n, "mean_a": first[both, j].mean(), "mean_b": second[both, j].mean()}
                | {"difference": difference[both, j].mean(), "low": low[j], "high": high[j], "p": test.p}
                | {"effect": test.effect, "larger": test.larger, "smaller": test.smaller}
                | {"left_out": int(either.sum() - both.sum())}
            )
    return found
