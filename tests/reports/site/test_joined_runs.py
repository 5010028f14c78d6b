"""Sites of stored runs, by the command line: several runs as one, original files, names that lead elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fusionbench.contracts.report import ReportSpec
from fusionbench.images.codec import read_image
from fusionbench.reports.site.names import plain_of
from fusionbench.reports.site.pages import build
from tests.support.report_rows import frame, quality_rows, report_input, row

Cli = Callable[..., Any]


def data_of(site: Path, name: str) -> Any:
    """A data file of a site."""
    text = (site / "data" / f"{name}.js").read_text(encoding="utf-8")
    return json.loads(text.split(f"FB.{name}=", 1)[1].rstrip(";\n"))


@pytest.fixture
def fuse(cli: Cli, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """``fuse("one", "max", "folder")``: a run of that name with one more method and dataset; its folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))

    def call(name: str, method: str, dataset: str) -> Path:
        place = ("--data-root", f"folder={pairs}") if dataset == "folder" else ("--limit", "2")
        what = ("--task", "quality", "--metrics", "EN,SD", "--report", "table", "--device", "cpu", "--quiet")
        assert cli("run", "--name", name, "--method", method, "--dataset", dataset, *place, *what).code == 0
        return tmp_path / "runs" / name

    return call


def test_joined_runs_show_the_images_of_both(cli: Cli, fuse: Callable[..., Path], tmp_path: Path) -> None:
    runs = fuse("one", "max", "folder"), fuse("two", "average", "folder")
    fuse("two", "max", "demo")
    result = cli("site", *runs, "--out", tmp_path / "site", "--originals")
    assert result.code == 0, result.err
    galleries = {g["dataset"]: g for g in data_of(tmp_path / "site", "galleries")}
    assert set(galleries) == {"folder", "demo"}
    one = galleries["folder"]["files"]["a"]
    assert set(one) >= {"infrared", "visible", "max@one", "average"}
    assert {len(files) >= 3 for files in galleries["demo"]["files"].values()} == {True}
    # the originals are the files that were scored, each from its own run
    for layer, run, method in (("max@one", runs[0], "max"), ("average", runs[1], "average")):
        shown = tmp_path / "site" / one[layer]
        stored = next((run / "fused" / method / "folder").rglob("a.png"))
        assert shown.suffix == ".png"
        assert np.array_equal(np.asarray(Image.open(shown)), read_image(stored))
    titles = {layer["title"] for layer in galleries["folder"]["layers"]}
    assert {"Maximum@one", "Average"} <= titles


def test_contradicting_runs_are_said_on_the_page_and_the_first_counts(
    cli: Cli, fuse: Callable[..., Path], pairs: Path, tmp_path: Path
) -> None:
    one = fuse("one", "max", "folder")
    for path in (pairs / "vi").iterdir():
        Image.fromarray(np.asarray(Image.open(path)) // 2).save(path)
    other = fuse("other", "max", "folder")  # the same names, other pairs
    result = cli("site", one, other, "--out", tmp_path / "site")
    said = "max, EN on folder: the runs one and other disagree on 4 values (by up to "
    assert said in result.err
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert said in page
    assert '<details class="said" open>' in page
    assert str(tmp_path) not in page
    alone = cli("site", one, "--out", tmp_path / "alone")
    assert alone.code == 0, alone.err
    both = [entry["cells"] for entry in data_of(tmp_path / "site", "boards")[0]["entries"]]
    assert both == [entry["cells"] for entry in data_of(tmp_path / "alone", "boards")[0]["entries"]]


def test_two_runs_of_one_name_are_refused(cli: Cli, tmp_path: Path) -> None:
    folders = [tmp_path / place / "one" for place in ("here", "elsewhere")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({"name": "one", "schema_version": 1}))
    result = cli("site", *folders, "--out", tmp_path / "site")
    assert result.code == 2
    assert "same name" in result.err


def test_no_image_outside_the_run_is_read(tmp_path: Path) -> None:
    fused = tmp_path / "run" / "fused"
    outside = tmp_path / "demo" / "test"
    outside.mkdir(parents=True)
    fused.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(outside / "a.png")
    rows = frame(row(m, "EN", 1.0, image=i) for m in ("../..", "夜" * 200) for i in ("a", "昼" * 200))
    data = replace(report_input(quality_rows(("max",))), rows=rows, fused_dir=fused)
    build(ReportSpec(name="site", title="Site")).render(data, tmp_path / "out")
    (gallery,) = data_of(tmp_path / "out", "galleries")
    assert {layer for files in gallery["files"].values() for layer in files} == {"infrared", "visible"}
    assert data.notes == []


def test_joined_names_stay_apart() -> None:
    places = [("a-b", "c"), ("a", "b-c"), ("a-b-", "c"), ("a", "-b-c")]
    assert len({plain_of(*parts) for parts in places}) == len(places)
    assert plain_of("msrs", "test") == "msrs-test"
