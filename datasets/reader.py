"""The one reader of all datasets that lie in folders; ``layouts.py`` tells it where the files of each are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from fusionbench.contracts.dataset import Boxes, DatasetSpec, Finding, Pair, PairImages
from fusionbench.errors import ImageError, InputError, MissingDataError, printable
from fusionbench.files.regular import read_regular
from fusionbench.images.codec import check_same_size, read_grey, read_rgb
from fusionbench.images.file_names import NamePattern, images_below, parse_pattern
from fusionbench.images.reading import Reading, reading_of

from .box_formats import MAX_COCO_BYTES
from .boxes import BoxFile, box_notes, clip_boxes, read_box_file
from .class_names import ClassFile, find_class_file
from .folders import FoundPlace, Patterns, find_folder, find_place, patterns_of
from .label_boxes import BoxRule, boxes_from_labels
from .labels import read_labels
from .layouts import LAYOUTS, Layout, Place
from .listing import ListedPairs, Listing, advice, pair_name

_ROLES = {"ir": "infrared", "vi": "visible", "labels": "labels", "boxes": "boxes"}


def open_dataset(spec: DatasetSpec, root: Path | None) -> FolderDataset:
    """Open a dataset by its spec. Raises ``MissingDataError`` saying what was looked for, where, and how to
    get it; ``InputError`` for an option that it doesn't know or can't use."""
    layout = LAYOUTS[spec.name]
    _check_options(spec)
    spec = spec.model_copy(
        update={n: v for n in ("semantic_classes", "box_classes") if (v := _class_names(spec.options.get(n)))}
    )
    patterns = _patterns(spec.options)
    named = _named_folders(spec.options, root, patterns)
    if named is not None:
        return FolderDataset(spec, layout, root or named.infrared.parent, {"all": named})
    if root is None:
        raise MissingDataError(f"{spec.title}: no folder given. {advice(spec)}")
    if not root.is_dir():
        raise MissingDataError(
            f"{spec.title}: {root} is {'not a folder' if root.exists() else 'not there'}. {advice(spec)}"
        )
    found = {
        name: place[1]
        for name in layout.splits
        if (place := find_place(root, layout, name, patterns)) is not None
    }
    if not found:
        here = ", ".join(sorted(printable(p.name, keep="") for p in root.iterdir())[:8]) or "nothing"
        hint = _deeper(root) if spec.name == "folder" else ""
        raise MissingDataError(
            f"{spec.title}: no infrared and visible folders below {root} (it holds: {here}).{hint}"
            f" {advice(spec)}"
        )
    return FolderDataset(spec, layout, root, found)


def _deeper(root: Path) -> str:
    """What to do where the folder of infrared images holds sub-folders only."""
    folder = find_folder(root, "{ir}")
    below = images_below(folder) if folder is not None else ""
    if folder is None or not below:
        return ""
    last = below.rpartition("/")[2]
    return (
        f" Images lie deeper, in {folder.name}/{below}: say what they are called with the options ir_pattern"
        f" and vi_pattern ({{folder}}/{last}/{{name}}), or name that folder and its visible one with the"
        " options ir and vi."
    )


def _check_options(spec: DatasetSpec) -> None:
    from .spec import SPECS

    known = next((s.options for s in SPECS if s.name == spec.name), spec.options)
    for key in spec.options:
        if key not in known:
            raise InputError(f"{spec.name} has no option {key!r}; it has {', '.join(sorted(known))}")


def _class_names(value: Any) -> tuple[str, ...]:
    """Class names of an option: a list, or text separated by commas."""
    parts = value.split(",") if isinstance(value, str) else list(value or ())
    return tuple(str(p).strip() for p in parts if str(p).strip())


def _patterns(options: Mapping[str, Any]) -> Patterns:
    found: dict[str, NamePattern | None] = {}
    for short, role in _ROLES.items():
        option = f"{short}_pattern"
        if text := str(options.get(option) or ""):
            found[role] = parse_pattern(text, option)
    return found


def _named_folders(options: Mapping[str, Any], root: Path | None, patterns: Patterns) -> FoundPlace | None:
    """The folders that the options ``ir``, ``vi``, ``labels`` and ``boxes`` name, relative to the root where
    there is one."""
    if not (options.get("ir") or options.get("vi")):
        return None
    if not (options.get("ir") and options.get("vi")):
        raise InputError(
            "the folder dataset needs both options, ir and vi (or a root with ir/ and vi/ in it)"
        )
    folders: dict[str, Path | None] = {}
    for role in _ROLES:
        value = options.get(role)
        folder = ((root or Path()) / str(value)) if value else None
        if folder is not None and not folder.is_dir():
            raise MissingDataError(f"{folder}: the folder given as {role!r} is not there")
        folders[role] = folder
    infrared, visible = folders["ir"], folders["vi"]
    assert infrared is not None
    assert visible is not None
    apart = (
        patterns.get("infrared") and patterns.get("visible") and patterns["infrared"] != patterns["visible"]
    )
    if infrared.resolve() == visible.resolve() and not apart:
        raise InputError(
            f"{infrared}: given both as ir and vi; infrared and visible images need folders of their own, or"
            " patterns that tell them apart (ir_pattern, vi_pattern)"
        )
    place = Place("", "")
    return FoundPlace(
        place, infrared, visible, folders["labels"], folders["boxes"], patterns_of(place, patterns)
    )


class FolderDataset:
    """A dataset read from folders; see ``fusionbench.contracts.dataset.Dataset``.

    ``folders`` holds the splits that are there.
    """

    def __init__(
        self, spec: DatasetSpec, layout: Layout, root: Path, folders: Mapping[str, FoundPlace]
    ) -> None:
        self.reading: Reading = reading_of(spec.options, spec.name)
        self.class_files: dict[Path, ClassFile | None] = {}
        for place in folders.values():
            if place.boxes is not None and place.boxes not in self.class_files:
                self.class_files[place.boxes] = find_class_file(place.boxes, root)
        beside = next((f for f in self.class_files.values() if f is not None), None)
        if not spec.box_classes and beside is not None:
            spec = spec.model_copy(update={"box_classes": tuple(beside.names.values())})
        self.spec = spec
        self.listing = Listing(spec, layout, root, dict(folders))
        self._listed: dict[str, ListedPairs] = {}
        self._rules: dict[Pair, BoxRule] = {}
        """How boxes are made of labels, for pairs whose box file is their label image."""

    @property
    def available_splits(self) -> tuple[str, ...]:
        """The splits whose folders (and, where needed, lists) are there."""
        return self.listing.available_splits

    def pairs(self, split: str) -> Sequence[Pair]:
        """All pairs of a split, sorted by name. A pair with a missing or doubled file is there too; loading
        it says what is wrong."""
        return self._of(split).pairs

    def _of(self, split: str) -> ListedPairs:
        if split not in self._listed:
            listed = self.listing.pairs(split)
            rule = self.listing.layout.splits[split]
            if rule.box_rule is not None:
                listed = self._boxed(listed, rule.box_rule, rule.boxed_by)
            self._listed[split] = listed
        return self._listed[split]

    def load(self, pair: Pair, *, labels: bool = False) -> PairImages:
        """Decode a pair, with its labels and boxes (where it has them) if asked. Raises ``ImageError`` naming
        the file."""
        if reason := next((r for x in self._listed.values() if (r := x.refusals.get(pair))), ""):
            raise ImageError(reason)
        if pair.infrared is None or pair.visible is None:
            raise ImageError(
                f"{pair.name}: has no {'infrared' if pair.infrared is None else 'visible'} image"
            )
        infrared, visible = read_grey(pair.infrared, self.reading), read_rgb(pair.visible, self.reading)
        check_same_size(infrared, visible, pair.name)
        if not labels:
            return PairImages(infrared, visible)
        if reason := next((r for x in self._listed.values() if (r := x.label_refusals.get(pair))), ""):
            raise ImageError(reason)
        size = (infrared.shape[0], infrared.shape[1])
        # Unknown ids are for those to name who count them: boxes can be used beside such labels.
        semantic = read_labels(pair.labels, size, pair.name, reading=self.reading) if pair.labels else None
        return PairImages(infrared, visible, semantic, self._boxes(pair, size))

    def _boxes(self, pair: Pair, size: tuple[int, int]) -> Boxes | None:
        if pair.boxes is None or not self.spec.box_classes:
            return None
        if pair in self._rules:
            return self._derived(pair, self._rules[pair], size)
        parsed = self.read_boxes(pair, size)
        notes = tuple(f"{pair.boxes}, {note}" for note in box_notes(parsed, size))
        return replace(clip_boxes(parsed, size), notes=notes)

    def read_boxes(self, pair: Pair, size: tuple[int, int]) -> BoxFile:
        """The box file of a pair that has one, as written. Raises ``ImageError``."""
        assert pair.boxes is not None
        layout = self.listing.layout
        return read_box_file(
            pair.boxes,
            size,
            self.spec.box_classes,
            self.box_ids(pair.boxes),
            layout.box_names,
            self._stem(pair),
        )

    def box_ids(self, boxes: Path) -> Mapping[int, int] | None:
        """What the ids of a YOLO file mean: by the option ``box_classes``, else by the file of class names
        beside it, else as the dataset's authors number them.
        """
        if self.spec.options.get("box_classes"):
            return None
        beside = next((f for folder, f in self.class_files.items() if boxes.is_relative_to(folder)), None)
        if beside is not None:
            return beside.ids(self.spec.box_classes, self.listing.layout.box_names)
        return self.listing.layout.box_ids

    def _stem(self, pair: Pair) -> str:
        """The pair's name in a COCO file, which may name either sensor's image."""
        if pair.boxes is None or pair.boxes.suffix.lower() != ".json":
            return pair.name
        from .box_formats import read_coco

        stems = read_coco(pair.boxes).sizes
        places = [p for p in self.listing.folders.values() if p.boxes and pair.boxes.is_relative_to(p.boxes)]
        named = [s for s in stems for p in places if pair_name(s, p).casefold() == pair.name.casefold()]
        return pair.name if pair.name in stems or not named else named[0]

    def _boxed(self, listed: ListedPairs, rule: BoxRule, classes: Sequence[str]) -> ListedPairs:
        """The pairs whose labels give a box of one of the classes.

        Labels that can't be used stay, so that scoring names them.
        """
        wanted = [self.spec.box_classes.index(name) for name in classes]
        kept: list[Pair] = []
        refusals: dict[Pair, str] = {}
        label_refusals: dict[Pair, str] = {}
        for pair in listed.pairs:
            if pair.labels is None:
                continue
            boxed = replace(pair, boxes=pair.labels)
            for old, new in ((listed.refusals, refusals), (listed.label_refusals, label_refusals)):
                if pair in old:
                    new[boxed] = old[pair]
            try:
                found = self._derived(boxed, rule, None).classes
            except ImageError:
                found = np.array(wanted)
            if np.isin(found, wanted).any():
                self._rules[boxed] = rule
                kept.append(boxed)
        return ListedPairs(tuple(kept), refusals, label_refusals)

    def _derived(self, pair: Pair, rule: BoxRule, size: tuple[int, int] | None) -> Boxes:
        """The boxes of a pair's labels.

        Raises ``ImageError`` for labels that can't be used, or of another ``size`` than their pair.
        """
        assert pair.boxes is not None
        labels = read_labels(pair.boxes, size, pair.name, len(self.spec.semantic_classes), self.reading)
        return boxes_from_labels(labels, self.spec.semantic_classes, self.spec.box_classes, rule)

    def digest(self, pair: Pair) -> str:
        """sha256 over the bytes of both image files. Never raises: a file that can't be read counts as a
        value of its own."""
        limit = self.reading.max_bytes
        return _digest_files(limit, ("infrared", pair.infrared), ("visible", pair.visible))

    def label_digest(self, pair: Pair) -> str:
        """sha256 over the bytes of the pair's label and box files (what ``digest`` leaves out, so that new
        labels don't re-fuse)."""
        beside = next(
            (
                f.path
                for folder, f in self.class_files.items()
                if f and pair.boxes and pair.boxes.is_relative_to(folder)
            ),
            None,
        )
        limit = max(self.reading.max_bytes, MAX_COCO_BYTES)
        files = [("labels", pair.labels), ("boxes", pair.boxes), *([("classes", beside)] if beside else [])]
        return _digest_files(limit, *files)

    def verify(self, split: str | None = None) -> list[Finding]:
        """Everything missing, unreadable, mismatched or duplicate, by file name; decodes every image, never
        raises."""
        from .verification import verify_folders

        return verify_folders(self.listing, self, split)

    def questions(self, pairs: Sequence[Pair]) -> list[str]:
        """What looks wrong with the pairs, though every file can be read; a few of them are decoded.

        Never raises.
        """
        from .questions import questions_about

        return questions_about(self, pairs)


def _digest_files(limit: int, *files: tuple[str, Path | None]) -> str:
    total = hashlib.sha256()
    for role, path in files:
        total.update(f"{role}:{_content(path, limit) if path else 'none'}\n".encode())
    return total.hexdigest()


def _content(path: Path, limit: int) -> str:
    try:
        if path.suffix.lower() == ".json":  # one file of a whole set: once is enough
            status = path.stat()
            return _json_content(path, limit, status.st_mtime_ns, status.st_size)
        return hashlib.sha256(read_regular(path, limit, ImageError)).hexdigest()
    except (ImageError, OSError) as error:
        return f"unreadable {type(error).__name__}"


@lru_cache(maxsize=16)
def _json_content(path: Path, limit: int, changed: int, length: int) -> str:
    return hashlib.sha256(read_regular(path, limit, ImageError)).hexdigest()
