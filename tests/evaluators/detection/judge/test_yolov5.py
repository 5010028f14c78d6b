"""The anchor-based YOLOv5 against outputs of the official code, and its file read without running it."""

from __future__ import annotations

import hashlib
import json
import pickle
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn

from fusionbench.errors import InputError
from fusionbench.evaluators.detection.judge.detector import Detector, Thresholds
from fusionbench.evaluators.detection.judge.letterbox import letterbox_val
from fusionbench.evaluators.detection.judge.network import load_network, with_classes
from fusionbench.evaluators.detection.judge.yolov5 import load_yolov5
from fusionbench.evaluators.detection.judge.yolov5_file import is_yolov5_file, read_yolov5_file
from fusionbench.evaluators.detection.scores.class_maps import ClassMap

EVERYTHING = ClassMap(tuple(range(80)), ())
STEPS = (4, 4, 2)


@pytest.fixture(scope="module")
def spec(shared: Path) -> Path:
    folder = shared / "specs" / "yolov5n"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    return folder


@pytest.fixture(scope="module")
def golden(spec: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((spec / "golden.json").read_text())
    return content


def picture(shared: Path, info: dict[str, Any]) -> np.ndarray:
    """A golden's image, RGB; skips where this decoder gives other bytes."""
    import ultralytics

    place = info["file"].split(" ")[0]
    inside = Path(ultralytics.__file__).parent.parent / place
    path = inside if inside.is_file() else shared / "data" / place
    image = cv2.imread(str(path)) if path.is_file() else None
    if image is None or hashlib.sha256(image.tobytes()).hexdigest() != info["decoded_bgr_sha256"]:
        pytest.skip(f"{place} is absent, or decoded to other bytes here")
    return np.ascontiguousarray(image[..., ::-1])


@pytest.mark.parametrize("name", ["bus", "zidane", 2, 3])
def test_outputs_are_those_of_the_official_code(
    shared: Path, spec: Path, golden: dict[str, Any], name: str | int
) -> None:
    key = name if isinstance(name, str) else list(golden["images"])[name]
    info = golden["images"][key]
    image = picture(shared, info)
    network, names = load_yolov5(spec / "weights.safetensors")
    boxed = letterbox_val(image, 320)
    planes = np.ascontiguousarray(boxed.canvas.transpose(2, 0, 1))
    assert hashlib.sha256(planes.tobytes()).hexdigest() == info["val_320"]["input_sha256"]
    with safe_open(spec / "golden.safetensors", "pt") as file, torch.inference_mode():
        tensor = torch.from_numpy(planes)[None].float() / 255
        for i, raw in enumerate(network.model[-1].raw(network.features(tensor))):
            theirs = file.get_tensor(f"{key}.val_320.raw_p{i + 3}")
            assert float((raw[0][:, :: STEPS[i], :: STEPS[i]] - theirs).abs().max()) <= 1e-4
        rows = file.get_tensor(f"{key}.val_320.decoded_rows")
        decoded = network(tensor)[0][rows]
        assert float((decoded - file.get_tensor(f"{key}.val_320.decoded")).abs().max()) <= 1e-2
        theirs = file.get_tensor(f"{key}.val_320.detections").numpy()
    found = Detector(network, names, "cpu").find(image, Thresholds(320), EVERYTHING)
    assert len(found.scores) == len(theirs)
    np.testing.assert_allclose(found.scores, theirs[:, 4], atol=1e-5)
    same = (np.abs(found.xyxy - theirs[:, :4]).max(1) <= 2e-2) & (found.classes == theirs[:, 5])
    assert same.mean() >= 0.99  # neighbours of equal score may swap
    assert same[:50].all()


def test_the_official_thresholds_find_what_its_own_program_finds(
    shared: Path, spec: Path, golden: dict[str, Any]
) -> None:
    image = picture(shared, golden["images"]["bus"])
    network, names = load_network(spec / "weights.safetensors")
    found = Detector(network, names, "cpu").find(image, Thresholds(640), EVERYTHING)
    for ours, score, theirs in zip(
        found.xyxy, found.scores, golden["images"]["bus"]["val_640"]["top"], strict=False
    ):
        assert [*ours, score] == pytest.approx(theirs[:5], abs=2e-2)


def test_it_can_not_be_retrained_here(spec: Path) -> None:
    with pytest.raises(InputError, match="can't train the anchor-based YOLOv5"):
        with_classes(load_network(spec / "weights.safetensors")[0], ("a",), 0)


class Conv(nn.Module):
    """As the official file's layers look to a pickle."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1, bias=False)
        self.bn = nn.BatchNorm2d(4)


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(Conv())
        self.names = ["person", "bicycle"]


@pytest.fixture
def pickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Model]:
    """A pickled network whose classes live in ``models.common`` and ``models.yolo``, which can't be imported
    when it is read.
    """
    network = Model().half()
    with monkeypatch.context() as patch:
        for kind, module in ((Conv, "models.common"), (Model, "models.yolo")):
            fake = ModuleType(module)
            setattr(fake, kind.__name__, kind)
            patch.setitem(sys.modules, module, fake)
            patch.setattr(kind, "__module__", module)
        patch.setitem(sys.modules, "models", ModuleType("models"))
        torch.save({"model": network, "ema": None, "optimizer": None}, tmp_path / "net.pt")
    return tmp_path / "net.pt", network


def test_a_pickled_network_is_read_without_its_classes(pickled: tuple[Path, Model]) -> None:
    path, network = pickled
    assert is_yolov5_file(path)
    state, names = read_yolov5_file(path)
    assert names == ("person", "bicycle")
    assert set(state) == set(network.state_dict())
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())
    with pytest.raises(InputError, match="isn't a YOLOv5 of three scales"):
        load_network(path)


class _Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("run by the pickle",)


def test_code_in_a_file_is_refused_and_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "evil.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("evil/data.pkl", pickle.dumps({"model": _Runs(), "note": "models.yolo"}, protocol=2))
    assert is_yolov5_file(path)
    with pytest.raises(InputError, match="without running code"):
        load_network(path)
    assert capsys.readouterr().out == ""
