"""``score``: two source folders and folders of fused images → metrics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import settings as s

if TYPE_CHECKING:
    from ..scoring.folders import Scores

_UNTOLD = ["run", "dataset", "split", "evaluator", "class_name", "seed"]
"""Columns that say nothing about folders."""


@s.takes_settings(only=("metrics", "convention", "images", "limit", "jobs"))
def score(
    infrared: Annotated[Path, typer.Argument(metavar="IR", help="Folder of infrared images.")],
    visible: Annotated[Path, typer.Argument(metavar="VIS", help="Folder of visible images.")],
    fused: Annotated[
        list[str],
        typer.Argument(
            metavar="FUSED...",
            help="Folders of fused images, FOLDER or FOLDER:LABEL; several methods at once.",
        ),
    ],
    *,
    ir_pattern: Annotated[
        str | None,
        typer.Option("--ir-pattern", help="What infrared images are called, for example '{name}_ir'."),
    ] = None,
    vi_pattern: Annotated[
        str | None,
        typer.Option("--vi-pattern", help="What visible images are called, for example '{name}_vis'."),
    ] = None,
    fused_pattern: Annotated[
        str | None,
        typer.Option(
            "--fused-pattern",
            help="What fused images are called, for example '{name}_{method}'; {method} without a label: "
            "every method found.",
        ),
    ] = None,
    bits: Annotated[
        str | None,
        typer.Option(
            "--bits",
            help="Bits of 16-bit sources: 8, 10, 12, 14, 16; or percentile or minmax, image by image.",
        ),
    ] = None,
    fused_bits: Annotated[
        str | None, typer.Option("--fused-bits", help="The same for 16-bit fused images.")
    ] = None,
    max_pixels: Annotated[
        int | None,
        typer.Option("--max-pixels", help="Pixels of the largest image that is read. Default: 89 million."),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            help="Write means, spreads and what was left out as CSV, one line per method and metric.",
        ),
    ] = None,
    latex: Annotated[
        Path | None, typer.Option("--latex", help="Write the tables as LaTeX, one per convention.")
    ] = None,
    per_image: Annotated[
        Path | None, typer.Option("--per-image", help="Write every image's values as CSV.")
    ] = None,
    as_json: s.JsonFlag = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    **flags: Any,
) -> int:
    """Score folders of fused images. Images match by file name, whatever the ending: ir/01.png, vis/01.jpg,
    fused/01.png.

    Patterns say what else a name holds: --ir-pattern '{name}_ir' --vi-pattern '{name}_vis'. {folder} stands
    for sub-folders.

    A value that can't be computed is shown as – with its reason, and left out of the mean by name.
    """
    import sys

    from ..errors import EXIT_DONE, EXIT_UNITS_FAILED, InputError
    from ..scoring.folders import score_folders
    from ..scoring.naming import FolderOptions
    from .shown import show_scores

    for flag, target in (("--csv", csv), ("--latex", latex), ("--per-image", per_image)):
        if target is not None and target.is_dir():
            raise InputError(f"{flag} {target}: is a folder; name a file to write")
    flags["conventions"] = flags.pop("convention") or []
    flags = flags | {"images": flags["images"] or [], "jobs": flags["jobs"] or 0}
    naming = FolderOptions(
        ir_pattern or "", vi_pattern or "", fused_pattern or "", bits or "", fused_bits or "", max_pixels or 0
    )
    scores = score_folders(infrared, visible, fused, quiet=quiet or as_json, options=naming, **flags)
    if per_image is not None:
        from ..files.atomic import write_atomic
        from ..files.csv_text import csv_text

        write_atomic(per_image, csv_text(scores.rows.drop(columns=_UNTOLD)).encode())
    if as_json:
        _print_json(scores)
    if csv or latex or not as_json:
        show_scores(scores, csv=csv, latex=latex, quiet=as_json)
    for method, failures in scores.failures.items():
        print(f"fusionbench: {method}: {len(failures)} left out: {', '.join(failures)}", file=sys.stderr)
    return EXIT_UNITS_FAILED if scores.failures else EXIT_DONE


def _print_json(scores: Scores) -> None:
    import json

    from ..statistics.means import means

    content = {
        "means": means(scores.rows, ["method", "convention", "metric"]),
        "failures": scores.failures,
        "skipped": scores.skipped,
    }
    print(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
