"""Writes the paper's tables and figures: ``paper.tex`` with its figures, and ``paper.md``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench.files.atomic import write_atomic

from ..figures import class_ap, scatter, task_pictures
from .document import latex, markdown
from .missing import missing
from .tables import paper_tables

if TYPE_CHECKING:
    from fusionbench.contracts.report import ReportInput, ReportSpec

DATASET = "msrs"
"""What the paper's figures 9 to 13 are about."""


@dataclass(frozen=True)
class PaperReport:
    """Built by the spec's factory; see ``fusionbench.contracts.report.Report``."""

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write ``paper.tex`` (for ``pdflatex``), ``paper.md``, and the figures that the rows allow; nothing
        without rows of one of the paper's datasets.

        Tables 1 to 4 have the paper's lines, marked as published, and ours below each. What wasn't measured is
        listed at the end with its reason.
        """
        tables = paper_tables(data)
        if not any(line.kind == "measured" for table in tables for line in table.lines):
            return []
        files, figures = self._figures(data, folder)
        missing_names = missing(data, tables, figures)
        for name, text in (
            ("paper.tex", latex(tables, figures, missing_names)),
            ("paper.md", markdown(tables, figures, missing_names)),
        ):
            write_atomic(folder / name, text.encode())
            files.append(folder / name)
        return files

    def _figures(self, data: ReportInput, folder: Path) -> tuple[list[Path], dict[int, list[str]]]:
        """The files of figures 9 to 13, and the PDF among them by the paper's number."""
        own = data.rows["dataset"].isin([DATASET, ""])
        part = replace(data, rows=data.rows[own], details=data.details[data.details["dataset"] == DATASET])
        costs = scatter.build(self.spec).render(part, folder) if len(part.rows) else []
        classes = class_ap.build(self.spec).render(part, folder) if len(part.rows) else []
        pictures = task_pictures.build(self.spec).render(part, folder) if len(part.rows) else []
        figures = {
            9: _pdf(costs)[:1],
            10: [],
            11: _pdf(classes),
            12: [name for name in _pdf(pictures) if name.startswith("detection-")],
            13: [name for name in _pdf(pictures) if name.startswith("segmentation-")],
        }
        return [*costs, *classes, *pictures], figures


def build(spec: ReportSpec) -> PaperReport:
    """The factory of ``spec.py``."""
    return PaperReport(spec)


def _pdf(files: list[Path]) -> list[str]:
    return [path.name for path in files if path.suffix == ".pdf"]
