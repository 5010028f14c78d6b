"""Two nodes on one machine: the same bytes as the local engine's, nothing done twice, and what goes wrong is
said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]
Bytes = Callable[[Path], dict[str, bytes]]


def provenance(folder: Path, pattern: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text())["provenance"] for path in folder.glob(f"units/{pattern}.json")]


def test_the_same_bytes_and_nothing_twice(run: Run, address: str, results_of: Bytes) -> None:
    local, result = run("local", "", "--corrupt", "fog:3"), run("ray", address, "--corrupt", "fog:3")
    assert (result.fused, result.scored, result.failures) == (24, 24, {}), result.said
    assert results_of(result.folder) == results_of(local.folder)
    for about in provenance(result.folder, "fuse--*"):
        assert about["device"] == "cpu"
        assert all(
            "node " in text and text.endswith(" cpu") for text in about["workers"] + about["scored_on"]
        )
    assert not list(result.folder.glob("staged/*"))
    assert not list(result.folder.glob(".seen*"))


def test_workers_that_see_neither_data_nor_run_folder(
    run: Run, address: str, pairs: Path, results_of: Bytes
) -> None:
    (pairs / "fused").mkdir()
    for name in "abcd":
        shutil.copy(pairs / "vi" / f"{name}.png", pairs / "fused")
    asked = ["--dataset", "folder", "--data-root", "folder={hidden}", "--limit", "2", "--out", "{hidden}"]
    asked += ["--method", "max,dir:{hidden}/fused"]
    local = run("local", "", *asked, hidden=pairs)
    result = run("ray", address, *asked, hidden=pairs)
    assert (result.fused, result.failures) == (4, {}), result.said
    assert "are sent to the workers" in result.said
    assert "sent to this machine" in result.said
    assert results_of(result.folder) == results_of(local.folder)
    # One image lost, one metric more: only that is done.
    next(result.folder.glob("fused/max/folder/*/*.png")).unlink()
    asked += ["--metrics", "EN,SD,AG"]
    more = run("ray", address, *asked, hidden=pairs)
    assert (more.fused, more.scored) == (1, 4), more.said
    assert results_of(result.folder) == results_of(run("local", "", *asked, hidden=pairs).folder)


ENDS = """
import os

class Ends:
    def __init__(self, spec, context): ...
    def load(self, device, precision): ...
    def fuse(self, infrared, visible):
        print("about to end", flush=True)
        os.kill(os.getpid(), 9)
"""


def test_a_method_that_ends_its_workers_fails_by_name(run: Run, address: str, tmp_path: Path) -> None:
    file = tmp_path / "ends.py"
    file.write_text(ENDS)
    result = run("ray", address, "--method", f"{file}:Ends,max", "--limit", "2")
    assert (result.code, result.fused) == (1, 2), result.said
    assert list(result.failures) == ["ends on demo/test"]
    assert "3 times a worker on" in result.failures["ends on demo/test"][""]
    (log,) = result.folder.glob("logs/fuse--ends--*.log")
    assert "about to end" in log.read_text()
