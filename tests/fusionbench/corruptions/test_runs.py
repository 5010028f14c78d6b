"""Runs with ``--corrupt``: methods see corrupted pairs, metrics the clean ones, and rows are kept apart."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusionbench.api import score
from fusionbench.corruptions.choice import parse
from fusionbench.corruptions.engine import corrupt
from fusionbench.datasets.demo.dataset import render_pair
from fusionbench.errors import InputError
from fusionbench.execution.runner import RunResult, execute
from fusionbench.images.codec import read_image, write_png
from fusionbench.planning.config import RunConfig
from fusionbench.planning.plan import make_plan
from fusionbench.rendering import merged_input, report_input
from fusionbench.store.entrants import Entrants
from fusionbench.store.merging import merge
from fusionbench.store.run_store import RunStore

Runner = Callable[..., RunResult]


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., RunConfig]:
    def make(**settings: Any) -> RunConfig:
        values: dict[str, Any] = {
            "method": ["max"],
            "dataset": ["demo"],
            "dataset_options": {"demo": {"size": "96x80", "count": 6}},
            "task": ["quality"],
            "metrics": ["PSNR", "EN"],
            "limit": 2,
            "jobs": 2,
            "out": tmp_path / "runs",
            "device": "cpu",
            **settings,
        }
        return RunConfig(**values)

    return make


@pytest.fixture
def run(config: Callable[..., RunConfig]) -> Runner:
    return lambda **settings: execute(config(**settings), quiet=True)


def test_methods_see_the_corrupted_pair_and_metrics_the_clean_one(run: Runner) -> None:
    result = run(corrupt=["fog:4"])
    name = result.plan.groups[0].dataset.pairs[0].name
    clean = render_pair("test", int(name[:5]) - 1, 96, 80)
    seen = corrupt(clean, parse("fog:4"), name)
    fused = read_image(result.folder / "fused" / "max" / "demo@fog-4" / "test" / f"{name}.png")
    from fusionbench.images.grey import to_grey

    high = np.maximum(seen.infrared, np.rint(to_grey(seen.visible, "opencv")))
    luma = to_grey(fused, "opencv") if fused.ndim == 3 else fused
    assert np.abs(luma - high).mean() < 2  # colour and rounding
    data = report_input(RunStore.read_only(result.folder))
    rows = data.corrupted[(data.corrupted["metric"] == "PSNR") & (data.corrupted["image"] == name)]
    expected = score(clean.infrared, clean.visible, fused, metrics=["PSNR"])
    (value,) = rows["value"]
    assert value == pytest.approx(_psnr(expected), abs=1e-9)


def _psnr(scores: Any) -> float:
    return float(scores["PSNR"])


def test_rows_carry_corruption_and_severity_and_never_mix_with_clean_ones(run: Runner) -> None:
    data = report_input(RunStore.read_only(run(corrupt=["fog:1,fog:5", "ir-gone"]).folder))
    assert set(data.rows["dataset"]) == {"demo"}
    assert set(data.datasets) == {"demo"}
    assert data.datasets["demo"].title.endswith("(clean)")
    found = data.corrupted[["dataset", "corruption", "severity", "variant"]].drop_duplicates()
    assert found.to_numpy().tolist() == [
        ["demo", "fog", 1, "demo@fog-1"],
        ["demo", "fog", 5, "demo@fog-5"],
        ["demo", "ir-gone", 5, "demo@ir-gone-5"],
    ]
    assert len(data.corrupted) == 3 * len(data.rows)


def test_resume_does_nothing_twice_and_adds_what_is_new(run: Runner) -> None:
    first = run(corrupt=["fog:3"])
    assert (first.fused, first.scored) == (4, 4)
    again = run(corrupt=["fog:3"])
    assert (again.fused, again.scored) == (0, 0)
    more = run(corrupt=["fog:3", "stripes:2"])
    assert more.fused == 2
    alone = run()
    assert alone.fused == 0
    assert set(alone.plan.groups[0].dataset.settings) == {"size", "count"}


def test_a_clean_run_first_has_the_same_keys(config: Callable[..., RunConfig]) -> None:
    plain = make_plan(config()).groups[0].fuse
    with_fog = [g.fuse for g in make_plan(config(corrupt=["fog:3"])).groups]
    assert with_fog[0] == plain
    assert with_fog[1].key != plain.key
    assert with_fog[1].dataset == "demo@fog-3"


def test_a_corrupted_dataset_never_has_the_plain_name() -> None:
    names = Entrants()
    assert names.name("demo", {"corruption": "fog:3"}) == "demo@fog-3"
    assert names.name("demo", {}) == "demo"
    assert names.clean_name("demo@fog-3") == "demo"


def test_runs_are_merged_with_their_corruptions(run: Runner, tmp_path: Path) -> None:
    one = run(corrupt=["fog:3"], name="one").folder
    two = run(corrupt=["stripes:3"], name="two").folder
    merged = merge([RunStore.read_only(one), RunStore.read_only(two)], tmp_path / "both")
    data = report_input(RunStore.read_only(merged.folder))
    assert set(data.corrupted["corruption"]) == {"fog", "stripes"}
    assert set(data.rows["dataset"]) == {"demo"}
    joined = merged_input([RunStore.read_only(one), RunStore.read_only(two)])
    assert len(joined.rows) == len(data.rows)
    assert len(joined.corrupted) == len(data.corrupted)


def test_reports_load_what_methods_saw(run: Runner) -> None:
    data = report_input(RunStore.read_only(run(corrupt=["polarity-flip"]).folder))
    image = data.rows["image"].iloc[0]
    clean = data.load_pair("demo", "test", image)
    seen = data.load_pair("demo@polarity-flip-5", "test", image)
    assert (seen.infrared == 255 - clean.infrared).all()
    assert (seen.visible == clean.visible).all()


def test_images_fused_elsewhere_are_left_out(run: Runner, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    for name in ("00001D", "00004D", "00004N"):
        write_png(folder / f"{name}.png", np.full((80, 96), 90, np.uint8))
    plan = run(method=[f"dir:{folder}", "max"], corrupt=["fog:1"], images=["00001D"], limit=None).plan
    assert [g.label for g in plan.groups] == [
        "mine on demo/test",
        "max on demo/test",
        "max on demo@fog-1/test",
    ]
    assert any("mine: its images are fused already" in text for text in plan.skipped)


@pytest.fixture
def video(pairs: Path, tmp_path: Path) -> Path:
    """Four demo pairs as LLVIP names them: three frames of one scene, one of another."""
    root = tmp_path / "llvip"
    for name, frame in zip("abcd", ("190001", "190002", "190003", "200001"), strict=True):
        for sensor in ("ir", "vi"):
            (root / "test" / sensor).mkdir(parents=True, exist_ok=True)
            shutil.copy(pairs / sensor / f"{name}.png", root / "test" / sensor / f"{frame}.png")
    return root


def test_time_offset_where_frames_exist(run: Runner, video: Path) -> None:
    settings = {"dataset": ["llvip"], "dataset_options": {}, "data_root": {"llvip": video}, "limit": None}
    result = run(**settings, method=["infrared"], corrupt=["time-offset:2"])
    fused = result.folder / "fused" / "infrared"
    first = read_image(fused / "llvip" / "test" / "190001.png")
    third = read_image(fused / "llvip" / "test" / "190003.png")
    late = fused / "llvip@time-offset-2" / "test"
    assert sorted(p.stem for p in late.iterdir()) == ["190001", "190003"]
    assert (read_image(late / "190001.png") == third).all()
    assert (read_image(late / "190003.png") == first).all()
    assert any("2 of 4 pairs have no frame so far away" in s for s in result.plan.skipped)
    # Another frame counts among the sources: with new bytes there, the image is fused again.
    write_png(video / "test" / "ir" / "190003.png", 255 - third)
    again = run(**settings, method=["infrared"], corrupt=["time-offset:2"])
    assert again.fused == 1 + 2
    assert (read_image(late / "190001.png") == 255 - third).all()


def test_time_offset_without_frames_is_said(config: Callable[..., RunConfig]) -> None:
    plan = make_plan(config(corrupt=["time-offset"]))
    assert plan.skipped == ["time-offset on demo: skipped, its pairs are no frames of a video"]
    assert len(plan.groups) == 1


def test_bad_corruptions_are_said_before_anything_starts(config: Callable[..., RunConfig]) -> None:
    for text in ("fgo", "fog:9"):
        with pytest.raises(InputError):
            make_plan(config(corrupt=[text]))
    assert not config().folder.exists()


def test_the_command_line(cli: Callable[..., Any], tmp_path: Path) -> None:
    flags = [
        "-m",
        "max",
        "-d",
        "demo",
        "--option",
        "demo.size=96x80",
        "--limit",
        "1",
        "--metrics",
        "EN",
        "-t",
        "quality",
    ]
    result = cli("run", *flags, "--out", tmp_path, "--corrupt", "fgo:3")
    assert result.code == 2
    assert "did you mean 'fog'" in result.err
    result = cli("run", *flags, "--out", tmp_path, "--corrupt", "fog:3", "--json")
    assert result.code == 0
    (record,) = json.loads(result.out)["corrupted"]
    assert (record["dataset"], record["corruption"], record["severity"]) == ("demo", "fog", 3)
    assert cli("fuse", "--corrupt", "fog", "-m", "max").code == 2
    info = cli("info", "corruption", "rain")
    assert info.code == 0
    assert "3: drops 7, length 20, brightness 0.55" in info.out
