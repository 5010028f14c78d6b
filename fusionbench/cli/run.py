"""``run``, ``fuse`` and ``config``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from . import settings as s

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the units, what is cached and what is missing; do nothing.")
]

_SCORING = ("task", "metrics", "convention", "seeds", "task_options", "published", "report")
"""The settings that ``fuse`` doesn't take."""


@s.takes_settings()
def run(
    *,
    config: s.ConfigFile = None,
    dry_run: DryRun = False,
    json_: s.JsonFlag = False,
    quiet: s.Quiet = False,
    **flags: Any,
) -> int:
    """Fuse, score and report: methods × datasets. The same command again does only what is missing."""
    from .outcome import show_run

    resolved = s.resolve(config, **flags)
    if dry_run:
        from .dry_run import show_plan

        return show_plan(resolved, as_json=json_)
    from ..execution.runner import execute

    return show_run(resolved, execute(resolved, quiet=quiet or json_), as_json=json_, quiet=quiet)


@s.takes_settings(without=_SCORING)
def fuse(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Infrared and visible: two folders, or two image files."),
    ] = None,
    *,
    config: s.ConfigFile = None,
    json_: s.JsonFlag = False,
    quiet: s.Quiet = False,
    **flags: Any,
) -> int:
    """Fuse images only: a dataset, two folders, or two files (then --out may name the PNG)."""
    from ..errors import InputError
    from ..plugins import catalog

    folders = folders or []
    if folders and len(folders) != 2:
        raise InputError(f"fuse takes two folders or two files, infrared first, got {len(folders)}")
    if not flags["method"] and not config:
        flags["method"] = [catalog.methods.default().name]
    if folders and all(f.is_file() for f in folders):
        return _fuse_files(folders[0], folders[1], flags)
    if folders:
        dataset = catalog.folder_dataset().name
        flags["dataset"] = [dataset]
        given = [f"{dataset}.ir={folders[0]}", f"{dataset}.vi={folders[1]}"]
        flags["option"] = [*(flags["option"] or []), *given]
    from ..execution.runner import execute
    from .outcome import show_run

    resolved = s.resolve(config, **flags, task=[], report=[])
    result = execute(resolved, quiet=quiet or json_)
    if not (quiet or json_):
        for group in result.plan.groups:
            print(result.folder / "fused" / group.method.name / group.dataset.name / group.dataset.split)
    return show_run(resolved, result, as_json=json_, quiet=quiet)


@s.takes_settings()
def config(*, config: s.ConfigFile = None, **flags: Any) -> None:
    """Print the resolved configuration as YAML; `run --config FILE` takes it back."""
    from ..planning.config import dump
    from ..plugins import catalog

    if not flags["method"] and not config:
        flags["method"] = [catalog.methods.default().name]
    print(dump(s.resolve(config, **flags)), end="")


def _fuse_files(infrared: Path, visible: Path, flags: dict[str, Any]) -> int:
    """Fuse two files with each method, and write the images where ``--out`` says."""
    from ..api import fuse as fuse_pair
    from ..images.codec import write_png

    given = s.resolve(None, **{n: flags[n] for n in ("method", "option", "device", "seed")})
    out: Path | None = flags["out"]
    for name in given.method:
        own = {**given.method_options.get("", {}), **given.method_options.get(name, {})}
        fused = fuse_pair(infrared, visible, name, device=given.device, seed=given.seed, **own)
        label = name.rpartition(":")[2].lower()
        if out is not None and out.suffix.lower() == ".png" and len(given.method) == 1:
            path = out
        else:
            path = (out or Path()) / f"{visible.stem}-{label}.png"
        write_png(path, fused)
        print(path)
    return 0
