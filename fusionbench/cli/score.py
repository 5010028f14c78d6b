"""``score``: two source folders and folders of fused images → metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import settings as s


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
    metrics: s.Metrics = None,
    convention: s.Convention = None,
    images: s.Images = None,
    limit: s.Limit = None,
    jobs: s.Jobs = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the summary as CSV.")] = None,
    latex: Annotated[Path | None, typer.Option("--latex", help="Write the table as LaTeX.")] = None,
    per_image: Annotated[
        Path | None, typer.Option("--per-image", help="Write every image's values as CSV.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> int:
    """Score folders of fused images. Pairs match by file name, whatever the ending."""
    import sys

    from ..errors import EXIT_DONE, EXIT_UNITS_FAILED
    from ..scoring import score_folders

    scores = score_folders(
        infrared, visible, fused, metrics=metrics, conventions=convention or [], images=images or [], limit=limit, jobs=jobs or 0,
        quiet=quiet or json_,
    )  # fmt: skip
    if per_image is not None:
        from ..images import write_atomic

        write_atomic(
            per_image,
            scores.rows.drop(columns=["run", "dataset", "split", "evaluator", "class_name", "seed"])
            .to_csv(index=False)
            .encode(),
        )
    if json_:
        import json

        means = (
            scores.rows.groupby(["method", "convention", "metric"], sort=False)["value"].mean().reset_index()
        )
        print(json.dumps({"means": means.to_dict("records"), "failures": scores.failures}, indent=1))
    else:
        from ..rendering import show_scores

        show_scores(scores, csv=csv, latex=latex)
    for method, failures in scores.failures.items():
        print(f"fusionbench: {method}: {len(failures)} left out: {', '.join(failures)}", file=sys.stderr)
    return EXIT_UNITS_FAILED if scores.failures else EXIT_DONE
