"""Names for the variants of a method or dataset in one run folder.

Results with other options, another precision, seed or weights are results of another entrant: they get a
folder and rows of their own. The first variant in a run folder has the plain name (``max``), each further one
a name that says what differs (``max@alpha=0.9``). Settings are plain JSON data; a file counts by its content
(``FileSetting``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..contracts.names import plain_name

LONGEST_LABEL = 60
"""Characters of a label; a longer one becomes a hash."""

CORRUPTION = "corruption"
"""The setting of a corrupted dataset: ``fog:3``. The clean one has none."""

Settings = Mapping[str, Any]


@dataclass
class Entrants:
    """The names that a run folder knows, with their settings; None where a version before 0.2 didn't note
    them."""

    known: dict[str, Settings | None] = field(default_factory=dict)

    def name(self, base: str, settings: Settings) -> str:
        """The name of this variant: the known one, else a new one, which is then known."""
        variants = {n: s for n, s in self.known.items() if base_of(n) == base}
        for name, known in variants.items():
            if known is not None and _content(known) == _content(settings):
                return name
        corrupted = CORRUPTION in settings  # never goes by the plain name, which stands for clean images
        if not corrupted and (base not in variants or variants[base] is None):
            self.known[base] = settings
            return base
        label = label_of(settings, variants.get(base) or {})
        name = f"{base}@{label}"
        if name in variants:
            name = f"{base}@{_hash(settings)}"
        self.known[name] = settings
        return name

    def titles(self, bases: Iterable[str] = ()) -> dict[str, str]:
        """What to add to the title of each name of a base with several variants: what differs between
        them."""
        found: dict[str, str] = {}
        for base in {base_of(n) for n in self.known}:
            variants = {n: s or {} for n, s in self.known.items() if base_of(n) == base}
            if len(variants) < 2:
                continue
            keys = [
                key
                for key in sorted({k for s in variants.values() for k in s})
                if len({_content(s.get(key, _UNSET)) for s in variants.values()}) > 1
            ]
            for name, settings in variants.items():
                found[name] = ", ".join(_said(key, settings.get(key, _UNSET)) for key in keys)
        return found

    def clean_name(self, name: str) -> str:
        """The name of the clean dataset that a corrupted one was made from."""
        settings = {k: v for k, v in (self.known[name] or {}).items() if k != CORRUPTION}
        for other, known in self.known.items():
            if (
                base_of(other) == base_of(name)
                and known is not None
                and _content(known) == _content(settings)
            ):
                return other
        return base_of(name)


_UNSET = "default"


def base_of(name: str) -> str:
    """The plain name of an entrant: ``max`` of ``max@alpha=0.9``."""
    return name.partition("@")[0]


def label_of(settings: Settings, plain: Settings) -> str:
    """What tells settings from those of the plain name, short and safe in a file name."""
    keys = [
        key
        for key in sorted({*settings, *plain})
        if _content(settings.get(key, _UNSET)) != _content(plain.get(key, _UNSET))
    ]
    text = "+".join(_said(key, settings.get(key, _UNSET)) for key in keys)
    safe = "".join(c if c.isalnum() or c in "+-_.=" else "-" for c in text).strip("-.")
    return safe if safe and len(safe.encode()) <= LONGEST_LABEL else _hash(settings)


def _content(value: Any) -> str:
    """A setting as JSON text in one order; a file's name doesn't count, its content does."""
    return json.dumps(_nameless(value), sort_keys=True, default=str)


def _nameless(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"name", "sha256"}:
            return {"sha256": value["sha256"]}
        return {key: _nameless(v) for key, v in value.items()}
    return [_nameless(v) for v in value] if isinstance(value, list | tuple) else value


def _said(key: str, value: Any) -> str:
    if isinstance(value, Mapping) and set(value) == {"name", "sha256"}:
        return f"{key}={plain_name(str(value['name']) or '-')}-{str(value['sha256'])[:8]}"
    if key == CORRUPTION and value == _UNSET:
        return "clean"
    if key in ("precision", CORRUPTION):
        return str(value)
    if isinstance(value, Mapping):
        return "+".join(_said(f"{key}.{inner}", v) for inner, v in value.items())
    return f"{key}={value if isinstance(value, str) else _content(value)}"


def _hash(settings: Settings) -> str:
    return hashlib.sha256(_content(settings).encode()).hexdigest()[:8]


def read_settings(value: Any) -> Settings | None:
    """Settings from a run file or manifest; None for anything else."""
    return value if isinstance(value, dict) else None


def file_setting(path: Path, sha256: str) -> dict[str, str]:
    """How a file (or folder) stands in settings: by its name, for people, and by its content."""
    return {"name": path.name, "sha256": sha256}
