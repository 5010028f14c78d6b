"""What is known of a training pair's objects."""

from pathlib import Path

import numpy as np
import pytest

from fusionbench.contracts.dataset import Boxes, PairImages
from fusionbench.errors import InputError
from fusionbench.methods.sgdfuse.training.truth import read_yolo_boxes, truth_map

EMPTY = np.zeros((60, 80), np.uint8)
COLOUR = np.zeros((60, 80, 3), np.uint8)


def test_labels_tell_road_users_from_the_rest() -> None:
    labels = EMPTY.copy()
    labels[10:20, 10:20], labels[30:40, 30:40] = 2, 4
    images = PairImages(EMPTY, COLOUR, labels)
    found = truth_map(images, ("unlabelled", "car", "person", "bike", "curve"), np.ones((60, 80), np.float32))
    assert found.sum() == 100
    assert found[15, 15] == 1


def test_an_instance_gives_a_box_its_shape_and_an_ellipse_stands_in() -> None:
    boxes = Boxes(np.array([[10, 10, 20, 40], [50, 10, 60, 40]], float), np.array([0, 0]))
    instances = np.zeros((60, 80), np.float32)
    instances[12:38, 12:18] = 0.2
    found = truth_map(PairImages(EMPTY, COLOUR, None, boxes), (), instances)
    assert found[12:38, 12:18].min() == 1
    assert found[10:40, 10:12].max() == 0
    ellipse = found[10:40, 50:60]
    assert ellipse[15, 5] == 1
    assert ellipse[0, 0] == 0
    assert ellipse.mean() == pytest.approx(np.pi / 4, abs=0.1)


def test_instances_without_labels_count_by_their_confidence() -> None:
    instances = np.zeros((60, 80), np.float32)
    instances[:20], instances[20:40], instances[40:] = 0.1, 0.3, 0.7
    found = truth_map(PairImages(EMPTY, COLOUR), (), instances)
    assert [found[row, 0] for row in (0, 25, 50)] == pytest.approx([0, 0.5, 1])


def test_yolo_files_are_read_in_pixels(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("0 0.5 0.5 0.25 0.5\n2 0.1 0.1 0.2 0.2\n")
    boxes = read_yolo_boxes(file, 60, 80)
    np.testing.assert_allclose(boxes.xyxy, [[30, 15, 50, 45], [0, 0, 16, 12]])
    assert boxes.classes.tolist() == [0, 2]
    file.write_text("person 0.5\n")
    with pytest.raises(InputError, match=r"a\.txt"):
        read_yolo_boxes(file, 60, 80)
