"""Box labels as people have them: polygons, names, byte order marks, COCO, pixels, class files, too many."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fusionbench.datasets.box_formats import MAX_BOXES
from fusionbench.datasets.boxes import clip_boxes, read_box_file
from fusionbench.datasets.class_names import find_class_file
from fusionbench.errors import ImageError, InputError

SIZE = (192, 256)
CLASSES = ("People", "Car")


def put(tmp_path: Path, text: str | bytes, name: str = "a.txt") -> Path:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "line",
    [
        "1 0.5 0.5 0.25 0.5",
        "1 0.5 0.5 0.25 0.5 0.9",
        "1 0.5 0.5 0.25 0.5 0.9 17",
        "1.0 0.5 0.5 0.25 0.5",
        "Car 0.5 0.5 0.25 0.5",
        "1 0.375 0.25 0.625 0.25 0.625 0.75 0.375 0.75",
        "car 0.375 0.25 0.625 0.25 0.5 0.75",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_one_box_however_it_is_written(tmp_path: Path, line: str, encoding: str) -> None:
    boxes = read_box_file(put(tmp_path, f"{line}\n0 0.25 0.25 0.1 0.1\n".encode(encoding)), SIZE, CLASSES)
    assert boxes.xyxy[0].tolist() == [96, 48, 160, 144]
    assert boxes.classes.tolist() == [1, 0]
    assert boxes.oddities == ()


def test_class_names_with_spaces(tmp_path: Path) -> None:
    boxes = read_box_file(put(tmp_path, "color cone .5 .5 .1 .1\n"), SIZE, ("bump", "color cone"))
    assert boxes.classes.tolist() == [1]


@pytest.mark.parametrize(
    "line", ["1 .5 .5 .2 .2 0.9 1", "1 .1 .1 .2 .2 .3 .3 .4", "1.5 .5 .5 .1 .1", ".5 .5 .1 .1"]
)
def test_lines_that_could_mean_several_things_are_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(ImageError, match=r"a\.txt, line 1: expected 'class cx cy width height' or a polygon"):
        read_box_file(put(tmp_path, line), SIZE, CLASSES)


def test_files_in_pixels_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"a\.txt: its boxes are in pixels, it seems \(line 2: '1 128 96"):
        read_box_file(put(tmp_path, "\n1 128 96 64 96\n0 20.5 30 10 10\n"), SIZE, CLASSES)
    with pytest.raises(ImageError, match="in pixels"):
        read_box_file(put(tmp_path, "7 128 96 64 96\n"), SIZE, CLASSES)
    voc = "<a><object><name>car</name><bndbox><xmin>.1</xmin><ymin>.1</ymin><xmax>.5</xmax><ymax>.5</ymax></bndbox></object></a>"
    with pytest.raises(ImageError, match=r"a\.xml: its boxes lie in 0\.\.1"):
        read_box_file(put(tmp_path, voc, "a.xml"), SIZE, CLASSES)


def test_a_million_boxes_are_refused(tmp_path: Path) -> None:
    line = "0 .5 .5 .1 .1\n"
    assert len(read_box_file(put(tmp_path, line * MAX_BOXES), SIZE, CLASSES).classes) == MAX_BOXES
    with pytest.raises(ImageError, match="more than 10000 boxes"):
        read_box_file(put(tmp_path, line * 300_000), SIZE, CLASSES)
    with pytest.raises(ImageError, match="MiB large; at most 16 MiB"):
        read_box_file(put(tmp_path, line * 2_000_000), SIZE, CLASSES)
    thing = "<object><name>car</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></object>"
    with pytest.raises(ImageError, match="more than 10000 boxes"):
        read_box_file(put(tmp_path, f"<a>{thing * (MAX_BOXES + 1)}</a>", "a.xml"), SIZE, CLASSES)


def coco(**changes: object) -> str:
    content: dict[str, object] = {
        "images": [
            {"id": 7, "file_name": "data/a.jpg", "width": 256, "height": 192},
            {"id": 8, "file_name": "b.jpg", "width": 256, "height": 192},
        ],
        "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "zebra"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 1, "bbox": [96, 48, 64, 96]},
            {"id": 2, "image_id": 7, "category_id": 2, "bbox": [1, 1, 9, 9]},
            {"id": 3, "image_id": 7, "category_id": 1, "bbox": [1, 1, 9, 9], "iscrowd": 1},
        ],
    }
    return json.dumps({**content, **changes})


def test_coco(tmp_path: Path) -> None:
    path = put(tmp_path, coco(), "instances.json")
    boxes = read_box_file(path, SIZE, CLASSES, stem="a")
    assert clip_boxes(boxes, SIZE).xyxy.tolist() == [[96, 48, 160, 144]]
    assert boxes.classes.tolist() == [1]
    assert boxes.oddities == (
        "object 2: the class 'zebra' is unknown and left out; the dataset's classes are People, Car",
        "object 3: a crowd, not one object, and left out",
    )
    assert read_box_file(path, SIZE, CLASSES, stem="b").empty
    with pytest.raises(ImageError, match="has no image named c"):
        read_box_file(path, SIZE, CLASSES, stem="c")
    with pytest.raises(ImageError, match="drawn on an image of 256×192, the pair is 200×100"):
        read_box_file(path, (100, 200), CLASSES, stem="a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ('{"shapes": []}', "isn't a COCO file"),
        (
            coco(annotations=[{"image_id": 7, "category_id": 1}]),
            "object 1 of a: its bbox isn't x, y, width, height",
        ),
        (coco(annotations=[{"image_id": 7, "category_id": 1, "bbox": [0.1, 0.1, 0.2, 0.2]}]), "lie in 0..1"),
    ],
)
def test_bad_coco_files(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        read_box_file(put(tmp_path, text, "a.json"), SIZE, CLASSES, stem="a")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels/classes.txt", "People\nMotorcycle\ncar\n"),
        ("labels/obj.names", "\ufeffPeople\nMotorcycle\ncar\n"),
        ("data.yaml", "train: x\nnames: [People, Motorcycle, car]\n"),
        ("data.yaml", "names:\n  0: People\n  1: Motorcycle\n  2: car\n"),
    ],
)
def test_class_files_decide_what_ids_mean(tmp_path: Path, name: str, text: str) -> None:
    put(tmp_path, text, name)
    (tmp_path / "labels").mkdir(exist_ok=True)
    found = find_class_file(tmp_path / "labels", tmp_path)
    assert found is not None
    assert dict(found.names) == {0: "People", 1: "Motorcycle", 2: "car"}
    assert found.ids(("Car", "People"), {}) == {0: 1, 2: 0}
    assert found.ids(("person", "car"), {"people": "person"}) == {0: 0, 2: 1}


def test_class_files_that_say_nothing_or_too_much(tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    put(tmp_path, "path: x\n", "data.yaml")
    labels.mkdir()
    assert find_class_file(labels, tmp_path) is None
    put(tmp_path, "car\nCar\n", "labels/classes.txt")
    with pytest.raises(InputError, match=r"classes\.txt: names the class 'car' twice"):
        find_class_file(labels, tmp_path)
    (labels / "classes.txt").unlink()
    bomb = "a: &a [x]\n" + "".join(
        f"{c}: &{c} [{','.join([f'*{p}'] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
    )
    put(tmp_path, bomb, "data.yaml")
    with pytest.raises(InputError, match="uses YAML aliases"):
        find_class_file(labels, tmp_path)


def test_boxes_that_reach_out_stay_a_note(tmp_path: Path) -> None:
    boxes = read_box_file(put(tmp_path, "1 0.95 0.5 0.2 0.2\n1 0.5 0.5 0.1 0.1\n"), SIZE, CLASSES)
    assert np.allclose(clip_boxes(boxes, SIZE).xyxy[0], [217.6, 76.8, 256, 115.2])
