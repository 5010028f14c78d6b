"""Which corruptions a run applies: ``--corrupt NAME[:SEVERITY]``."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, UnknownNameError
from ..plugins.catalog import unknown_name_message
from .spec import SPECS, CorruptionSpec, by_name


@dataclass(frozen=True)
class Corruption:
    """A corruption at one severity. ``str()`` gives its text: ``fog:3``."""

    spec: CorruptionSpec
    severity: int

    def __str__(self) -> str:
        return f"{self.spec.name}:{self.severity}"

    @property
    def identity(self) -> list[Any]:
        """All that decides what it does to a pair: part of the keys of results."""
        spec = self.spec
        return [spec.name, spec.version, self.severity, dict(spec.parameters[self.severity])]

    @property
    def steps(self) -> int:
        """How many frames away the infrared image is taken from; 0 for the pair's own."""
        return int(self.spec.parameters[self.severity]["steps"]) if self.spec.frames else 0


def choose(texts: Iterable[str]) -> tuple[Corruption, ...]:
    """The corruptions that texts stand for, each once, in the order of ``SPECS``.

    A text is a name, a glob, ``all`` or a kind (``visible``, ``infrared``, ``pair``), alone (all severities) or with a
    severity (``fog:3``). A corruption with one severity takes part in globs and kinds of any severity. Raises
    ``UnknownNameError``, ``InputError`` for a severity that a named corruption doesn't have.
    """
    chosen: set[tuple[str, int]] = set()
    for text in texts:
        name, separator, level = text.partition(":")
        several = _several(name)
        severity = _severity(text, level) if separator else None
        for spec in several or [_named(name)]:
            if severity is None or (several and len(spec.severities) == 1):
                chosen |= {(spec.name, s) for s in spec.severities}
            elif severity in spec.severities:
                chosen.add((spec.name, severity))
            else:
                raise InputError(f"--corrupt {text}: {spec.name} has {_said(spec.severities)}")
    order = {spec.name: i for i, spec in enumerate(SPECS)}
    specs = by_name()
    return tuple(
        Corruption(specs[name], severity)
        for name, severity in sorted(chosen, key=lambda c: (order[c[0]], c[1]))
    )


def parse(text: str) -> Corruption:
    """The corruption that ``str()`` wrote. Raises ``UnknownNameError``, ``InputError``."""
    name, _, level = text.partition(":")
    spec, severity = _named(name), _severity(text, level)
    if severity not in spec.severities:
        raise InputError(f"{text}: {name} has {_said(spec.severities)}")
    return Corruption(spec, severity)


def _several(name: str) -> list[CorruptionSpec]:
    """The corruptions of ``all``, of a kind or of a glob; none for a plain name."""
    if any(c in name for c in "*?["):
        found = [spec for spec in SPECS if fnmatch.fnmatchcase(spec.name, name)]
        if not found:
            raise UnknownNameError(
                f"no corruption matches {name!r}; `fusionbench list corruptions` shows all of them"
            )
        return found
    return [spec for spec in SPECS if name in ("all", spec.changes)]


def _named(name: str) -> CorruptionSpec:
    specs = by_name()
    if name.isdigit():
        raise InputError(f"--corrupt {name}: each severity needs its name, for example fog:1,fog:{name}")
    if name not in specs:
        raise UnknownNameError(unknown_name_message("corruption", name, specs))
    return specs[name]


def _severity(text: str, level: str) -> int:
    if not (level.isascii() and level.isdigit()) or not 1 <= int(level[:9]) <= 5:
        raise InputError(f"--corrupt {text}: a severity is a whole number from 1 to 5, got {level!r}")
    return int(level)


def _said(severities: tuple[int, ...]) -> str:
    if len(severities) == 1:
        return f"one severity, {severities[0]}"
    return f"the severities {', '.join(map(str, severities))}"
