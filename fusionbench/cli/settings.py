"""The flags of ``run``, ``fuse``, ``config`` and ``score``, made from the fields of ``RunConfig``, and how
they become one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from ..errors import InputError
from ..files.yaml_text import read_value
from ..planning.config import RunConfig, load, validate

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Read settings from YAML; flags override it.")
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress, no tables; failures are still said.")
]

_SHORT = {"method": "-m", "dataset": "-d", "task": "-t", "jobs": "-j", "out": "-o", "name": "-n"}
_OPTION = "option"
_TABLES = {
    "data_root": ("data_root", None),
    "dataset_options": (_OPTION, "A method's or dataset's own option: NAME.KEY=VALUE."),
    "method_options": (_OPTION, "A method's or dataset's own option: NAME.KEY=VALUE."),
    "task_options": (
        "task_option",
        "An entry of a task's protocol: TASK.KEY=VALUE, e.g. detection.model=yolo.pt.",
    ),
}
"""Fields that are tables: the flag that fills them, once per entry, and its help where it isn't the
field's."""

Command = TypeVar("Command", bound=Callable[..., Any])


def takes_settings(
    *, only: Collection[str] = (), without: Collection[str] = ()
) -> Callable[[Command], Command]:
    """Give a command a flag for each field of ``RunConfig``; it gets those that the user gave as keyword
    arguments.

    ``only`` names the fields that it takes, ``without`` those that it doesn't.
    """
    names = [n for n in RunConfig.model_fields if (not only or n in only) and n not in without]
    flags = {flag.name: flag for flag in map(_flag, names)}

    def decorate(command: Command) -> Command:
        hints = get_type_hints(command, include_extras=True)
        own = [
            p.replace(annotation=hints[p.name])
            for p in inspect.signature(command).parameters.values()
            if p.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        positional = [p for p in own if p.kind is not inspect.Parameter.KEYWORD_ONLY]
        after = [p for p in own if p.kind is inspect.Parameter.KEYWORD_ONLY]
        parameters = [*positional, *flags.values(), *after]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        return command

    return decorate


def _flag(field_name: str) -> inspect.Parameter:
    """The flag of a field. Unset flags are None, so that a configuration file or the field's default
    decides."""
    field = RunConfig.model_fields[field_name]
    name, text = _TABLES.get(field_name, (field_name, None))
    option = typer.Option(
        f"--{name.replace('_', '-')}",
        *([_SHORT[name]] if name in _SHORT else []),
        help=text or field.description,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[_flag_type(field_name, field.annotation), option],
    )


def _flag_type(field_name: str, annotation: Any) -> Any:
    """What the command line reads for a field: repeated texts for names and tables, one value otherwise."""
    if field_name in _TABLES or "tuple" in str(annotation):
        return list[str] | None
    for plain in (bool, int, Path):
        if annotation in (plain, plain | None):
            return plain | None
    return str | None


def resolve(config_file: Path | None, **flags: Any) -> RunConfig:
    """Join a configuration file and flags (flags win) into a validated configuration."""
    values = given(config_file, **flags)
    if not values.get("method"):
        raise InputError(
            "no method given; for example --method sgdfuse (`fusionbench list methods` shows all)"
        )
    return validate(values, f"--config {config_file}" if config_file else "flags")


def given(config_file: Path | None, **flags: Any) -> dict[str, Any]:
    """The settings that a configuration file and flags (which win) give, by the names of ``RunConfig``'s fields."""
    values = load(config_file) if config_file else {}
    roots = flags.pop("data_root", None)
    options = flags.pop(_OPTION, None)
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
    return values


def _root(text: str) -> tuple[str, str]:
    name, separator, path = text.partition("=")
    if separator and not Path(text).exists() and "/" not in name:
        return name, path
    return "", text


def _option_parts(text: str, flag: str, form: str) -> tuple[str, str, Any]:
    """``NAME.KEY=VALUE`` → name, key, value (read as YAML, patterns as they are). Raises ``InputError``."""
    target, separator, value = text.partition("=")
    name, dot, key = target.partition(".")
    if not separator or not dot or not key:
        raise InputError(f"{flag} {text}: expected {form}")
    if key.endswith("pattern"):  # {name}_ir and *_ir mean something else in YAML
        return name, key, value
    return name, key, read_value(value, f"{flag} {text[:200]}")


def _set_option(values: dict[str, Any], text: str) -> None:
    name, key, value = _option_parts(text, "--option", "NAME.KEY=VALUE, for example demo.count=50")
    from ..plugins import catalog

    is_dataset = name in catalog.datasets.all()
    table = values.setdefault("dataset_options" if is_dataset else "method_options", {})
    table.setdefault(name, {})[key] = value
