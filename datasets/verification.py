"""Checks a dataset on disk file by file: what is missing, unreadable, mismatched, duplicate, or odd about its
labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fusionbench.contracts.dataset import Finding, Pair
from fusionbench.errors import FusionBenchError, ImageError
from fusionbench.images.codec import read_grey, read_image

from .folders import FileIndex, unsafe_name
from .labels import IGNORED_ID, box_notes, read_box_file, read_labels

if TYPE_CHECKING:
    from .reader import FolderDataset


def verify_folders(dataset: FolderDataset, split: str | None = None) -> list[Finding]:
    """All findings of one split, or of every split that is there (each file once). Never raises."""
    findings: dict[Finding, None] = {}
    checked: set[Pair] = set()
    for name in [split] if split is not None else list(dataset.available_splits):
        try:
            indices = dataset.indices(name)
            names = dataset.names(name, indices)
            pairs = dataset.pairs(name)
        except FusionBenchError as error:
            findings[Finding(str(dataset.root), "missing", str(error))] = None
            continue
        findings.update(dict.fromkeys(_by_name(names, indices, dataset, name)))
        for pair in pairs:
            if pair not in checked:
                checked.add(pair)
                findings.update(dict.fromkeys(_by_content(pair, dataset)))
    return list(findings)


def _by_name(
    names: list[str], indices: dict[str, FileIndex], dataset: FolderDataset, split: str
) -> Iterator[Finding]:
    """What the file names alone tell: partners missing, stems doubled, names that can't be used, labels of no
    pair."""
    place = dataset.place(split)
    folders = {"infrared": place.infrared, "visible": place.visible}
    wanted = set(names)
    for name in names:
        if reason := unsafe_name(name):
            yield Finding(name, "unreadable", f"refused, because {reason}; rename the file (and its partner)")
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
    for index in indices.values():
        for stem, twins in index.doubles.items():
            if stem in wanted:
                files = " and ".join(p.name for p in twins)
                yield Finding(
                    str(twins[0]), "duplicate", f"{files} carry one stem; remove or rename all but one"
                )


def _by_content(pair: Pair, dataset: FolderDataset) -> Iterator[Finding]:
    """What decoding tells: damaged files, sizes that differ, labels and boxes that don't fit."""
    sizes: dict[str, tuple[int, int]] = {}
    for role, path in (("infrared", pair.infrared), ("visible", pair.visible)):
        if path is None:
            continue
        try:
            image = read_grey(path) if role == "infrared" else read_image(path)
        except (FusionBenchError, OSError, MemoryError) as error:
            yield Finding(str(path), "unreadable", _without_path(str(error), str(path)))
            continue
        sizes[role] = (image.shape[0], image.shape[1])
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


def _labels(pair: Pair, dataset: FolderDataset, size: tuple[int, int]) -> Iterator[Finding]:
    if pair.labels is None:
        return
    known = len(dataset.spec.semantic_classes)
    try:
        labels = read_labels(pair.labels, size, pair.name, known)
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


def _boxes(pair: Pair, dataset: FolderDataset, size: tuple[int, int]) -> Iterator[Finding]:
    if pair.boxes is None or pair.boxes == pair.labels:  # labels are checked as labels
        return
    path = str(pair.boxes)
    try:
        boxes = read_box_file(
            pair.boxes, size, dataset.spec.box_classes, dataset.layout.box_ids, dataset.layout.box_names
        )
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
