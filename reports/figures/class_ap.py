"""Detection class by class, one point a method (the paper's Fig.

11): which methods find people, which find cars?
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from fusionbench.files.atomic import write_atomic
from fusionbench.files.csv_text import csv_text

from ..scores.details import Detail, by_table, details_of
from ..scores.frames import lines_of, tables_of
from ..scores.labels import REFERENCE_METHODS, entrant_title, format_value, ordered_entrants, slug
from ..scores.summary import summary
from ..tables.latex import latex_grid
from ..tables.notes import caption
from ..tables.result_table import mark_best
from .drawing import FONT, label_points, new_figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fusionbench.contracts.report import ReportInput, ReportSpec

METRIC = "mAP"
ALL = "all classes"
NARROWEST = 0.05
"""The least range of AP that a panel shows."""
COLOURS = {"best": "red", "second": "blue", "": "0.25"}
"""As in the paper: red the best, blue the second best."""


@dataclass(frozen=True)
class ClassApReport:
    """Built by the spec's factory; see ``fusionbench.contracts.report.Report``."""

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write ``class-ap-<dataset>-<split>-detection-<convention>.{png,pdf,csv,tex}``: mAP@[.5:.95] of each
        class and of all, one point a method, its 95 % bootstrap interval over images as a line; for two
        classes also one against the other.
        """
        rows = data.rows[(data.rows["evaluator"] == "detection") & (data.rows["metric"] == METRIC)]
        lines = summary(rows[rows["image"] == ""])
        details = by_table(details_of(data, "detection"))
        files: list[Path] = []
        for key, own in tables_of(lines):
            points = class_points(data, own, details.get(key, []))
            if not len(points):
                continue
            name = slug(f"class-ap-{'-'.join(key)}")
            text = caption(data, key, own, details.get(key, []))
            for ending, content in (
                ("csv", csv_text(points)),
                ("tex", _latex(points, text, name)),
            ):
                write_atomic(folder / f"{name}.{ending}", content.encode())
                files.append(folder / f"{name}.{ending}")
            files += save(_figure(points, text), folder, name)
        return files


def build(spec: ReportSpec) -> ClassApReport:
    """The factory of ``spec.py``."""
    return ClassApReport(spec)


def class_points(data: ReportInput, lines: pd.DataFrame, details: list[Detail]) -> pd.DataFrame:
    """One line a method and class: ``entrant``, ``title``, ``reference`` (a single sensor), ``class_name``
    (``all classes`` last), ``value``, ``low`` and ``high`` (2.5 % and 97.5 % of the draws over images; NaN
    without draws), ``mark`` (best, second).
    """
    draws = _draws(details)
    classes = sorted({c for c in lines["class_name"] if c})
    found: list[dict[str, Any]] = []
    values = lines.set_index(["entrant", "class_name"])["mean"]
    entrants = ordered_entrants(lines, data.methods)
    entrants.sort(key=lambda pair: pair[1] not in REFERENCE_METHODS)
    for class_name in (*classes, ""):
        own = [float(values.get((entrant, class_name), math.nan)) for entrant, _ in entrants]
        cells = [format_value(v, 3) for v in own]
        marks = mark_best(cells, own, [True] * len(own), "higher")
        for (entrant, method), value, mark in zip(entrants, own, marks, strict=True):
            low, high = draws.get((entrant, class_name), (math.nan, math.nan))
            found.append(
                {
                    "entrant": entrant,
                    "title": entrant_title(entrant, method, data.methods),
                    "reference": method in REFERENCE_METHODS,
                }
                | {"class_name": class_name or ALL, "value": value, "low": low, "high": high, "mark": mark}
            )
    return pd.DataFrame(found).dropna(subset=["value"]) if found else pd.DataFrame()


def _draws(details: list[Detail]) -> dict[tuple[str, str], tuple[float, float]]:
    """The middle 95 % of the draws by entrant and class, seeds averaged draw by draw."""
    parts = [
        d.table("resamples").query("metric == @METRIC").assign(entrant=d.entrant)
        for d in details
        if d.has("resamples")
    ]
    if not parts:
        return {}
    mean = pd.concat(parts).groupby(["entrant", "class_name", "draw"])["value"].mean()
    ends = mean.groupby(["entrant", "class_name"]).quantile(np.array([0.025, 0.975])).unstack()
    return {(str(e), str(c)): (float(low), float(high)) for ((e, c), low, high) in _tuples(ends)}


def _tuples(frame: pd.DataFrame) -> Iterator[Any]:
    return cast("Iterator[Any]", frame.itertuples(name=None))


def _figure(points: pd.DataFrame, title: str) -> Figure:
    classes = list(dict.fromkeys(points["class_name"]))
    named = [c for c in classes if c != ALL]
    plane = len(named) == 2
    titles = list(dict.fromkeys(points["title"]))
    panels = len(classes) + plane
    across = min(4, panels)
    down = math.ceil(panels / across)
    height = max(2.4, 0.22 * len(titles) + 1.0)
    figure = new_figure(1.3 + 2.5 * across + 0.8 * plane, 0.6 + height * down)
    ratios = {"width_ratios": [1.0] * (across - 1) + [1.5]} if plane and down == 1 else {}
    grid = figure.subplots(down, across, squeeze=False, gridspec_kw=ratios).ravel()
    for number, (axes, class_name) in enumerate(zip(grid, classes, strict=False)):
        _dots(axes, points[points["class_name"] == class_name], titles, labelled=number % across == 0)
        axes.set_title(class_name.replace("_", " "), fontsize=FONT + 1)
        axes.set_xlabel("AP@[.5:.95]" if class_name != ALL else "mAP@[.5:.95]", fontsize=FONT)
    for axes in grid[panels:]:
        axes.set_visible(False)
    if plane:
        _plane(grid[panels - 1], points, named)
    title = textwrap.fill(title, int(14 * figure.get_figwidth()), break_on_hyphens=False)
    figure.suptitle(
        f"{title}\nRed: best, blue: second best; lines: 95 % bootstrap interval over images", fontsize=FONT
    )
    return figure


def _dots(axes: Axes, own: pd.DataFrame, titles: list[str], *, labelled: bool) -> None:
    """One row a method: a point, its interval, the value beside it. Squares are single sensors."""
    place = {title: i for i, title in enumerate(titles)}
    for line in lines_of(own):
        y, colour = place[line.title], COLOURS[line.mark]
        if np.isfinite(line.low):
            axes.plot([line.low, line.high], [y, y], color=colour, lw=1.0, alpha=0.6)
        axes.plot(line.value, y, marker="s" if line.reference else "o", ms=5, color=colour)
        axes.annotate(
            format_value(line.value, 3),
            (line.value, y),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            fontsize=FONT - 2,
            color=colour,
        )
    axes.set_yticks(range(len(titles)), titles if labelled else [""] * len(titles), fontsize=FONT)
    axes.set_ylim(len(titles) - 0.5, -0.7)
    axes.margins(x=0.1)
    low, high = axes.get_xlim()
    if high - low < NARROWEST:  # differences of a thousandth would look like much
        start = max(-0.1 * NARROWEST, (low + high - NARROWEST) / 2)  # AP isn't negative
        axes.set_xlim(start, start + NARROWEST)
    axes.locator_params(axis="x", nbins=5)
    axes.tick_params(axis="x", labelsize=FONT - 1)
    axes.grid(lw=0.3)


def _plane(axes: Axes, points: pd.DataFrame, classes: list[str]) -> None:
    """One class against the other, one point a method."""
    overall = points[points["class_name"] == ALL].set_index("title")["mark"]
    wide = points.pivot_table(index="title", columns="class_name", values="value", sort=False)
    wide = wide.reindex(columns=classes).dropna()
    sensors = set(points.loc[points["reference"], "title"])
    for title, x, y in _tuples(wide):
        colour = COLOURS[overall.get(title, "")]
        axes.plot(x, y, marker="s" if title in sensors else "o", ms=5, color=colour, ls="none")
    axes.margins(0.18)
    axes.set_xlabel(f"AP@[.5:.95], {classes[0].replace('_', ' ')}", fontsize=FONT)
    axes.set_ylabel(f"AP@[.5:.95], {classes[1].replace('_', ' ')}", fontsize=FONT)
    axes.set_title("class against class", fontsize=FONT + 1)
    axes.tick_params(labelsize=FONT - 1)
    axes.grid(lw=0.3)
    spots = [(float(x), float(y)) for _, x, y in _tuples(wide)]
    label_points(axes, spots, list(map(str, wide.index)), [3.0] * len(wide))


def _latex(points: pd.DataFrame, text: str, name: str) -> str:
    classes = list(dict.fromkeys(points["class_name"]))
    body = []
    for title, own in points.groupby("title", sort=False):
        line = own.set_index("class_name")
        cells = []
        for c in classes:
            value = format_value(float(line["value"].get(c, math.nan)), 3)
            low, high = float(line["low"].get(c, math.nan)), float(line["high"].get(c, math.nan))
            cells.append(value if math.isnan(low) else f"{value} [{low:.3f}, {high:.3f}]")
        body.append([str(title), *cells])
    headings = ["Method", *(c.replace("_", " ").capitalize() for c in classes)]
    note = "AP@[.5:.95] by class, with 95 % bootstrap intervals over images."
    return latex_grid(headings, body, caption=f"{text} {note}", label=name)
