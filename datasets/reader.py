"""The one reader of all datasets that lie in folders; ``layouts.py`` tells it where the files of each are."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fusionbench.contracts.dataset import Boxes, DatasetSpec, Finding, Pair, PairImages
from fusionbench.errors import ImageError, InputError, MissingDataError
from fusionbench.images.codec import EXTENSIONS, check_same_size, read_grey, read_rgb

from .folders import BOX_EXTENSIONS, FileIndex, FoundPlace, find_place, index_files, unsafe_name
from .label_boxes import BoxRule, boxes_from_labels
from .labels import box_notes, clip_boxes, read_box_file, read_labels
from .layouts import LAYOUTS, Layout, Place, Split


def open_dataset(spec: DatasetSpec, root: Path | None) -> FolderDataset:
    """Open a dataset by its spec. Raises ``MissingDataError`` saying what was looked for, where, and how to
    get it."""
    layout = LAYOUTS[spec.name]
    spec = spec.model_copy(
        update={n: v for n in ("semantic_classes", "box_classes") if (v := _class_names(spec.options.get(n)))}
    )
    named = _named_folders(spec.options, root)
    if named is not None:
        return FolderDataset(spec, layout, root or Path(), {"all": named})
    if root is None:
        raise MissingDataError(f"{spec.title}: no folder given. {_advice(spec)}")
    if not root.is_dir():
        raise MissingDataError(
            f"{spec.title}: {root} is {'not a folder' if root.exists() else 'not there'}. {_advice(spec)}"
        )
    found = {
        name: place[1] for name in layout.splits if (place := find_place(root, layout, name)) is not None
    }
    if not found:
        here = ", ".join(sorted(p.name for p in root.iterdir())[:8]) or "nothing"
        raise MissingDataError(
            f"{spec.title}: no infrared and visible folders below {root} (it holds: {here}). {_advice(spec)}"
        )
    return FolderDataset(spec, layout, root, found)


def _class_names(value: Any) -> tuple[str, ...]:
    """Class names of an option: a list, or text separated by commas."""
    parts = value.split(",") if isinstance(value, str) else list(value or ())
    return tuple(str(p).strip() for p in parts if str(p).strip())


def _advice(spec: DatasetSpec) -> str:
    how = f"Give its folder with --data-root. Expected there: {spec.layout}."
    if spec.name == "folder":
        return how
    return (
        f"{how} `fusionbench data where {spec.name}` says where it is looked for, `fusionbench data "
        f"fetch {spec.name}` how to get it."
    )


def _named_folders(options: Mapping[str, Any], root: Path | None) -> FoundPlace | None:
    """The folders that the options ``ir``, ``vi``, ``labels`` and ``boxes`` name, relative to the root where
    there is one."""
    if not (options.get("ir") or options.get("vi")):
        return None
    if not (options.get("ir") and options.get("vi")):
        raise InputError(
            "the folder dataset needs both options, ir and vi (or a root with ir/ and vi/ in it)"
        )
    folders: dict[str, Path | None] = {}
    for role in ("ir", "vi", "labels", "boxes"):
        value = options.get(role)
        folder = ((root or Path()) / str(value)) if value else None
        if folder is not None and not folder.is_dir():
            raise MissingDataError(f"{folder}: the folder given as {role!r} is not there")
        folders[role] = folder
    infrared, visible = folders["ir"], folders["vi"]
    assert infrared is not None
    assert visible is not None
    if infrared.resolve() == visible.resolve():
        raise InputError(
            f"{infrared}: given both as ir and vi; infrared and visible images need folders of their own"
        )
    return FoundPlace(Place("", ""), infrared, visible, folders["labels"], folders["boxes"])


class FolderDataset:
    """A dataset read from folders; see ``fusionbench.contracts.dataset.Dataset``. ``folders`` holds the splits that
    are there."""

    def __init__(
        self, spec: DatasetSpec, layout: Layout, root: Path, folders: Mapping[str, FoundPlace]
    ) -> None:
        self.spec = spec
        self.layout = layout
        self.root = root
        self.folders = dict(folders)
        self._pairs: dict[str, tuple[Pair, ...]] = {}
        self._refusals: dict[Pair, str] = {}
        self._label_refusals: dict[Pair, str] = {}
        self._rules: dict[Pair, BoxRule] = {}
        """How boxes are made of labels, for pairs whose box file is their label image."""

    @cached_property
    def available_splits(self) -> tuple[str, ...]:
        """The splits whose folders (and, where needed, lists) are there."""
        return tuple(s for s in self.folders if self._listed(s) is not None)

    def pairs(self, split: str) -> Sequence[Pair]:
        """All pairs of a split, sorted by name. A pair with a missing or doubled file is there too; loading
        it says what is wrong."""
        if split not in self._pairs:
            self._pairs[split] = tuple(self._collect(split))
        return self._pairs[split]

    def load(self, pair: Pair, *, labels: bool = False) -> PairImages:
        """Decode a pair, with its labels and boxes (where it has them) if asked. Raises ``ImageError`` naming
        the file."""
        if reason := self._refusals.get(pair):
            raise ImageError(reason)
        if pair.infrared is None or pair.visible is None:
            raise ImageError(
                f"{pair.name}: has no {'infrared' if pair.infrared is None else 'visible'} image"
            )
        infrared, visible = read_grey(pair.infrared), read_rgb(pair.visible)
        check_same_size(infrared, visible, pair.name)
        if not labels:
            return PairImages(infrared, visible)
        if reason := self._label_refusals.get(pair):
            raise ImageError(reason)
        size = (infrared.shape[0], infrared.shape[1])
        known = len(self.spec.semantic_classes)
        semantic = read_labels(pair.labels, size, pair.name, known) if pair.labels else None
        return PairImages(infrared, visible, semantic, self._boxes(pair, size))

    def _boxes(self, pair: Pair, size: tuple[int, int]) -> Boxes | None:
        if pair.boxes is None or not self.spec.box_classes:
            return None
        if pair in self._rules:
            return self._derived(pair, self._rules[pair], size)
        parsed = read_box_file(
            pair.boxes, size, self.spec.box_classes, self.layout.box_ids, self.layout.box_names
        )
        notes = tuple(f"{pair.boxes}, {note}" for note in box_notes(parsed, size))
        return replace(clip_boxes(parsed, size), notes=notes)

    def digest(self, pair: Pair) -> str:
        """sha256 over the bytes of both image files. Never raises: a file that can't be read counts as a
        value of its own."""
        return _digest_files(("infrared", pair.infrared), ("visible", pair.visible))

    def label_digest(self, pair: Pair) -> str:
        """sha256 over the bytes of the pair's label and box files (what ``digest`` leaves out, so that new
        labels don't re-fuse)."""
        return _digest_files(("labels", pair.labels), ("boxes", pair.boxes))

    def verify(self, split: str | None = None) -> list[Finding]:
        """Everything missing, unreadable, mismatched or duplicate, by file name; decodes every image, never
        raises."""
        from .verification import verify_folders

        return verify_folders(self, split)

    def place(self, split: str) -> FoundPlace:
        """The folders of a split. Raises ``InputError`` for a split that the dataset lacks,
        ``MissingDataError`` if it isn't on this disk."""
        if split not in self.layout.splits:
            raise InputError(
                f"{self.spec.title} has no split {split!r}; it has {', '.join(self.layout.splits)}"
            )
        if split not in self.folders:
            raise MissingDataError(
                f"{self.spec.title}: the split {split!r} is not below {self.root} (there: "
                f"{', '.join(self.folders)}). {_advice(self.spec)}"
            )
        return self.folders[split]

    def indices(self, split: str) -> dict[str, FileIndex]:
        """The files of a split by role (``infrared``, ``visible``, ``labels``, ``boxes``) and stem."""
        found = self.place(split)
        return {
            "infrared": index_files(found.infrared, EXTENSIONS, found.place.infrared_stem),
            "visible": index_files(found.visible, EXTENSIONS, found.place.visible_stem),
            "labels": index_files(found.labels, EXTENSIONS) if found.labels else FileIndex(),
            "boxes": index_files(found.boxes, BOX_EXTENSIONS) if found.boxes else FileIndex(),
        }

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

    def _listed(self, split: str) -> tuple[str, ...] | None:
        """The names of the split's list; empty if it needs none, None if it needs one that isn't there."""
        rule: Split = self.layout.splits[split]
        if not rule.listed:
            return ()
        bases = dict.fromkeys((self.place(split).infrared.parent, self.root))
        for path in (base / name for base in bases for name in rule.listed):
            if path.is_file():
                lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
                return tuple(dict.fromkeys(_stem(line) for line in lines if line.strip()))
        if rule.fallback.endswith(".json"):
            shipped = (
                importlib.resources.files(__package__).joinpath(rule.fallback).read_text(encoding="utf-8")
            )
            return tuple(json.loads(shipped))
        return () if rule.fallback == "*" else None

    def _collect(self, split: str) -> list[Pair]:
        indices = self.indices(split)
        folders = {"infrared": self.place(split).infrared, "visible": self.place(split).visible}
        pairs = []
        for name in self.names(split, indices):
            files = {role: index.by_stem.get(name) for role, index in indices.items()}
            pair = Pair(name, files["infrared"], files["visible"], files["labels"], files["boxes"])
            if reason := _refusal(name, indices, folders):
                self._refusals[pair] = reason
            for role in ("labels", "boxes"):
                if twins := indices[role].doubles.get(name):
                    self._label_refusals[pair] = f"{name}: {_several(twins, role)}"
            pairs.append(pair)
        rule = self.layout.splits[split]
        return pairs if rule.box_rule is None else self._boxed(pairs, rule.box_rule, rule.boxed_by)

    def _boxed(self, pairs: Sequence[Pair], rule: BoxRule, classes: Sequence[str]) -> list[Pair]:
        """The pairs whose labels give a box of one of the classes. Labels that can't be used stay, so that scoring names them."""
        wanted = [self.spec.box_classes.index(name) for name in classes]
        kept = []
        for pair in pairs:
            boxed = replace(pair, boxes=pair.labels)
            for refusals in (self._refusals, self._label_refusals):
                if pair in refusals:
                    refusals[boxed] = refusals[pair]
            if pair.labels is None:
                continue
            try:
                found = self._derived(boxed, rule, None).classes
            except ImageError:
                found = np.array(wanted)
            if np.isin(found, wanted).any():
                self._rules[boxed] = rule
                kept.append(boxed)
        return kept

    def _derived(self, pair: Pair, rule: BoxRule, size: tuple[int, int] | None) -> Boxes:
        """The boxes of a pair's labels. Raises ``ImageError`` for labels that can't be used, or of another ``size`` than their pair."""
        assert pair.boxes is not None
        labels = read_labels(pair.boxes, size, pair.name, len(self.spec.semantic_classes))
        return boxes_from_labels(labels, self.spec.semantic_classes, self.spec.box_classes, rule)


