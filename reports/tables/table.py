"""The tables: in the terminal (rich), and as CSV, Markdown and LaTeX files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text
from tabulate import tabulate

from fusionbench.contracts.report import Rendered
from fusionbench.files.atomic import write_atomic
from fusionbench.files.csv_text import csv_text
from fusionbench.terminal import console as terminal

from ..scores.labels import REFERENCE_METHODS
from ..scores.summary import leaderboard, summary, summary_csv
from .latex import latex_document, latex_table
from .paper_table import paper_tables
from .result_table import Line, ResultTable, tables

if TYPE_CHECKING:
    from fusionbench.contracts.report import ReportInput, ReportSpec

MIN_WIDTH = 100
"""Characters; tables with more scores than fit a terminal continue below, since it would cut them."""

_STYLES = {"best": "bold red", "second": "underline blue", "": ""}
_MARKDOWN = {"best": "**{}**", "second": "<u>{}</u>", "": "{}"}


@dataclass(frozen=True)
class TableReport:
    """Built by the spec's factory; see ``fusionbench.contracts.report.Report``."""

    spec: ReportSpec

    def tables(self, data: ReportInput) -> Rendered:
        """The tables for the terminal, and the texts of ``summary.csv`` (every score with its spread),
        ``leaderboard.csv``, ``tables.md``, ``tables.tex`` (compiles as it is), and for each dataset, split,
        evaluator and convention ``table-….{csv,md,tex}``; of segmentations also
        ``table-paper-table4-….{csv,md,tex}``. Nothing without rows.
        """
        return Rendered(tuple(terminal_tables(data)), partial(_texts, data))

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write the texts of ``tables`` into a folder."""
        return [_write(folder / name, text) for name, text in _texts(data).items()]


def _texts(data: ReportInput) -> dict[str, str]:
    """The contents of the files, by name; none without rows."""
    found = [*tables(data), *paper_tables(data)]
    if not found:
        return {}
    out = {"summary.csv": summary_csv(summary(data.rows))}
    board = leaderboard(data.rows, data.metrics, leave_out=frozenset(REFERENCE_METHODS))
    if len(board):
        out["leaderboard.csv"] = _csv(board)
    out["tables.md"] = "\n".join(markdown_table(t) for t in found)
    out["tables.tex"] = latex_document(found)
    for table in found:
        out[f"table-{table.name}.csv"] = csv_table(table)
        out[f"table-{table.name}.md"] = markdown_table(table)
        out[f"table-{table.name}.tex"] = latex_table(table)
    return out


def build(spec: ReportSpec) -> TableReport:
    """The factory of ``spec.py``."""
    return TableReport(spec)


def terminal_tables(data: ReportInput, width: int | None = None) -> list[Group]:
    """Caption, rich table and footnotes for each dataset, split, evaluator and convention (and, with
    published rows, one in the form of the paper's Table 4); those wider than ``width`` characters (None: what
    standard output takes) in several pieces.
    """
    characters = max(MIN_WIDTH, width or terminal.width())
    return [
        _terminal_table(chunk, number)
        for table in [*tables(data), *(paper_tables(data) if data.options.get("published") else [])]
        for number, chunk in enumerate(table.chunks_within(characters, gap=3, wrapped=True))
    ]


def _terminal_table(table: ResultTable, number: int) -> Group:
    """The caption and footnotes stand outside the rich table, which would break them to its own width."""
    title = table.caption if number == 0 else f"(continued) {table.place}"
    notes = table.footnotes if number == 0 else ()
    shown = Table(box=box.SIMPLE_HEAD)
    shown.add_column("Method", no_wrap=True)
    for column in table.columns:
        shown.add_column(column.titled, justify="right")
    for i, line in enumerate(table.lines):
        if i and line.kind != table.lines[i - 1].kind:
            shown.add_section()
        cells = [Text(c, style=_STYLES[m]) for c, m in zip(line.texts, line.marks, strict=True)]
        shown.add_row(Text(line.label), *cells, style="dim italic" if line.kind == "published" else None)
    return Group(
        Text(title, style="italic"), shown, *(Text(f"  {note}", style="dim italic") for note in notes), ""
    )


def markdown_table(table: ResultTable) -> str:
    """A Markdown table under its caption, footnotes below; best bold, second best underlined."""
    header = ["Method", *(column.titled for column in table.columns)]
    body = [[_markdown(line.label), *_marked_cells(line)] for line in table.lines]
    align = ["left", *["right"] * len(table.columns)]
    text = tabulate(
        body, [_markdown(h) for h in header], tablefmt="pipe", colalign=align, disable_numparse=True
    )
    notes = "".join(f"\n- {_markdown(note)}" for note in table.footnotes)
    return f"**{_markdown(table.caption)}**\n\n{text}\n" + (f"{notes}\n" if notes else "")


def _marked_cells(line: Line) -> list[str]:
    return [_MARKDOWN[m].format(c) for c, m in zip(line.texts, line.marks, strict=True)]


def _markdown(text: str) -> str:
    for character in "\\|*_<>`":
        text = text.replace(character, f"\\{character}")
    return text


def csv_table(table: ResultTable) -> str:
    """The table with full-precision means: method, kind (reference, measured or published), then one column a
    score.
    """
    scores = {
        f"{c.metric}:{c.class_name}" if c.class_name else c.metric: j for j, c in enumerate(table.columns)
    }
    lines = [
        {
            "method": x.label,
            "kind": x.kind,
            "convention": "published" if x.kind == "published" else table.convention,
        }
        | {name: x.values[j] for name, j in scores.items()}
        for x in table.lines
    ]
    return _csv(pd.DataFrame(lines))


def _csv(frame: pd.DataFrame) -> str:
    return csv_text(frame)


def _write(path: Path, text: str) -> Path:
    write_atomic(path, text.encode())
    return path
