"""The agreement of metrics as files: heat maps and CSV of ``agreement``'s correlations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fusionbench.files.atomic import write_atomic
from fusionbench.files.csv_text import csv_text

from ..figures.drawing import FONT, new_figure, save
from ..scores.frames import tables_of
from ..scores.labels import slug
from .agreement import between_conventions, directed, over_images, over_methods

REFERENCE = "corrected"
"""The convention that the others are held against in a picture."""

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fusionbench.contracts.report import ReportInput, ReportSpec


@dataclass(frozen=True)
class CorrelationReport:
    """Built by the spec's factory; see ``fusionbench.contracts.report.Report``."""

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write, as far as the rows allow: ``correlation-….{csv,png,pdf}`` (between metrics, over images and
        over methods; one for each dataset, split, evaluator and convention), ``correlation-conventions.csv``
        and ``correlation-conventions-….{png,pdf}`` (between the conventions of each metric; one a dataset and
        split).
        """
        if not len(data.rows):
            return []
        rows = directed(data.rows, data.metrics)
        files: list[Path] = []
        for key, group in tables_of(rows):
            methods = group["method"].nunique()
            matrices = {
                f"over {images_of(group)} images\n(Spearman's ρ, mean of {methods} methods)": over_images(
                    group, "metric"
                ),
                f"over {methods} methods\n(Kendall's τ of their means)": over_methods(group, "metric"),
            }
            matrices = {k: m for k, m in matrices.items() if len(m) > 1}
            if matrices:
                name = slug(f"correlation-{'-'.join(key)}")
                files.append(_write(folder / f"{name}.csv", _long(matrices)))
                dataset, split, evaluator, convention = key
                figure = heat_maps(
                    matrices,
                    f"{_place(data, dataset, split)}, {evaluator}, convention {convention}: "
                    "rank correlation of metrics (+1: they agree on what is better)",
                )
                files += save(figure, folder, name)
        conventions = between_conventions(rows)
        if len(conventions):
            files.append(_write(folder / "correlation-conventions.csv", conventions))
        for place, lines in conventions.groupby(["dataset", "split"], sort=False):
            dataset, split = map(str, place)
            own = rows[(rows["dataset"] == dataset) & (rows["split"] == split)]
            drawn = convention_map(lines, images_of(own), _place(data, dataset, split))
            if drawn is not None:
                files += save(drawn, folder, slug(f"correlation-conventions-{dataset}-{split}"))
        return files


def build(spec: ReportSpec) -> CorrelationReport:
    """The factory of ``spec.py``."""
    return CorrelationReport(spec)


def _long(matrices: dict[str, pd.DataFrame]) -> pd.DataFrame:
    parts = []
    for kind, matrix in matrices.items():
        pairs: Any = matrix.rename_axis(index="metric_a", columns="metric_b").stack()
        part: pd.DataFrame = pairs.rename("correlation").reset_index()
        parts.append(part[part["metric_a"] < part["metric_b"]].assign(kind=kind.replace("\n", " ")))
    return pd.concat(parts, ignore_index=True)[["kind", "metric_a", "metric_b", "correlation"]]


def images_of(rows: pd.DataFrame) -> int:
    """How many images rows are about."""
    return int(rows.loc[rows["image"] != "", "image"].nunique())


def _place(data: ReportInput, dataset: str, split: str) -> str:
    title = data.datasets[dataset].title if dataset in data.datasets else dataset
    return f"{title} ({split})"


def convention_map(lines: pd.DataFrame, images: int, place: str) -> Figure | None:
    """How far the other conventions of each metric agree with a reference (``corrected``, or the first there
    is) on one dataset and split; × where another method comes out best. None where no metric has the
    reference and another one.

    ``lines`` are those of ``agreement.between_conventions``.
    """
    if not len(lines):
        return None
    names = list(dict.fromkeys([*lines["convention_a"], *lines["convention_b"]]))
    reference = REFERENCE if REFERENCE in names else names[0]
    either = pd.concat(
        [lines, lines.rename(columns={"convention_a": "convention_b", "convention_b": "convention_a"})]
    )
    own = either[either["convention_a"] == reference].rename(columns={"convention_b": "convention"})
    if not len(own):
        return None
    others = [n for n in names if n != reference and n in set(own["convention"])]
    methods = int(own["n_methods"].max())
    wide = own.pivot(index="metric", columns="convention").reindex(index=list(dict.fromkeys(own["metric"])))

    def by_convention(column: str) -> pd.DataFrame:
        return pd.DataFrame(wide[column]).reindex(columns=others)

    matrices = {
        f"over {images} images\n(Spearman's ρ, mean of {methods} methods)": by_convention("rho_images"),
        f"over {methods} methods\n(Kendall's τ of their means)": by_convention("tau_methods"),
    }
    matrices = {n: m.astype(float) for n, m in matrices.items() if m.notna().to_numpy().any()}
    if not matrices:
        return None
    other = ~by_convention("same_best").astype("boolean").fillna(True).astype(bool)
    title = f"{place}, quality: rank correlation with convention {reference} (× another method is best)"
    return heat_maps(matrices, title, crosses=other)


def heat_maps(
    matrices: dict[str, pd.DataFrame], title: str, *, crosses: pd.DataFrame | None = None
) -> Figure:
    """Matrices of correlations side by side, blue for agreement, red for contradiction, with the numbers
    where they fit; ``crosses`` marks cells with ×.
    """
    cell = 0.32 if max(max(m.shape) for m in matrices.values()) <= 20 or crosses is not None else 0.2
    width = sum(m.shape[1] * cell + 1.4 for m in matrices.values())
    height = max(m.shape[0] for m in matrices.values()) * cell + 1.4
    figure = new_figure(max(4.0, width + 0.6), max(2.5, height))
    figure.set_layout_engine("compressed")  # keeps the labels of square cells inside
    panels = figure.subplots(1, len(matrices), squeeze=False)[0]
    for axes, (name, matrix) in zip(panels, matrices.items(), strict=True):
        values = matrix.to_numpy(np.float64)
        shown = axes.imshow(values, cmap="RdBu", vmin=-1, vmax=1)
        axes.set_facecolor("0.85")  # no value
        axes.set_xticks(range(matrix.shape[1]), matrix.columns, fontsize=FONT - 1)
        axes.tick_params(axis="x", rotation=90)
        axes.set_yticks(range(matrix.shape[0]), matrix.index, fontsize=FONT - 1)
        axes.set_title(name, fontsize=FONT)
        marked = np.zeros(values.shape, bool) if crosses is None else crosses.to_numpy(bool)
        if cell > 0.3:
            for (i, j), value in np.ndenumerate(values):
                if np.isfinite(value):
                    colour = "white" if abs(value) > 0.6 else "black"
                    text = f"{value:.2f}".replace("0.", ".", 1) + ("×" if marked[i, j] else "")
                    axes.text(j, i, text, ha="center", va="center", fontsize=5.5, color=colour)
    figure.colorbar(shown, ax=list(panels), shrink=0.8).ax.tick_params(labelsize=FONT - 1)
    figure.suptitle(title, fontsize=FONT + 1)
    return figure


def _write(path: Path, frame: pd.DataFrame) -> Path:
    write_atomic(path, csv_text(frame).encode())
    return path
