"""Box plots: how each metric is spread over the images, method by method."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fusionbench.statistics.comparison import entrant_names

from ..scores.frames import tables_of
from ..scores.labels import ARROWS, entrant_title, fewer_images, ordered_entrants, slug
from ..scores.summary import direction_of
from ..tables.notes import commit_of
from .drawing import FONT, method_colours, new_figure, pages, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fusionbench.contracts.report import ReportInput, ReportSpec

PANELS = 9
"""Metrics a page."""
METHODS = 40
"""Methods a page."""


@dataclass(frozen=True)
class BoxPlotReport:
    """Built by the spec's factory; see ``fusionbench.contracts.report.Report``."""

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write ``boxplots-<dataset>-<split>-<evaluator>-<convention>.{png,pdf}``, nine metrics and
        ``METHODS`` methods a page; box
        from the first to the third quartile, whiskers to the last value within 1.5 of its length, line at the
        median, diamond at the mean.
        """
        rows = data.rows[(data.rows["image"] != "") & np.isfinite(data.rows["value"])]
        if not len(rows):
            return []
        rows = rows.assign(entrant=entrant_names(rows))
        files: list[Path] = []
        for key, group in tables_of(rows):
            scores = list(dict.fromkeys(group[["metric", "class_name"]].itertuples(index=False, name=None)))
            rank = {name: i for i, name in enumerate(data.metrics)}
            scores.sort(key=lambda score: rank.get(score[0], len(rank)))
            entrants = [entrant for entrant, _ in ordered_entrants(group, data.methods)]
            for some_suffix, some in pages(entrants, METHODS):
                own = group[group["entrant"].isin(some)]
                for suffix, part in pages(scores, PANELS):
                    figure = _page(data, key, own, part, group["image"].nunique())
                    files += save(figure, folder, slug(f"boxplots-{'-'.join(key)}") + some_suffix + suffix)
        return files


def build(spec: ReportSpec) -> BoxPlotReport:
    """The factory of ``spec.py``."""
    return BoxPlotReport(spec)


def _page(data: ReportInput, key: tuple[Any, ...], rows: pd.DataFrame, scores: Any, count: int) -> Any:
    entrants = [entrant for entrant, _ in ordered_entrants(rows, data.methods)]
    method = dict(rows[["entrant", "method"]].itertuples(index=False, name=None))
    counts = rows.groupby("entrant")["image"].nunique()
    titles = {
        entrant: entrant_title(entrant, method[entrant], data.methods) + fewer_images(counts[entrant], count)
        for entrant in entrants
    }
    colours = method_colours(entrants)
    across = min(3, len(scores))
    down = math.ceil(len(scores) / across)
    figure = new_figure(1.2 + 2.6 * across, 0.6 + down * (0.5 + 0.2 * len(entrants)))
    panels = np.atleast_1d(figure.subplots(down, across, sharey=True)).ravel()
    for axes, (metric, class_name) in zip(panels, scores, strict=False):
        own = rows[(rows["metric"] == metric) & (rows["class_name"] == class_name)]
        values = own.groupby(["entrant", "image"])["value"].mean()
        series = [
            values[e].to_numpy() if e in values.index.get_level_values(0) else np.empty(0) for e in entrants
        ]
        _boxes(axes, series, [colours[e] for e in entrants], [titles[e] for e in entrants])
        arrow = ARROWS[direction_of(metric, data.metrics)]
        axes.set_title(" ".join(t for t in (metric, class_name, arrow) if t), fontsize=FONT + 1)
    for axes in panels[len(scores) :]:
        axes.set_visible(False)
    dataset, split, evaluator, convention = key
    word = "convention" if evaluator == "quality" else "protocol"
    commit = commit_of(data.run)
    title = data.datasets[dataset].title if dataset in data.datasets else dataset
    text = f"{title} ({split}, n = {count}), {evaluator}, {word} {convention} (◇ mean)"
    figure.suptitle(text + (f", commit {commit}" if commit else ""), fontsize=FONT + 1)
    return figure


def _boxes(axes: Axes, series: list[Any], colours: list[Any], names: list[str]) -> None:
    drawn = axes.boxplot(
        series,
        orientation="horizontal",
        manage_ticks=False,  # the panels share their labels, which would be drawn once for each panel
        showmeans=True,
        patch_artist=True,
        widths=0.65,
        medianprops={"color": "black", "lw": 1},
        meanprops={"marker": "D", "markerfacecolor": "white", "markeredgecolor": "black", "markersize": 3},
        flierprops={"marker": ".", "markersize": 2, "markeredgecolor": "0.4"},
        whiskerprops={"lw": 0.8},
        capprops={"lw": 0.8},
    )
    for box, colour in zip(drawn["boxes"], colours, strict=True):
        box.set(facecolor=(*colour[:3], 0.6), linewidth=0.8)
    axes.set_yticks(range(1, len(names) + 1), names)
    axes.tick_params(labelsize=FONT - 1)
    axes.grid(axis="x", lw=0.3)
    if not axes.yaxis_inverted():  # shared between panels: inverting twice would undo it
        axes.invert_yaxis()
