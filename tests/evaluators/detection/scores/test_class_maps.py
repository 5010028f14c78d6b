"""COCO's classes and each dataset's."""

from __future__ import annotations

import pytest

from fusionbench.errors import InputError
from fusionbench.evaluators.detection.scores.class_maps import map_classes
from fusionbench.plugins import catalog

COCO = ("person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat")


@pytest.mark.parametrize(
    ("dataset", "pairs", "missing"),
    [
        ("msrs", {"person": "person", "bicycle": "bike", "car": "car"}, ()),
        (
            "m3fd",
            {"person": "People", "car": "Car", "bus": "Bus", "motorcycle": "Motorcycle", "truck": "Truck"},
            ("Lamp",),
        ),
        ("llvip", {"person": "person"}, ()),
        ("demo", {"person": "person", "bicycle": "bike", "car": "car"}, ()),
    ],
)
def test_coco_to_each_dataset(dataset: str, pairs: dict[str, str], missing: tuple[str, ...]) -> None:
    classes = catalog.datasets.get(dataset).box_classes
    mapped = map_classes(COCO, classes, "yolo")
    assert {j: classes[i] for j, i in zip(COCO, mapped.index, strict=True) if i >= 0} == pairs
    assert mapped.missing == missing


def test_a_judge_of_other_things() -> None:
    with pytest.raises(
        InputError, match=r"the judge faces knows none of the classes person, car .*it knows face"
    ):
        map_classes(("face",), ("person", "car"), "the judge faces")
