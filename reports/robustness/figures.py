"""The figures of robustness: heat maps (method × corruption), curves over severity, pictures of what methods saw."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import TwoSlopeNorm

from fusionbench.contracts.rows import SCORE_KEY
from fusionbench.corruptions.spec import by_name

from ..figures.drawing import FONT, method_colours, new_figure, pages, save
from ..scores.frames import groups_of
from ..scores.labels import ARROWS, REFERENCE_METHODS, slug
from ..scores.summary import direction_of
from .pictures import picture_pages
from .relative import corruption_order
from .tables import percent, robustness_of, shown_scores, titles_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fusionbench.contracts.report import ReportInput, ReportSpec

LOWEST, HIGHEST = 0.4, 1.6
"""Relative scores at the ends of the colours; 1 (nothing lost) is the middle."""
PANELS = 20


@dataclass(frozen=True)
class RobustnessFigures:
    """Built by the spec's factory; see ``fusionbench.contracts.report.Report``."""

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write ``robustness-heatmap-<…>``, ``robustness-curves-<…>`` for each score, and
        ``robustness-pictures-<…>`` (png and pdf); nothing for a run without corrupted pairs."""
        if not len(data.corrupted):
            return []
        found = robustness_of(data)
        files: list[Path] = []
        means, ranking = shown_scores(found.means), shown_scores(found.ranking)
        scores = found.scores[found.scores["class_name"] == ""]
        for score, own in groups_of(means, SCORE_KEY):
            place = slug("-".join(score[:5]))
            line = ranking[(ranking[SCORE_KEY] == list(score)).all(axis=1)]
            order = _order(list(dict.fromkeys(own["method"])), line)
            titles = titles_of(data, order)
            files += save(
                heat_map(own, line, titles, _said(score, data)), folder, f"robustness-heatmap-{place}"
            )
            levels = scores[(scores[SCORE_KEY] == list(score)).all(axis=1)]
            names = [n for n in corruption_order(list(levels["corruption"])) if _levels(levels, n) > 1]
            for suffix, part in pages(names, PANELS):
                figure = curves(levels, part, titles, _said(score, data))
                files += save(figure, folder, f"robustness-curves-{place}{suffix}")
        for name, figure in picture_pages(data):
            files += save(figure, folder, name)
        return files


def build(spec: ReportSpec) -> RobustnessFigures:
    """The factory of ``spec.py``."""
    return RobustnessFigures(spec)


def heat_map(means: pd.DataFrame, ranking: pd.DataFrame, titles: Mapping[str, str], title: str) -> Figure:
    """Methods (``titles``, in that order) × corruptions, in percent of the clean score; at the right the mean."""
    wide = means.pivot(index="method", columns="corruption", values="relative")
    names = corruption_order(list(wide.columns))
    values = wide.reindex(index=list(titles), columns=names).to_numpy(np.float64)
    mean = ranking.set_index("method")["relative"].reindex(list(titles)).to_numpy(np.float64)
    shown = np.concatenate([values, mean[:, None]], axis=1)
    figure = new_figure(2.2 + 0.42 * shown.shape[1], 1.9 + 0.26 * shown.shape[0])
    axes = figure.add_subplot()
    colours = colormaps["RdYlBu"].with_extremes(bad="0.9")
    norm = TwoSlopeNorm(1.0, LOWEST, HIGHEST)
    image = axes.imshow(shown, cmap=colours, norm=norm, aspect="auto")
    for (row, column), value in np.ndenumerate(shown):
        dark = abs(norm(np.clip(value, LOWEST, HIGHEST)) - 0.5) > 0.35 if not math.isnan(value) else False
        axes.text(
            column,
            row,
            percent(value),
            ha="center",
            va="center",
            fontsize=FONT - 1,
            color="w" if dark else "k",
        )
    axes.set_xticks(range(shown.shape[1]), [*names, "mean"], rotation=45, ha="right", fontsize=FONT)
    axes.set_yticks(range(shown.shape[0]), list(titles.values()), fontsize=FONT)
    _mark_kinds(axes, names)
    axes.set_title(_wrapped(title, figure.get_figwidth()), fontsize=FONT + 1, pad=16)
    bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.02, extend="both")
    bar.set_ticks([LOWEST, 0.7, 1.0, 1.3, HIGHEST], labels=["40 %", "70 %", "100 %", "130 %", "160 %"])
    bar.ax.tick_params(labelsize=FONT - 1)
    bar.set_label("score kept", fontsize=FONT)
    return figure


def curves(scores: pd.DataFrame, names: Sequence[str], titles: Mapping[str, str], title: str) -> Figure:
    """A panel for each corruption: the score against severity (0: clean), one line per method."""
    across = min(5, len(names))
    down = math.ceil(len(names) / across)
    figure = new_figure(2.1 * across + 0.4, 1.7 * down + 0.9)
    panels = figure.subplots(down, across, squeeze=False, sharey=True)
    colours = method_colours(list(titles))
    for axes in panels.ravel()[len(names) :]:
        axes.set_axis_off()
    for axes, name in zip(panels.ravel(), names, strict=False):
        for method, label in titles.items():
            own = scores[(scores["method"] == method) & (scores["corruption"] == name)].sort_values(
                "severity"
            )
            if len(own):
                x, y = [0, *own["severity"]], [own["clean"].iloc[0], *own["corrupted"]]
                axes.plot(x, y, marker=".", lw=1, ms=4, color=colours[method], label=label)
        axes.set_title(name, fontsize=FONT)
        axes.set_xticks(range(6), ["clean", *map(str, range(1, 6))], fontsize=FONT - 1)
        axes.tick_params(axis="y", labelsize=FONT - 1)
        axes.grid(alpha=0.3)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=min(6, len(labels)),
        fontsize=FONT - 1,
        frameon=False,
    )
    figure.suptitle(_wrapped(f"{title}, by severity", figure.get_figwidth()), fontsize=FONT + 1)
    return figure


def _wrapped(title: str, inches: float) -> str:
    """A title in lines that fit into a figure of this width, with room for labels at its left."""
    return textwrap.fill(title, max(20, int(9 * inches)), break_on_hyphens=False)


def _mark_kinds(axes: Axes, names: Sequence[str]) -> None:
    """A line between corruptions of one kind and the next, and the kinds' names above."""
    known = by_name()
    kinds = [known[n].changes if n in known else "" for n in names]
    start = 0
    for place in range(1, len(kinds) + 1):
        if place == len(kinds) or kinds[place] != kinds[start]:
            axes.axvline(place - 0.5, color="k", lw=1)
            axes.annotate(
                kinds[start],
                ((start + place - 1) / 2, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=FONT - 1,
                style="italic",
            )
            start = place


def _order(methods: list[str], ranking: pd.DataFrame) -> list[str]:
    """The single sensors first, then the most robust first, then those without a place."""
    placed = list(ranking["method"])
    sensors = [m for m in REFERENCE_METHODS if m in methods]
    rest = [m for m in methods if m not in placed and m not in sensors]
    return [*sensors, *placed, *rest]


def _levels(scores: pd.DataFrame, name: str) -> int:
    return int(scores.loc[scores["corruption"] == name, "severity"].nunique())


def _said(score: Sequence[str], data: ReportInput) -> str:
    dataset, split, _, convention, metric, _ = score
    title = data.datasets[dataset].title.removesuffix(" (clean)") if dataset in data.datasets else dataset
    return f"{metric} {ARROWS[direction_of(metric, data.metrics)]} under corruptions, {title} ({split}), {convention}"
