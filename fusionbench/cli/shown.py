"""Scores and comparisons as the terminal shows them, and the files that they are written to."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..contracts.names import split_names
from ..contracts.report import HasTables, Rendered, ReportInput
from ..errors import InputError, printable
from ..files.atomic import write_atomic
from ..plugins import catalog
from ..plugins.metric_names import known_metrics
from ..rendering import merged_input, opponents, write_texts
from ..store.run_store import RunStore
from ..terminal.console import console

if TYPE_CHECKING:
    from ..scoring.folders import Scores


def show_comparison(
    stores: Sequence[RunStore],
    baseline: str | None,
    methods: Sequence[str] | None,
    metrics: Sequence[str] | None,
    out: Path | None,
) -> None:
    """Print the comparison of several runs' methods and write its files. Raises ``InputError`` for unknown
    methods or metrics."""
    data = merged_input(stores, apart=True)
    if metrics:
        wanted = [metric.name for text in split_names(metrics) for metric in known_metrics(text)]
        data = replace(data, rows=data.rows[data.rows["metric"].isin(wanted)])
    first, others = opponents(data, baseline, split_names(methods or []))
    rendered = _tables("comparison", replace(data, options={"baseline": first, "methods": others}))
    for renderable in rendered.shown:
        console().print(renderable)
    for file in write_texts(rendered, out or stores[0].folder / "report"):
        print(file)
    for note in data.notes:
        print(f"fusionbench: {note}", file=sys.stderr)


def show_scores(
    scores: Scores, *, csv: Path | None = None, latex: Path | None = None, quiet: bool = False
) -> None:
    """Print the tables of ``fusionbench score`` (unless ``quiet``); write their summary as CSV, or the tables
    as LaTeX.

    The CSV has one line per method and score, with intervals and exclusions. Raises ``InputError`` if nothing
    was scored.
    """
    if not len(scores.rows):
        raise InputError("nothing could be scored; see the reasons above")
    rendered = _tables("tables", scores.data)
    for renderable in () if quiet else rendered.shown:
        console().print(renderable)
    if csv is not None:
        _write(csv, rendered.texts["summary.csv"], quiet)
    if latex is not None:
        tables = [text for name, text in rendered.texts.items() if re.fullmatch(r"table-.*\.tex", name)]
        _write(latex, "\n".join(tables), quiet)


def _write(target: Path, text: str, quiet: bool) -> None:
    """Write a file; say which, and what LaTeX can't show as it is."""
    write_atomic(target, text.encode())
    if not quiet:
        print(printable(str(target)))
    for note in dict.fromkeys(line for line in text.splitlines() if "% Note: " in line):
        print(f"fusionbench: {target}: {note.removeprefix('% Note: ').rstrip()}", file=sys.stderr)


def _tables(role: str, data: ReportInput) -> Rendered:
    """The tables of the report that fills a role. Raises ``InputError`` if that report gives none."""
    spec = catalog.report_with_role(role)
    report = catalog.build(spec.factory)(spec)
    if not isinstance(report, HasTables):
        raise InputError(f"the report {spec.name!r} has the role {role!r} and gives no tables")
    return report.tables(data)
