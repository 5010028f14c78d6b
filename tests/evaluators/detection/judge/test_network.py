"""Checkpoints: our own there and back, other classes, and everything that isn't one."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fusionbench.errors import FusionBenchError, InputError
from fusionbench.evaluators.detection.judge.network import (
    build_network,
    load_network,
    save_network,
    with_classes,
)

NAMES = ("person", "bike", "car")


def content(path: Path) -> tuple[dict[str, object], bytes]:
    """A safetensors file's header and data; safetensors writes the header's metadata in no fixed order."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def test_there_and_back(architecture: Path, tmp_path: Path) -> None:
    network = build_network(architecture, NAMES, 3).eval()
    save_network(tmp_path / "a.safetensors", network, NAMES, {"epochs": 1})
    again, names = load_network(tmp_path / "a.safetensors")
    assert names == NAMES
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        first, second = network(image)[0], again(image)[0]
    torch.testing.assert_close(first, second, atol=0.05, rtol=0.02)  # float16 on the way
    save_network(tmp_path / "b.safetensors", again, names, {"epochs": 1})
    assert content(tmp_path / "a.safetensors") == content(tmp_path / "b.safetensors")


def test_the_seed_decides_the_weights(architecture: Path) -> None:
    state = torch.random.get_rng_state()
    one, two, other = (build_network(architecture, NAMES, s).state_dict() for s in (1, 1, 2))
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert any(not torch.equal(one[k], other[k]) for k in one)
    assert torch.equal(state, torch.random.get_rng_state())


def test_other_classes_keep_the_rest(architecture: Path) -> None:
    network = build_network(architecture, NAMES, 1)
    other = with_classes(network, ("a", "b", "c", "d", "e"), 0)
    mine, theirs = network.state_dict(), other.state_dict()
    same = {k for k in mine if mine[k].shape == theirs[k].shape}
    assert len(same) > 0.9 * len(mine)
    assert all(torch.equal(mine[k], theirs[k]) for k in same if k in mine)
    assert other.model[-1].nc == 5


def test_a_shipped_architecture_by_name() -> None:
    assert build_network("yolov5n.yaml", NAMES, 0).model[-1].nc == 3


def wrong(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / ("x.safetensors" if kind in {"tensors", "bytes.safetensors"} else "x.pt")
    if kind == "tensors":
        save_file({"weight": torch.zeros(3)}, path)
    elif kind == "state":
        torch.save({"conv.weight": torch.zeros(3)}, path)
    elif kind == "code":
        path.write_bytes(pickle.dumps(print))
    elif kind.startswith("bytes"):
        path.write_bytes(b"not a checkpoint")
    return path


@pytest.mark.parametrize("kind", ["missing", "bytes", "bytes.safetensors", "tensors", "state", "code"])
def test_what_is_no_judge_is_refused(tmp_path: Path, kind: str) -> None:
    path = wrong(tmp_path, kind)
    with pytest.raises(FusionBenchError) as raised:
        load_network(path)
    assert str(path) in str(raised.value)
    assert "Name a YOLO detection checkpoint" in str(raised.value)


def test_another_task_is_refused(shared: Path) -> None:
    with pytest.raises(
        InputError,
        match=r"yolov8n-seg\.pt: is a SegmentationModel for the task 'segment', not a YOLO that detects",
    ):
        load_network(shared / "weights" / "yolov8n-seg.pt")


@pytest.mark.parametrize("text", ["- a list", "nc: 3\nbackbone: []\nhead: []\n", "nc: [", "backbone: 3"])
def test_what_is_no_architecture(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(
        InputError, match=r"isn't the architecture of a YOLO detector|isn't one that YAML can hold"
    ):
        build_network(path, NAMES, 0)


def test_a_compressed_checkpoint_is_refused(tmp_path: Path) -> None:
    """A few bytes may stand for more than fits into memory."""
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("archive/data.pkl", bytes(1 << 20))
    with pytest.raises(InputError, match="compressed members"):
        load_network(tmp_path / "bomb.pt")
