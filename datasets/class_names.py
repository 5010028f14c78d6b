"""Which class a box file's ids mean, where a file beside the labels says so: ``classes.txt``, ``obj.names``,
``data.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from fusionbench.errors import InputError, printable
from fusionbench.files.regular import read_regular
from fusionbench.files.yaml_text import read_yaml

_LISTS = ("classes.txt", "obj.names", "predefined_classes.txt")
_YAML = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
_LIMIT = 2**18
"""Bytes of a file of class names."""

_DEPTH = 16
"""Brackets within brackets; a YAML parser takes minutes for thousands."""


@dataclass(frozen=True)
class ClassFile:
    """The class names by id that a file gives."""

    path: Path
    names: Mapping[int, str]

    def ids(self, classes: Sequence[str], other_names: Mapping[str, str]) -> dict[int, int]:
        """Its ids → indices into ``classes``; ids of classes that aren't among them are left out."""
        index = {name.casefold(): i for i, name in enumerate(classes)}
        found = {}
        for number, name in self.names.items():
            own = other_names.get(name.lower(), name)
            if own.casefold() in index:
                found[number] = index[own.casefold()]
        return found


def find_class_file(boxes: Path, root: Path) -> ClassFile | None:
    """The file of class names beside the labels: in their folder, else in the folders above it, up to the
    root.

    Raises ``InputError`` naming the file if it can't be read or names a class twice.
    """
    for folder in _upwards(boxes, root):
        for name in (*_LISTS, *_YAML):
            path = folder / name
            if path.is_file():
                text = read_regular(path, _LIMIT).decode("utf-8-sig", errors="replace")
                names = _lines(text) if name in _LISTS else _yaml_names(text, path)
                if names:
                    _check_unique(names, path)
                    return ClassFile(path, names)
    return None


def _upwards(boxes: Path, root: Path) -> Iterator[Path]:
    here, top = boxes.resolve(), root.resolve()
    yield here
    while here != top and here.is_relative_to(top):
        here = here.parent
        yield here


def _lines(text: str) -> dict[int, str]:
    return dict(enumerate(printable(line.strip()) for line in text.splitlines() if line.strip()))


def _yaml_names(text: str, path: Path) -> dict[int, str]:
    if _depth(text) > _DEPTH:
        raise InputError(f"{path}: is nested too deeply for a file of class names")
    try:
        # Class names need no aliases, and aliases can be made to explode.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise InputError(f"{path}: uses YAML aliases; write its class names out")
        content = read_yaml(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: isn't valid YAML ({str(error).splitlines()[0]})") from error
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, list):
        return {i: printable(str(name)) for i, name in enumerate(names)}
    if isinstance(names, dict) and all(isinstance(i, int) for i in names):
        return {int(i): printable(str(name)) for i, name in names.items()}
    return {}


def _depth(text: str) -> int:
    dashes = max((len(run) // 2 for run in re.findall(r"(?:- )+", text)), default=0)
    depth, deepest = 0, dashes
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _check_unique(names: Mapping[int, str], path: Path) -> None:
    folded = [name.casefold() for name in names.values()]
    doubled = next((name for name in folded if folded.count(name) > 1), None)
    if doubled is not None:
        raise InputError(f"{path}: names the class {doubled!r} twice, so its ids can't be told")
