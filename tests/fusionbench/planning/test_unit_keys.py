"""What a result depends on is in its key: helper modules, weights, judges, masks, by content."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fusionbench.execution.runner import RunResult, execute
from fusionbench.planning.config import RunConfig
from fusionbench.planning.option_files import by_content
from fusionbench.planning.plan import make_plan
from fusionbench.plugins.imported_files import helper_files

MODEL = """
import sys; from pathlib import Path
sys.path.insert(0, str(Path(__file__).parent))
import torch, fb_net, fb_pack.inner
class Model:
    def __init__(self, spec, context): self.weights = context.options.get("weights")
    def load(self, device, precision):
        from fb_late import B
        self.a = float(Path(self.weights).read_text()) if self.weights else fb_net.A * B
    def fuse(self, ir, vi): return self.a * ir + (1 - self.a) * vi
"""


@pytest.fixture(autouse=True)
def _own_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import sys

    before, path = set(sys.modules), list(sys.path)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("fb_"):
            del sys.modules[name]
    sys.path[:] = path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "fb_pack").mkdir(parents=True)
    (folder / "mm.py").write_text(MODEL)
    (folder / "fb_net.py").write_text("from fb_deep import A\n")
    (folder / "fb_deep.py").write_text("A = 0.9\n")
    (folder / "fb_late.py").write_text("B = 1.0\n")
    (folder / "fb_pack" / "__init__.py").write_text("")
    (folder / "fb_pack" / "inner.py").write_text("from . import side\n")
    (folder / "fb_pack" / "side.py").write_text("")
    return folder


@pytest.fixture
def run(pairs: Path, tmp_path: Path, model: Path) -> Callable[..., RunResult]:
    def call(**settings: Any) -> RunResult:
        config = RunConfig(
            method=[f"{model / 'mm.py'}:Model"],
            dataset=["folder"],
            task=["quality"],
            metrics=["EN"],
            data_root={"folder": pairs},
            out=tmp_path / "runs",
            device="cpu",
            **settings,
        )
        return execute(config, quiet=True)

    return call


def test_helpers_are_found_wherever_they_are_imported(model: Path) -> None:
    found = helper_files(model / "mm.py")
    assert {n: p.name for n, p in found.items()} == {
        "fb_net": "fb_net.py",
        "fb_deep": "fb_deep.py",
        "fb_late": "fb_late.py",
        "fb_pack": "__init__.py",
        "fb_pack.inner": "inner.py",
        "fb_pack.side": "side.py",
    }


@pytest.mark.parametrize(
    ("helper", "text"),
    [("fb_deep.py", "A = 0.1\n"), ("fb_late.py", "B = 0.3\n"), ("fb_pack/side.py", "# x\n")],
)
def test_an_edited_helper_is_another_method(
    run: Callable[..., RunResult], model: Path, helper: str, text: str
) -> None:
    first = run()
    assert run().fused == 0
    (model / helper).write_text(text)
    again = run()
    assert again.fused == 4
    image = first.folder / "fused" / "model" / "folder" / "all" / "a.png"
    edited = image.read_bytes()
    shutil.rmtree(first.folder)
    run()  # the values are those of the helper as it is now, in this very process
    assert image.read_bytes() == edited


def test_two_files_whose_helpers_have_one_name_get_their_own(
    run: Callable[..., RunResult], model: Path, tmp_path: Path, pairs: Path
) -> None:
    other = shutil.copytree(model, tmp_path / "other")
    (other / "fb_deep.py").write_text("A = 0.2\n")
    (other / "mm.py").write_text(MODEL.replace("class Model", "class Other"))
    config = RunConfig(
        method=[f"{model / 'mm.py'}:Model", f"{other / 'mm.py'}:Other"],
        dataset=["folder"],
        task=[],
        data_root={"folder": pairs},
        out=tmp_path / "runs",
        device="cpu",
    )
    folder = execute(config, quiet=True).folder / "fused"
    images = [(folder / name / "folder" / "all" / "a.png").read_bytes() for name in ("model", "other")]
    assert images[0] != images[1]


def test_weights_at_an_unchanged_path_count_by_content(run: Callable[..., RunResult], tmp_path: Path) -> None:
    weights = tmp_path / "w.txt"
    weights.write_text("0.1")
    options = {"model": {"weights": str(weights)}}
    first = run(method_options=options)
    assert run(method_options=options).fused == 0
    weights.write_text("0.9")
    assert run(method_options=options).fused == 4
    names = sorted(p.name for p in (first.folder / "fused").iterdir())
    assert names[0] == "model"
    assert names[1].startswith("model@weights=w.txt-")
    moved = weights.rename(tmp_path / "moved.txt")
    assert run(method_options={"model": {"weights": str(moved)}}).fused == 0


def test_weights_replaced_while_the_run_goes_on_are_said(
    run: Callable[..., RunResult], tmp_path: Path, model: Path
) -> None:
    weights = tmp_path / "w.txt"
    weights.write_text("0.1")
    text = MODEL.replace("return self.a", "Path(self.weights).write_text('0.5'); return self.a")
    (model / "mm.py").write_text(text)
    result = run(method_options={"model": {"weights": str(weights)}})
    assert "changed while the run was going on" in result.failures["model on folder/all"][""]


def test_folders_and_nested_options_count_by_content(tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    masks.mkdir()
    (masks / "a.png").write_bytes(b"1")
    options = {"mask_options": {"folder": str(masks), "missing": "zero"}}
    before = by_content(options)
    assert before["mask_options"]["missing"] == "zero"
    (masks / "a.png").write_bytes(b"2")
    assert by_content(options) != before
    assert by_content({"masks": "saliency", "a": 0.5, "b": None, "c": "x\0"}) == {
        "masks": "saliency",
        "a": 0.5,
        "b": None,
        "c": "x\0",
    }


def test_a_judge_counts_by_content(tmp_path: Path) -> None:
    judge = tmp_path / "judge.pt"
    keys = []
    for content in (b"one", b"two", b"two"):
        judge.write_bytes(content)
        config = RunConfig(
            method=["max"],
            task=["detection"],
            limit=1,
            out=tmp_path,
            task_options={"detection": {"model": str(judge)}},
        )
        keys.append([s.id.key for s in make_plan(config).groups[0].scores])
    assert keys[0] != keys[1] == keys[2]
