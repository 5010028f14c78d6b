"""Two nodes on one machine: the same bytes as the local engine's, nothing done twice, and what goes wrong is
said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from fusionbench.execution.runner import RunResult
from fusionbench.planning.units import Group

Run = Callable[..., RunResult]


def provenance(result: RunResult, group: Group) -> dict[str, list[str]]:
    path = result.folder / "units" / f"{group.fuse.stem}.json"
    return dict(json.loads(path.read_text())["provenance"])


def test_the_same_bytes_and_nothing_twice(
    run: Run, on_ray: Run, results_of: Callable[[Path], dict[str, bytes]]
) -> None:
    local, result = run("local", corrupt="fog:3"), on_ray("ray", corrupt="fog:3")
    assert (result.fused, result.scored, result.failures) == (24, 24, {})
    assert results_of(result.folder) == results_of(local.folder)
    for group in result.plan.groups:
        about = provenance(result, group)
        assert about["device"] == "cpu"
        assert all(
            "node " in text and text.endswith(" cpu") for text in about["workers"] + about["scored_on"]
        )
    assert not list(result.folder.glob("staged/*"))
    assert not list(result.folder.glob(".seen*"))
    # One image lost, one metric more: only that is done.
    next(result.folder.glob("fused/max/*/*/*.png")).unlink()
    more = on_ray("ray", corrupt="fog:3", metrics="EN,SD,AG")
    assert (more.fused, more.scored) == (1, 24)
    assert results_of(result.folder) == results_of(run("local", corrupt="fog:3", metrics="EN,SD,AG").folder)
