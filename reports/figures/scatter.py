"""Cost against quality in one plot: FLOPs across, a quality metric up, parameters as the area (the paper's
Fig. 9).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..scores.frames import tables_of
from ..scores.labels import (
    ARROWS,
    COMPETING_REFERENCES,
    COSTS,
    REFERENCE_METHODS,
    entrant_title,
    fewer_images,
    ordered_entrants,
    slug,
)
from ..scores.summary import direction_of, summary
from .drawing import FONT, label_points, method_colours, new_figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fusionbench.contracts.report import ReportInput, ReportSpec

PREFERRED = ("mIoU", "mAP", "VIF", "Qabf")
"""The metric shown of a table, unless the option ``scatter`` names another: the first of these that it has,
or its first.
"""

PREFERRED_SIZE = "640x480"
_MAX_AREA = 500.0  # of a marker, in square points
_MIN_AREA = 16.0


@dataclass(frozen=True)
class ScatterReport:
    """Built by the spec's factory; see ``fusionbench.contracts.report.Report``."""

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write ``scatter-<dataset>-<split>-<evaluator>-<convention>-<metric>.{png,pdf}`` and the numbers as
        CSV.

        One for each table of scores, where costs of at least two methods are known, and one has any. The
        option ``scatter`` names the metric.
        """
        lines = summary(data.rows)
        costs = _costs(lines)
        files: list[Path] = []
        sensors = lines["method"].isin(REFERENCE_METHODS) & ~lines["evaluator"].isin(COMPETING_REFERENCES)
        overall_scores = lines[(lines["evaluator"] != COSTS) & (lines["class_name"] == "") & ~sensors]
        for key, overall in tables_of(overall_scores):
            wanted = (
                [str(data.options["scatter"])]
                if data.options.get("scatter")
                else [*PREFERRED, *overall["metric"]]
            )
            metric = next((m for m in wanted if m in set(overall["metric"])), None)
            if metric is None:
                continue
            own = overall[overall["metric"] == metric].set_index("entrant")
            images = (own["n"] + own["n_excluded"]).where(own["unit"] == "image")
            points = costs.join(own[["method", "mean"]].assign(images=images), how="inner").dropna(
                subset=["FLOPs", "Params", "mean"]
            )
            if len(points) < 2 or not (points["FLOPs"] > 0).any():
                continue
            name = slug(f"scatter-{'-'.join(key)}-{metric}")
            figure = _figure(data, key, metric, points, lines)
            files += save(figure, folder, name)
        return files


def build(spec: ReportSpec) -> ScatterReport:
    """The factory of ``spec.py``."""
    return ScatterReport(spec)


def _costs(lines: pd.DataFrame) -> pd.DataFrame:
    """``FLOPs`` (G), ``Params`` (M) and the ``condition`` they were counted under, by entrant; at 640×480
    where that was measured.
    """
    own = lines[
        (lines["evaluator"] == COSTS) & lines["metric"].isin(["FLOPs", "Params"]) & lines["mean"].notna()
    ]
    if not len(own):
        return pd.DataFrame(columns=["FLOPs", "Params", "condition"])
    common = own.groupby("convention")["entrant"].nunique()
    preferred = [c for c in common.index if PREFERRED_SIZE in c] or list(common.index)
    condition = max(preferred, key=lambda c: common[c])
    own = own[own["convention"] == condition].drop_duplicates(["entrant", "metric"])
    wide = own.pivot(index="entrant", columns="metric", values="mean").reindex(columns=["FLOPs", "Params"])
    costs: pd.DataFrame = wide.assign(condition=condition)
    return costs


def _figure(
    data: ReportInput, key: tuple[Any, ...], metric: str, points: pd.DataFrame, lines: pd.DataFrame
) -> Figure:
    order = [entrant for entrant, _ in ordered_entrants(lines, data.methods)]
    points = points.loc[[entrant for entrant in order if entrant in points.index]]
    colours = method_colours(order)
    areas = marker_areas(points["Params"].tolist())
    figure = new_figure(6.0, 4.2)
    axes = figure.subplots()
    for (entrant, point), area in zip(points.iterrows(), areas, strict=True):
        axes.scatter(
            point["FLOPs"],
            point["mean"],
            s=area,
            color=colours[str(entrant)],
            alpha=0.75,
            edgecolors="black",
            linewidths=0.5,
            zorder=3,
            clip_on=False,
            marker="o" if point["Params"] > 0 else "s",
        )
    positive = points["FLOPs"][points["FLOPs"] > 0]
    if len(positive) and (points["FLOPs"] <= 0).any():
        axes.set_xscale("symlog", linthresh=10 ** math.floor(math.log10(positive.min())), linscale=0.5)
        axes.set_xlim(-0.3 * 10 ** math.floor(math.log10(positive.min())), points["FLOPs"].max() * 4)
    elif len(positive):
        axes.set_xscale("log")
        axes.set_xlim(positive.min() / 3, positive.max() * 3)
    axes.margins(y=0.18)
    condition = points["condition"].iloc[0]
    axes.set_xlabel(f"FLOPs (G, 2 × MACs; {condition})", fontsize=FONT)
    axes.set_ylabel(f"{metric} {ARROWS[direction_of(metric, data.metrics)]}", fontsize=FONT)
    axes.tick_params(labelsize=FONT)
    axes.grid(lw=0.3)
    dataset, split, evaluator, convention = key
    title = data.datasets[dataset].title if dataset in data.datasets else dataset
    axes.set_title(f"{title} ({split}), {evaluator}, {convention}", fontsize=FONT + 1)
    _size_legend(axes, points["Params"].tolist())
    most = points["images"].max()
    texts = [
        entrant_title(str(e), p["method"], data.methods) + fewer_images(p["images"], most)
        for e, p in points.iterrows()
    ]
    places = list(zip(points["FLOPs"], points["mean"], strict=True))
    label_points(axes, places, texts, [math.sqrt(a) / 2 for a in areas])
    return figure


def marker_areas(parameters: list[float]) -> list[float]:
    """Marker areas in square points, proportional to the parameters, with a least area for the smallest."""
    top = max([*parameters, 0.0]) or 1.0
    return [max(_MIN_AREA, _MAX_AREA * p / top) for p in parameters]


def _size_legend(axes: Axes, parameters: list[float]) -> None:
    top = max(parameters)
    if top <= 0:
        return
    sizes = sorted({float(f"{top * share:.1g}") for share in (0.1, 0.4, 1.0)})
    style: dict[str, Any] = {"color": "0.8", "edgecolors": "black", "linewidths": 0.5}
    handles = [axes.scatter([], [], s=max(_MIN_AREA, _MAX_AREA * size / top), **style) for size in sizes]
    names = [f"{size:g} M parameters" for size in sizes]
    if min(parameters) <= 0:
        handles.insert(0, axes.scatter([], [], s=_MIN_AREA, marker="s", **style))
        names.insert(0, "no parameters")
    axes.figure.legend(
        handles,
        names,
        loc="outside lower center",
        ncols=len(names),
        fontsize=FONT,
        frameon=False,
        labelspacing=1.2,
    )
