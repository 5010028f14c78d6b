"""Damaged label files: refused by name, or boxes that are numbers; never a crash, never all the memory."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np

from fusionbench.datasets.boxes import box_notes, clip_boxes, read_box_file
from fusionbench.datasets.class_names import find_class_file
from fusionbench.errors import FusionBenchError, ImageError

SIZE = (192, 256)
CLASSES = ("person", "car")
YOLO = "0 0.5 0.5 0.1 0.2\n1 0.25 0.25 0.1 0.1 0.9\n1 0.3 0.2 0.6 0.2 0.6 0.7 0.3 0.7\ncar .1 .2 .05 .05\n"
OBJECT = "<object><name>car</name><bndbox><xmin>10</xmin><ymin>20</ymin><xmax>30</xmax><ymax>60</ymax></bndbox></object>"
VOC = f"<annotation><size><width>256</width><height>192</height></size>{OBJECT * 3}</annotation>"
COCO = json.dumps(
    {
        "images": [{"id": 1, "file_name": "a.png", "width": 256, "height": 192}],
        "categories": [{"id": 1, "name": "car"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 40]}] * 3,
    }
)
PIECES = [
    "nan",
    "inf",
    "-inf",
    "1e999",
    "-1",
    "99999999999999999999",
    "\0",
    "é",
    "\ufeff",
    " ",
    "\n",
    "<",
    "&x;",
    "]]>",
    "{",
    "[",
    '"',
    "null",
    "true",
    "0x10",
    "1_0",
    "½",
    "<!DOCTYPE a>",
    "\x1b[2J",
    "<object>",
    "1" * 5000,
    "[" * 3000,
]


def damaged(text: str, rng: random.Random) -> bytes:
    """The text with pieces put in, characters lost, or bytes that are no UTF-8."""
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(PIECES) + text[at + rng.choice((0, 0, 1, 5, 40)) :]
    data = text.encode()
    if rng.random() < 0.3:
        at = rng.randrange(len(data) + 1)
        data = data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
    return data[: rng.randrange(len(data) + 1)] if rng.random() < 0.3 else data


def test_box_files(tmp_path: Path, seed: int, attack: bool) -> None:
    rng = random.Random(seed)
    for text, suffix in ((YOLO, ".txt"), (VOC, ".xml"), (COCO, ".json")):
        for number in range(5000 if attack else 250):
            path = tmp_path / f"a{number}{suffix}"
            path.write_bytes(damaged(text, rng))
            try:
                boxes = read_box_file(path, SIZE, CLASSES, stem="a")
            except ImageError as error:
                assert str(error).startswith(str(path))  # noqa: PT017
                assert "\x1b" not in str(error)  # noqa: PT017
            else:
                assert np.isfinite(boxes.xyxy).all()
                kept = clip_boxes(boxes, SIZE)
                assert (kept.xyxy >= 0).all()
                assert (kept.xyxy <= [256, 192, 256, 192]).all()
                assert set(kept.classes.tolist()) <= {0, 1}
                assert all(isinstance(note, str) for note in box_notes(boxes, SIZE))
            path.unlink()


def test_class_files(tmp_path: Path, seed: int, attack: bool) -> None:
    rng = random.Random(seed)
    sound = "path: x\nnames:\n  0: person\n  1: car\nnc: 2\n"
    for _ in range(2000 if attack else 100):
        (tmp_path / "data.yaml").write_bytes(damaged(sound, rng))
        try:
            found = find_class_file(tmp_path, tmp_path)
        except FusionBenchError as error:
            assert "data.yaml" in str(error)  # noqa: PT017
        else:
            assert found is None or all(isinstance(n, str) for n in found.names.values())
