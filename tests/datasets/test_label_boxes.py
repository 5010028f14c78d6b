"""Boxes from semantic labels: components, limits, classes; and the split made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusionbench.datasets.label_boxes import MSRS_RULE, boxes_from_labels
from fusionbench.datasets.spec import MSRS_CLASSES
from fusionbench.errors import ImageError
from fusionbench.images.codec import write_png
from fusionbench.plugins import catalog

BOXES = ("person", "car", "bike")
PERSON, CAR, BIKE, CURVE = 2, 1, 3, 4


def boxes(labels: np.ndarray) -> list[tuple[str, list[float]]]:
    found = boxes_from_labels(labels, MSRS_CLASSES, BOXES, MSRS_RULE)
    return [(BOXES[c], b.tolist()) for b, c in zip(found.xyxy, found.classes, strict=True)]


def test_each_component_becomes_a_box_with_exclusive_far_edges() -> None:
    labels = np.zeros((60, 80), np.uint8)
    labels[10:22, 5:11] = PERSON  # 72 px
    labels[10:25, 40:50] = CAR  # 150 px
    labels[40:50, 20:30] = BIKE
    labels[30:34] = CURVE
    assert boxes(labels) == [
        ("person", [5, 10, 11, 22]),
        ("car", [40, 10, 50, 25]),
        ("bike", [20, 40, 30, 50]),
    ]


@pytest.mark.parametrize(
    ("height", "width", "class_id", "kept"),
    [
        (10, 6, PERSON, True),  # exactly 60 px
        (59, 1, PERSON, False),
        (9, 6, PERSON, False),  # 54 px
        (7, 20, PERSON, False),  # low
        (30, 3, PERSON, False),  # narrow
        (12, 10, CAR, True),  # exactly 120 px
        (11, 10, CAR, False),
        (11, 10, PERSON, True),
    ],
)
def test_small_components_are_left_out(height: int, width: int, class_id: int, kept: bool) -> None:
    labels = np.zeros((64, 64), np.uint8)
    labels[:height, :width] = class_id
    assert bool(boxes(labels)) is kept


def test_corners_join_and_other_classes_part() -> None:
    labels = np.zeros((60, 60), np.uint8)
    labels[0:10, 0:10] = PERSON
    labels[10:20, 10:20] = PERSON  # touches by a corner: one object
    labels[20:40, 10:20] = CAR  # touches too, another class
    assert boxes(labels) == [("person", [0, 0, 20, 20]), ("car", [10, 20, 20, 40])]
    cut = np.zeros((60, 60), np.uint8)
    cut[0:50, 0:20] = PERSON
    cut[20:22] = CURVE  # a limit of the rule: what something cuts is two
    assert [b for _, b in boxes(cut)] == [[0, 0, 20, 20], [0, 22, 20, 50]]


def test_no_object_no_box() -> None:
    assert boxes(np.zeros((8, 8), np.uint8)) == []


@pytest.fixture
def msrs(tmp_path: Path) -> Path:
    """Four test pairs: a person, a bike alone, nothing, labels of the wrong size."""
    for name, class_id, size in (("1D", PERSON, 64), ("2D", BIKE, 64), ("3N", 0, 64), ("4N", PERSON, 48)):
        labels = np.zeros((size, size), np.uint8)
        labels[4:24, 4:24] = class_id
        for folder, image in (
            ("ir", np.zeros((64, 64))),
            ("vi", np.zeros((64, 64, 3))),
            ("Segmentation_labels", labels),
        ):
            write_png(tmp_path / "test" / folder / f"{name}.png", image.astype(np.uint8))
    return tmp_path


def test_the_split_holds_pairs_with_a_person_or_a_car(msrs: Path) -> None:
    spec = catalog.datasets.get("msrs")
    dataset = catalog.build(spec.factory)(spec, msrs)
    pairs = {pair.name: pair for pair in dataset.pairs("semantic-boxes")}
    assert sorted(pairs) == ["1D", "4N"]
    found = dataset.load(pairs["1D"], labels=True).boxes
    assert found.xyxy.tolist() == [[4, 4, 24, 24]]
    assert found.rule == str(MSRS_RULE)
    with pytest.raises(ImageError, match="labels must have the pair's size"):
        dataset.load(pairs["4N"], labels=True)
    assert all(pair.boxes is None for pair in dataset.pairs("test"))
    assert dataset.verify("semantic-boxes") != []


def test_labels_with_unknown_ids_are_named_when_they_are_scored(msrs: Path) -> None:
    labels = np.zeros((64, 64), np.uint8)
    labels[:20, :20] = 77
    write_png(msrs / "test" / "Segmentation_labels" / "1D.png", labels)
    spec = catalog.datasets.get("msrs")
    dataset = catalog.build(spec.factory)(spec, msrs)
    pair = next(p for p in dataset.pairs("semantic-boxes") if p.name == "1D")
    with pytest.raises(ImageError, match="unknown class ids 77"):
        dataset.load(pair, labels=True)


def test_a_run_takes_boxes_from_the_labels_and_says_how_many_pairs_count(
    cli: Any, msrs: Path, tmp_path: Path
) -> None:
    arguments = (
        "-m",
        "max",
        "-d",
        "msrs",
        "--data-root",
        msrs,
        "-o",
        tmp_path / "runs",
        "-n",
        "r",
        "--dry-run",
    )
    shown = cli("run", *arguments, "--task", "detection", "--convention", "demo-det")
    assert shown.code == 0, shown.err
    assert "detection on msrs/test: 2 of 4 pairs have no labels for it" in shown.out + shown.err


def test_a_split_without_any_object_is_said(cli: Any, msrs: Path, tmp_path: Path) -> None:
    for file in (msrs / "test" / "Segmentation_labels").iterdir():
        write_png(file, np.zeros((64, 64), np.uint8))
    arguments = (
        "-m",
        "max",
        "-d",
        "msrs",
        "--data-root",
        msrs,
        "-o",
        tmp_path / "runs",
        "-n",
        "r",
        "--task",
        "detection",
    )
    empty = cli("run", *arguments, "--split", "semantic-boxes")
    assert empty.code == 2
    assert "msrs/semantic-boxes: has no pairs" in empty.err
    skipped = cli("run", *arguments, "--dry-run")
    assert "skipped, none of its 4 pairs has labels for it" in skipped.out + skipped.err
