"""Whole sets on a worker that doesn't see the run folder: images and what is cached go there, tables and trained
judges come back. The tasks' functions run in this process."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fusionbench.api import make_config
from fusionbench.contracts.evaluator import EvaluatorSettings, EvaluatorSpec, FusedSet, Value
from fusionbench.errors import StoreError
from fusionbench.execution.ray_engine import sets
from fusionbench.execution.ray_engine.pieces import Setting
from fusionbench.execution.ray_engine.places import Packed
from fusionbench.execution.runner import execute
from fusionbench.execution.set_scoring import SetJob, keep_set, score_set
from fusionbench.planning.units import ScoreUnit
from fusionbench.store.run_store import RunStore
from fusionbench.store.unit_id import UnitId
from fusionbench.terminal.progress import QuietProgress


class Judge:
    """Trains twice (a file each in the cache), then says how bright the images are."""

    trainings = 2

    def __init__(self, spec: EvaluatorSpec, settings: EvaluatorSettings) -> None:
        self.settings = settings

    def train(self, fused: FusedSet, number: int, progress: Callable[[int, int], None]) -> None:
        assert self.settings.cache_dir is not None
        self.settings.cache_dir.mkdir(parents=True, exist_ok=True)
        total = sum(int(fused.fused(p.name).sum()) for p in fused.pairs)
        (self.settings.cache_dir / f"judge-{number}").write_text(str(total))

    def score(self, fused: FusedSet, progress: Callable[[int, int], None]) -> Iterator[tuple[str, Value]]:
        assert self.settings.cache_dir is not None
        assert self.settings.details_dir is not None
        trained = [(self.settings.cache_dir / f"judge-{k}").read_text() for k in range(self.trainings)]
        (self.settings.details_dir / "judges.txt").write_text(" ".join(trained))
        for number, pair in enumerate(fused.pairs):
            yield pair.name, Value("brightness", float(fused.fused(pair.name).mean()))
            progress(number + 1, len(fused.pairs))


class Board:
    """Stands for the actor that carries messages."""

    def __init__(self) -> None:
        self.post = self
        self.said: list[Any] = []

    def remote(self, message: Any) -> None:
        self.said.append(message)


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[SetJob, RunStore]:
    """A set of three fused images, and the store that holds them."""
    module: Any = ModuleType("fusionbench_test_judge")
    module.build = Judge
    monkeypatch.setitem(sys.modules, "fusionbench_test_judge", module)
    monkeypatch.setattr(sets, "where_am_i", lambda device: "gpu-2 (10.0.0.2, node 3fa9c0de) cpu")
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "worker"))
    options = {"demo": {"count": 3, "size": "96x80"}}
    common = {"method": "max", "dataset": "demo", "dataset_options": options, "task": [], "device": "cpu"}
    result = execute(make_config({**common, "out": tmp_path, "name": "run"}), quiet=True)
    group = result.plan.groups[0]
    spec = EvaluatorSpec(
        name="judge", task="judge", title="Judge", scope="dataset", factory="fusionbench_test_judge:build"
    )
    unit = UnitId("judge", "max", "demo", "test", "", 0, secrets.token_hex(32))
    score = ScoreUnit(unit, spec, None, retrains=True)
    return SetJob(group, score, group.dataset.pairs, "digest"), RunStore(result.folder)


def test_what_goes_and_what_comes_back(job: tuple[SetJob, RunStore], tmp_path: Path) -> None:
    unit, store = job
    config = make_config({"method": "max", "jobs": 1})
    setting = Setting(config, Path.cwd(), None, "token", True, "cpu")
    steps = sets._steps([unit], store, "cpu")
    assert [(s.training, len(s.after)) for s in steps] == [(0, 0), (1, 0), (None, 2)]
    board, outcomes = Board(), []
    for step in steps:
        packed = Packed.of(sets._light(unit), (), "the job")
        files = sets._needed(unit, store)
        outcome = sets.do_step._function(setting, packed, step.training, files, board)
        outcomes.append(outcome)
        if step.training is None:
            store.begin_details(unit.score.id)
        for name, data in outcome.files.items():
            target = store.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    assert [sorted(Path(n).name for n in o.files) for o in outcomes] == [
        ["judge-0"],
        ["judge-1"],
        ["judges.txt"],
    ]
    assert {type(m).__name__ for m in board.said} == {"Updated"}
    assert not list((tmp_path / "worker" / "runs").rglob("*.png"))
    keep_set(unit, store, outcomes[-1].values)
    there = (store.details_path(unit.score.id) / "judges.txt").read_text()
    assert outcomes[-1].values == score_set(unit, store, "cpu", QuietProgress(), lambda text: None)
    assert there == (store.details_path(unit.score.id, temporary=True) / "judges.txt").read_text()


def test_a_file_outside_the_run_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="outside the run folder"):
        sets._inside(tmp_path, "../elsewhere")
