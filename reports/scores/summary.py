"""From rows to one number a method and score, with its spread: what every report starts from.

A *score* is a metric (and class) of one dataset, split, evaluator and convention. Rows of different
conventions, protocols, datasets or splits are never joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import pandas as pd

from fusionbench.errors import InputError
from fusionbench.files.csv_text import csv_text
from fusionbench.statistics.comparison import entrant_names
from fusionbench.statistics.intervals import bootstrap_interval, student_interval

from .frames import TABLE_KEY, tables_of

if TYPE_CHECKING:
    from fusionbench.contracts.evaluator import MetricSpec


SUMMARY_COLUMNS = [
    *TABLE_KEY,
    "entrant",
    "method",
    "run",
    "metric",
    "class_name",
    "unit",
    "n",
    "mean",
    "median",
    "std",
    "low",
    "high",
    "n_excluded",
    "excluded",
]


class Exclusion(NamedTuple):
    """A value that a mean leaves out: its image (or ``seed N``), and why."""

    name: str
    reason: str


def refuse_mixture(rows: pd.DataFrame) -> None:
    """Raise ``InputError`` if rows that are about to share a column are of several datasets, splits,
    evaluators or conventions.
    """
    for column in TABLE_KEY:
        found = list(dict.fromkeys(rows[column]))
        if len(found) > 1:
            raise InputError(
                f"numbers of several {column}s ({', '.join(found)}) can't share a column: they are different "
                f"quantities; make one table for each {column}"
            )


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Summarise rows: one line for each method (of each run) and score, in the order of the rows.

    ``entrant`` is the method's name, with ``@run`` where one method stands in several runs. Where a score has
    a whole-set value (``image`` empty: mIoU, latency), that is the score: ``unit`` is ``seed``, ``n`` the
    number of seeds, the interval Student's t over them. Else ``unit`` is ``image``: seeds are averaged image
    by image, ``n`` counts the images, and ``low``, ``high`` are the 95 % BCa bootstrap interval of the mean
    over images (fixed seed). ``std`` is the sample standard deviation; spreads of a single value are NaN.
    Values that are not finite are left out; ``excluded`` is a tuple of an ``Exclusion`` for each of them.
    """
    if not len(rows):
        return pd.DataFrame(columns=SUMMARY_COLUMNS)
    marked = rows.assign(entrant=entrant_names(rows))
    key = [*TABLE_KEY, "entrant", "metric", "class_name"]
    whole = (marked["image"] == "").to_numpy()
    score = marked.groupby(key, sort=False).ngroup().to_numpy()
    has_whole = np.isin(score, score[whole])
    kept = marked[whole | ~has_whole]
    kept = kept.assign(unit=np.where(kept["image"] == "", "seed", "image"))
    found = kept.groupby([*key, "unit"], sort=False)[["method", "run"]].first().reset_index()
    found = found.merge(_moments(kept, key), on=key, how="left")
    excluded = _exclusions(kept, key)
    if len(excluded):
        found = found.merge(excluded, on=key, how="left")
        found["n_excluded"] = found["n_excluded"].fillna(0).astype(int)
        found["excluded"] = [e if isinstance(e, tuple) else () for e in found["excluded"]]
    else:
        found = found.assign(n_excluded=0, excluded=pd.Series([()] * len(found), found.index, dtype=object))
    return found[SUMMARY_COLUMNS]


def _moments(kept: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """``n``, mean, median, standard deviation and interval by score; units (images or seeds) as the
    observations.
    """
    finite = kept.assign(value=kept["value"].where(np.isfinite(kept["value"])))
    parts = []
    for (_, unit), group in finite.groupby(["dataset", "unit"], sort=False):
        observation = "image" if unit == "image" else "seed"
        wide = group.groupby([observation, *key])["value"].mean().unstack(key)
        values = wide.to_numpy(np.float64)
        if unit == "image":
            low, high = bootstrap_interval(values)
        else:
            low, high = np.array([student_interval(column) for column in values.T]).T
        part = wide.columns.to_frame(index=False)
        part["n"] = np.isfinite(values).sum(axis=0)
        part["mean"], part["median"] = wide.mean().to_numpy(), wide.median().to_numpy()
        part["std"], part["low"], part["high"] = wide.std(ddof=1).to_numpy(), low, high
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _exclusions(kept: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """How many values were left out, and each one's image (or seed) and reason."""
    bad = kept[~np.isfinite(kept["value"])]
    where = bad["image"].where(bad["image"] != "", "seed " + bad["seed"].astype(str))
    fallback = np.where(np.isnan(bad["value"]), "no reason given", "infinite")
    reason = bad["reason"].where(bad["reason"].fillna("") != "", pd.Series(fallback, bad.index))
    records = [Exclusion(*pair) for pair in zip(where, reason, strict=True)]
    grouped = bad.assign(record=records).groupby(key, sort=False)["record"]
    joined = grouped.agg(lambda found: tuple(dict.fromkeys(found)))
    return pd.DataFrame({"n_excluded": joined.map(len), "excluded": joined}).reset_index()


def summary_csv(lines: pd.DataFrame) -> str:
    """A summary as CSV. What was left out stands in one cell: ``00123D: constant image; …``."""
    said = lines["excluded"].map(lambda found: "; ".join(f"{e.name}: {e.reason}" for e in found))
    return csv_text(lines.assign(excluded=said))


def direction_of(metric: str, metrics: Mapping[str, MetricSpec]) -> str:
    """``higher``, ``lower`` or ``none``; ``none`` for a metric that no spec describes, so that nothing is
    marked by a guess.
    """
    return metrics[metric].direction if metric in metrics else "none"


def leaderboard(
    rows: pd.DataFrame, metrics: Mapping[str, MetricSpec], *, leave_out: frozenset[str] = frozenset()
) -> pd.DataFrame:
    """Methods ordered by their mean rank over the metrics of each table (``TABLE_KEY``), best first.

    Ranks go by each score's mean in its metric's direction (metrics without one don't count; class scores
    count only where the table has no score over all classes); equal means share the mean of their ranks. A
    method that does not have a score is ranked last in it. ``leave_out`` names methods that don't compete. Columns:
    ``TABLE_KEY``, ``entrant``, ``mean_rank``, ``firsts`` (scores in which it is best), ``n_scores``.
    """
    lines = summary(rows)
    lines = lines[~lines["method"].isin(leave_out)]
    parts = []
    for key, table in tables_of(lines):
        overall = table[table["class_name"] == ""]
        wide = (overall if len(overall) else table).pivot(
            index="entrant", columns=["metric", "class_name"], values="mean"
        )
        wide = wide.reindex(list(dict.fromkeys(table["entrant"])))
        signs = [
            {"higher": -1.0, "lower": 1.0}.get(direction_of(metric, metrics), 0.0)
            for metric, _ in cast("Iterable[tuple[str, str]]", wide.columns)
        ]
        directed = wide.loc[:, [s != 0 for s in signs]] * [s for s in signs if s != 0]
        if directed.shape[1] == 0:
            continue
        ranks = directed.rank(axis=0, method="average", na_option="bottom")
        best = directed.eq(directed.min(axis=0), axis=1).sum(axis=1)
        part = pd.DataFrame(
            {"mean_rank": ranks.mean(axis=1), "firsts": best, "n_scores": directed.notna().sum(axis=1)}
        )
        part = part.sort_values("mean_rank", kind="stable").rename_axis("entrant").reset_index()
        parts.append(part.assign(**dict(zip(TABLE_KEY, key, strict=True))))
    columns = [*TABLE_KEY, "entrant", "mean_rank", "firsts", "n_scores"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
