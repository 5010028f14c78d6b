"""How much of its score a method keeps when pairs are corrupted: pure functions of rows.

The *relative score* of a method at one severity is its score on corrupted pairs divided by its own score on the same
clean pairs (the other way round where lower is better): 1 means that nothing was lost. As in ImageNet-C (Hendrycks
and Dietterich, ICLR 2019), a corruption counts as the mean over its severities, and a method as the mean over
corruptions. Unlike there, each method is compared with itself, not with one reference network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fusionbench.contracts.rows import SCORE_KEY
from fusionbench.corruptions.spec import by_name

from ..scores.summary import direction_of

if TYPE_CHECKING:
    from fusionbench.contracts.evaluator import MetricSpec

RELATIVE_COLUMNS = [
    *SCORE_KEY,
    "method",
    "corruption",
    "severity",
    "n",
    "clean",
    "corrupted",
    "relative",
]

MEAN_COLUMNS = [*SCORE_KEY, "method", "corruption", "severities", "n", "clean", "corrupted", "relative"]


def relative_scores(
    rows: pd.DataFrame, corrupted: pd.DataFrame, metrics: Mapping[str, MetricSpec]
) -> pd.DataFrame:
    """One line for each score, method, corruption and severity, with ``RELATIVE_COLUMNS``.

    ``rows`` are those of clean pairs, ``corrupted`` those of corrupted ones (``ReportInput.rows`` and
    ``.corrupted``). ``clean`` and ``corrupted`` are means over the images that have a finite value in both (``n`` of
    them), or the scores of whole sets (``n`` is 0). ``relative`` is NaN where a ratio says nothing: the metric has no
    direction, or one of the two isn't positive.
    """
    if not len(rows) or not len(corrupted):
        return pd.DataFrame(columns=RELATIVE_COLUMNS)
    key = [*SCORE_KEY, "method"]
    by_image = _paired(rows, corrupted, [*key, "image"], key, whole=False)
    by_set = _paired(rows, corrupted, key, key, whole=True)
    of_set = pd.MultiIndex.from_frame(by_set[key])
    doubled = pd.MultiIndex.from_frame(by_image[key]).isin(of_set)
    found = pd.concat([f for f in (by_image[~doubled], by_set) if len(f)] or [by_set], ignore_index=True)
    lower = found["metric"].map(lambda m: direction_of(m, metrics) == "lower").to_numpy(bool)
    none = found["metric"].map(lambda m: direction_of(m, metrics) == "none").to_numpy(bool)
    clean, seen = found["clean"].to_numpy(np.float64), found["corrupted"].to_numpy(np.float64)
    found["relative"] = np.where(none, np.nan, ratio(clean, seen, lower))
    return _in_order(found)[RELATIVE_COLUMNS]


def ratio(clean: np.ndarray, corrupted: np.ndarray, lower: np.ndarray | bool) -> np.ndarray:
    """Corrupted ÷ clean, or clean ÷ corrupted where ``lower`` is better; NaN unless the divisor is positive and the
    other one isn't negative."""
    above, below = np.where(lower, clean, corrupted), np.where(lower, corrupted, clean)
    sound = (below > 0) & (above >= 0)
    return np.where(sound, above / np.where(sound, below, 1), np.nan)


def over_severities(scores: pd.DataFrame) -> pd.DataFrame:
    """The mean over severities of each corruption, with ``MEAN_COLUMNS``: what a heat map shows.

    ``scores`` are those of ``relative_scores``; ``severities`` lists what the mean is over ("1, 3, 5"). A mean over
    severities of which one has no relative score is NaN.
    """
    if not len(scores):
        return pd.DataFrame(columns=MEAN_COLUMNS)
    key = [*SCORE_KEY, "method", "corruption"]
    grouped = scores.groupby(key, sort=False)
    found = grouped.agg(
        severities=("severity", lambda s: ", ".join(map(str, sorted(s)))),
        n=("n", "min"),
        clean=("clean", "mean"),
        corrupted=("corrupted", "mean"),
        relative=("relative", lambda r: float(np.mean(r.to_numpy(np.float64)))),
    ).reset_index()
    return found[MEAN_COLUMNS]


def corruption_order(names: list[str]) -> list[str]:
    """Names of corruptions in the order of their specs; unknown ones last."""
    known = list(by_name())
    return sorted(dict.fromkeys(names), key=lambda n: (known.index(n) if n in known else len(known), n))


def _paired(
    rows: pd.DataFrame, corrupted: pd.DataFrame, unit: list[str], key: list[str], *, whole: bool
) -> pd.DataFrame:
    """Means over the units (images, or whole sets) that both sides have; seeds are averaged first."""
    level = ["corruption", "severity"]
    sides = [
        frame[(frame["image"] == "") == whole].assign(
            value=lambda f: f["value"].where(np.isfinite(f["value"]))
        )
        for frame in (rows, corrupted)
    ]
    clean = sides[0].groupby(unit, sort=False)["value"].mean().rename("clean").reset_index()
    seen = sides[1].groupby([*unit, *level], sort=False)["value"].mean().rename("corrupted").reset_index()
    both = seen.merge(clean, on=unit).dropna(subset=["clean", "corrupted"])
    grouped = both.groupby([*key, *level], sort=False)
    found = grouped[["clean", "corrupted"]].mean()
    found["n"] = 0 if whole else grouped.size()
    return found.reset_index()


def _in_order(found: pd.DataFrame) -> pd.DataFrame:
    rank = {name: i for i, name in enumerate(corruption_order(list(found["corruption"])))}
    first = {key: i for i, key in enumerate(dict.fromkeys(_keys(found)))}
    return (
        found.assign(_score=[first[k] for k in _keys(found)], _corruption=found["corruption"].map(rank))
        .sort_values(["_score", "_corruption", "severity"], kind="stable")
        .reset_index(drop=True)
    )


def _keys(found: pd.DataFrame) -> list[tuple[object, ...]]:
    return list(found[[*SCORE_KEY, "method"]].itertuples(index=False, name=None))
