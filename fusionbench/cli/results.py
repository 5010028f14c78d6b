"""``report`` and ``compare``: from finished runs to tables and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Runs = Annotated[
    list[str],
    typer.Argument(metavar="RUN...", help="Runs: folders, or names below runs/. Several are joined."),
]


def report(
    runs: Runs,
    only: Annotated[
        list[str] | None,
        typer.Option("--report", "-r", help="Reports to render. Default: those marked default."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the files. Default: the first run's report/."),
    ] = None,
    published: Annotated[
        bool, typer.Option("--published", help="Add the literature's published rows, marked.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the files' names.")] = False,
) -> int:
    """Render tables and figures again, from the stored rows alone."""
    import sys

    from ..errors import EXIT_DONE, EXIT_UNITS_FAILED
    from ..rendering import chosen_reports, find_runs, merged_input, render
    from ..terminal.console import console

    stores = find_runs(runs)
    folder = out or stores[0].folder / "report"
    files, shown, problems = render(
        merged_input(stores, {"published": published}), folder, chosen_reports(only)
    )
    if not quiet:
        for renderable in shown:
            console().print(renderable)
    for file in files:
        print(file)
    for problem in problems:
        print(f"fusionbench: {problem}", file=sys.stderr)
    return EXIT_UNITS_FAILED if problems else EXIT_DONE


def compare(
    runs: Runs,
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", "-b", help="Compare the others with this method. Default: the first."),
    ] = None,
    methods: Annotated[list[str] | None, typer.Option("--method", "-m", help="Only these methods.")] = None,
    metrics: Annotated[list[str] | None, typer.Option("--metrics", help="Only these metrics.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for CSV and LaTeX. Default: the first run's report/."),
    ] = None,
) -> None:
    """Compare methods image by image: differences, bootstrap intervals, paired Wilcoxon tests
    (Holm-corrected)."""
    from ..rendering import find_runs
    from .shown import show_comparison

    show_comparison(find_runs(runs), baseline, methods, metrics, out)


def merge(
    runs: Runs,
    out: Annotated[Path, typer.Option("--out", "-o", help="The new run folder that holds all of them.")],
) -> int:
    """Join runs of several machines into a new run folder. What contradicts or is damaged is named, and
    nothing is written."""
    import sys

    from ..errors import EXIT_DONE, EXIT_UNITS_FAILED
    from ..rendering import find_runs
    from ..store.merging import merge as merge_stores

    merged = merge_stores(find_runs(runs), out)
    print(f"{merged.units} units, {merged.images} fused images; run folder: {merged.folder}")
    for note in merged.notes:
        print(f"fusionbench: {note}", file=sys.stderr)
    return EXIT_UNITS_FAILED if merged.notes else EXIT_DONE
