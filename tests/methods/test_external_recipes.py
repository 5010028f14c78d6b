"""The three external methods drive scripts with the interfaces of the official ones (stand-ins written from
their description).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fusionbench.images.codec import read_grey, read_image, read_rgb, write_png
from fusionbench.plugins import catalog

DIF_FUSION = """
import argparse, json, os, random
from pathlib import Path
import cv2, numpy as np
options = argparse.ArgumentParser()
options.add_argument("-c"); options.add_argument("-gpu"); options.add_argument("-p", default="test")
options = options.parse_args()
text = "".join(line.split("//")[0] for line in open(options.c))  # as the official parser: a path with // would be cut off
config = json.loads(text)
assert options.gpu == "0" and config["datasets"]["train"]["batch_size"] == 1
assert os.path.exists(config["path"]["resume_state"] + "_gen.pth") and os.path.exists(config["path_df"]["resume_state"] + "_gen.pth")
out = Path("experiments/FS_Head_Test_260101_000000/results/test")
out.mkdir(parents=True)
for name in sorted(os.listdir("Path_VIS")):
    visible, infrared = cv2.imread("Path_VIS/" + name, cv2.IMREAD_UNCHANGED), cv2.imread("Path_IR/" + name, cv2.IMREAD_UNCHANGED)
    assert visible.shape[2] == 3 and visible.shape[0] % 16 == visible.shape[1] % 16 == 0
    cv2.imwrite(str(out / name), np.maximum(visible, infrared[..., None] if infrared.ndim == 2 else infrared))
"""
TEXT_DIFUSE = """
import argparse, os
import cv2, numpy as np
parser = argparse.ArgumentParser()
for name in ("Task_type", "device", "save_dir", "num_workers"):
    parser.add_argument("--" + name)
options = parser.parse_args()
assert options.Task_type == "VIS-IR" and options.device == "cpu" and options.num_workers == "0"
for name in ("diffusion_stage1.pth", "diffusion_stage2.pth", "FCM-VIS-IR.pt"):
    assert os.path.exists("pretrained/" + name)
os.makedirs(options.save_dir)
for name in sorted(os.listdir("data/test/VIS-IR/VIS")):
    visible = cv2.imread("data/test/VIS-IR/VIS/" + name)
    infrared = cv2.imread("data/test/VIS-IR/IR/" + name)
    height, width = visible.shape[:2]
    fused = np.maximum(visible, infrared)[: height // 16 * 16, : width // 16 * 16]
    cv2.imwrite(os.path.join(options.save_dir, name), fused)
"""
MAEFUSE = """
import argparse, os
import cv2, numpy as np
parser = argparse.ArgumentParser()
for name in ("checkpoint", "address", "output"):
    parser.add_argument("--" + name)
options = parser.parse_args()
assert os.path.exists(options.checkpoint)
os.makedirs(options.output)
for name in os.listdir(options.address + "/vi"):
    assert name.endswith(".png")
    visible, infrared = cv2.imread(f"{options.address}/vi/{name}"), cv2.imread(f"{options.address}/ir/{name}")
    cv2.imwrite(f"{options.output}/{name}", np.maximum(visible, infrared))
"""
SCRIPTS = {
    "dif-fusion": ("t_fusion.py", DIF_FUSION),
    "text-difuse": ("test.py", TEXT_DIFUSE),
    "maefuse": ("test_fusion.py", MAEFUSE),
}


def a_tensor(*shape: int) -> torch.Tensor:
    """A tensor of that shape whose file is small."""
    return torch.zeros(1).expand(shape)


@pytest.fixture
def clone(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path / "clone"
    script, text = SCRIPTS[request.node.callspec.params["name"]]
    (folder / "config").mkdir(parents=True)
    (folder / script).write_text(text)
    (folder / "config" / "fusion_test.json").write_text(
        '{\n"path": {"resume_state": "…"}, // where\n"path_df": {"resume_state": "…"},\n"datasets": {"train":'
        ' {"batch_size": 1}}}\n'
    )
    return folder


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "weights"
    folder.mkdir()
    for name in SCRIPTS:
        spec = catalog.methods.get(name)
        assert spec.external
        for artifact in spec.artifacts:
            tensors = spec.external.tensors.get(artifact.name, {})
            torch.save({key: a_tensor(*shape) for key, shape in tensors.items()}, folder / artifact.filename)
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(folder))
    return folder


@pytest.fixture
def run(cli: Callable[..., Any], pairs: Path, clone: Path, tmp_path: Path) -> Callable[..., Any]:
    def call(name: str, *more: str) -> Any:
        return cli(
            "fuse",
            pairs / "ir",
            pairs / "vi",
            "--method",
            name,
            "--out",
            tmp_path / "runs",
            "--name",
            "r",
            "--device",
            "cpu",
            "--option",
            f"{name}.clone={clone}",
            "--option",
            f"{name}.python={sys.executable}",
            "--option",
            f"{name}.allow_modified=true",
            *more,
        )

    return call


@pytest.mark.parametrize("name", list(SCRIPTS))
def test_drives_the_official_interface(
    name: str, run: Callable[..., Any], pairs: Path, weights: Path, tmp_path: Path
) -> None:
    for folder in ("ir", "vi"):  # an odd size among them
        write_png(
            pairs / folder / "b.png", np.ascontiguousarray(read_image(pairs / folder / "b.png")[:61, :53])
        )
    more = ("--option", "dif-fusion.device=cuda:0") if name == "dif-fusion" else ()
    result = run(name, *more)
    assert result.code == 0, result.err
    for pair in "abcd":
        (path,) = (tmp_path / "runs" / "r" / "fused" / name).rglob(f"{pair}.png")
        expected = np.maximum(
            read_rgb(pairs / "vi" / f"{pair}.png"), read_grey(pairs / "ir" / f"{pair}.png")[..., None]
        )
        assert (read_image(path) == expected).all()


@pytest.mark.parametrize("name", ["text-difuse"])
def test_wrong_weights_are_noticed_before_the_script_accepts_them(
    name: str, run: Callable[..., Any], weights: Path
) -> None:
    torch.save({"inBlock.weight": a_tensor(3, 3)}, weights / "FCM-VIS-IR.pt")
    result = run(name)
    assert result.code == 1
    assert "FCM-VIS-IR.pt" in result.err
    assert "inBlock.weight is (3, 3), expected (544, 1088, 3, 3)" in result.err


@pytest.mark.parametrize("name", ["dif-fusion"])
def test_what_needs_a_gpu_says_so(name: str, run: Callable[..., Any], weights: Path) -> None:
    result = run(name)
    assert result.code == 1
    assert "needs a CUDA device" in result.err
    assert "dif-fusion.device=cuda:0" in result.err


@pytest.mark.parametrize("name", ["maefuse"])
def test_another_clone_is_refused(
    name: str, cli: Callable[..., Any], clone: Path, pairs: Path, weights: Path
) -> None:
    arguments = ["--option", f"{name}.clone={clone}", "--option", f"{name}.python={sys.executable}"]
    result = cli("fuse", pairs / "ir", pairs / "vi", "--method", name, *arguments)
    assert result.code == 2
    assert "test_fusion.py" in result.err
    assert "git clone https://github.com/Henry-Lee-real/MaeFuse" in result.err
