"""What is missing is decided from data alone, batches are composed from the whole selection, and files are
hashed once.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PIL import Image

from fusionbench.contracts import EvaluatorSpec, Pair, Value
from fusionbench.execution.batches import Shard, compose_batches
from fusionbench.execution.missing import find_missing
from fusionbench.execution.source_digests import source_digest
from fusionbench.planning.units import ScoreUnit
from fusionbench.store.journal import Entry
from fusionbench.store.unit_id import UnitId

EVALUATOR = EvaluatorSpec(name="quality", title="Quality", task="quality")
UNIT = ScoreUnit(UnitId("quality", "max", "demo", "test", "c", 0, "k"), EVALUATOR, ("EN", "SD"))
PAIR = Pair("01")
FUSED = {"01": Entry("01", "source:png")}


def missing(scored: dict[str, Entry], **changed: Any) -> tuple[bool, bool] | None:
    """(must be fused, must be scored) of one image; None where nothing is left to do."""
    given: dict[str, Any] = {"sources": {"01": "source"}, "fused": FUSED, "saved": {"01"}, **changed}
    work = find_missing([PAIR], scores=[UNIT], scored={"k": scored}, **given)
    return (work["01"].fuse, bool(work["01"].scores)) if work else None


def values(*metrics: str) -> list[Value]:
    return [Value(metric, 1.0) for metric in metrics]


def test_what_is_done_counts_only_where_all_agrees() -> None:
    done = {"01": Entry("01", "source:png", values("EN", "SD"))}
    assert missing(done) is None
    assert missing({}) == (False, True)
    assert missing({"01": Entry("01", "source:png", values("EN"))}) == (False, True)  # a metric added later
    assert missing({"01": Entry("01", "source:other", values("EN", "SD"))}) == (False, True)
    assert missing(done, sources={"01": "changed"}) == (True, True)
    assert missing(done, saved=set()) == (True, True)
    assert missing(done, fused={}) == (True, True)
    assert missing(done, sources={}) is None  # its sources can't be read: a failure, not work


def test_batches_hold_one_size_and_are_shared_out_whole(tmp_path: Path) -> None:
    sizes = [(8, 8), (8, 8), (8, 8), (8, 4), (8, 4), (8, 8)]
    pairs = []
    for number, size in enumerate(sizes):
        path = tmp_path / f"{number}.png"
        Image.new("L", size).save(path)
        pairs.append(Pair(str(number), path, path))
    dataset: Any = SimpleNamespace(spec=SimpleNamespace(size=None))
    batches = list(compose_batches(dataset, pairs, 2))
    assert [[p.name for p in b] for b in batches] == [["0", "1"], ["2"], ["3", "4"], ["5"]]
    shares = [Shard(i, 3).of(batches) for i in range(3)]
    assert sorted(p.name for share in shares for batch in share for p in batch) == list("012345")
    assert [Shard().name, Shard(1, 3).name] == ["", "w1"]


class CountingDataset:
    """Counts how often it hashes."""

    spec = SimpleNamespace(name="counting", version=1, options={})

    def __init__(self) -> None:
        self.calls = 0

    def digest(self, pair: Pair) -> str:
        self.calls += 1
        assert pair.infrared is not None
        return pair.infrared.read_text()


def test_sources_are_hashed_once_until_they_change(tmp_path: Path) -> None:
    path = tmp_path / "01.png"
    path.write_text("first")
    pair, dataset = Pair("01", path, path), CountingDataset()
    several: Any = [dataset, dataset]
    assert [source_digest(d, pair) for d in several] == ["first", "first"]
    assert dataset.calls == 1
    path.write_text("other")
    os.utime(path, ns=(1, 1))
    assert [source_digest(d, pair) for d in several] == ["other", "other"]
    assert dataset.calls == 2