def _refusal(name: str, indices: Mapping[str, FileIndex], folders: Mapping[str, Path]) -> str:
    """Why a pair can't be used, by its files' names alone (``""`` if it can)."""
    if reason := unsafe_name(name):
        return f"{name!r}: refused, because {reason}; rename the file (and its partner)"
    for role in ("infrared", "visible"):
        if twins := indices[role].doubles.get(name):
            return f"{name}: {_several(twins, role)}"
        if name not in indices[role].by_stem:
            return f"{name}: has no {role} image; expected a file called {name}.* in {folders[role]}"
    return ""


def _several(twins: Sequence[Path], role: str) -> str:
    names = " and ".join(p.name for p in twins)
    return (
        f"{names} in {twins[0].parent} carry one stem, so it is not clear which is its {role} file; "
        f"remove or rename all but one"
    )


def _stem(line: str) -> str:
    """The stem that a line of a list file names: ``a``, ``a.png``, or ``ir/a.png``."""
    name = line.strip().replace("\\", "/").rsplit("/", 1)[-1]
    return Path(name).stem if Path(name).suffix.lower() in EXTENSIONS else name


def _digest_files(*files: tuple[str, Path | None]) -> str:
    total = hashlib.sha256()
    for role, path in files:
        try:
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path else "none"
        except OSError as error:
            content = f"unreadable {error.errno}"
        total.update(f"{role}:{content}\n".encode())
    return total.hexdigest()
