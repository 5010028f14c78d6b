"""Scores and comparisons as the terminal shows them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..contracts.dataset import PairImages
from ..contracts.report import ReportInput
from ..errors import InputError, UnknownNameError
from ..files.atomic import write_atomic
from ..plugins import catalog
from ..store.run_store import RunStore
from ..terminal.console import console

if TYPE_CHECKING:
    from ..scoring.folders import Scores
from ..rendering import _opponents, merged_input


def show_comparison(
    stores: Sequence[RunStore],
    baseline: str | None,
    methods: Sequence[str] | None,
    metrics: Sequence[str] | None,
    out: Path | None,
) -> None:
    """Print the ``compare`` report of several runs and write its files. Raises ``InputError`` for unknown methods or metrics."""
    data = merged_input(stores, {"baseline": baseline} if baseline else {}, apart=True)
    if metrics:
        wanted = [known_metric(m) for m in catalog.split_names(metrics)]
        data = replace(data, rows=data.rows[data.rows["metric"].isin(wanted)])
    first, others = _opponents(data, baseline, catalog.split_names(methods or []))
    module = catalog.build(catalog.reports.get("compare").factory.partition(":")[0] + ":render_comparison")
    shown, files = module(data, first, out or stores[0].folder / "report", methods=others)
    console().print(shown)
    for file in files:
        print(file)
    for note in data.notes:
        print(f"fusionbench: {note}", file=sys.stderr)


def known_metric(name: str) -> str:
    """The metric's own spelling. Raises ``UnknownNameError``."""
    folded = {m.lower(): m for m in catalog.metrics()}
    if name.lower() not in folded:
        raise UnknownNameError(catalog.unknown_name_message("metric", name, folded.values()))
    return folded[name.lower()]


def show_scores(
    scores: Scores, *, csv: Path | None = None, latex: Path | None = None, quiet: bool = False
) -> None:
    """Print the tables of ``fusionbench score`` (unless ``quiet``), and write their summary as CSV (one line a method and score, with
    intervals and exclusions) or the tables as LaTeX. Raises ``InputError`` if nothing was scored.
    """
    import tempfile

    if not len(scores.rows):
        raise InputError("nothing could be scored; see the reasons above")
    data = ReportInput(
        rows=scores.rows, run={}, methods=scores.methods, metrics=catalog.metrics(), datasets={}, fused_dir=Path(), load_pair=_no_pair,
    )  # fmt: skip
    table = catalog.build(catalog.reports.get("table").factory)(catalog.reports.get("table"))
    for renderable in () if quiet else table.terminal(data):
        console().print(renderable)
    if csv is None and latex is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        files = table.render(data, Path(folder))
        written = {
            csv: [f.read_bytes() for f in files if f.name == "summary.csv"],
            latex: [f.read_bytes() for f in files if f.suffix == ".tex" and f.stem != "tables"],
        }
    for target, parts in written.items():
        if target is None:
            continue
        write_atomic(target, b"\n".join(parts))
        if not quiet:
            print(target)


def _no_pair(dataset: str, split: str, image: str) -> PairImages:
    raise InputError("folders that were scored without a run keep no images")
