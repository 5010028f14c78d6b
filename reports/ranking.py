"""Which methods can be told apart at all: Friedman's test and Nemenyi critical-difference diagrams (Demšar
2006).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import scikit_posthocs

from fusionbench.errors import InputError
from fusionbench.images import write_atomic
from fusionbench.statistics import Friedman, entrant_names, friedman

from .figures import FONT, method_colours, new_figure, pages, save
from .layout import COMPETING_REFERENCES, REFERENCE_METHODS, entrant_title, ordered_entrants, slug
from .summary import TABLE_KEY, direction_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fusionbench.contracts import ReportInput, ReportSpec

PANELS = 8
"""Metrics a page."""

Ranked = tuple[str, pd.DataFrame, Friedman]
"""A metric, its values (images × entrants, complete), and its ranks."""


@dataclass(frozen=True)
class RankingReport:
    """Built by the spec's factory; see ``fusionbench.contracts.Report``."""

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write ``ranking-<dataset>-<split>-<evaluator>-<convention>.{csv,png,pdf}`` where three methods or
        more are scored image by image.

        Every image is a block; images on which a method has no value are left out. Only metrics with a
        direction are ranked. Single sensors take part in tasks only (they are what quality metrics compare
        with).
        """
        rows = data.rows[(data.rows["image"] != "") & (data.rows["class_name"] == "")]
        competing = ~rows["method"].isin(REFERENCE_METHODS) | rows["evaluator"].isin(COMPETING_REFERENCES)
        rows = rows[competing]
        if not len(rows):
            return []
        rows = rows.assign(entrant=entrant_names(rows))
        files: list[Path] = []
        for key, group in rows.groupby(TABLE_KEY, sort=False):
            ranked = list(_ranked(data, group))
            if not ranked:
                continue
            name = slug(f"ranking-{'-'.join(key)}")
            path = folder / f"{name}.csv"
            write_atomic(path, ranking_table(ranked).to_csv(index=False, lineterminator="\n").encode())
            files.append(path)
            for suffix, part in pages(ranked, PANELS):
                files += save(_figure(data, key, group, part), folder, name + suffix)
        return files


def build(spec: ReportSpec) -> RankingReport:
    """The factory of ``spec.py``."""
    return RankingReport(spec)


def _ranked(data: ReportInput, rows: pd.DataFrame) -> Iterable[Ranked]:
    for metric, own in rows.groupby("metric", sort=False):
        direction = direction_of(str(metric), data.metrics)
        if direction == "none":
            continue
        wide = own.groupby(["image", "entrant"])["value"].mean().unstack("entrant")
        wide = wide.replace([math.inf, -math.inf], math.nan).dropna()
        try:
            yield str(metric), wide, friedman(wide, larger_is_better=direction == "higher")
        except InputError:
            continue


def ranking_table(ranked: Iterable[Ranked]) -> pd.DataFrame:
    """One line a metric and method: mean rank (1 is best), the test's statistic, p, number of images,
    critical difference.
    """
    return pd.DataFrame(
        [
            {
                "metric": metric,
                "entrant": entrant,
                "mean_rank": rank,
                "friedman": r.statistic,
                "p": r.p,
                "n": r.n,
            }
            | {"critical_difference": r.critical_difference}
            for metric, _, r in ranked
            for entrant, rank in r.ranks.items()
        ]
    )


def _figure(data: ReportInput, key: tuple[Any, ...], rows: pd.DataFrame, ranked: Any) -> Figure:
    entrants = ordered_entrants(rows, data.methods)
    titles = {entrant: entrant_title(entrant, method, data.methods) for entrant, method in entrants}
    colours = {titles[e]: c for e, c in method_colours([e for e, _ in entrants]).items()}
    across = min(2, len(ranked))
    down = math.ceil(len(ranked) / across)
    figure = new_figure(4.6 * across, 0.4 + down * (0.9 + 0.13 * len(entrants)))
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes, (metric, wide, result) in zip(panels, ranked, strict=False):
        different = scikit_posthocs.posthoc_nemenyi_friedman(wide.rename(columns=titles))
        scikit_posthocs.critical_difference_diagram(
            result.ranks.rename(titles), different, ax=axes, color_palette=colours,
            label_props={"fontsize": FONT - 1}, text_h_margin=0.02, label_fmt_left="{label} ({rank:.2f})  ",
            label_fmt_right="  ({rank:.2f}) {label}",
        )  # fmt: skip
        axes.tick_params(labelsize=FONT - 1)
        p = "< 0.001" if result.p < 0.001 else f"= {result.p:.3f}"
        axes.set_title(
            f"{metric}: Friedman p {p}, n = {result.n}, critical difference {result.critical_difference:.2f}",
            fontsize=FONT, pad=12,
        )  # fmt: skip
    for axes in panels[len(ranked) :]:
        axes.set_visible(False)
    dataset, split, evaluator, convention = key
    title = data.datasets[dataset].title if dataset in data.datasets else dataset
    figure.suptitle(
        f"{title} ({split}), {evaluator}, {convention}: mean ranks; a bar joins methods that Nemenyi's test "
        "does not tell apart (5 %)",
        fontsize=FONT,
    )
    return figure
