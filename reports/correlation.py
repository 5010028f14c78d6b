"""The agreement of metrics as files: heat maps and CSV of ``agreement``'s correlations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fusionbench.images import write_atomic

from .agreement import between_conventions, directed, over_images, over_methods
from .figures import FONT, new_figure, save
from .layout import slug
from .summary import TABLE_KEY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fusionbench.contracts import ReportInput, ReportSpec


@dataclass(frozen=True)
class CorrelationReport:
    """Built by the spec's factory; see ``fusionbench.contracts.Report``."""

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write, as far as the rows allow: ``correlation-….{csv,png,pdf}`` (between metrics, over images and
        over methods; one for each dataset, split, evaluator and convention) and ``correlation-conventions.csv``.
        """
        if not len(data.rows):
            return []
        rows = directed(data.rows, data.metrics)
        files: list[Path] = []
        for key, group in rows.groupby(TABLE_KEY, sort=False):
            matrices = {
                "over images (Spearman's ρ, mean over methods)": over_images(group, "metric"),
                "over methods (Kendall's τ of the means)": over_methods(group, "metric"),
            }
            matrices = {k: m for k, m in matrices.items() if len(m) > 1}
            if matrices:
                name = slug(f"correlation-{'-'.join(key)}")
                files.append(_write(folder / f"{name}.csv", _long(matrices)))
                dataset, split, evaluator, convention = key
                title = data.datasets[dataset].title if dataset in data.datasets else dataset
                figure = heat_maps(
                    matrices, f"{title} ({split}), {evaluator}, {convention}: agreement of metrics"
                )
                files += save(figure, folder, name)
        conventions = between_conventions(rows)
        if len(conventions):
            files.append(_write(folder / "correlation-conventions.csv", conventions))
        return files


def build(spec: ReportSpec) -> CorrelationReport:
    """The factory of ``spec.py``."""
    return CorrelationReport(spec)


def _long(matrices: dict[str, pd.DataFrame]) -> pd.DataFrame:
    parts = []
    for kind, matrix in matrices.items():
        part = (
            matrix.rename_axis(index="metric_a", columns="metric_b")
            .stack()
            .rename("correlation")
            .reset_index()
        )
        parts.append(part[part["metric_a"] < part["metric_b"]].assign(kind=kind))
    return pd.concat(parts, ignore_index=True)[["kind", "metric_a", "metric_b", "correlation"]]


def heat_maps(matrices: dict[str, pd.DataFrame], title: str) -> Figure:
    """Matrices of correlations side by side, blue for agreement, red for contradiction, with the numbers
    where they fit.
    """
    cell = 0.32 if max(max(m.shape) for m in matrices.values()) <= 20 else 0.2
    width = sum(m.shape[1] * cell + 1.4 for m in matrices.values())
    height = max(m.shape[0] for m in matrices.values()) * cell + 1.4
    figure = new_figure(max(4.0, width + 0.6), max(2.5, height))
    panels = figure.subplots(1, len(matrices), squeeze=False)[0]
    for axes, (name, matrix) in zip(panels, matrices.items(), strict=True):
        values = matrix.to_numpy(np.float64)
        shown = axes.imshow(values, cmap="RdBu", vmin=-1, vmax=1)
        axes.set_xticks(range(matrix.shape[1]), matrix.columns, fontsize=FONT - 1)
        axes.tick_params(axis="x", rotation=90)
        axes.set_yticks(range(matrix.shape[0]), matrix.index, fontsize=FONT - 1)
        axes.set_title(name, fontsize=FONT)
        if cell > 0.3:
            for (i, j), value in np.ndenumerate(values):
                if np.isfinite(value):
                    colour = "white" if abs(value) > 0.6 else "black"
                    text = f"{value:.2f}".replace("0.", ".", 1)
                    axes.text(j, i, text, ha="center", va="center", fontsize=5.5, color=colour)
    figure.colorbar(shown, ax=list(panels), shrink=0.8).ax.tick_params(labelsize=FONT - 1)
    figure.suptitle(title, fontsize=FONT + 1)
    return figure


def _write(path: Path, frame: pd.DataFrame) -> Path:
    write_atomic(path, frame.to_csv(index=False, lineterminator="\n").encode())
    return path
