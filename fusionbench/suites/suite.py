"""Suites as data: reading them, and the configurations of their parts."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..contracts.names import PlainName, split_names
from ..errors import InputError, UnknownNameError
from ..files.yaml_text import read_yaml_file
from ..planning.config import RunConfig, validate
from ..plugins import catalog
from ..plugins.catalog import unknown_name_message

FOLDER = Path(__file__).parent
CHOOSING = ("dataset", "task")
"""Flags that choose among a suite's own datasets and tasks; every other flag replaces the suite's setting."""
_NOT_THE_SUITE = {"out", "name"}
"""Settings that say where results go, which is for the user to say."""


class Suite(BaseModel):
    """A named set of runs. ``settings`` hold for all ``parts``; both have the fields of a run's configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: PlainName
    title: str
    summary: str = ""
    source: str = ""
    settings: Mapping[str, Any] = {}
    parts: tuple[Mapping[str, Any], ...] = Field(min_length=1)


def suite_names() -> list[str]:
    """The suites of the package, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_suite(text: str) -> Suite:
    """A suite by name, or from a YAML file.

    Raises ``UnknownNameError`` for a name that there isn't, ``InputError`` naming what is wrong with a file.
    """
    path = Path(text).expanduser()
    if not text.endswith((".yaml", ".yml")):
        if text not in suite_names():
            hint = f" {text} is a file; a suite file ends in .yaml" if path.is_file() else ""
            raise UnknownNameError(unknown_name_message("suite", text, suite_names()) + hint)
        path = FOLDER / f"{text}.yaml"
    try:
        content = read_yaml_file(path)
    except InputError as error:
        raise InputError(f"--suite {error}") from error
    except yaml.YAMLError as error:
        raise InputError(f"--suite {path}: isn't valid YAML ({error})") from error
    return read_suite(content, f"--suite {text}")


def read_suite(content: Any, origin: str) -> Suite:
    """A suite from a YAML file's content. Raises ``InputError`` that names each wrong key, with the nearest right one."""
    if not isinstance(content, Mapping):
        raise InputError(f"{origin}: expected a mapping with name, title and parts")
    wrong = _unknown(content, "", Suite.model_fields)
    settings, parts = content.get("settings"), content.get("parts")
    fields = [name for name in RunConfig.model_fields if name not in _NOT_THE_SUITE]
    if isinstance(settings, Mapping):
        wrong += _unknown(settings, "settings.", fields)
    for number, part in enumerate(parts if isinstance(parts, list) else [], start=1):
        if isinstance(part, Mapping):
            wrong += _unknown(part, f"parts[{number}].", fields)
    if wrong:
        raise InputError(f"{origin}: the suite is wrong\n" + "\n".join(f"  {line}" for line in wrong))
    try:
        suite = Suite.model_validate(content)
    except ValidationError as error:
        lines = [f"  {'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors()]
        raise InputError(f"{origin}: the suite is wrong\n" + "\n".join(lines)) from None
    part_configs(suite, {}, origin)  # wrong values are said at once
    return suite


def part_configs(suite: Suite, flags: Mapping[str, Any], origin: str = "") -> list[RunConfig]:
    """The configurations of a suite's parts, with the user's ``flags`` (fields of ``RunConfig``) over its settings.

    ``dataset`` and ``task`` choose among the suite's own; parts with nothing left are left out. Results go to a folder of
    the suite's name unless ``name`` is given, and what is missing is left out. Raises ``InputError`` for a dataset or
    task that the suite doesn't have, or a wrong value.
    """
    origin = origin or f"--suite {suite.name}"
    merged = [{"skip_missing": True, "name": suite.name, **suite.settings, **part} for part in suite.parts]
    plain = {key: value for key, value in flags.items() if key not in CHOOSING}
    configs = [validate({**part, **_merged(part, plain)}, origin) for part in merged]
    for key in CHOOSING:
        if flags.get(key):
            configs = _chosen(configs, key, split_names(flags[key]), suite)
    return configs


def _merged(part: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    """Flags over a part's settings; tables (data roots, options) are joined entry by entry."""
    joined = {}
    for key, value in flags.items():
        own = part.get(key)
        if isinstance(value, Mapping) and isinstance(own, Mapping):
            value = {
                k: {**own[k], **value[k]} if k in own and k in value and isinstance(own[k], Mapping) else v
                for k, v in {**own, **value}.items()
            }
        joined[key] = value
    return joined


def _chosen(configs: Sequence[RunConfig], key: str, wanted: Sequence[str], suite: Suite) -> list[RunConfig]:
    """The parts with those of their datasets (or tasks) that are wanted."""
    there = list(dict.fromkeys(name for config in configs for name in _names(config, key)))
    for name in wanted:
        if name not in there:
            raise InputError(
                f"--{key} {name}: beside --suite this chooses among the suite's own, and {suite.name} has "
                f"{', '.join(there)}"
            )
    kept = []
    for config in configs:
        names = tuple(name for name in _names(config, key) if name in wanted)
        if names:
            kept.append(config.model_copy(update={key: names}))
    return kept


def _names(config: RunConfig, key: str) -> list[str]:
    if key == "dataset":
        return [spec.name for text in config.dataset for spec in catalog.datasets.match(text)]
    return list(config.task)


def _unknown(given: Mapping[Any, Any], where: str, known: Iterable[str]) -> list[str]:
    """A sentence for each key that isn't known, with the nearest one that is."""
    names = list(known)
    lines = []
    for key in given:
        if key in names:
            continue
        if key in _NOT_THE_SUITE and where:
            lines.append(f"{where}{key}: where results go is said on the command line (--{key})")
            continue
        near = difflib.get_close_matches(str(key), names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
        lines.append(f"{where}{key}: there is no such key; {hint}")
    return lines
