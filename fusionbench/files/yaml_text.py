"""One way to read YAML that users give: safe, with limits that are checked before anything is built.

A few hundred bytes of YAML can stand for more data than any machine holds (an alias of aliases), or for more
nesting than any stack. Size, depth and the number of entries after all aliases are put in are bounded here.
Dates stay text: no setting of ours is a date, and ``2020-13-45`` is a name like any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from ..errors import InputError
from .regular import read_regular

MAX_CHARACTERS = 1 << 20
MAX_DEPTH = 40
MAX_NODES = 100_000
"""Entries, counted again wherever an alias repeats them."""

_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(_Safe):  # type: ignore[misc]
    """The safe loader without dates."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
    for first, resolvers in _Safe.yaml_implicit_resolvers.items()
}


class RefusedYaml(yaml.YAMLError):
    """YAML that is valid, and too large, too deep or too repetitive to be anyone's settings."""


def read_yaml(text: str) -> Any:
    """The plain data that a YAML text holds. Raises ``yaml.YAMLError`` with the reason if it isn't valid or
    exceeds the limits."""
    if len(text) > MAX_CHARACTERS:
        raise RefusedYaml(f"it has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read")
    try:
        _check(yaml.parse(text, _Loader))
        return yaml.load(text, _Loader)
    except (ValueError, OverflowError, TypeError, RecursionError) as error:
        if isinstance(error, yaml.YAMLError):
            raise
        raise RefusedYaml(f"a value can't be read ({' '.join(str(error).split())[:200]})") from error


def read_yaml_file(path: Path) -> Any:
    """The plain data that a YAML file holds, in UTF-8.

    Raises ``InputError`` if it can't be read, isn't a regular file or is too large, ``yaml.YAMLError`` with the
    reason if it isn't valid.
    """
    content = read_regular(path, 4 * MAX_CHARACTERS)
    try:
        return read_yaml(content.decode())
    except UnicodeDecodeError as error:
        raise RefusedYaml(f"it isn't UTF-8 text ({error})") from error


def _check(events: Iterable[Any]) -> None:
    """Walk the events, so that nothing is built yet. Raises ``RefusedYaml``."""
    sizes: dict[str, int] = {}
    opened: list[tuple[str | None, int]] = []  # anchor, count of entries before it
    count = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                if any(anchor == event.anchor for anchor, _ in opened):
                    raise RefusedYaml(f"the alias *{event.anchor} stands for something that holds it")
                continue  # unknown: the loader says so
            count += sizes[event.anchor]
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append((event.anchor, count))
            count += 1
            if len(opened) > MAX_DEPTH:
                raise RefusedYaml(f"it is nested deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            if anchor is not None:
                sizes[anchor] = count - before
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
        if count > MAX_NODES:
            raise RefusedYaml(f"it stands for more than {MAX_NODES:,} entries")


def read_value(text: str, origin: str) -> Any:
    """The value of a setting that a user wrote as text, for example ``--set KEY=text``. Raises ``InputError``
    that begins with ``origin``."""
    try:
        return read_yaml(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{origin}: the value isn't one that YAML can hold ({reason}); put it in quotes"
        ) from error
