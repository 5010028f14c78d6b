"""What a run keeps, does again and refuses: resuming, added metrics, changed sources, deleted and tampered
images, locks, a full disk.
"""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fusionbench.contracts.evaluator import Value
from fusionbench.errors import InputError, StoreError
from fusionbench.execution.runner import RunResult, execute
from fusionbench.images.codec import read_image, write_png
from fusionbench.planning.config import RunConfig
from fusionbench.store.journal import Entry, Journal
from fusionbench.store.run_store import SCHEMA_VERSION, RunStore
from fusionbench.store.unit_id import UnitId

Runner = Callable[..., RunResult]


@pytest.fixture
def run(pairs: Path, tmp_path: Path) -> Runner:
    """``run(metrics=…)``: ``max`` over the pair folder into ``tmp_path/runs/folder``."""

    def call(**settings: Any) -> RunResult:
        values: dict[str, Any] = {
            "method": ["max"],
            "dataset": ["folder"],
            "task": ["quality"],
            "metrics": ["EN", "SD"],
            "jobs": 2,
            "data_root": {"folder": pairs},
            "out": tmp_path / "runs",
            "device": "cpu",
            **settings,
        }
        return execute(RunConfig(**values), quiet=True)

    return call


def png(result: RunResult, name: str, method: str = "max") -> Path:
    return result.folder / "fused" / method / "folder" / "all" / f"{name}.png"


def values(result: RunResult, metric: str) -> dict[str, float]:
    rows = RunStore.read_only(result.folder).rows(result.plan.selection())
    rows = rows[rows["metric"] == metric]
    return dict(zip(rows["image"], rows["value"], strict=True))


def test_nothing_is_done_twice(run: Runner, results_of: Callable[[Path], dict[str, bytes]]) -> None:
    first = run()
    assert (first.fused, first.scored) == (4, 4)
    before = results_of(first.folder)
    times = {n: png(first, n).stat().st_mtime_ns for n in "abcd"}
    again = run()
    assert (again.fused, again.scored, again.failures) == (0, 0, {})
    assert results_of(first.folder) == before
    assert times == {n: png(first, n).stat().st_mtime_ns for n in "abcd"}
    assert not list(first.folder.glob("**/*.part"))
    assert not list((first.folder / "journal").glob("*"))


def test_a_metric_added_later_keeps_the_old_ones(run: Runner) -> None:
    first = run(metrics=["EN"])
    old = values(first, "EN")
    more = run(metrics=["SF"])
    assert (more.fused, more.scored) == (0, 4)
    assert values(more, "EN") == old
    assert set(values(more, "SF")) == set("abcd")
    both = run(metrics=["EN", "SF"])
    assert both.scored == 0
    third = run(metrics=["EN", "SF", "AG"])  # computes EN and SF once more, and must not store them twice
    rows = RunStore.read_only(third.folder).rows()
    assert sorted(rows["metric"]) == sorted(["EN", "SF", "AG"] * 4)


def test_another_convention_fuses_nothing_again(run: Runner) -> None:
    run()
    more = run(convention=["linfeng"])
    assert (more.fused, more.scored) == (0, 4)


def test_more_images_add_to_those_that_are_there(run: Runner) -> None:
    assert run(images=["b"]).fused == 1
    result = run(limit=2)  # a and c
    assert result.fused == 2
    assert set(values(result, "EN")) == {"a", "c"}
    result = run()
    assert result.fused == 1
    assert set(values(result, "EN")) == set("abcd")


def test_overwrite(run: Runner) -> None:
    first = run(overwrite="never")
    with pytest.raises(InputError, match="exists already and --overwrite is never; choose another --name"):
        run(overwrite="never")
    assert run(overwrite="only-missing").fused == 0
    again = run(overwrite="always")
    assert (again.fused, again.scored) == (4, 4)
    assert set(values(again, "EN")) == set(values(first, "EN")) == set("abcd")


