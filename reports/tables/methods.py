"""What the compared methods are: paper, licence, training data, where the code and weights come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from tabulate import tabulate

from fusionbench.files.atomic import write_atomic
from fusionbench.files.csv_text import csv_text

from .notes import contamination

if TYPE_CHECKING:
    from fusionbench.contracts.method import MethodSpec
    from fusionbench.contracts.report import ReportInput, ReportSpec


@dataclass(frozen=True)
class MethodsReport:
    """Built by the spec's factory; see ``fusionbench.contracts.report.Report``."""

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write ``methods.csv`` (everything) and ``methods.md`` (one line a method that has a paper, code or
        weights).

        Methods that were trained on a dataset of the run carry the marks of the tables. Nothing is written
        without rows.
        """
        names = [name for name in data.methods if name in set(data.rows["method"])]
        if not names:
            return []
        tested = list(dict.fromkeys(data.rows[["dataset", "split"]].itertuples(index=False, name=None)))
        lines = [_line(data.methods[name], [pair for pair in tested if pair[0]]) for name in names]
        folder.mkdir(parents=True, exist_ok=True)
        csv, markdown = folder / "methods.csv", folder / "methods.md"
        write_atomic(csv, csv_text(pd.DataFrame(lines)).encode())
        shown = [line for line in lines if line["paper"] or line["code"]]
        if not shown:
            return [csv]
        write_atomic(markdown, _markdown(shown).encode())
        return [csv, markdown]


def build(spec: ReportSpec) -> MethodsReport:
    """The factory of ``spec.py``."""
    return MethodsReport(spec)


def _line(spec: MethodSpec, tested: list[tuple[str, str]]) -> dict[str, str]:
    marks = {contamination(spec, dataset, split)[0] for dataset, split in tested} - {""}
    return {
        "method": spec.title + "".join(sorted(marks)),
        "paper": spec.paper,
        "published": " ".join(str(part) for part in (spec.venue, spec.year) if part),
        "licence": spec.licence,
        "status": spec.status,
        "trained on": ", ".join(spec.trained_on),
        "code": f"{spec.code_url}@{spec.commit[:12]}" if spec.commit else spec.code_url,
        "weights": "; ".join(
            a.sha256 or f"git blob {a.git_blob}" if a.git_blob or a.sha256 else a.filename
            for a in spec.artifacts
        ),
        "note": spec.note,
    }


def _markdown(lines: list[dict[str, str]]) -> str:
    columns = ("method", "published", "licence", "status", "trained on", "code", "note")
    body = [[line[c].replace("|", "\\|") or "–" for c in columns] for line in lines]
    table = tabulate(body, [c.capitalize() for c in columns], tablefmt="pipe", disable_numparse=True)
    marks = (
        "- † trained on these test images, or on this dataset without saying which part\n"
        "- ‡ trained on another part of this dataset (in-domain)\n"
    )
    return f"{table}\n\n{marks}"
