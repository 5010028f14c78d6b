"""``run``, ``fuse`` and ``config``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from . import settings as s

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the units, what is cached and what is missing; do nothing.")
]

_SCORING = ("corrupt", "task", "metrics", "convention", "seeds", "task_options", "published", "report")
"""The settings that ``fuse`` doesn't take."""


@s.takes_settings()
def run(
    *,
    suite: Annotated[
        str | None,
        typer.Option(
            "--suite",
            help="Run a suite: a name (`fusionbench list suites`) or FILE.yaml. --dataset and --task choose among "
            "its own; other flags replace its settings.",
        ),
    ] = None,
    config: s.ConfigFile = None,
    dry_run: DryRun = False,
    as_json: s.JsonFlag = False,
    quiet: s.Quiet = False,
    **flags: Any,
) -> int:
    """Fuse, score and report: methods × datasets. The same command again does only what is missing."""
    from .outcome import show_run

    if suite is not None:
        return _run_suite(suite, s.given(config, **flags), dry_run=dry_run, as_json=as_json, quiet=quiet)
    resolved = s.resolve(config, **flags)
    if dry_run:
        from .dry_run import show_plans

        return show_plans([resolved], as_json=as_json)
    from ..execution.runner import execute

    return show_run(resolved, execute(resolved, quiet=quiet or as_json), as_json=as_json, quiet=quiet)


def _run_suite(name: str, flags: dict[str, Any], *, dry_run: bool, as_json: bool, quiet: bool) -> int:
    from ..suites.running import execute_suite
    from ..suites.suite import load_suite, part_configs
    from .outcome import show_run

    configs = part_configs(load_suite(name), flags)
    if dry_run:
        from .dry_run import show_plans

        return show_plans(configs, as_json=as_json)
    result = execute_suite(configs, quiet=quiet or as_json)
    return show_run(configs[0], result, as_json=as_json, quiet=quiet)


@s.takes_settings(without=_SCORING)
def fuse(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Infrared and visible: two folders, or two image files."),
    ] = None,
    *,
    config: s.ConfigFile = None,
    as_json: s.JsonFlag = False,
    quiet: s.Quiet = False,
    **flags: Any,
) -> int:
    """Fuse images only: a dataset, two folders, or two files.

    Two folders with --out DIR give DIR/NAME.png, or DIR/METHOD/NAME.png for several methods (with --name: a
    run folder, as datasets do). Two files with --out FILE.png give that file.
    """
    from ..errors import InputError
    from ..plugins import catalog
    from .fused_images import fuse_files, fuse_folders

    folders = folders or []
    if folders and len(folders) != 2:
        raise InputError(f"fuse takes two folders or two files, infrared first, got {len(folders)}")
    if not flags["method"] and not config:
        flags["method"] = [catalog.methods.default().name]
    if folders and all(f.is_file() for f in folders):
        return fuse_files(folders[0], folders[1], flags, quiet=quiet)
    if folders:
        dataset = catalog.folder_dataset().name
        flags["dataset"] = [dataset]
        flags["dataset_options"] = {dataset: {"ir": str(folders[0]), "vi": str(folders[1])}}
    from ..execution.runner import execute
    from .outcome import show_run

    resolved = s.resolve(config, **flags, task=[], report=[])
    if folders and flags["out"] is not None and flags["name"] is None:
        return fuse_folders(resolved, as_json=as_json, quiet=quiet)
    result = execute(resolved, quiet=quiet or as_json)
    if not (quiet or as_json):
        for group in result.plan.groups:
            print(result.folder / "fused" / group.method.name / group.dataset.name / group.dataset.split)
    return show_run(resolved, result, as_json=as_json, quiet=quiet)


@s.takes_settings()
def config(*, config: s.ConfigFile = None, **flags: Any) -> None:
    """Print the resolved configuration as YAML; `run --config FILE` takes it back."""
    from ..planning.config import dump
    from ..plugins import catalog

    if not flags["method"] and not config:
        flags["method"] = [catalog.methods.default().name]
    print(dump(s.resolve(config, **flags)), end="")
