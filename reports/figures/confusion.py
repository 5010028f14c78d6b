"""Confusion matrices of segmentation: of the pixels of each true class, which share is called what?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fusionbench.files.atomic import write_atomic
from fusionbench.files.csv_text import csv_text

from ..scores.details import Detail, by_table, class_names, details_of
from ..scores.frames import TABLE_KEY
from ..scores.labels import entrant_title, slug
from ..scores.summary import summary
from ..tables.latex import latex_grid
from ..tables.notes import caption
from .drawing import FONT, new_figure, pages, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from fusionbench.contracts.report import ReportInput, ReportSpec

PANELS = 9
"""Methods a page."""


@dataclass(frozen=True)
class ConfusionReport:
    """Built by the spec's factory; see ``fusionbench.contracts.report.Report``."""

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write ``confusion-<dataset>-<split>-segmentation-<convention>.{png,pdf,csv,tex}``: rows (true
        classes) sum to 1; pixels summed over the data set and the seeds.
        """
        lines = summary(data.rows[(data.rows["evaluator"] == "segmentation") & (data.rows["image"] == "")])
        files: list[Path] = []
        for key, details in by_table(
            d for d in details_of(data, "segmentation") if d.has("confusion")
        ).items():
            matrices = confusion_matrices(details)
            titles = {d.entrant: entrant_title(d.entrant, d.method, data.methods) for d in details}
            name = slug(f"confusion-{'-'.join(key)}")
            own = lines[(lines[TABLE_KEY] == list(key)).all(axis=1)]
            text = caption(data, key, own, details)
            long = pd.concat([_long(m).assign(entrant=e) for e, m in matrices.items()], ignore_index=True)
            long = long[["entrant", "true", "predicted", "pixels", "share"]]
            for ending, content in (
                ("csv", csv_text(long)),
                (
                    "tex",
                    "\n".join(_latex(titles[e], m, text, f"{name}-{slug(e)}") for e, m in matrices.items()),
                ),
            ):
                write_atomic(folder / f"{name}.{ending}", content.encode())
                files.append(folder / f"{name}.{ending}")
            for suffix, part in pages(list(matrices), PANELS):
                figure = _figure({titles[e]: matrices[e] for e in part}, text)
                files += save(figure, folder, name + suffix)
        return files


def build(spec: ReportSpec) -> ConfusionReport:
    """The factory of ``spec.py``."""
    return ConfusionReport(spec)


def confusion_matrices(details: list[Detail]) -> dict[str, pd.DataFrame]:
    """Pixels by entrant: true × predicted, over all images and seeds, classes in the order of their ids;
    classes that occur nowhere are left out.
    """
    parts = []
    for detail in details:
        table = detail.table("confusion")
        table = table.assign(
            true=class_names(detail, table["true"]), predicted=class_names(detail, table["predicted"])
        )
        parts.append(
            table.groupby(["true", "predicted"])["pixels"].sum().reset_index().assign(entrant=detail.entrant)
        )
    joined = pd.concat(parts, ignore_index=True)
    joined = joined[joined["pixels"] > 0]
    known = [str(c) for c in details[0].about.get("classes", ())]
    there = set(joined["true"]) | set(joined["predicted"])
    order = [c for c in known if c in there] + sorted(there - set(known))
    found = {}
    for entrant, own in joined.groupby("entrant", sort=False):
        matrix = own.groupby(["true", "predicted"])["pixels"].sum().unstack(fill_value=0)
        found[str(entrant)] = matrix.reindex(index=order, columns=order, fill_value=0)
    return found


def shares(matrix: pd.DataFrame) -> pd.DataFrame:
    """Rows divided by their sums; NaN in rows of classes that no pixel has."""
    total = matrix.sum(axis=1)
    return matrix.div(total.where(total > 0), axis=0)


def _long(matrix: pd.DataFrame) -> pd.DataFrame:
    pixels = matrix.stack().reset_index()
    pixels.columns = pd.Index(["true", "predicted", "pixels"])
    return pixels.assign(share=shares(matrix).to_numpy().ravel())


def _figure(matrices: dict[str, pd.DataFrame], title: str) -> Figure:
    size = len(next(iter(matrices.values())))
    across = min(3, len(matrices))
    down = math.ceil(len(matrices) / across)
    side = 0.34 * size + 0.75
    figure = new_figure(across * side + 0.9, down * (side + 0.15) + 0.5)
    grid = figure.subplots(down, across, squeeze=False).ravel()
    for number, (axes, (name, matrix)) in enumerate(zip(grid, matrices.items(), strict=False)):
        lowest = number + across >= len(matrices)
        shown = _panel(axes, name, shares(matrix), labelled=number % across == 0, lowest=lowest)
    for axes in grid[len(matrices) :]:
        axes.set_visible(False)
    bar = figure.colorbar(shown, ax=list(grid), shrink=0.6)
    bar.ax.tick_params(labelsize=FONT - 1)
    bar.set_label("share of the true class's pixels", fontsize=FONT)
    layout: Any = figure.get_layout_engine()  # new_figure chose the constrained one
    layout.set(h_pad=0.08)
    figure.suptitle(title, fontsize=FONT - 1, wrap=True)
    return figure


def _panel(axes: Axes, name: str, share: pd.DataFrame, *, labelled: bool, lowest: bool) -> AxesImage:
    values = share.to_numpy(np.float64)
    shown = axes.imshow(values, cmap="Blues", vmin=0, vmax=1)
    labels = [str(c).replace("_", " ") for c in share.columns]
    axes.set_xticks(range(len(labels)), labels, fontsize=FONT - 1, rotation=90)
    axes.set_yticks(range(len(labels)), labels if labelled else [""] * len(labels), fontsize=FONT - 1)
    if lowest:
        axes.set_xlabel("predicted", fontsize=FONT)
    if labelled:
        axes.set_ylabel("true", fontsize=FONT)
    axes.set_title(name, fontsize=FONT, pad=4)
    for (i, j), value in np.ndenumerate(values):
        if np.isfinite(value) and value >= 0.005:
            axes.text(
                j,
                i,
                f"{value:.2f}".replace("0.", ".", 1),
                ha="center",
                va="center",
                fontsize=FONT - 2,
                color="white" if value > 0.55 else "black",
            )
    return shown


def _latex(title: str, matrix: pd.DataFrame, text: str, label: str) -> str:
    share = shares(matrix)
    body = [
        [str(true).replace("_", " "), *("–" if math.isnan(v) else f"{v:.3f}" for v in line)]
        for true, *line in share.itertuples(name=None)
    ]
    headings = ["True \\ predicted", *(str(c).replace("_", " ") for c in share.columns)]
    note = f"{title}: of the pixels of each true class, the share called what."
    return latex_grid(headings, body, caption=f"{text} {note}", label=label)
