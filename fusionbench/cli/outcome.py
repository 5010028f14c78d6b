"""What ``run`` and ``fuse`` print when they are done: tables, files, and what failed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EXIT_DONE, EXIT_UNITS_FAILED, printable
from ..planning.config import RunConfig
from ..rendering import chosen_reports, render, report_input
from ..statistics.means import means
from ..store.run_store import RunStore
from ..terminal.console import console

if TYPE_CHECKING:
    from ..execution.runner import RunResult

_KEYS = ["method", "dataset", "split", "evaluator", "convention", "metric", "class_name"]


def show_run(config: RunConfig, result: RunResult, *, as_json: bool, quiet: bool) -> int:
    """Render the reports, print what they show, and say what failed. Returns the exit code."""
    reports = chosen_reports(config.report)
    files: list[Path] = []
    problems: list[str] = []
    shown: list[Any] = []
    rows = corrupted = None
    if reports or as_json:
        store = RunStore.read_only(result.folder)
        data = report_input(store, selection=result.plan.selection(), options={"published": config.published})
        rows, corrupted = data.rows, data.corrupted
        files, shown, problems = render(data, result.folder / "report", reports)
    if as_json:
        _print_json(result, rows, corrupted, files, problems)
    elif not quiet:
        _print_terminal(result, shown, files)
    for problem in problems:
        print(f"fusionbench: {printable(problem)}", file=sys.stderr)
    failed = print_failures(result)
    return EXIT_UNITS_FAILED if failed or problems else EXIT_DONE


def print_failures(result: RunResult) -> int:
    """Say what failed; one reason of one image stands once, whatever it keeps from being done. Returns how
    many failed."""
    failed = sum(len(found) for found in result.failures.values())
    if not failed:
        return 0
    print(f"fusionbench: {failed} failed; the rest is kept:", file=sys.stderr)
    together: dict[tuple[str, str], list[str]] = {}
    for label, images in result.failures.items():
        for image, reason in images.items():
            together.setdefault((image, reason), []).append(label)
    for (image, reason), labels in together.items():
        said = f"  {', '.join(labels)}: {image + ': ' if image else ''}{reason}"
        print(printable(said), file=sys.stderr)
    return failed


def _print_terminal(result: RunResult, shown: list[Any], files: list[Path]) -> None:
    for renderable in shown:
        console().print(renderable)
    if files:
        print(f"{len(files)} report files in {result.folder / 'report'}")
    print(
        f"{result.fused} images fused, {result.scored} scored, in {result.seconds:.1f} s; run folder: "
        f"{result.folder}"
    )


def _print_json(result: RunResult, rows: Any, corrupted: Any, files: list[Path], problems: list[str]) -> None:
    content = {
        "folder": str(result.folder),
        "seconds": round(result.seconds, 2),
        "fused": result.fused,
        "scored": result.scored,
        "means": [] if rows is None else means(rows, _KEYS),
        **(
            {"corrupted": means(corrupted, [*_KEYS, "corruption", "severity"])}
            if corrupted is not None and len(corrupted)
            else {}
        ),
        "failures": result.failures,
        "files": [str(f) for f in files],
        "problems": problems,
    }
    print(json.dumps(content, indent=1, ensure_ascii=False))
