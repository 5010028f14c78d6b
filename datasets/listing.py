"""What a dataset on this disk lists: its splits, the files of each by name, the pairs they make, and which
can't be used.

Nothing is decoded here; ``reader.py`` decodes, ``verification.py`` checks.
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from fusionbench.contracts.dataset import DatasetSpec, Pair
from fusionbench.errors import FusionBenchError, InputError, MissingDataError, printable
from fusionbench.images.codec import EXTENSIONS
from fusionbench.images.file_names import same_name

from .box_formats import read_coco
from .folders import BOX_EXTENSIONS, FileIndex, FoundPlace, index_files, unsafe_name
from .layouts import Layout, Split

ROLES = ("infrared", "visible", "labels", "boxes")


@dataclass(frozen=True)
class ListedPairs:
    """The pairs of a split, why some can't be used, and why the labels of some can't."""

    pairs: tuple[Pair, ...]
    refusals: Mapping[Pair, str] = field(default_factory=dict)
    label_refusals: Mapping[Pair, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Listing:
    """A dataset's folders as they lie below ``root``: ``folders`` holds the splits that are there."""

    spec: DatasetSpec
    layout: Layout
    root: Path
    folders: Mapping[str, FoundPlace]

    @cached_property
    def available_splits(self) -> tuple[str, ...]:
        """The splits whose folders (and, where needed, lists) are there."""
        return tuple(s for s in self.folders if self._listed(s) is not None)

    def place(self, split: str) -> FoundPlace:
        """The folders of a split. Raises ``InputError`` for a split that the dataset does not have,
        ``MissingDataError`` if it isn't on this disk."""
        if split not in self.layout.splits:
            raise InputError(
                f"{self.spec.title} has no split {split!r}; it has {', '.join(self.layout.splits)}"
            )
        if split not in self.folders:
            raise MissingDataError(
                f"{self.spec.title}: the split {split!r} is not below {self.root} (there: "
                f"{', '.join(self.folders)}). {advice(self.spec)}"
            )
        return self.folders[split]

    def indices(self, split: str) -> dict[str, FileIndex]:
        """The files of a split by role (``infrared``, ``visible``, ``labels``, ``boxes``) and name.

        Names that differ from an infrared image's in case alone are taken for its name.
        """
        found = self.place(split)
        patterns = found.patterns
        indices = {
            "infrared": index_files(found.infrared, EXTENSIONS, patterns.get("infrared")),
            "visible": index_files(found.visible, EXTENSIONS, patterns.get("visible")),
            "labels": FileIndex(),
            "boxes": FileIndex(),
        }
        if found.labels:
            indices["labels"] = index_files(found.labels, EXTENSIONS, patterns.get("labels"))
        if found.boxes:
            indices["boxes"] = with_coco(
                index_files(found.boxes, BOX_EXTENSIONS, patterns.get("boxes")), found
            )
        indices["visible"] = respelt(indices["visible"], indices["infrared"])
        for role in ("labels", "boxes"):
            indices[role] = respelt(respelt(indices[role], indices["infrared"]), indices["visible"])
        return indices

    def names(self, split: str, indices: Mapping[str, FileIndex]) -> list[str]:
        """The names of a split's pairs, sorted: all stems of either sensor that the split's list (if any)
        lets in, and all it names."""
        present = set(indices["infrared"].by_stem) | set(indices["visible"].by_stem)
        rule = self.layout.splits[split]
        listed = self._listed(split)
        if listed is None:
            lists = ", ".join(rule.listed)
            raise MissingDataError(
                f"{self.spec.title}: the split {split!r} needs a list of its names below {self.root}: {lists}"
            )
        if rule.complement:
            present -= set(listed)
        elif rule.listed and (listed or rule.fallback != "*"):
            present = set(listed)
        if rule.only_boxed:
            present &= set(indices["boxes"].by_stem)
        return sorted(present)

    def pairs(self, split: str) -> ListedPairs:
        """All pairs of a split, sorted by name.

        A pair with a missing or doubled file is there too, with a refusal.
        """
        indices = self.indices(split)
        place = self.place(split)
        pairs: list[Pair] = []
        refusals: dict[Pair, str] = {}
        label_refusals: dict[Pair, str] = {}
        for name in self.names(split, indices):
            files = {role: indices[role].by_stem.get(name) for role in ROLES}
            pair = Pair(name, files["infrared"], files["visible"], files["labels"], files["boxes"])
            if reason := refusal(name, indices, place):
                refusals[pair] = reason
            for role in ("labels", "boxes"):
                if twins := indices[role].doubles.get(name):
                    label_refusals[pair] = f"{name}: {_several(twins, role)}"
            pairs.append(pair)
        return ListedPairs(tuple(pairs), refusals, label_refusals)

    def _listed(self, split: str) -> tuple[str, ...] | None:
        """The names of the split's list; empty if it needs none, None if it needs one that isn't there."""
        rule: Split = self.layout.splits[split]
        if not rule.listed:
            return ()
        bases = dict.fromkeys((self.place(split).infrared.parent, self.root))
        for path in (base / name for base in bases for name in rule.listed):
            if path.is_file():
                lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
                return tuple(dict.fromkeys(_stem(line) for line in lines if line.strip()))
        if rule.fallback.endswith(".json"):
            shipped = (
                importlib.resources.files(__package__).joinpath(rule.fallback).read_text(encoding="utf-8")
            )
            return tuple(json.loads(shipped))
        return () if rule.fallback == "*" else None


