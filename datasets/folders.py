"""Finds a dataset's folders below a root, and its files in them: by declared names and by stem, never by
guessing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fusionbench.errors import MissingDataError
from fusionbench.images.codec import EXTENSIONS

from .layouts import ROLE_FOLDERS, Layout, Place

BOX_EXTENSIONS = (".txt", ".xml")
_NOT_DATA = {"classes.txt", "readme.txt", "obj.names.txt"}


@dataclass(frozen=True)
class FoundPlace:
    """The folders of one split as they lie on this disk."""

    place: Place
    infrared: Path
    visible: Path
    labels: Path | None = None
    boxes: Path | None = None


@dataclass(frozen=True)
class FileIndex:
    """The files of one folder by stem. ``doubles`` holds the stems that more than one file carries, with all
    of them."""

    by_stem: dict[str, Path] = field(default_factory=dict)
    doubles: dict[str, tuple[Path, ...]] = field(default_factory=dict)


def list_folder(folder: Path) -> list[os.DirEntry[str]]:
    """The folder's entries, sorted by name, without hidden ones. Raises ``MissingDataError`` if it can't be
    read."""
    try:
        with os.scandir(folder) as entries:
            return sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError as error:
        raise MissingDataError(
            f"{folder}: the folder can't be read ({error.strerror or error}); check that it exists and "
            f"that you may list it"
        ) from error


def index_files(folder: Path, extensions: Sequence[str], stem_pattern: str = "") -> FileIndex:
    """The files of these endings in a folder by stem (or by the first group of ``stem_pattern``, where it
    matches the stem)."""
    found: dict[str, list[Path]] = {}
    for entry in list_folder(folder):
        path = Path(entry.path)
        if path.suffix.lower() not in extensions or entry.name.lower() in _NOT_DATA or not entry.is_file():
            continue
        stem = path.stem
        if stem_pattern:
            match = re.fullmatch(stem_pattern, stem)
            if not match:
                continue
            stem = match.group(1)
        found.setdefault(stem, []).append(path)
    return FileIndex(
        {stem: paths[0] for stem, paths in found.items()},
        {stem: tuple(paths) for stem, paths in found.items() if len(paths) > 1},
    )


def _matching_folder(parent: Path, name: str) -> Path | None:
    """The sub-folder of that name: exactly spelt if it is there, else the first that differs in case only."""
    exact = parent / name
    if exact.is_dir():
        return exact
    try:
        children = list_folder(parent)
    except MissingDataError:
        return None
    folded = name.lower()
    return next((Path(e.path) for e in children if e.name.lower() == folded and e.is_dir()), None)


def find_folder(base: Path, pattern: str) -> Path | None:
    """The folder below ``base`` that a layout's pattern names (``"test/{ir}"``), or None."""
    here: Path | None = base
    for part in pattern.split("/"):
        if here is None:
            return None
        if part == ".":
            continue
        names: Iterable[str] = ROLE_FOLDERS[part[1:-1]] if part.startswith("{") else (part,)
        here = next((f for name in names if (f := _matching_folder(here, name)) is not None), None)
    return here


def candidate_bases(root: Path, layout: Layout) -> Iterator[Path]:
    """Where a dataset may begin, given what the user called its root: below it by the dataset's name, there,
    or one level above a split."""
    for name in layout.folders:
        inner = _matching_folder(root, name)
        if inner is not None:
            yield inner
            if name.lower() == inner.name.lower() and (nested := _matching_folder(inner, name)) is not None:
                yield nested  # archives often hold one folder of their own name
    yield root
    if root.resolve().name.lower() in layout.splits:
        yield root.resolve().parent


def split_of_bare_folder(base: Path, layout: Layout) -> str:
    """The split that images right below ``base`` belong to: what its name or its parent's says, else the
    first."""
    resolved = base.resolve()
    for name in (resolved.name.lower(), resolved.parent.name.lower()):
        if name in layout.splits:
            return name
    return next(iter(layout.splits))


def find_place(root: Path, layout: Layout, split: str) -> tuple[Path, FoundPlace] | None:
    """The base folder and the folders of a split, or None. A place counts if both image folders hold at least
    one image."""
    for base in dict.fromkeys(candidate_bases(root, layout)):
        for place in layout.splits[split].places:
            if place.bare and split_of_bare_folder(base, layout) != (layout.splits[split].part_of or split):
                continue
            infrared, visible = find_folder(base, place.infrared), find_folder(base, place.visible)
            if infrared is None or visible is None:
                continue
            if infrared == visible and not place.infrared_stem:
                continue
            if not index_files(infrared, EXTENSIONS, place.infrared_stem).by_stem:
                continue
            if not index_files(visible, EXTENSIONS, place.visible_stem).by_stem:
                continue
            return base, FoundPlace(
                place,
                infrared,
                visible,
                first_folder_with(base, place.labels, EXTENSIONS),
                first_folder_with(base, place.boxes, BOX_EXTENSIONS),
            )
    return None


def first_folder_with(base: Path, patterns: Sequence[str], extensions: Sequence[str]) -> Path | None:
    """The first folder of these patterns that exists and holds a file of these endings (``labels/`` may hold
    either kind)."""
    for pattern in patterns:
        if pattern.startswith("{"):
            names = [
                pattern.replace(pattern.split("/")[0], role, 1)
                for role in ROLE_FOLDERS[pattern.split("/")[0][1:-1]]
            ]
        else:
            names = [pattern]
        for name in names:
            folder = find_folder(base, name)
            if folder is not None and index_files(folder, extensions).by_stem:
                return folder
    return None


def unsafe_name(stem: str) -> str:
    """Why a stem can't name a fused image (empty if it can): it must be a plain file name on every system."""
    if ".." in stem:
        return "its name contains '..'"
    if any(c in stem for c in '/\\:*?"<>|') or any(ord(c) < 32 for c in stem):
        return "its name contains a path separator or a character that no file name may have"
    if len(stem.encode(errors="surrogateescape")) > 200:
        return "its name is longer than 200 bytes"
    if stem != stem.strip():
        return "its name begins or ends with a space"
    return ""
