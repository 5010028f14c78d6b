"""Checks a dataset on disk file by file: what is missing, unreadable, mismatched, duplicate, or odd about its
labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from fusionbench.contracts.dataset import DatasetSpec, Finding, Pair
from fusionbench.errors import FusionBenchError, ImageError, printable
from fusionbench.images.codec import as_grey, read_image, turned
from fusionbench.images.reading import Reading

from .boxes import BoxFile, box_notes
from .folders import FileIndex, FoundPlace
from .labels import IGNORED_ID, read_labels
from .listing import Listing, refusal


class _Reader(Protocol):
    spec: DatasetSpec
    reading: Reading

    def read_boxes(self, pair: Pair, size: tuple[int, int]) -> BoxFile: ...

    def pairs(self, split: str) -> Sequence[Pair]: ...

    def questions(self, pairs: Sequence[Pair]) -> list[str]: ...


def verify_folders(listing: Listing, reader: _Reader, split: str | None = None) -> list[Finding]:
    """All findings of one split, or of every split that is there (each file once). Never raises."""
    findings: dict[Finding, None] = {}
    checked: dict[Pair, None] = {}
    for name in [split] if split is not None else list(listing.available_splits):
        try:
            indices = listing.indices(name)
            names = listing.names(name, indices)
            place = listing.place(name)
            pairs = reader.pairs(name)
        except FusionBenchError as error:
            findings[Finding(str(listing.root), "missing", str(error))] = None
            continue
        findings.update(dict.fromkeys(_by_name(names, indices, place)))
        if place.boxes is not None and not reader.spec.box_classes and indices["boxes"].by_stem:
            findings[Finding(str(place.boxes), "warning", NO_CLASSES)] = None
        for pair in pairs:
            if pair not in checked:
                checked[pair] = None
                findings.update(dict.fromkeys(_by_content(pair, reader)))
    for question in reader.questions(list(checked)):
        findings[Finding(str(listing.root), "warning", question)] = None
    return [Finding(printable(f.file, keep=""), f.problem, f.message) for f in findings]


NO_CLASSES = (
    "there are box files here, but no class names, so that they aren't used: put a classes.txt beside them,"
    " or give the option box_classes (--option NAME.box_classes=person,car)"
)


def _by_name(names: list[str], indices: dict[str, FileIndex], place: FoundPlace) -> Iterator[Finding]:
    """What the file names alone tell: partners missing, stems doubled, names that can't be used, labels of no
    pair."""
    folders = {"infrared": place.infrared, "visible": place.visible}
    wanted = set(names)
    for name in names:
        if "refused, because" in (reason := refusal(name, indices, place)):
            yield Finding(name, "unreadable", reason.partition(": ")[2])
        for role in ("infrared", "visible"):
            if name not in indices[role].by_stem:
                yield Finding(
                    str(folders[role] / f"{name}.*"),
                    "missing",
                    f"{name} has no {role} image here; add it or remove its partner",
                )
    if place.labels is not None and indices["labels"].by_stem:
        for name in names:
            if name not in indices["labels"].by_stem:
                yield Finding(
                    str(place.labels / f"{name}.*"),
                    "label",
                    f"{name} has no label image here, other pairs do",
                )
    for role in ("labels", "boxes"):
        stems = indices[role].by_stem
        if stems and names and not wanted & set(stems):
            first = ", ".join(sorted(stems)[:3])
            yield Finding(
                str(next(iter(stems.values())).parent),
                "label",
                f"none of the {len(stems)} {role} here is named like a pair: they are {first}, the pairs"
                f" {', '.join(names[:3])}; rename them, or say what they are called with the option"
                f" {role}_pattern",
            )
    for index in indices.values():
        for stem, twins in index.doubles.items():
            if stem in wanted:
                files = " and ".join(p.name for p in twins)
                yield Finding(
                    str(twins[0]), "duplicate", f"{files} carry one stem; remove or rename all but one"
                )


def _by_content(pair: Pair, dataset: _Reader) -> Iterator[Finding]:
    """What decoding tells: damaged files, sizes that differ, labels and boxes that don't fit."""
    sizes: dict[str, tuple[int, int]] = {}
    for role, path in (("infrared", pair.infrared), ("visible", pair.visible)):
        if path is None:
            continue
        try:
            image = read_image(path, dataset.reading)
            image = as_grey(image) if role == "infrared" else image
        except (FusionBenchError, OSError, MemoryError) as error:
            yield Finding(str(path), "unreadable", _without_path(str(error), str(path)))
            continue
        sizes[role] = (image.shape[0], image.shape[1])
        if turned(path, dataset.reading):
            yield Finding(
                str(path),
                "warning",
                "its orientation tag turns the picture; readers that ignore tags see it otherwise",
            )
        if image.min() == image.max():
            yield Finding(
                str(path), "warning", f"the image is constant (all pixels {image.flat[0]}); it may be damaged"
            )
    if len(sizes) == 2 and sizes["infrared"] != sizes["visible"]:
        both = " and ".join(f"{s[1]}×{s[0]}" for s in (sizes["infrared"], sizes["visible"]))
        yield Finding(
            str(pair.infrared), "mismatched", f"infrared and visible of {pair.name} differ in size ({both})"
        )
    if sizes:
        size = next(iter(sizes.values()))
        yield from _labels(pair, dataset, size)
        yield from _boxes(pair, dataset, size)


def _labels(pair: Pair, dataset: _Reader, size: tuple[int, int]) -> Iterator[Finding]:
    if pair.labels is None:
        return
    known = len(dataset.spec.semantic_classes)
    try:
        labels = read_labels(pair.labels, size, pair.name, known, dataset.reading)
    except (FusionBenchError, OSError) as error:
        yield Finding(str(pair.labels), "label", _without_path(str(error), str(pair.labels)))
        return
    if known and (labels == IGNORED_ID).any():
        share = float((labels == IGNORED_ID).mean())
        yield Finding(
            str(pair.labels),
            "warning",
            f"{share:.1%} of the pixels carry id {IGNORED_ID}, which is not counted",
        )


def _boxes(pair: Pair, dataset: _Reader, size: tuple[int, int]) -> Iterator[Finding]:
    if pair.boxes is None or pair.boxes == pair.labels or not dataset.spec.box_classes:
        return  # boxes made of labels are checked as labels
    path = str(pair.boxes)
    try:
        boxes = dataset.read_boxes(pair, size)
    except ImageError as error:
        yield Finding(path, "label", _without_path(str(error), path))
        return
    if boxes.empty:
        yield Finding(path, "warning", "the file is empty: no objects in this image")
    for note in box_notes(boxes, size):
        yield Finding(path, "label", note)


def _without_path(message: str, path: str) -> str:
    """The message without the file's name in front, which a finding carries in a field of its own."""
    return message.removeprefix(f"{path}: ")