def advice(spec: DatasetSpec) -> str:
    """What to do about a dataset that isn't there."""
    how = f"Give its folder with --data-root. Expected there: {spec.layout}."
    if spec.name == "folder":
        return how
    return (
        f"{how} `fusionbench data where {spec.name}` says where it is looked for, `fusionbench data "
        f"fetch {spec.name}` how to get it."
    )


def respelt(index: FileIndex, other: FileIndex) -> FileIndex:
    """The index with names as ``other`` spells them, where they differ in case alone and only one name fits."""
    spelling: dict[str, str] = {}
    taken = {name.casefold() for name in index.by_stem if name in other.by_stem}
    folded: dict[str, list[str]] = {}
    for name in other.by_stem:
        folded.setdefault(name.casefold(), []).append(name)
    for name in index.by_stem:
        if name in other.by_stem or name.casefold() in taken or name.casefold() not in folded:
            continue
        if (own := same_name(name, folded[name.casefold()])) is not None:
            if own in spelling.values():  # two files differ in case alone: neither is taken for the other's
                continue
            spelling[name] = own
    if not spelling:
        return index
    return FileIndex(
        {spelling.get(n, n): path for n, path in index.by_stem.items()},
        {spelling.get(n, n): paths for n, paths in index.doubles.items()},
    )


def with_coco(index: FileIndex, place: FoundPlace) -> FileIndex:
    """The box index with every image that a COCO file lists.

    A JSON file that is none stays under its own stem, so that reading it says what is wrong.
    """
    found: dict[str, list[Path]] = {}
    for stem, path in index.by_stem.items():
        files = index.doubles.get(stem, (path,))
        for file in files:
            for name in _images_of(file, place) or [stem]:
                found.setdefault(name, []).append(file)
    return FileIndex(
        {name: paths[0] for name, paths in found.items()},
        {name: tuple(paths) for name, paths in found.items() if len(paths) > 1},
    )


def _images_of(path: Path, place: FoundPlace) -> list[str]:
    if path.suffix.lower() != ".json":
        return []
    try:
        return [pair_name(stem, place) for stem in read_coco(path).sizes]
    except FusionBenchError:
        return []


def pair_name(stem: str, place: FoundPlace) -> str:
    """The pair that an image's stem in a COCO file means: by the patterns of boxes or of either sensor, else
    itself.
    """
    for role in ("boxes", "infrared", "visible"):
        pattern = place.patterns.get(role)
        if pattern is not None and not pattern.deep and (found := pattern.match(stem)):
            return found[0]
    return stem


def refusal(name: str, indices: Mapping[str, FileIndex], place: FoundPlace) -> str:
    """Why a pair can't be used, by its files' names alone (``""`` if it can)."""
    for role, folder in (("infrared", place.infrared), ("visible", place.visible)):
        path = indices[role].by_stem.get(name)
        if reason := unsafe_name(
            path.stem if path is not None and place.patterns.get(role) is None else name
        ):
            return f"{name!r}: refused, because {reason}; rename the file (and its partner)"
        if twins := indices[role].doubles.get(name):
            return f"{name}: {_several(twins, role)}"
        if path is None:
            return f"{name}: has no {role} image; expected a file called {name}.* in {folder}"
    return ""


def _several(twins: Sequence[Path], role: str) -> str:
    names = " and ".join(printable(p.name, keep="") for p in twins)
    return (
        f"{names} in {twins[0].parent} carry one stem, so it is not clear which is its {role} file; "
        "remove or rename all but one"
    )


def _stem(line: str) -> str:
    """The stem that a line of a list file names: ``a``, ``a.png``, or ``ir/a.png``."""
    name = line.strip().replace("\\", "/").rsplit("/", 1)[-1]
    return Path(name).stem if Path(name).suffix.lower() in EXTENSIONS else name
