"""How far scores agree on what is better: rank correlations between metrics and between conventions. Pure
functions on rows.

Signs follow the metrics' directions: +1 always means that two scores agree on which image or method is the
better one.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fusionbench.statistics.ranks import rank_correlation

from ..scores.labels import COMPETING_REFERENCES, COSTS, REFERENCE_METHODS
from ..scores.summary import direction_of, refuse_mixture, summary

if TYPE_CHECKING:
    from fusionbench.contracts.evaluator import MetricSpec

MIN_METHODS = 4
"""Fewer methods can't show a rank correlation: of three, one order in three agrees by chance."""

CONVENTION_COLUMNS = [
    "dataset",
    "split",
    "evaluator",
    "metric",
    "convention_a",
    "convention_b",
    "tau_methods",
    "n_methods",
    "rho_images",
    "best_a",
    "best_b",
    "same_best",
]


def directed(rows: pd.DataFrame, metrics: Mapping[str, MetricSpec]) -> pd.DataFrame:
    """Rows of metrics with a direction, finite, signed so that larger is better; without costs, and without
    the single sensors except in tasks.
    """
    signs = rows["metric"].map(
        {
            m: {"higher": 1.0, "lower": -1.0}.get(direction_of(m, metrics), 0.0)
            for m in rows["metric"].unique()
        }
    )
    sensors = rows["method"].isin(REFERENCE_METHODS) & ~rows["evaluator"].isin(COMPETING_REFERENCES)
    kept = (signs != 0) & np.isfinite(rows["value"]) & (rows["evaluator"] != COSTS) & ~sensors
    directed: pd.DataFrame = rows.assign(value=rows["value"] * signs)[kept]
    return directed


def over_images(rows: pd.DataFrame, columns: str | list[str]) -> pd.DataFrame:
    """Spearman's correlation between ``columns`` over the images of each method, then the mean over methods.

    Ranking within a method asks: do two metrics find the same images well fused? ``rows`` are directed, of
    one dataset, split and evaluator. Raises ``InputError`` where ``columns`` would mix conventions.
    """
    _check_columns(rows, columns)
    own = rows[(rows["image"] != "") & (rows["class_name"] == "")]
    matrices = []
    for _, part in own.groupby("method", sort=False):
        wide = part.groupby(["image", columns] if isinstance(columns, str) else ["image", *columns])[
            "value"
        ].mean()
        matrices.append(rank_correlation(wide.unstack(columns), "spearman"))
    if not matrices:
        return pd.DataFrame()
    names = list(
        dict.fromkeys(
            own[columns] if isinstance(columns, str) else own[columns].itertuples(index=False, name=None)
        )
    )
    stacked = np.stack([m.reindex(index=names, columns=names).to_numpy() for m in matrices])
    counted = np.isfinite(stacked).sum(axis=0)
    mean = np.where(counted > 0, np.nansum(stacked, axis=0) / np.maximum(counted, 1), np.nan)
    return pd.DataFrame(mean, index=names, columns=names)


def _check_columns(rows: pd.DataFrame, columns: str | list[str]) -> None:
    if "convention" not in ([columns] if isinstance(columns, str) else columns):
        refuse_mixture(rows)


def over_methods(rows: pd.DataFrame, columns: str) -> pd.DataFrame:
    """Kendall's tau between ``columns`` over the methods' means; empty for fewer than ``MIN_METHODS``
    methods. Raises ``InputError`` where ``columns`` would mix conventions.
    """
    _check_columns(rows, columns)
    lines = summary(rows)
    lines = lines[lines["class_name"] == ""]
    if lines["entrant"].nunique() < MIN_METHODS:
        return pd.DataFrame()
    wide = lines.groupby(["entrant", columns], sort=False)["mean"].first().unstack(columns)
    return rank_correlation(wide[list(dict.fromkeys(lines[columns]))], "kendall")


def between_conventions(rows: pd.DataFrame) -> pd.DataFrame:
    """For each metric and two conventions of it: do they order the methods alike, and do they crown the same
    one? ``rows`` are directed.
    """
    found = []
    for (dataset, split, evaluator), place in rows[rows["evaluator"] == "quality"].groupby(
        ["dataset", "split", "evaluator"], sort=False
    ):
        for metric, own in place.groupby("metric", sort=False):
            conventions = list(dict.fromkeys(own["convention"]))
            if len(conventions) < 2:
                continue
            means = own.groupby(["method", "convention"])["value"].mean().unstack("convention")
            tau = rank_correlation(means, "kendall") if len(means) >= MIN_METHODS else None
            rho = over_images(own, "convention")
            for a, b in combinations(conventions, 2):
                both = means[[a, b]].dropna()
                best = (both[a].idxmax(), both[b].idxmax()) if len(both) > 1 else ("", "")
                methods = tau.loc[a, b] if tau is not None else np.nan
                images = rho.loc[a, b] if a in rho.index and b in rho.index else np.nan
                scope = (dataset, split, evaluator, metric, a, b)
                values = (*scope, methods, len(both), images, *best, best[0] == best[1])
                found.append(dict(zip(CONVENTION_COLUMNS, values, strict=True)))
    return pd.DataFrame(found, columns=CONVENTION_COLUMNS)
