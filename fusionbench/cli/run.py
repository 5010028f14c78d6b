"""``run``, ``fuse`` and ``config``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import settings as s

if TYPE_CHECKING:
    from ..execution.runner import RunResult
    from ..planning.config import RunConfig

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress, no tables; failures are still said.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the units, what is cached and what is missing; do nothing.")
]


def run(
    method: s.Methods = None, dataset: s.Datasets = None, task: s.Tasks = None, metrics: s.Metrics = None, convention: s.Convention = None,
    split: s.Split = None, limit: s.Limit = None, images: s.Images = None, data_root: s.DataRoot = None, device: s.Device = None,
    precision: s.Precision = None, batch_size: s.BatchSize = None, jobs: s.Jobs = None, seed: s.Seed = None, out: s.Out = None,
    name: s.Name = None, overwrite: s.Overwrite = None, option: s.Options = None, task_option: s.TaskOptions = None, seeds: s.Seeds = None, config: s.ConfigFile = None,
    published: s.Published = None, report: s.Reports = None, fail_fast: s.FailFast = None,
    dry_run: DryRun = False, json_: JsonFlag = False, quiet: Quiet = False,
) -> int:  # fmt: skip
    """Fuse, score and report: methods × datasets. The same command again does only what is missing."""
    resolved = s.resolve(
        config, method=method, dataset=dataset, task=task, metrics=metrics, convention=convention, split=split, limit=limit, images=images,
        data_root=data_root, device=device, precision=precision, batch_size=batch_size, jobs=jobs, seed=seed, out=out, name=name,
        overwrite=overwrite, option=option, task_option=task_option, seeds=seeds, published=published, report=report, fail_fast=fail_fast,
    )  # fmt: skip
    if dry_run:
        return _dry_run(resolved, json_)
    from ..execution.runner import execute

    result = execute(resolved, quiet=quiet or json_)
    return _show(resolved, result, json_, quiet)


def fuse(
    folders: Annotated[list[Path] | None, typer.Argument(help="Infrared and visible: two folders, or two image files.")] = None,
    method: s.Methods = None, dataset: s.Datasets = None, split: s.Split = None, limit: s.Limit = None, images: s.Images = None,
    data_root: s.DataRoot = None, device: s.Device = None, precision: s.Precision = None, batch_size: s.BatchSize = None, jobs: s.Jobs = None,
    seed: s.Seed = None, out: s.Out = None, name: s.Name = None, overwrite: s.Overwrite = None, option: s.Options = None,
    config: s.ConfigFile = None, fail_fast: s.FailFast = None, json_: JsonFlag = False, quiet: Quiet = False,
) -> int:  # fmt: skip
    """Fuse images only: a dataset, two folders, or two files (then --out may name the PNG)."""
    from ..errors import InputError

    folders = folders or []
    if folders and len(folders) != 2:
        raise InputError(f"fuse takes two folders or two files, infrared first, got {len(folders)}")
    if folders and all(f.is_file() for f in folders):
        return _fuse_files(folders[0], folders[1], method or ["sgdfuse"], out, device, seed or 0, option)
    if folders:
        dataset, option = ["folder"], [*(option or []), f"folder.ir={folders[0]}", f"folder.vi={folders[1]}"]
    resolved = s.resolve(
        config, method=method or (None if config else ["sgdfuse"]), dataset=dataset, split=split, limit=limit, images=images, data_root=data_root, device=device,
        precision=precision, batch_size=batch_size, jobs=jobs, seed=seed, out=out, name=name, overwrite=overwrite, option=option, fail_fast=fail_fast,
    )  # fmt: skip
    resolved = resolved.model_copy(update={"task": (), "report": ()})
    from ..execution.runner import execute

    result = execute(resolved, quiet=quiet or json_)
    if not (quiet or json_):
        for group in result.plan.groups:
            print(
                result.folder
                / "fused"
                / group.method.spec.name
                / group.dataset.spec.name
                / group.dataset.split
            )
    return _show(resolved, result, json_, quiet)


def config(
    method: s.Methods = None, dataset: s.Datasets = None, task: s.Tasks = None, metrics: s.Metrics = None, convention: s.Convention = None,
    split: s.Split = None, limit: s.Limit = None, images: s.Images = None, data_root: s.DataRoot = None, device: s.Device = None,
    precision: s.Precision = None, batch_size: s.BatchSize = None, jobs: s.Jobs = None, seed: s.Seed = None, out: s.Out = None,
    name: s.Name = None, overwrite: s.Overwrite = None, option: s.Options = None, task_option: s.TaskOptions = None, seeds: s.Seeds = None, config: s.ConfigFile = None,
    published: s.Published = None, report: s.Reports = None, fail_fast: s.FailFast = None,
) -> None:  # fmt: skip
    """Print the resolved configuration as YAML; `run --config FILE` takes it back."""
    from ..planning.config import dump

    resolved = s.resolve(
        config, method=method or (None if config else ["sgdfuse"]), dataset=dataset, task=task, metrics=metrics, convention=convention, split=split, limit=limit,
        images=images, data_root=data_root, device=device, precision=precision, batch_size=batch_size, jobs=jobs, seed=seed, out=out,
        name=name, overwrite=overwrite, option=option, task_option=task_option, seeds=seeds, published=published, report=report, fail_fast=fail_fast,
    )  # fmt: skip
    print(dump(resolved), end="")


def _fuse_files(
    infrared: Path,
    visible: Path,
    methods: list[str],
    out: Path | None,
    device: str | None,
    seed: int,
    options: list[str] | None,
) -> int:
    from ..api import fuse as fuse_pair
    from ..images.codec import write_png
    from ..plugins.catalog import split_names

    names = split_names(methods)
    given: RunConfig = s.resolve(None, method=names, option=options)
    for name in names:
        own = {**given.method_options.get("", {}), **given.method_options.get(name, {})}
        fused = fuse_pair(infrared, visible, name, device=device or "auto", seed=seed, **own)
        label = name.rpartition(":")[2].lower()
        if out is not None and out.suffix.lower() == ".png" and len(names) == 1:
            path = out
        else:
            path = (out or Path()) / f"{visible.stem}-{label}.png"
        write_png(path, fused)
        print(path)
    return 0


def _dry_run(config: RunConfig, as_json: bool) -> int:
    import json

    from ..planning.plan import make_plan
    from ..store.run_store import RunStore

    plan = make_plan(config, allow_missing=True)
    store = RunStore(config.folder)
    units: list[dict[str, Any]] = []
    for group in plan.groups:
        names = {p.name for p in group.dataset.pairs}
        for unit in (group.fuse, *(score.id for score in group.scores)):
            cached = len(names & set(store.entries(unit)))
            units.append({
                "unit": unit.evaluator, "method": unit.method, "dataset": f"{unit.dataset}/{unit.split}", "convention": unit.convention,
                "images": len(names), "cached": cached, "key": unit.key[:12],
            })  # fmt: skip
    for method_unit in plan.method_units:
        unit = method_unit.score.id
        done = int(bool(store.entries(unit)))
        units.append(
            {
                "unit": unit.evaluator,
                "method": unit.method,
                "dataset": "",
                "convention": "",
                "images": 1,
                "cached": done,
                "key": unit.key[:12],
            }
        )
    if as_json:
        print(json.dumps({"folder": str(config.folder), "units": units, "skipped": plan.skipped}, indent=1))
        return 0
    from rich.table import Table

    from ..terminal.console import console

    table = Table(title=f"{config.folder}: {len(units)} units")
    for column in ("unit", "method", "dataset", "convention", "images", "cached", "key"):
        table.add_column(column, justify="right" if column in {"images", "cached"} else "left")
    for row in units:
        table.add_row(*(str(v) for v in row.values()))
    console().print(table)
    for skipped in plan.skipped:
        console().print(f"missing: {skipped}", markup=False, highlight=False)
    return 0


def _show(config: RunConfig, result: RunResult, as_json: bool, quiet: bool) -> int:
    """Render the reports, print what they show, and say what failed. Returns the exit code."""
    from ..errors import EXIT_DONE, EXIT_UNITS_FAILED
    from ..rendering import chosen_reports, render, report_input
    from ..store.run_store import RunStore

    reports = chosen_reports(config.report)
    files: list[Path] = []
    problems: list[str] = []
    shown: list[Any] = []
    rows = None
    if reports or as_json:
        store = RunStore.read_only(result.folder)
        data = report_input(store, selection=result.plan.selection(), options={"published": config.published})
        rows = data.rows
        files, shown, problems = render(data, result.folder / "report", reports)
    failed = sum(len(f) for f in result.failures.values())
    if as_json:
        _print_json(result, rows, files, problems)
    elif not quiet:
        _print_terminal(result, shown, files)
    import sys

    for problem in problems:
        print(f"fusionbench: {problem}", file=sys.stderr)
    if failed:
        print(f"fusionbench: {failed} failed; the rest is kept:", file=sys.stderr)
        together: dict[tuple[str, str], list[str]] = {}
        for label, images in result.failures.items():
            for image, reason in images.items():
                together.setdefault((image, reason), []).append(label)
        for (image, reason), labels in together.items():
            print(f"  {', '.join(labels)}: {image + ': ' if image else ''}{reason}", file=sys.stderr)
    return EXIT_UNITS_FAILED if failed or problems else EXIT_DONE


def _print_terminal(result: RunResult, shown: list[Any], files: list[Path]) -> None:
    from ..terminal.console import console

    for renderable in shown:
        console().print(renderable)
    if files:
        print(f"{len(files)} report files in {result.folder / 'report'}")
    print(
        f"{result.fused} images fused, {result.scored} scored, in {result.seconds:.1f} s; run folder: {result.folder}"
    )


def _print_json(result: RunResult, rows: Any, files: list[Path], problems: list[str]) -> None:
    import json

    from ..statistics.means import means

    keys = ["method", "dataset", "split", "evaluator", "convention", "metric", "class_name"]
    print(json.dumps({
        "folder": str(result.folder), "seconds": round(result.seconds, 2), "fused": result.fused, "scored": result.scored,
        "means": [] if rows is None else means(rows, keys), "failures": result.failures, "files": [str(f) for f in files], "problems": problems,
    }, indent=1, ensure_ascii=False))  # fmt: skip
