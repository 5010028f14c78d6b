"""The qualitative grid: scenes × (infrared, visible, methods), each with two enlarged regions (the paper's
Figs. 5-8).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fusionbench.errors import FusionBenchError
from fusionbench.images import as_grey, as_rgb, read_image

from .figures import FONT, new_figure, save
from .insets import choose_regions, with_insets
from .layout import REFERENCE_METHODS, entrant_title, ordered_entrants, slug
from .summary import direction_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fusionbench.contracts import ReportInput, ReportSpec

SCENES = 4
"""Scenes a dataset, unless the option ``scenes`` gives their names (or another number)."""

ACROSS = 8
"""Pictures side by side; more methods continue below, scene by scene."""

PICTURE_PIXELS = 420
_PICTURE_INCHES = 1.4


@dataclass(frozen=True)
class QualitativeReport:
    """Built by the spec's factory; see ``fusionbench.contracts.Report``."""

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write ``qualitative-<dataset>-<split>.{png,pdf}`` from the run's fused images.

        Scenes whose fused image exists for every method; those are shown on which the methods' scores differ
        most. A scene that can't be read is left out.
        """
        files: list[Path] = []
        scored = data.rows[data.rows["dataset"] != ""]  # costs belong to no dataset
        for (dataset, split), rows in scored.groupby(["dataset", "split"], sort=False):
            pairs = ordered_entrants(rows.assign(entrant=rows["method"]), data.methods)
            methods = [
                m
                for m, _ in pairs
                if m not in REFERENCE_METHODS and (data.fused_dir / m / dataset / split).is_dir()
            ]
            wanted = data.options.get("scenes")
            names = _scenes(data, str(dataset), str(split), rows, methods, wanted)
            scenes = [
                s
                for s in (_scene(data, str(dataset), str(split), name, methods) for name in names)
                if s is not None
            ]
            if methods and scenes:
                titles = ["Infrared", "Visible", *(entrant_title(m, m, data.methods) for m in methods)]
                figure = _figure(scenes, titles)
                files += save(figure, folder, slug(f"qualitative-{dataset}-{split}"), dpi=300)
        return files


def build(spec: ReportSpec) -> QualitativeReport:
    """The factory of ``spec.py``."""
    return QualitativeReport(spec)


def _scenes(
    data: ReportInput, dataset: str, split: str, rows: pd.DataFrame, methods: list[str], wanted: Any
) -> list[str]:
    """Names of the scenes to show: those asked for, else those on which the methods' scores differ most, in
    the order of their names.
    """
    if isinstance(wanted, str):
        return [name.strip() for name in wanted.split(",")]
    if isinstance(wanted, list | tuple):
        return [str(name) for name in wanted]
    folders = [data.fused_dir / m / dataset / split for m in methods]
    if not folders:
        return []
    there = set.intersection(*({p.stem for p in folder.glob("*.png")} for folder in folders))
    ordered = [name for name in disagreement(rows[rows["method"].isin(methods)], data) if name in there]
    ordered += sorted(there - set(ordered))
    return sorted(ordered[: wanted if isinstance(wanted, int) else SCENES])


def disagreement(rows: pd.DataFrame, data: ReportInput) -> list[str]:
    """Image names, those on which methods' scores differ most first.

    Per score (a metric with a direction, in one convention): the standard deviation between the methods,
    divided by the score's over all images; then the mean over scores.
    """
    own = rows[(rows["image"] != "") & np.isfinite(rows["value"])]
    own = own[own["metric"].map(lambda metric: direction_of(metric, data.metrics) != "none").astype(bool)]
    if own["method"].nunique() < 2:
        return []
    score = ["convention", "metric", "class_name"]
    values = own.groupby([*score, "image", "method"])["value"].mean()
    between = values.groupby([*score, "image"]).std()
    overall = values.groupby(score).std()
    share = between / overall.reindex(between.index.droplevel("image")).to_numpy()
    mean = share.replace([np.inf, -np.inf], np.nan).groupby("image").mean().dropna()
    return list(mean.sort_index().sort_values(ascending=False, kind="stable").index)


def _scene(data: ReportInput, dataset: str, split: str, name: str, methods: list[str]) -> list[Any] | None:
    """The pictures of one scene, insets included: infrared, visible, then the methods. None if one can't be
    read.
    """
    try:
        pair = data.load_pair(dataset, split, name)
        fused = [read_image(data.fused_dir / m / dataset / split / f"{name}.png") for m in methods]
    except FusionBenchError:
        return None
    if any(f.shape[:2] != pair.infrared.shape for f in fused):
        return None
    grey = [as_grey(f) for f in fused]
    regions = choose_regions(pair.infrared, grey if len(grey) > 1 else [*grey, as_grey(pair.visible)])
    return [
        with_insets(as_rgb(picture), regions, PICTURE_PIXELS)
        for picture in (pair.infrared, pair.visible, *fused)
    ]


def _figure(scenes: list[list[Any]], titles: list[str]) -> Figure:
    lines = math.ceil(len(titles) / ACROSS)
    across = math.ceil(len(titles) / lines)
    heights = [max(p.shape[0] / p.shape[1] for p in scene) for scene in scenes for _ in range(lines)]
    label = 0.16
    figure = new_figure(
        across * _PICTURE_INCHES,
        sum(h * _PICTURE_INCHES for h in heights) + label * (lines * len(scenes) if lines > 1 else 1),
    )
    figure.set_layout_engine("constrained", w_pad=0.01, h_pad=0.01, wspace=0, hspace=0)
    grid = figure.subplots(len(scenes) * lines, across, squeeze=False, height_ratios=heights)
    for axes in grid.ravel():
        axes.set_axis_off()
    for number, scene in enumerate(scenes):
        for i, (picture, title) in enumerate(zip(scene, titles, strict=True)):
            axes = grid[number * lines + i // across, i % across]
            axes.imshow(picture, interpolation="none")
            if number == 0 or lines > 1:
                axes.set_title(title, fontsize=FONT - 1, pad=2)
    return figure