def test_a_changed_source_is_fused_anew(run: Runner, pairs: Path) -> None:
    first = run()
    old = values(first, "EN")
    source = pairs / "ir" / "b.png"
    write_png(source, 255 - read_image(source))
    again = run()
    assert (again.fused, again.scored) == (1, 1)
    new = values(again, "EN")
    assert new["b"] != old["b"]
    assert {n: new[n] for n in "acd"} == {n: old[n] for n in "acd"}


def test_a_source_spoilt_later_is_left_out_by_name(run: Runner, pairs: Path) -> None:
    run()
    source = pairs / "vi" / "b.png"
    source.write_bytes(source.read_bytes()[:300])
    again = run()
    assert list(again.failures["max on folder/all"]) == ["b"]
    assert set(values(again, "EN")) == set("acd")


def test_a_deleted_image_is_made_again(run: Runner, results_of: Callable[[Path], dict[str, bytes]]) -> None:
    first = run()
    before = results_of(first.folder)
    png(first, "c").unlink()
    again = run()
    assert again.fused == 1
    assert results_of(first.folder) == before


def test_a_replaced_image_is_said_and_done_again(
    run: Runner, results_of: Callable[[Path], dict[str, bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(metrics=["EN"])
    before = results_of(first.folder)
    write_png(png(first, "c"), 255 - read_image(png(first, "c")))
    again = run(metrics=["EN"])
    assert "c.png was changed after it was fused; it is fused again" in capsys.readouterr().err
    assert (again.fused, again.failures) == (1, {})
    assert results_of(first.folder) == before


@pytest.mark.parametrize("batch", [2, 4])
def test_batches_give_the_same_bytes(
    run: Runner, results_of: Callable[[Path], dict[str, bytes]], batch: int
) -> None:
    methods = ["max", "laplacian"]
    single = run(method=methods, batch_size=1, name="single")
    batched = run(method=methods, batch_size=batch, name="batched")
    assert results_of(single.folder) == results_of(batched.folder)


def test_a_method_that_cannot_be_loaded_stops_only_itself(run: Runner, tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text(
        "class Broken:\n    def __init__(self, spec, context): pass\n"
        "    def load(self, device, precision): raise RuntimeError('size mismatch for conv1.weight')\n"
    )
    result = run(method=[f"{file}:Broken", "max"])
    assert list(result.failures) == ["broken on folder/all"]
    assert (
        "can't be loaded: RuntimeError: size mismatch for conv1"
        in result.failures["broken on folder/all"][""]
    )
    assert set(values(result, "EN")) == set("abcd")


def test_fail_fast_stops_and_keeps_what_is_finished(run: Runner, pairs: Path) -> None:
    (pairs / "ir" / "d.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"d\.png: the file is empty"):
        run(fail_fast=True, jobs=1)
    result = run(images=["a", "b", "c"])
    assert result.fused < 3
    assert set(values(result, "EN")) == set("abc")


# The store


UNIT = UnitId("quality", "max", "demo", "test", "cddfuse", 0, "0123456789abcdef")


def test_torn_and_damaged_journal_lines_are_dropped(tmp_path: Path) -> None:
    store = RunStore.open(tmp_path / "run")
    whole = [
        Entry(n, "d", [Value("EN", 1.5), Value("VIF", math.nan, reason="too small")]) for n in ("x", "y")
    ]
    for cut in (2, 7, 20):
        journal = store.journal(UNIT)
        for entry in whole:
            journal.append(entry)
        journal.close()
        data = journal.path.read_bytes()
        journal.path.write_bytes(data[:-cut])
        assert list(store.entries(UNIT)) == ["x"]
        late = Journal(journal.path)  # the next run appends after the torn line
        late.append(Entry("z", "d", [Value("EN", 2.0)]))
        late.close()
        found = store.entries(UNIT)
        assert list(found) == ["x", "z"]
        assert found["z"].values == [Value("EN", 2.0)]
        journal.path.unlink()
    store.close()


def test_rows_survive_the_round_trip(tmp_path: Path) -> None:
    store = RunStore.open(tmp_path / "run")
    entries = [
        Entry(
            "ä b",
            "d1",
            [
                Value("EN", 0.1 + 0.2),
                Value("IoU", 0.5, class_name="car"),
                Value("VIF", math.nan, reason="41 pixels"),
            ],
        ),
        Entry("a", "d2", [Value("EN", 7.0, convention="other")]),
    ]
    store.finish(UNIT, entries, {})
    found = store.entries(UNIT)
    assert list(found) == ["a", "ä b"]
    assert [(v.metric, v.value, v.class_name) for v in found["ä b"].values[:2]] == [
        ("EN", 0.1 + 0.2, ""),
        ("IoU", 0.5, "car"),
    ]
    assert math.isnan(found["ä b"].values[2].value)
    assert found["ä b"].values[2].reason == "41 pixels"
    assert found["a"].values[0].convention == "other"
    store.close()


def test_another_schema_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"schema_version": SCHEMA_VERSION + 1}))
    with pytest.raises(StoreError, match=f"has schema version {SCHEMA_VERSION + 1}.*choose another --name"):
        RunStore.read_only(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(StoreError, match=r"run\.json: is damaged"):
        RunStore.read_only(tmp_path)
    healed = RunStore.open(tmp_path)
    assert healed.info() == {}
    assert "run.json: was damaged; it is kept as run.json.damaged" in healed.notes[0]
    healed.close()
    with pytest.raises(StoreError, match="is not a run"):
        RunStore.read_only(tmp_path / "nowhere")


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    first = RunStore.open(tmp_path)
    with pytest.raises(StoreError, match="another fusionbench process is writing to this run"):
        RunStore.open(tmp_path)
    first.close()
    RunStore.open(tmp_path).close()


def test_damaged_rows_are_computed_anew(run: Runner) -> None:
    first = run()
    before = values(first, "EN")
    (rows,) = (first.folder / "rows").glob("*.parquet")
    rows.write_bytes(rows.read_bytes()[:100])
    with pytest.raises(StoreError, match="can't be read"):
        values(first, "EN")
    again = run()
    assert (again.fused, again.scored) == (0, 4)
    assert values(again, "EN") == before


def test_stores_of_two_machines_merge_by_copying(run: Runner, tmp_path: Path) -> None:
    import shutil

    one, two = run(images=["a", "b"], name="one"), run(method=["average"], name="two")
    for part in ("units", "rows", "fused"):
        shutil.copytree(two.folder / part, one.folder / part, dirs_exist_ok=True)
    rows = RunStore.read_only(one.folder).rows()
    assert set(rows["method"]) == {"max", "average"}


# A full disk


@pytest.mark.parametrize("after", [0, 3, 9])
def test_a_full_disk_stops_the_run_and_keeps_what_is_finished(
    run: Runner, monkeypatch: pytest.MonkeyPatch, results_of: Callable[[Path], dict[str, bytes]], after: int
) -> None:
    whole = results_of(run(name="whole").folder)
    synced = os.fsync
    left = [after]

    def full(handle: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        synced(handle)

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(StoreError, match=r"No space left on device.*what is finished is kept"):
            run(name="interrupted")
    resumed = run(name="interrupted")
    assert not list(resumed.folder.glob("**/*.part"))
    assert results_of(resumed.folder) == whole


def test_a_line_that_half_fits_the_disk_is_noticed(tmp_path: Path) -> None:
    class Full:
        def write(self, data: bytes) -> int:
            return len(data) // 2

        def fileno(self) -> int:
            return whole.fileno()

        def close(self) -> None:
            pass

    journal = Journal(tmp_path / "j.jsonl")
    journal.append(Entry("a", "d"))
    whole, journal._file = journal._file, Full()  # type: ignore[assignment]
    with pytest.raises(StoreError, match="No space left on device"):
        journal.append(Entry("b", "d"))
    journal._file = whole
    journal.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(run: Runner, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(StoreError, match="choose another --out"):
        run(out=locked)


def test_out_that_is_a_file(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(StoreError, match=r"can't be used as a run folder.*choose another --out"):
        run(out=tmp_path / "taken")
