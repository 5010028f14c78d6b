"""From a network's raw output to boxes in the image: letterbox undone, classes mapped, doubles suppressed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from fusionbench.errors import InputError
from fusionbench.evaluators.detection.judge.detector import Detector, Thresholds, load_detector
from fusionbench.evaluators.detection.scores.class_maps import ClassMap, map_classes
from fusionbench.images.codec import read_image


class Planted(torch.nn.Module):
    """Answers with planted boxes (cx cy w h in the letterboxed image, then a score a class), and keeps the
    shape it was given.
    """

    stride = torch.tensor([8.0, 32.0])

    def __init__(self, rows: list[list[float]], *, final: bool = False) -> None:
        super().__init__()
        self.rows = torch.tensor(rows)
        self.final = final
        self.seen: tuple[int, ...] = ()

    def fuse(self, verbose: bool = True) -> Planted:
        return self

    def forward(self, images: torch.Tensor) -> Any:
        self.seen = tuple(images.shape)
        return self.rows[None] if self.final else (self.rows.T[None], None)


NARROW = Thresholds(64, letterbox="detect")
NAMES = ("person", "kite", "car")
MAP = map_classes(NAMES, ("car", "person"), "planted")


def test_boxes_come_back_in_the_image() -> None:
    # A 200×100 image (w×h) at 64 pixels: factor .32, 32 high: no padding; a 90×100 one gets 3 columns on each
    # side.
    network = Planted([[32, 16, 16, 8, 0.9, 0, 0]])
    found = Detector(network, NAMES, "cpu").find(np.zeros((100, 200, 3), np.uint8), NARROW, MAP)
    assert network.seen == (1, 3, 32, 64)
    assert found.xyxy == pytest.approx(np.array([[75, 37.5, 125, 62.5]]))
    assert (found.classes.tolist(), found.scores.tolist()) == ([1], pytest.approx([0.9]))
    tall = Detector(network, NAMES, "cpu").find(np.zeros((100, 90, 3), np.uint8), NARROW, MAP)
    assert network.seen == (1, 3, 64, 64)
    assert tall.xyxy == pytest.approx(np.array([[(24 - 3) / 0.64, 12 / 0.64, (40 - 3) / 0.64, 20 / 0.64]]))


def test_doubles_other_classes_and_weak_boxes_go() -> None:
    rows = [
        [20, 20, 10, 10, 0.8, 0.0, 0.0],
        [20.5, 20, 10, 10, 0.7, 0.0, 0.6],  # a double as person (IoU .9), and a car of its own
        [50, 50, 10, 10, 0.0, 0.9, 0.0],  # a kite: no class of the dataset
        [40, 20, 10, 10, 0.0005, 0.0, 0.0],
        [62, 62, 20, 20, 0.0, 0.0, 0.3],  # reaches beyond the image
    ]
    found = Detector(Planted(rows), NAMES, "cpu").find(np.zeros((64, 64, 3), np.uint8), NARROW, MAP)
    assert found.classes.tolist() == [1, 0, 0]
    assert found.scores.tolist() == pytest.approx([0.8, 0.6, 0.3])
    assert found.xyxy[2].tolist() == [52, 52, 64, 64]
    few = Detector(Planted(rows), NAMES, "cpu").find(
        np.zeros((64, 64, 3), np.uint8), Thresholds(64, max_detections=3, letterbox="detect"), MAP
    )
    assert few.classes.tolist() == [1, 0]


def test_networks_that_suppress_by_themselves() -> None:
    rows = [[10, 10, 20, 20, 0.9, 2], [10, 10, 21, 20, 0.8, 0], [1, 1, 5, 5, 0.9, 1]]
    found = Detector(Planted(rows, final=True), NAMES, "cpu").find(
        np.zeros((64, 64, 3), np.uint8), NARROW, MAP
    )
    assert found.classes.tolist() == [0, 1]
    assert found.xyxy[0].tolist() == [10, 10, 20, 20]


def test_an_output_of_another_shape() -> None:
    with pytest.raises(InputError, match="isn't that of a detector of 3 classes"):
        Detector(Planted([[1.0] * 9]), NAMES, "cpu").find(np.zeros((64, 64, 3), np.uint8), NARROW, MAP)


@pytest.mark.parametrize(
    "wrong",
    [{"image_size": 8}, {"confidence": 1.0}, {"confidence": -0.1}, {"nms_iou": 0.0}, {"max_detections": 0}],
)
def test_thresholds_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="detection: "):
        Thresholds(**wrong)


@pytest.mark.slow
def test_boxes_are_those_of_ultralytics(shared: Path) -> None:
    """Against ultralytics' own prediction with the same thresholds, on real images of two shapes."""
    from fusionbench.files.ultralytics_gate import restricted_ultralytics

    weights = shared / "weights" / "yolov8n.pt"
    files = [shared / "data/msrs/test/vi/00001D.webp", sorted((shared / "data/m3fd/vi").iterdir())[0]]
    files = [f for f in files if f.is_file()] or sorted((shared / "data/msrs/test/vi").iterdir())[:2]
    detector = load_detector(weights, "", "cpu")
    everything = ClassMap(tuple(range(80)), ())
    with restricted_ultralytics() as ultralytics:
        model = ultralytics.YOLO(str(weights))
        for file in files:
            image = read_image(file)
            ours = detector.find(image, Thresholds(640, 0.4, 0.6, letterbox="detect"), everything)
            theirs: Any = model.predict(
                np.ascontiguousarray(image[..., ::-1]),
                conf=0.4,
                iou=0.6,
                imgsz=640,
                verbose=False,
                device="cpu",
            )[0].boxes
            theirs = SimpleNamespace(
                xyxy=theirs.xyxy.numpy(), conf=theirs.conf.numpy(), cls=theirs.cls.numpy()
            )
            assert len(theirs.conf) >= 1
            # At this confidence no box has two classes (prediction keeps one a box; AP is taken over all, as
            # in their validation).
            assert ours.classes.tolist() == theirs.cls.astype(int).tolist()
            np.testing.assert_allclose(ours.scores, theirs.conf, atol=1e-4)
            np.testing.assert_allclose(ours.xyxy, theirs.xyxy, atol=0.05)
