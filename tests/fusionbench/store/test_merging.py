"""Stores of two machines joined: complete, or refused by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionbench.errors import StoreError
from fusionbench.execution.runner import RunResult
from fusionbench.images.codec import read_image, write_png
from fusionbench.rendering import report_input
from fusionbench.store.merging import merge
from fusionbench.store.run_store import RunStore

Runner = Callable[..., RunResult]


def opened(*results: RunResult) -> list[RunStore]:
    return [RunStore.read_only(r.folder) for r in results]


def test_disjoint_images_of_one_unit_are_joined(
    run: Runner, tmp_path: Path, results_of: Callable[[Path], dict[str, bytes]]
) -> None:
    whole = run(name="whole")
    parts = [run(name="A", images=["a", "c"]), run(name="B", images=["b", "d"])]
    merged = merge(opened(*parts), tmp_path / "C")
    assert (merged.units, merged.images, merged.notes) == (2, 4, ())
    assert results_of(tmp_path / "C") == results_of(whole.folder)
    again = run(out=tmp_path, name="C")
    assert (again.fused, again.scored) == (0, 0)


def test_copying_files_by_hand_is_noticed(run: Runner, tmp_path: Path) -> None:
    one, two = run(name="A", images=["a", "c"]), run(name="B", images=["b", "d"])
    for part in ("units", "rows", "fused"):
        shutil.copytree(two.folder / part, one.folder / part, dirs_exist_ok=True)
    notes = report_input(RunStore.read_only(one.folder)).notes
    assert any("2 images belong to no finished unit (a, c)" in n and "fusionbench merge" in n for n in notes)
    with pytest.raises(StoreError, match="belong to no finished unit"):
        merge(opened(one, two), tmp_path / "C")


def test_variants_get_names_of_their_own(run: Runner, blend: str, tmp_path: Path) -> None:
    parts = [run(method=[blend], method_options={"m": {"a": a}}, name=f"run-{a}") for a in (0.1, 0.9)]
    merge(opened(*parts), tmp_path / "C")
    data = report_input(RunStore.read_only(tmp_path / "C"))
    assert set(data.rows["method"]) == set(data.methods) == {"m", "m@a=0.9"}
    assert data.notes == []
    again = run(method=[blend], method_options={"m": {"a": 0.9}}, out=tmp_path, name="C")
    assert (again.fused, again.scored) == (0, 0)


def test_contradictions_are_refused_by_name(run: Runner, blend: str, tmp_path: Path) -> None:
    one = run(method=[blend], name="A")
    file = Path(blend.rpartition(":")[0])
    file.write_text(file.read_text().replace("self.a * ir", "self.a * ir * 0.5"))
    two = run(method=[blend], name="B")
    with pytest.raises(
        StoreError, match=r"fuse of m on folder/all: was run with other code, weights or data"
    ):
        merge(opened(one, two), tmp_path / "C")
    assert not (tmp_path / "C").exists()


def test_other_sources_of_one_name_are_refused(run: Runner, pairs: Path, tmp_path: Path) -> None:
    one = run(name="A")
    write_png(pairs / "ir" / "b.png", 255 - read_image(pairs / "ir" / "b.png"))
    two = run(name="B")
    with pytest.raises(StoreError, match="image b: was fused to other pixels or from other sources"):
        merge(opened(one, two), tmp_path / "C")


def test_what_is_damaged_or_unfinished_is_refused(run: Runner, tmp_path: Path) -> None:
    one, two = run(name="A", images=["a"]), run(name="B", images=["b"])
    (rows,) = (two.folder / "rows").iterdir()
    table = pq.read_table(rows)
    changed = table.set_column(table.schema.get_field_index("value"), "value", pa.array([1.0]))
    pq.write_table(changed, rows)
    (two.folder / "journal").mkdir(exist_ok=True)
    (two.folder / "journal" / "quality--x.jsonl").write_text("")
    path = RunStore.read_only(one.folder).fused_path("max", "folder", "all", "a")
    write_png(path, 255 - read_image(path))
    with pytest.raises(StoreError) as refused:
        merge(opened(one, two), tmp_path / "C")
    text = str(refused.value)
    assert f"{rows}: can't be read as the rows of its unit: it was changed after it was written" in text
    assert "quality--x.jsonl: 0 images of a unit that isn't finished" in text
    assert f"{path}: is missing or was changed" in text
    with pytest.raises(StoreError, match="at least two runs"):
        merge(opened(one), tmp_path / "C")
    with pytest.raises(StoreError, match="exists already"):
        merge(opened(one, two), one.folder)


def test_the_command(run: Runner, tmp_path: Path, cli: Callable[..., Any]) -> None:
    parts = [run(name=name, images=[name]).folder for name in "ab"]
    joined = cli("merge", *parts, "--out", tmp_path / "C")
    assert (joined.code, joined.err) == (0, "")
    assert joined.out.startswith("2 units, 2 fused images")
    again = cli("merge", *parts, "--out", tmp_path / "C")
    assert again.code == 2
    assert "exists already; choose another --out" in again.err


def test_a_report_over_a_damaged_unit_says_which(run: Runner, cli: Callable[..., Any]) -> None:
    folder = run(method=["max", "average"]).folder
    (manifest,) = (folder / "units").glob("quality--max--*")
    manifest.write_text(manifest.read_text().replace('"schema_version": 1', '"schema_version": 2'))
    report = cli("report", folder, "--report", "table")
    assert report.code == 1
    assert f"{manifest}: has schema version 2, this fusionbench reads 1" in report.err
    assert "Average" in report.out
