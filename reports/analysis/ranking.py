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
from matplotlib.transforms import ScaledTranslation

from fusionbench.errors import InputError
from fusionbench.files.atomic import write_atomic
from fusionbench.files.csv_text import csv_text
from fusionbench.statistics.comparison import entrant_names
from fusionbench.statistics.ranks import Friedman, friedman

from ..figures.drawing import FONT, method_colours, new_figure, pages, save
from ..scores.frames import tables_of
from ..scores.labels import (
    ARROWS,
    COMPETING_REFERENCES,
    REFERENCE_METHODS,
    entrant_title,
    ordered_entrants,
    slug,
)
from ..scores.summary import direction_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fusionbench.contracts.report import ReportInput, ReportSpec

PANELS = 8
"""Metrics a page."""

CD_HEIGHT = 20
"""Where the rule of the critical difference stands, in points above a panel's axis: over the numbers of the
ranks.
"""

Ranked = tuple[str, pd.DataFrame, Friedman]
"""A metric, its values (images × entrants, complete), and its ranks."""


@dataclass(frozen=True)
class RankingReport:
    """Built by the spec's factory; see ``fusionbench.contracts.report.Report``."""

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
        for key, group in tables_of(rows):
            ranked = list(_ranked(data, group))
            if not ranked:
                continue
            name = slug(f"ranking-{'-'.join(key)}")
            path = folder / f"{name}.csv"
            write_atomic(path, csv_text(ranking_table(ranked)).encode())
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
    figure = new_figure(4.6 * across, 0.4 + down * (1.2 + 0.13 * len(entrants)))
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes, (metric, wide, result) in zip(panels, ranked, strict=False):
        different = scikit_posthocs.posthoc_nemenyi_friedman(wide.rename(columns=titles))
        scikit_posthocs.critical_difference_diagram(
            result.ranks.rename(titles),
            different,
            ax=axes,
            color_palette=colours,
            label_props={"fontsize": FONT - 1},
            text_h_margin=0.02,
            label_fmt_left="{label} ({rank:.2f})  ",
            label_fmt_right="  ({rank:.2f}) {label}",
        )
        axes.set_xlim(0.8, len(result.ranks) + 0.2)  # the same ranks in every panel
        axes.set_xticks(range(1, len(result.ranks) + 1))
        axes.tick_params(labelsize=FONT - 1)
        _critical_difference(axes, result)
        p = "< 0.001" if result.p < 0.001 else f"= {result.p:.3f}"
        axes.set_title(
            f"{metric} {ARROWS[direction_of(metric, data.metrics)]}: Friedman p {p}, n = {result.n} images",
            fontsize=FONT,
            pad=CD_HEIGHT + 9,
        )
    for axes in panels[len(ranked) :]:
        axes.set_visible(False)
    dataset, split, evaluator, convention = key
    title = data.datasets[dataset].title if dataset in data.datasets else dataset
    figure.suptitle(
        f"{title} ({split}), {evaluator}, convention {convention}: mean rank over the images (1 is best); "
        "a bar joins methods that Nemenyi's test does not tell apart (5 %)",
        fontsize=FONT,
    )
    return figure


def _critical_difference(axes: Axes, result: Friedman) -> None:
    """A rule above the ranks, as long as the difference that tells two methods apart (cut off where no two
    can be).
    """
    end, last = 1 + result.critical_difference, len(result.ranks)
    figure = axes.get_figure(root=True)
    assert figure is not None
    above = axes.get_xaxis_transform() + ScaledTranslation(0, CD_HEIGHT / 72, figure.dpi_scale_trans)
    (rule,) = axes.plot(
        [1, min(end, last)],
        [1, 1],
        color="0.4",
        lw=1.2,
        marker="|",
        markersize=4,
        transform=above,
        clip_on=False,
    )
    rule.set_in_layout(False)
    said = f"critical difference {result.critical_difference:.2f}" + (
        " (too few images)" if end > last else ""
    )
    axes.annotate(
        said,
        (min(end, last), 1),
        (5, CD_HEIGHT),
        xycoords=axes.get_xaxis_transform(),
        textcoords="offset points",
        va="center",
        fontsize=FONT - 1,
        color="0.4",
        annotation_clip=False,
    ).set_in_layout(False)
