"""Finds a dataset's folders below a root, and its files in them: by declared names and by stem, never by
guessing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from fusionbench.errors import printable
from fusionbench.images.codec import EXTENSIONS
from fusionbench.images.file_names import NamePattern, named_files

from .layouts import ROLE_FOLDERS, Layout, Place

BOX_EXTENSIONS = (".txt", ".xml", ".json")
NOT_DATA = {
    "classes.txt",
    "readme.txt",
    "readme.roboflow.txt",
    "readme.dataset.txt",
    "obj.names.txt",
    "predefined_classes.txt",
}
"""Text files among labels that are none, lower case."""

Patterns = Mapping[str, NamePattern | None]
NO_PATTERNS: Patterns = MappingProxyType({})
"""Patterns of file names by role (``infrared``, ``visible``, ``labels``, ``boxes``)."""


@dataclass(frozen=True)
class FoundPlace:
    """The folders of one split as they lie on this disk."""

    place: Place
    infrared: Path
    visible: Path
    labels: Path | None = None
    boxes: Path | None = None
    patterns: Patterns = field(default_factory=dict)


@dataclass(frozen=True)
class FileIndex:
    """The files of one folder by stem. ``doubles`` holds the stems that more than one file carries, with all
    of them."""

    by_stem: dict[str, Path] = field(default_factory=dict)
    doubles: dict[str, tuple[Path, ...]] = field(default_factory=dict)


def index_files(folder: Path, extensions: Sequence[str], pattern: NamePattern | None = None) -> FileIndex:
    """The files of these endings in a folder by stem, or by the name that ``pattern`` finds in their paths
    below it. Raises ``MissingDataError`` if it can't be listed.
    """
    found = {
        name: [path for _, path in files if path.name.lower() not in NOT_DATA]
        for name, files in named_files(folder, extensions, pattern).items()
    }
    return FileIndex(
        {name: paths[0] for name, paths in found.items() if paths},
        {name: tuple(paths) for name, paths in found.items() if len(paths) > 1},
    )


def _matching_folder(parent: Path, name: str) -> Path | None:
    """The sub-folder of that name: exactly spelt if it is there, else the first that differs in case only."""
    exact = parent / name
    if exact.is_dir():
        return exact
    try:
        with os.scandir(parent) as entries:
            children = sorted(e.name for e in entries if e.name.lower() == name.lower() and e.is_dir())
    except OSError:
        return None
    return parent / children[0] if children else None


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


def find_place(
    root: Path, layout: Layout, split: str, patterns: Patterns = NO_PATTERNS
) -> tuple[Path, FoundPlace] | None:
    """The base folder and the folders of a split, or None. A place counts if both image folders hold at least
    one image (named by the patterns, where there are any)."""
    for base in dict.fromkeys(candidate_bases(root, layout)):
        for place in layout.splits[split].places:
            if place.bare and split_of_bare_folder(base, layout) != (layout.splits[split].part_of or split):
                continue
            infrared, visible = find_folder(base, place.infrared), find_folder(base, place.visible)
            if infrared is None or visible is None:
                continue
            if infrared == visible and not place.infrared_stem:
                continue
            stems = patterns_of(place, patterns)
            if not index_files(infrared, EXTENSIONS, stems["infrared"]).by_stem:
                continue
            if not index_files(visible, EXTENSIONS, stems["visible"]).by_stem:
                continue
            return base, FoundPlace(
                place,
                infrared,
                visible,
                first_folder_with(base, place.labels, EXTENSIONS),
                first_folder_with(base, place.boxes, BOX_EXTENSIONS),
                stems,
            )
    return None


def patterns_of(place: Place, given: Patterns = NO_PATTERNS) -> Patterns:
    """The patterns of file names by role: the given ones, else those of the layout."""
    own = {"infrared": place.infrared_stem, "visible": place.visible_stem}
    return MappingProxyType(
        {**{r: NamePattern(stem, re.compile(stem)) if stem else None for r, stem in own.items()}, **given}
    )


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
    if any("\ud800" <= c <= "\udfff" for c in stem):
        return "its name isn't UTF-8 text"
    if ".." in stem:
        return "its name contains '..'"
    if printable(stem, keep="") != stem:
        return "its name contains control characters"
    if any(c in stem for c in '/\\:*?"<>|'):
        return "its name contains a path separator or a character that no file name may have"
    if len(stem.encode()) > 200:
        return "its name is longer than 200 bytes"
    if stem != stem.strip():
        return "its name begins or ends with a space"
    return ""
