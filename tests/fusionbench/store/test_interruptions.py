"""What happens to a run folder while a run writes to it: deleted, replaced, killed; and what is left is
exactly what counts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fusionbench.contracts.evaluator import Value
from fusionbench.errors import ImageError, StoreError
from fusionbench.execution import runner
from fusionbench.execution.fused_images import SavedImages
from fusionbench.execution.runner import RunResult
from fusionbench.images.codec import read_image, write_png
from fusionbench.rendering import report_input
from fusionbench.store.fused import read_fused
from fusionbench.store.journal import Entry, Journal
from fusionbench.store.run_store import RunStore
from fusionbench.store.unit_id import UnitId

Runner = Callable[..., RunResult]

UNIT = UnitId("fuse", "max", "demo", "test", "", 0, "0123456789abcdef")

MEANWHILE = """
import shutil
from pathlib import Path
class M:
    def __init__(self, spec, context): self.n, self.folder = 0, context.cache_dir.parent
    def load(self, device, precision): pass
    def provenance(self): return {"told": "by the method"}
    def fuse(self, ir, vi):
        self.n += 1
        if self.n == 3: self.meanwhile()
        return (ir + vi) / 2
    def meanwhile(self): ACTION
"""


def method(tmp_path: Path, action: str) -> list[str]:
    """A method during whose third image something happens."""
    file = tmp_path / "meanwhile.py"
    file.write_text(MEANWHILE.replace("ACTION", action))
    return [f"{file}:M"]


def test_a_run_folder_deleted_meanwhile_is_said(run: Runner, tmp_path: Path) -> None:
    # The run may be saving an image: what it writes meanwhile is deleted again. The journal goes before the folder.
    gone = "[shutil.rmtree(self.folder, ignore_errors=True) for _ in range(100) if self.folder.exists()]"
    with pytest.raises(StoreError, match=r"was deleted (or replaced )?while the run was writing to it"):
        run(method=method(tmp_path, gone), jobs=1)
    assert run().fused == 4


def test_a_journal_deleted_meanwhile_is_said(run: Runner, tmp_path: Path) -> None:
    action = "[p.unlink() for p in (self.folder / 'journal').glob('fuse*')]"
    with pytest.raises(StoreError, match=r"jsonl: was deleted while the run was writing to it"):
        run(method=method(tmp_path, action), jobs=1)


def test_a_journal_deleted_at_the_end_is_said(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    finish = runner.finish_group

    def deleted(*arguments: object) -> dict[str, str]:
        store: RunStore = arguments[2]  # type: ignore[assignment]
        for path in (store.folder / "journal").iterdir():
            path.unlink()
        return finish(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(runner, "finish_group", deleted)
    result = run()
    assert set(result.failures["max on folder/all"]) == set("abcd")
    assert "was the journal deleted?" in result.failures["max on folder/all"]["a"]


def test_a_source_replaced_meanwhile_is_said(run: Runner, pairs: Path, tmp_path: Path) -> None:
    action = f"shutil.copy({str(pairs / 'ir' / 'b.png')!r}, {str(pairs / 'ir' / 'a.png')!r})"
    meanwhile = method(tmp_path, action)
    result = run(method=meanwhile, jobs=1)
    reasons = result.failures["m on folder/all"]
    assert list(reasons) == ["a"]
    assert "its sources changed while the run was going on" in reasons["a"]
    rows = RunStore.read_only(result.folder).rows(result.plan.selection())
    assert set(rows["image"]) == set("bcd")
    again = run(method=meanwhile, jobs=1)
    assert (again.fused, again.failures) == (1, {})


def test_run_json_deleted_meanwhile_is_said(run: Runner, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"run\.json: was deleted or replaced"):
        run(method=method(tmp_path, "(self.folder / 'run.json').unlink()"))


def test_provenance_survives_a_kill(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    arguments = method(tmp_path, "pass")
    with monkeypatch.context() as patched:
        patched.setattr(runner, "finish_group", killed)
        with pytest.raises(KeyboardInterrupt):
            run(method=arguments)
    again = run(method=arguments)
    assert again.fused == 0
    (manifest,) = (again.folder / "units").glob("fuse--m--*")
    assert json.loads(manifest.read_text())["provenance"]["told"] == "by the method"


def test_an_image_is_recorded_before_it_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    target = tmp_path / "a.png"

    def killed(source: str, path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", killed)
    images = SavedImages(lambda name: target)
    with pytest.raises(KeyboardInterrupt):
        images.save("a", read_image_of_ones(), "source", lambda digest: journal.append(Entry("a", digest)))
    assert [e.image for e in Journal.read(journal.path)] == ["a"]
    assert not target.exists()  # recorded and not there: it is fused again
    assert not list(tmp_path.glob(".*.part"))


def read_image_of_ones() -> Any:
    import numpy as np

    return np.ones((4, 4), np.uint8)


def test_the_newest_of_several_processes_entries_counts(tmp_path: Path) -> None:
    """A killed two-process run, then one process: its entries are newer, whatever the files are called."""
    store = RunStore.open(tmp_path / "run")
    for worker, names in (("w0", "ac"), ("w1", "bd")):
        journal = store.journal(UNIT, worker)
        for name in names:
            journal.append(Entry(name, "old"))
        journal.close()
    store.close()
    store = RunStore.open(tmp_path / "run")
    assert [p.name for p in (tmp_path / "run" / "journal").iterdir()] == [f"{UNIT.stem}.jsonl"]
    journal = store.journal(UNIT)
    journal.append(Entry("a", "new"))
    journal.close()
    assert {n: e.digest for n, e in store.entries(UNIT).items()} == {
        "a": "new",
        "b": "old",
        "c": "old",
        "d": "old",
    }
    again = store.journal(UNIT, "w1")
    again.append(Entry("b", "newest"))
    again.close()
    store.close()
    entries = RunStore.open(tmp_path / "run").entries(UNIT)
    assert {n: e.digest for n, e in entries.items()} == {"a": "new", "b": "newest", "c": "old", "d": "old"}


def test_a_damaged_number_in_a_journal_is_dropped(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.jsonl")
    journal.append(Entry("a", "d", [Value("EN", 6.25)]))
    journal.append(Entry("b", "d", [Value("EN", 7.5)]))
    journal.close()
    journal.path.write_bytes(journal.path.read_bytes().replace(b"6.25", b"9.25"))
    assert [e.image for e in Journal.read(journal.path)] == ["b"]
    journal.path.write_text('["old","d",[]]\n[1,2,[]]\n["x","d",[["EN",null,"",{},""]]]\n')
    assert [e.image for e in Journal.read(journal.path)] == ["old"]  # a line of version 0.1 has no checksum


def test_only_files_of_the_suite_are_removed(run: Runner) -> None:
    folder = run().folder
    fused = folder / "fused" / "max" / "folder" / "all"
    theirs = [
        folder / ".notes.part",
        fused / ".mine.part",
        fused / ".a.png.12345678.part",
        folder / "mine" / ".a.png.abcdefgh.fusionbench.part",
        folder / "details" / ".mine.part",
    ]
    ours = [fused / ".a.png.abcdefgh.fusionbench.part", folder / ".run.json.abc_efg1.fusionbench.part"]
    for path in (*theirs, *ours):
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("x")
    unfinished = folder / "details" / ".detection--max--folder--all--k.part"
    unfinished.mkdir()
    run()
    assert [p.name for p in theirs if not p.exists()] == []
    assert [p.name for p in (*ours, unfinished) if p.exists()] == []


def test_a_replaced_image_reaches_neither_a_task_nor_a_figure(run: Runner) -> None:
    result = run()
    store = RunStore.read_only(result.folder)
    path = store.fused_path("max", "folder", "all", "c")
    digest = store.entries(result.plan.groups[0].fuse)["c"].digest
    assert read_fused(path, digest).shape == (80, 96, 3)
    write_png(path, 255 - read_image(path))
    with pytest.raises(ImageError, match=r"c\.png: was changed after it was fused"):
        read_fused(path, digest)
    with pytest.raises(ImageError, match=r"c\.png: was changed after it was fused"):
        report_input(store).read_fused(path)
    os.unlink(path)
    with pytest.raises(ImageError, match=r"c\.png: can't be read"):
        report_input(store).read_fused(path)
