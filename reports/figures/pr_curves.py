"""Precision–recall curves of detection: one panel a class and overlap threshold, one line a method."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from fusionbench.files.atomic import write_atomic
from fusionbench.files.csv_text import csv_text

from ..scores.details import Detail, by_table, details_of
from ..scores.frames import TABLE_KEY
from ..scores.labels import REFERENCE_METHODS, entrant_title, ordered_entrants, slug
from ..scores.summary import summary
from ..tables.notes import caption
from .drawing import FONT, method_colours, new_figure, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fusionbench.contracts.report import ReportInput, ReportSpec

OVERLAPS = (0.5, 0.75)
"""Overlap thresholds (IoU) shown; all are in the CSV. Where 0.75 was not computed, the next one above 0.6 is.
"""


@dataclass(frozen=True)
class PrCurveReport:
    """Built by the spec's factory; see ``fusionbench.contracts.report.Report``."""

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write ``pr-curves-<dataset>-<split>-detection-<convention>.{png,pdf,csv}`` where units left their
        curves (precision at 101 recalls, COCO's interpolation; seeds averaged).
        """
        lines = summary(data.rows[(data.rows["evaluator"] == "detection") & (data.rows["image"] == "")])
        files: list[Path] = []
        for key, details in by_table(d for d in details_of(data, "detection") if d.has("curves")).items():
            curves = mean_curves(details)
            if not len(curves):
                continue
            name = slug(f"pr-curves-{'-'.join(key)}")
            path = folder / f"{name}.csv"
            write_atomic(path, csv_text(curves).encode())
            own = lines[(lines[TABLE_KEY] == list(key)).all(axis=1)]
            figure = _figure(data, curves, details, own, caption(data, key, own, details))
            files += [path, *save(figure, folder, name)]
        return files


def build(spec: ReportSpec) -> PrCurveReport:
    """The factory of ``spec.py``."""
    return PrCurveReport(spec)


def mean_curves(details: list[Detail]) -> pd.DataFrame:
    """entrant, class_name, iou, recall, precision: the curves of one table, seeds averaged."""
    parts = [d.table("curves").assign(entrant=d.entrant) for d in details]
    columns = ["entrant", "class_name", "iou", "recall"]
    joined = pd.concat(parts, ignore_index=True)
    joined["iou"], joined["recall"] = joined["iou"].round(4), joined["recall"].round(4)
    return joined.groupby(columns, sort=False)["precision"].mean().reset_index()


def _figure(
    data: ReportInput, curves: pd.DataFrame, details: list[Detail], lines: pd.DataFrame, title: str
) -> Figure:
    pairs = list(dict.fromkeys((d.entrant, d.method) for d in details))
    colours = method_colours([e for e, _ in pairs])
    classes = sorted(c for c in curves["class_name"].unique() if c)
    there = sorted(curves["iou"].unique())
    high = [x for x in there if x >= OVERLAPS[1]] or [x for x in there if x > 0.6]
    overlaps = list(dict.fromkeys([there[0], *high[:1]]))
    values = lines.set_index(["entrant", "metric", "class_name"])["mean"]
    across = min(3, len(classes))
    blocks = math.ceil(len(classes) / across)
    figure = new_figure(
        1.0 + 2.9 * across,
        0.9 + 2.5 * blocks * len(overlaps) + 0.16 * math.ceil(len(pairs) / min(4, 2 * across)),
    )
    grid = figure.subplots(blocks * len(overlaps), across, squeeze=False, sharex=True, sharey=True)
    for axes in grid.ravel():
        axes.set_visible(False)
    for number, class_name in enumerate(classes):
        for level, overlap in enumerate(overlaps):
            axes = grid[number // across * len(overlaps) + level, number % across]
            axes.set_visible(True)
            own = curves[(curves["class_name"] == class_name) & (curves["iou"] == overlap)]
            for entrant, method in pairs:
                line = own[own["entrant"] == entrant]
                dashed = method in REFERENCE_METHODS
                axes.plot(
                    line["recall"],
                    line["precision"],
                    color=colours[entrant],
                    lw=1.3,
                    ls="--" if dashed else "-",
                )
            axes.set_title(f"{class_name.replace('_', ' ')}, IoU ≥ {overlap:g}", fontsize=FONT)
            axes.set(xlim=(0, 1), ylim=(0, 1.02))
            axes.set_xlabel("recall", fontsize=FONT)
            axes.set_ylabel("precision", fontsize=FONT)
            axes.tick_params(labelsize=FONT - 1, labelbottom=True, labelleft=True)
            axes.grid(lw=0.3)
    names = []
    for entrant, method in ordered_entrants(pd.DataFrame(pairs, columns=["entrant", "method"]), data.methods):
        ap = values.get((entrant, "mAP", ""), math.nan)
        names.append(
            (
                entrant,
                method,
                entrant_title(entrant, method, data.methods)
                + (f" (mAP {ap:.3f})" if math.isfinite(ap) else ""),
            )
        )
    handles = [
        grid[0, 0].plot([], [], color=colours[e], lw=1.3, ls="--" if m in REFERENCE_METHODS else "-")[0]
        for e, m, _ in names
    ]
    widest = 0.6 + 0.055 * max(len(t) for _, _, t in names)  # inches
    columns = max(1, min(4, len(names), int(figure.get_figwidth() / widest)))
    figure.legend(
        handles,
        [t for _, _, t in names],
        loc="outside lower center",
        ncols=columns,
        fontsize=FONT - 1,
        frameon=False,
    )
    figure.suptitle(title, fontsize=FONT - 1, wrap=True)
    return figure
