"""The flags of ``run``, ``fuse`` and ``config``, and how they become a ``RunConfig``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from ..errors import InputError
from ..planning.config import RunConfig, load, validate

Methods = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        "-m",
        help="Method: a name, glob, comma list, 'all', dir:/path[:label], external:PATH.yaml or file.py:Class.",
    ),
]
Datasets = Annotated[
    list[str] | None,
    typer.Option("--dataset", "-d", help="Dataset: a name, glob or comma list. Default: demo."),
]
Tasks = Annotated[
    list[str] | None,
    typer.Option("--task", "-t", help="Evaluations: quality, efficiency, … Default: quality,efficiency."),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option("--metrics", help="Metrics to compute, or 'all'. Default: each evaluator's own choice."),
]
Convention = Annotated[
    list[str] | None, typer.Option("--convention", help="Metric convention(s), or 'all'. Default: cddfuse.")
]
Split = Annotated[str | None, typer.Option("--split", help="Dataset split. Default: the dataset's first.")]
Limit = Annotated[
    int | None, typer.Option("--limit", help="Use only this many pairs, evenly spread over the split.")
]
Images = Annotated[list[str] | None, typer.Option("--images", help="Use only these images: names or globs.")]
DataRoot = Annotated[
    list[str] | None,
    typer.Option("--data-root", help="Where the data lie: PATH, or NAME=PATH for one dataset."),
]
Device = Annotated[
    str | None,
    typer.Option("--device", help="auto, cpu, cuda, cuda:N, cuda:all, or a comma list: one process each."),
]
Precision = Annotated[str | None, typer.Option("--precision", help="fp32, bf16 or fp16.")]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", help="Pairs fused at once. Default: 1 on CPU, 8 on CUDA.")
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", help="Threads that decode, score and encode. Default: one a core."),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed of everything random.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Folder for runs. Default: runs.")]
Name = Annotated[
    str | None,
    typer.Option("--name", "-n", help="The run's folder below --out. Default: the datasets' names."),
]
Overwrite = Annotated[
    str | None, typer.Option("--overwrite", help="never, always or only-missing (default).")
]
Options = Annotated[
    list[str] | None, typer.Option("--option", help="A method's or dataset's own option: NAME.KEY=VALUE.")
]
TaskOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--task-option", help="An entry of a task's protocol: TASK.KEY=VALUE, e.g. detection.model=yolo.pt."
    ),
]
Seeds = Annotated[
    int | None,
    typer.Option("--seeds", help="Repetitions of retraining protocols. Default: the protocol's own number."),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Read settings from YAML; flags override it.")
]
Published = Annotated[
    bool | None,
    typer.Option("--published", help="Add the literature's published rows, marked, to the tables."),
]
Reports = Annotated[
    list[str] | None, typer.Option("--report", help="Reports to render. Default: those marked default.")
]
FailFast = Annotated[bool | None, typer.Option("--fail-fast", help="Stop at the first image that fails.")]


def resolve(config_file: Path | None, **flags: Any) -> RunConfig:
    """Join a configuration file and flags (flags win) into a validated configuration."""
    values = load(config_file) if config_file else {}
    origin = f"--config {config_file}" if config_file else "flags"
    roots = flags.pop("data_root", None)
    options = flags.pop("option", None)
    task_options = flags.pop("task_option", None)
    values.update({name: value for name, value in flags.items() if value is not None})
    if roots:
        values["data_root"] = {**values.get("data_root", {}), **dict(_root(text) for text in roots)}
    for text in options or []:
        _set_option(values, text)
    for text in task_options or []:
        name, key, value = _option_parts(
            text, "--task-option", "TASK.KEY=VALUE, for example detection.model=yolov8n.pt"
        )
        values.setdefault("task_options", {}).setdefault(name, {})[key] = value
    if not values.get("method"):
        raise InputError(
            "no method given; for example --method sgdfuse (`fusionbench list methods` shows all)"
        )
    return validate(values, origin)


def _root(text: str) -> tuple[str, str]:
    name, separator, path = text.partition("=")
    if separator and not Path(text).exists() and "/" not in name:
        return name, path
    return "", text


def _option_parts(text: str, flag: str, form: str) -> tuple[str, str, Any]:
    """``NAME.KEY=VALUE`` → name, key, value (read as YAML). Raises ``InputError``."""
    target, separator, value = text.partition("=")
    name, dot, key = target.partition(".")
    if not separator or not dot or not key:
        raise InputError(f"{flag} {text}: expected {form}")
    return name, key, yaml.safe_load(value)


def _set_option(values: dict[str, Any], text: str) -> None:
    name, key, value = _option_parts(text, "--option", "NAME.KEY=VALUE, for example demo.count=50")
    from ..plugins import catalog

    is_dataset = name in catalog.datasets.all()
    table = values.setdefault("dataset_options" if is_dataset else "method_options", {})
    table.setdefault(name, {})[key] = value
