"""Variants of a method or dataset in one run folder are entrants of their own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fusionbench.execution.runner import RunResult
from fusionbench.rendering import report_input
from fusionbench.store.entrants import Entrants
from fusionbench.store.run_store import RunStore

Runner = Callable[..., RunResult]


def pngs(folder: Path) -> dict[str, bytes]:
    """The fused images of a run by path below ``fused/``."""
    return {str(p.relative_to(folder / "fused")): p.read_bytes() for p in (folder / "fused").rglob("*.png")}


def test_two_option_sets_keep_their_own_images_rows_and_labels(run: Runner, blend: str) -> None:
    one = run(method=[blend], method_options={"m": {"a": 0.1}})
    first = pngs(one.folder)
    assert set(first) == {f"m/folder/all/{n}.png" for n in "abcd"}
    run(method=[blend], method_options={"m": {"a": 0.9}})
    both = pngs(one.folder)
    assert {k: both[k] for k in first} == first
    assert set(both) - set(first) == {f"m@a=0.9/folder/all/{n}.png" for n in "abcd"}
    again = run(method=[blend], method_options={"m": {"a": 0.1}})
    assert (again.fused, again.scored) == (0, 0)
    data = report_input(RunStore.read_only(one.folder))
    assert set(data.rows["method"]) == {"m", "m@a=0.9"}
    assert data.methods["m"].title == "M (a=0.1)"
    assert data.methods["m@a=0.9"].title == "M (a=0.9)"
    assert data.notes == []


def test_a_single_variant_has_the_plain_name(run: Runner, blend: str) -> None:
    result = run(method=[blend], method_options={"m": {"a": 0.9}}, seed=3)
    data = report_input(RunStore.read_only(result.folder))
    assert set(data.rows["method"]) == {"m"}
    assert data.methods["m"].title == "M"


def test_seed_and_precision_tell_variants_apart_where_pixels_depend_on_them(run: Runner, blend: str) -> None:
    result = run(method=[blend, "max"])
    run(method=[blend, "max"], seed=1)
    last = run(method=[blend, "max"], precision="bf16")
    folders = {p.name for p in (result.folder / "fused").iterdir()}
    assert folders == {"m", "m@seed=1", "m@bf16", "max"}
    assert last.fused == 4  # the classical method depends on neither
    titles = {n: s.title for n, s in report_input(RunStore.read_only(result.folder)).methods.items()}
    assert titles["m@seed=1"] == "M (fp32, seed=1)"


def test_edited_code_replaces_the_results_of_the_code_before(
    run: Runner, blend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(method=[blend])
    file = Path(blend.rpartition(":")[0])
    file.write_text(file.read_text().replace("self.a * ir", "self.a * ir * 0.5"))
    second = run(method=[blend], images=["a", "b"])
    assert second.fused == 2
    assert "its code, weights or data have changed since it was run here" in capsys.readouterr().err
    data = report_input(RunStore.read_only(first.folder))
    assert sorted(data.rows["image"]) == ["a", "b"]  # no mean over two codes
    assert any("2 images belong to no finished unit (c, d)" in note for note in data.notes)


def test_other_options_of_a_dataset_are_another_dataset(run: Runner, pairs: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(pairs, other)
    for name in "ab":
        for side in ("ir", "vi"):
            (other / side / f"{name}.png").rename(other / side / f"new-{name}.png")
    options: list[dict[str, Any]] = [
        {"folder": {"ir": str(root / "ir"), "vi": str(root / "vi")}} for root in (pairs, other)
    ]
    first = run(dataset_options=options[0])
    run(dataset_options=options[1])
    data = report_input(RunStore.read_only(first.folder))
    assert data.rows["dataset"].nunique() == 2
    assert data.rows.groupby("dataset").size().tolist() == [4, 4]
    named = next(n for n in data.datasets if n != "folder")
    assert data.load_pair(named, "all", "new-a").infrared.shape == (80, 96)
    assert data.load_pair("folder", "all", "a").infrared.shape == (80, 96)


def test_names_are_short_safe_and_stable() -> None:
    names = Entrants()
    assert names.name("m", {"a": 1}) == "m"
    assert names.name("m", {"a": 2, "path": "../../x y"}) == "m@a=2+path=..-..-x-y"
    assert names.name("m", {"a": 1}) == "m"
    long = names.name("m", {"a": "x" * 300})
    assert len(long) == len("m@") + 8
    assert names.name("m", {"a": "x" * 300}) == long
    assert names.name("m", {}) == "m@a=default"
    file = {"name": "w.pt", "sha256": "0123456789abcdef"}
    assert names.name("m", {"a": 1, "weights": file}) == "m@weights=w.pt-01234567"
    renamed = {"a": 1, "weights": {**file, "name": "other.pt"}}
    assert names.name("m", renamed) == "m@weights=w.pt-01234567"
