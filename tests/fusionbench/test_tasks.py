"""Evaluators of whole sets: protocols in keys and settings, reference methods, training splits, seeds,
labels, details.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fusionbench.contracts.artifact import Artifact
from fusionbench.contracts.evaluator import (
    ConventionSpec,
    EvaluatorSettings,
    EvaluatorSpec,
    FusedSet,
    MetricSpec,
    Value,
)
from fusionbench.contracts.protocol_id import ProtocolId, protocol_hash
from fusionbench.errors import InputError, MissingWeightsError, UnknownNameError
from fusionbench.execution.runner import RunResult, execute
from fusionbench.planning.config import RunConfig
from fusionbench.planning.plan import Plan, make_plan
from fusionbench.plugins import catalog
from fusionbench.rendering import report_input
from fusionbench.store.run_store import RunStore

CALLS: list[tuple[EvaluatorSettings, FusedSet]] = []
"""What the evaluator below was given, in order."""


class Counter:
    """Counts boxes, and leaves a file; fails where its recipe says so."""

    def __init__(self, spec: EvaluatorSpec, settings: EvaluatorSettings) -> None:
        self.settings = settings

    def score(self, fused: FusedSet, progress: Callable[[int, int], None]) -> Iterable[tuple[str, Value]]:
        CALLS.append((self.settings, fused))
        if self.settings.options.get("fail"):
            raise RuntimeError("no judge")
        assert self.settings.details_dir is not None
        (self.settings.details_dir / "about.txt").write_text(str(self.settings.seed))
        total = 0
        for pair in fused.pairs:
            boxes = fused.dataset.load(pair, labels=True).boxes
            assert boxes is not None
            assert fused.fused(pair.name).ndim == 3
            total += len(boxes.classes)
            yield pair.name, Value("Boxes", len(boxes.classes))
        yield "", Value("Boxes", total)


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    spec = EvaluatorSpec(
        name="toy",
        title="Toy",
        task="toy",
        scope="dataset",
        needs=frozenset({"fused", "boxes"}),
        metrics=(MetricSpec(name="Boxes", title="Boxes"),),
        conventions=(
            ConventionSpec(
                name="plain", title="P", task="toy", recipe={"threshold": 0.5, "fail": False, "judge": ""}
            ),
            ConventionSpec(name="judged", title="J", task="toy", recipe={"judge": "toy-judge"}),
            ConventionSpec(
                name="again",
                title="A",
                task="toy",
                recipe={"epochs": 3},
                retrains=True,
                training_split="train",
                seeds=2,
            ),
        ),
        default_convention="plain",
        default_conventions={"llvip": "judged"},
        reference_methods=("infrared", "visible"),
        artifacts=(Artifact(name="toy-judge", filename="toy-judge.pt", sha256="0" * 64),),
        factory="toy:build",
    )
    monkeypatch.setitem(catalog.evaluators.all(), "toy", spec)
    build = catalog.build
    monkeypatch.setattr(catalog, "build", lambda text: Counter if text == "toy:build" else build(text))
    CALLS.clear()
    catalog.metrics.cache_clear()  # another test may have asked for all metrics before the toy was there
    yield
    catalog.metrics.cache_clear()


def config(tmp_path: Path, **settings: Any) -> RunConfig:
    values: dict[str, Any] = {
        "method": ["max"],
        "dataset": ["demo"],
        "task": ["toy"],
        "out": tmp_path / "runs",
        "device": "cpu",
        "limit": 2,
        "dataset_options": {"demo": {"train_count": 3, "size": "96x80"}},
        **settings,
    }
    return RunConfig(**values)


def run(tmp_path: Path, **settings: Any) -> RunResult:
    return execute(config(tmp_path, **settings), quiet=True)


def keys(plan: Plan, evaluator: str) -> set[str]:
    return {s.id.key for g in plan.groups for s in g.scores if s.evaluator.name == evaluator}


def test_both_sensors_are_scored_beside_the_methods_and_by_nothing_else(tmp_path: Path) -> None:
    result = run(tmp_path, task=["toy", "quality"], metrics=["EN", "Boxes"])
    rows = RunStore.read_only(result.folder).rows(result.plan.selection())
    assert set(rows.loc[rows["evaluator"] == "toy", "method"]) == {"max", "infrared", "visible"}
    assert set(rows.loc[rows["evaluator"] == "quality", "method"]) == {"max"}
    asked = run(tmp_path, method=["infrared"], name="asked")
    assert [g.method.spec.name for g in asked.plan.groups] == ["infrared", "visible"]


def test_the_set_has_its_own_row_and_nothing_is_done_twice(tmp_path: Path) -> None:
    first = run(tmp_path)
    rows = RunStore.read_only(first.folder).rows()
    values = rows[rows["method"] == "max"].set_index("image")["value"]
    assert values[""] == values.drop("").sum() > 0
    done = len(CALLS)
    run(tmp_path)
    assert len(CALLS) == done == 3
    run(tmp_path, limit=4)  # other images: the sets are scored again
    assert len(CALLS) == 6


def test_options_reach_the_evaluator_and_the_key(tmp_path: Path) -> None:
    plain = make_plan(config(tmp_path))
    other = make_plan(config(tmp_path, task_options={"toy": {"threshold": 1}}))
    assert keys(plain, "toy").isdisjoint(keys(other, "toy"))
    run(tmp_path, task_options={"toy": {"threshold": 1}})
    assert CALLS[0][0].options == {"threshold": 1.0, "fail": False, "judge": ""}
    judge = tmp_path / "judge.pt"
    judge.write_bytes(b"one")
    one = make_plan(config(tmp_path, task_options={"toy": {"judge": str(judge)}}))
    judge.write_bytes(b"other")
    two = make_plan(config(tmp_path, task_options={"toy": {"judge": str(judge)}}))
    assert keys(one, "toy").isdisjoint(keys(two, "toy"))


def test_quality_and_efficiency_keep_their_keys(tmp_path: Path) -> None:
    """Values of the harness before it had protocols: runs made then resume."""
    plan = make_plan(config(tmp_path, task=["quality"], method=["max"], seeds=4))
    (group,) = plan.groups
    assert group.fuse.key[:16] == FUSE_KEY
    assert group.scores[0].id.key[:16] == QUALITY_KEY


FUSE_KEY, QUALITY_KEY = "7abff136ea1a12f3", "4aba7ab18a9ad458"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        (
            {"toy": {"treshold": 1}},
            InputError,
            "toy has no option 'treshold'; it has threshold, fail, judge, epochs",
        ),
        ({"toi": {"threshold": 1}}, InputError, "no task called 'toi'; did you mean 'toy'"),
        ({"quality": {"model": "x"}}, InputError, "quality has no option 'model'; it has none"),
        ({"toy": {"threshold": "much"}}, InputError, "threshold=much: expected a value like 0.5"),
    ],
)
def test_wrong_options(tmp_path: Path, options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make_plan(config(tmp_path, task_options=options))


def test_a_wrong_protocol(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no protocol called 'plane'; did you mean 'plain'"):
        make_plan(config(tmp_path, convention=["plane"]))
    with pytest.raises(UnknownNameError):
        make_plan(config(tmp_path, task=["toys"]))


def test_a_judge_that_must_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))
    with pytest.raises(
        MissingWeightsError, match=r"toy-judge: toy-judge\.pt is not in .*FUSIONBENCH_WEIGHTS"
    ):
        run(tmp_path, convention=["judged"])
    plan = make_plan(config(tmp_path, convention=["judged"]), allow_missing=True)
    assert any("toy-judge.pt is not in" in s for s in plan.skipped)


def test_each_seed_of_a_retraining_protocol_is_a_unit_with_the_fused_training_split(tmp_path: Path) -> None:
    result = run(tmp_path, convention=["again"], method=["visible"], limit=1)
    assert result.failures == {}
    assert [(s.seed, f.method) for s, f in CALLS] == [
        (0, "visible"),
        (1, "visible"),
        (0, "infrared"),
        (1, "infrared"),
    ]
    training = CALLS[0][1].training
    assert training is not None
    assert (training.split, [p.name for p in training.pairs]) == ("train", ["T00001D", "T00002N", "T00003D"])
    assert training.fused("T00001D").shape == (80, 96, 3)
    assert training.digest != CALLS[0][1].digest
    rows = RunStore.read_only(result.folder).rows(result.plan.selection())
    assert set(rows["seed"]) == {0, 1}
    assert set(rows["split"]) == {"test"}
    more = run(tmp_path, convention=["again"], method=["visible"], limit=1, seeds=3)
    assert [s.seed for s, _ in CALLS[4:]] == [2, 2]
    assert more.fused == 0
    with_train = make_plan(config(tmp_path, convention=["again"], split="train"))
    assert "trains on the split train; evaluate on another one" in with_train.skipped[0]


def test_details_are_listed_for_reports_and_go_with_their_unit(tmp_path: Path) -> None:
    result = run(tmp_path, convention=["again"], method=["visible"], limit=1)
    store = RunStore.read_only(result.folder)
    details = report_input(store, selection=result.plan.selection()).details
    assert list(details["protocol"]) == ["again"] * 4
    assert {(Path(f) / "about.txt").read_text() for f in details["folder"]} == {"0", "1"}
    only = report_input(store, selection={}).details
    assert len(only) == 0
    run(tmp_path, convention=["again"], method=["visible"], limit=1, overwrite="always")
    assert len(store.details()) == 4


def test_a_unit_that_fails_stops_no_other_and_leaves_nothing(tmp_path: Path) -> None:
    result = run(tmp_path, task=["toy", "quality"], metrics=["EN"], task_options={"toy": {"fail": True}})
    assert set(result.failures) == {f"plain of {m} on demo/test" for m in ("max", "infrared", "visible")}
    assert "RuntimeError: no judge" in result.failures["plain of max on demo/test"][""]
    store = RunStore.read_only(result.folder)
    assert set(store.rows()["evaluator"]) == {"quality"}
    assert len(store.details()) == 0
    RunStore.open(result.folder).close()
    assert not list((result.folder / "details").iterdir())


def with_boxes(pairs: Path, *names: str) -> dict[str, Any]:
    (pairs / "boxes").mkdir(exist_ok=True)
    for name in names:
        (pairs / "boxes" / f"{name}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    return {
        "dataset": ["folder"],
        "limit": None,
        "data_root": {"folder": pairs},
        "dataset_options": {"folder": {"box_classes": "person"}},
    }


def test_only_labelled_pairs_count(tmp_path: Path, pairs: Path) -> None:
    settings = with_boxes(pairs, "b", "d")
    result = run(tmp_path, **settings)
    assert "toy on folder/all: 2 of 4 pairs have no labels for it and don't count" in result.plan.skipped
    assert [p.name for p in CALLS[0][1].pairs] == ["b", "d"]
    (pairs / "boxes" / "d.txt").write_text("")
    done = len(CALLS)
    again = run(tmp_path, **settings)  # new labels: scored again, nothing fused
    assert (again.fused, len(CALLS) - done) == (0, 3)


def test_no_labels_at_all(tmp_path: Path, pairs: Path) -> None:
    none = run(tmp_path, dataset=["folder"], limit=None, data_root={"folder": pairs}, dataset_options={})
    assert none.plan.skipped == ["toy on folder: skipped, the dataset has no boxes"]
    settings = with_boxes(pairs)
    result = run(tmp_path, **settings)
    assert "toy on folder/all: skipped, none of its 4 pairs has labels for it" in result.plan.skipped
    assert CALLS == []
    assert [g.method.spec.name for g in result.plan.groups] == ["max"]


def test_protocol_hashes_tell_recipes_and_judges_apart() -> None:
    assert protocol_hash({"a": 1, "b": 2}, "x") == protocol_hash({"b": 2, "a": 1}, "x")
    assert (
        len({protocol_hash({"a": 1}, "x"), protocol_hash({"a": 2}, "x"), protocol_hash({"a": 1}, "y")}) == 3
    )
    assert len(protocol_hash({})) == 8


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("cddfuse", ("cddfuse", "", "")),
        ("det-zeroshot/yolov8n@3fa9c1d2", ("det-zeroshot", "yolov8n", "3fa9c1d2")),
        ("seg/judge", ("seg", "judge", "")),
        ("det/user@home@3fa9c1d2", ("det", "user@home", "3fa9c1d2")),
    ],
)
def test_protocols_are_read_as_they_were_written(text: str, parts: tuple[str, str, str]) -> None:
    protocol = ProtocolId.parse(text)
    assert (protocol.name, protocol.judge, protocol.hash) == parts
    assert str(protocol) == text
