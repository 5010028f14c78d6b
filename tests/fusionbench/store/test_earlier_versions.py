"""Run folders of version 0.1: resuming and reporting work on them, and what is ambiguous is said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fusionbench.execution.runner import RunResult
from fusionbench.plugins import catalog
from fusionbench.rendering import report_input
from fusionbench.store.run_store import RunStore

Runner = Callable[..., RunResult]
NEW_FACTS = ("settings", "dataset_settings", "fuse", "scored", "rows_sha256", "identity", "versions")


def made_by_version_0_1(folder: Path) -> None:
    """Take out of a run folder what version 0.1 didn't write."""
    for path in (folder / "units").glob("*.json"):
        content = json.loads(path.read_text())
        for name in (*NEW_FACTS, "content_sha256"):
            content.pop(name, None)
        path.write_text(json.dumps(content))
    content = json.loads((folder / "run.json").read_text())
    for table in ("methods", "datasets"):
        for about in content[table].values():
            about.pop("settings")
            about.pop("given_options", None)
    (folder / "run.json").write_text(json.dumps(content))


def test_an_earlier_run_is_resumed_and_reported(run: Runner, blend: str) -> None:
    first = run(method=["max", blend], method_options={"m": {"a": 0.1}})
    made_by_version_0_1(first.folder)
    data = report_input(RunStore.read_only(first.folder))
    assert (len(data.rows), data.notes) == (8, [])
    assert [s.title for s in data.methods.values()] == ["Maximum", "M"]
    again = run(method=["max", blend], method_options={"m": {"a": 0.1}})
    assert (again.fused, again.scored) == (0, 0)


def test_a_second_variant_in_an_earlier_run_gets_its_own_name(run: Runner, blend: str) -> None:
    first = run(method=[blend], method_options={"m": {"a": 0.1}})
    made_by_version_0_1(first.folder)
    run(method=[blend], method_options={"m": {"a": 0.9}})
    data = report_input(RunStore.read_only(first.folder))
    assert set(data.rows["method"]) == {"m", "m@a=0.9"}
    assert data.notes == []


def test_two_option_sets_that_overwrote_each_other_are_said(run: Runner, blend: str, tmp_path: Path) -> None:
    """What version 0.1 left of two option sets: rows of both, images of the second.

    Only those images' rows count.
    """
    folders = [run(method=[blend], method_options={"m": {"a": a}}, name=str(a)).folder for a in (0.1, 0.9)]
    for folder in folders:
        made_by_version_0_1(folder)
    for part in ("units", "rows", "fused"):
        shutil.copytree(folders[1] / part, folders[0] / part, dirs_exist_ok=True)
    data = report_input(RunStore.read_only(folders[0]))
    alone = report_input(RunStore.read_only(folders[1]))
    assert sorted(data.rows["value"]) == sorted(alone.rows["value"])
    assert any(
        "quality cddfuse of m on folder/all: 4 images left out (a, b, c …), fused again" in n
        for n in data.notes
    )


def test_of_two_definitions_of_a_metric_the_later_counts(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run()
    spec = catalog.evaluator_of_task("quality")
    later = spec.model_copy(update={"version": spec.version + 1})
    monkeypatch.setattr(catalog, "evaluator_of_task", lambda task: later)
    again = run(images=["a", "b", "c"])
    assert (again.fused, again.scored) == (0, 3)
    data = report_input(RunStore.read_only(first.folder))
    assert sorted(data.rows["image"]) == ["a", "b", "c"]
    assert [
        n for n in data.notes if "1 image left out, scored by an older definition only" in n
    ] == data.notes
    run()
    data = report_input(RunStore.read_only(first.folder))
    assert (sorted(data.rows["image"]), data.notes) == (["a", "b", "c", "d"], [])
