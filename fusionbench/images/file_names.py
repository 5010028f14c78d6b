"""Which file belongs to which pair: by stem, or by a pattern that says what else a name holds.

Names are compared in Unicode's composed form (NFC), so that files from a Mac match those from elsewhere, and
without regard to case where that leaves one candidate.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, MissingDataError, printable
from .codec import EXTENSIONS


@dataclass(frozen=True)
class NamePattern:
    """What names look like: ``regex`` matches a path below the folder, without the file's ending, and has
    the group ``name`` (optionally ``folder`` and ``method``). ``deep``: files may lie in sub-folders."""

    text: str
    regex: re.Pattern[str]
    deep: bool = False

    def match(self, below: str) -> tuple[str, str] | None:
        """(pair's name, method) of a path below the folder without its ending; None if it isn't meant."""
        found = self.regex.fullmatch(below)
        if found is None:
            return None
        groups = found.groupdict()
        parts = [*(groups.get("folder") or "").split("/"), groups["name"]]
        return "_".join(part for part in parts if part), groups.get("method") or ""


_PLACES = {"{name}": r"(?P<name>[^/]+?)", "{folder}": r"(?P<folder>.+?)", "{method}": r"(?P<method>[^/]+)"}


def parse_pattern(text: str, option: str, method: str = "", names: Collection[str] = ()) -> NamePattern:
    """Read a pattern such as ``{name}_ir``, ``*_ir.png`` or ``{folder}/lwir/{name}``.

    ``{name}`` (or one ``*``) stands for the pair's name, ``{folder}`` for one or more folders, which then
    begin the pair's name (``set00/V000`` gives ``set00_V000_I00001``), ``{method}`` for the method's name,
    ``method`` where that is known. ``names`` are the pairs' names, where only these are meant. An image
    ending is optional. Raises ``InputError`` that names ``option``.
    """
    form = text.replace("*", "{name}") if "{name}" not in text else text
    if form.count("{name}") != 1 or any(form.count(place) > 1 for place in _PLACES):
        raise InputError(
            f"{option} {text!r}: needs {{name}} (or *) once, where the pair's name stands: {{name}}_ir"
        )
    base, ending = os.path.splitext(form)
    if ending.lower() in EXTENSIONS:
        form = base
    form = form.strip("/").removeprefix("./")
    places = dict(_PLACES)
    if method:
        places["{method}"] = re.escape(method)
    if names:
        places["{name}"] = f"(?P<name>{'|'.join(re.escape(n) for n in sorted(names, key=len, reverse=True))})"
    regex = "".join(
        places.get(part) or re.escape(part)
        for part in re.split(r"(\{name\}|\{folder\}|\{method\})", unicodedata.normalize("NFC", form))
    )
    return NamePattern(text, re.compile(regex, re.IGNORECASE), "/" in form)


def named_files(
    folder: Path, extensions: Sequence[str], pattern: NamePattern | None = None
) -> dict[str, list[tuple[str, Path]]]:
    """What lies in a folder under the endings: name → (method, path), sorted by path.

    Names are printable and in composed form. What is no regular file is listed too; reading it says so.
    Raises ``MissingDataError`` if the folder can't be listed.
    """
    found: dict[str, list[tuple[str, Path]]] = {}
    for path in _files(folder, pattern is not None and pattern.deep):
        if path.suffix.lower() not in extensions:
            continue
        below = unicodedata.normalize("NFC", path.relative_to(folder).with_suffix("").as_posix())
        name, method = (below, "") if pattern is None else pattern.match(below) or ("", "")
        if name:
            found.setdefault(printable(name, keep=""), []).append((method, path))
    return found


def _files(folder: Path, deep: bool) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError as error:
        raise MissingDataError(
            f"{folder}: the folder can't be read ({error.strerror or error}); check that it exists and "
            f"that you may list it"
        ) from error
    for entry in listed:
        if not entry.is_dir():
            yield Path(entry.path)
        elif deep and not entry.is_symlink():
            yield from _files(Path(entry.path), deep)


def same_name(name: str, names: Collection[str]) -> str | None:
    """The one of ``names`` that means ``name``: itself, else the only one that differs in case alone."""
    if name in names:
        return name
    folded = name.casefold()
    like = [n for n in names if n.casefold() == folded]
    return like[0] if len(like) == 1 else None


def images_below(folder: Path, depth: int = 4) -> str:
    """The first sub-folder (at most so deep) that holds images, relative to the folder; ``""`` if none
    does."""
    for root, folders, files in os.walk(folder):
        folders.sort()
        below = Path(root).relative_to(folder)
        if len(below.parts) >= depth:
            folders.clear()
        if below.parts and any(Path(f).suffix.lower() in EXTENSIONS for f in files):
            return printable(below.as_posix(), keep="")
    return ""


def likely_patterns(first: Sequence[str], second: Sequence[str]) -> tuple[str, str] | None:
    """The patterns by which two lists of stems name the same pairs (``00001_ir`` and ``00001_vis`` give
    ``{name}_ir`` and ``{name}_vis``), to be suggested, never used unasked. None if nothing fits."""
    one, two = sorted(set(first))[:40], sorted(set(second))[:40]
    best: tuple[int, int, tuple[str, str]] | None = None
    for before, after in _affixes(one):
        cores = _cores(one, before, after)
        for start, end in _affixes(two):
            both = cores & _cores(two, start, end)
            if any(not (core[0].isalnum() and core[-1].isalnum()) for core in both):
                continue  # a separator belongs to the affix
            if both and (best is None or (len(both), sum(map(len, both))) > best[:2]):
                fit = (f"{before}{{name}}{after}", f"{start}{{name}}{end}")
                best = (len(both), sum(map(len, both)), fit)
    return best[2] if best else None


def _cores(stems: Sequence[str], before: str, after: str) -> set[str]:
    return {s[len(before) : len(s) - len(after)] for s in stems} - {""}


def _affixes(stems: Sequence[str]) -> list[tuple[str, str]]:
    """Beginnings and ends that all the stems share; digits belong to the name, not to its affix."""
    if not stems:
        return []
    start, end = _common_start(stems), _common_start([s[::-1] for s in stems])[::-1]
    begins = [""] + [start[:i] for i in range(1, len(start) + 1) if not start[i - 1].isdigit()]
    ends = [""] + [end[i:] for i in range(len(end)) if not end[i].isdigit()]
    shortest = min(map(len, stems))
    return [(b, e) for b in begins[:24] for e in ends[-24:] if len(b) + len(e) < shortest]


def _common_start(stems: Sequence[str]) -> str:
    low, high = min(stems), max(stems)
    return low[: next((i for i, c in enumerate(low) if high[i : i + 1] != c), len(low))]
