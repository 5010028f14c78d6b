"""The evaluator on a tiny set, with a planted detector whose figures can be counted by hand, and retraining
from end to end.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusionbench.contracts.dataset import Boxes
from fusionbench.contracts.evaluator import EvaluatorSettings, FusedSet, Value
from fusionbench.errors import ImageError, InputError
from fusionbench.evaluators.detection import evaluator
from fusionbench.evaluators.detection.judge import retraining, training
from fusionbench.evaluators.detection.scores.average_precision import Found
from fusionbench.evaluators.detection.spec import PROTOCOLS, SPEC

Rows = list[tuple[str, Value]]
RECIPES = {p.name: dict(p.recipe) for p in PROTOCOLS}


@pytest.fixture
def score(tmp_path: Path) -> Callable[..., tuple[Rows, Path, list[str]]]:
    """``score(fused, protocol, **recipe)``: the rows, the details folder, and what the user was told."""

    def run(
        fused: FusedSet,
        protocol: str = "det-zeroshot",
        *,
        cache: str = "cache",
        seed: int = 0,
        progress: Callable[[int, int], None] = lambda done, total: None,
        **recipe: Any,
    ) -> tuple[Rows, Path, list[str]]:
        notes: list[str] = []
        (tmp_path / "details").mkdir(exist_ok=True)
        settings = EvaluatorSettings(
            None,
            protocol,
            seed,
            "cpu",
            tmp_path / cache,
            {**RECIPES[protocol], **recipe},
            tmp_path / "details",
            notes.append,
        )
        return list(evaluator.build(SPEC, settings).score(fused, progress)), tmp_path / "details", notes

    return run


class Planted:
    """Finds the left rectangle of every image exactly, the right one of even images 60 % wide, and in image
    000 a false alarm, best of all.
    """

    names = ("lamp", "kite")
    training = "nothing"

    def __init__(self, dataset: Any) -> None:
        self._truth = [dataset.load(p, labels=True) for p in dataset.pairs("test")]

    def find(self, image: np.ndarray, thresholds: Any, classes: Any) -> Found:
        number = next(i for i, t in enumerate(self._truth) if np.array_equal(t.visible, image))
        left, right = (box.copy() for box in self._truth[number].boxes.xyxy)
        right[2] = right[0] + 0.6 * (right[2] - right[0])
        boxes, scores = [left], [0.8]
        if number % 2 == 0:
            boxes, scores = [*boxes, right], [*scores, 0.5]
        if number == 0:
            boxes, scores = [np.array([0, 50, 10, 60.0]), *boxes], [0.9, *scores]
        return Found(np.array(boxes), np.array(scores), np.zeros(len(boxes), np.int64))


def by_metric(rows: Rows) -> dict[tuple[str, str], float]:
    return {(v.metric, v.class_name): v.value for image, v in rows if not image}


def test_figures_are_those_counted_by_hand(
    rectangles: Any, score: Any, judge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4 images, 8 objects. By score: one false alarm, 4 right at every threshold, 2 right at .5 and .6 alone."""
    dataset = rectangles(4)
    monkeypatch.setattr(evaluator, "load_detector", lambda *arguments: Planted(dataset))
    rows, details, notes = score(dataset.fused(), model=str(judge))
    found = by_metric(rows)
    # At .5: recall reaches 6/8 with precision 6/7 (the envelope's value everywhere below). At .7: recall 4/8
    # with 4/5.
    low, high = 76 * (6 / 7) / 101, 51 * (4 / 5) / 101
    assert found["mAP50", "lamp"] == pytest.approx(low)
    assert found["mAP70", ""] == pytest.approx(high)
    assert found["mAP90", ""] == pytest.approx(high)
    assert found["Recall", "lamp"] == pytest.approx(6 / 8)
    assert found["Precision", "lamp"] == pytest.approx(6 / 7)
    counts = {(image, v.metric): v.value for image, v in rows if image}
    assert [counts["000", m] for m in ("TP", "FP", "FN")] == [2, 1, 0]
    assert [counts["001", m] for m in ("TP", "FP", "FN")] == [1, 0, 1]
    assert {v.convention for _, v in rows} == {f"det-zeroshot/tiny@{about(details)['hash8']}"}
    assert notes == []


def test_details_hold_what_reports_draw(
    rectangles: Any, score: Any, judge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = rectangles(4)
    monkeypatch.setattr(evaluator, "load_detector", lambda *arguments: Planted(dataset))
    rows, details, _ = score(dataset.fused(), model=str(judge))
    said = about(details)
    assert (said["judge"], said["classes"], said["classes_left_out"]) == ("tiny", ["lamp"], ["shade"])
    assert len(said["judge_sha256"]) == 64
    assert said["judge_training"] == "nothing"
    predictions, truth = (pd.read_parquet(details / f"{n}.parquet") for n in ("predictions", "truth"))
    assert (len(predictions), predictions["tp50"].sum(), predictions["tp70"].sum(), len(truth)) == (
        7,
        6,
        4,
        8,
    )
    draws = pd.read_parquet(details / "resamples.parquet")
    spread = draws[(draws.metric == "mAP50") & (draws.class_name == "")].value
    assert len(spread) == 1000
    assert spread.min() < by_metric(rows)["mAP50", ""] < spread.max()
    before = {p.name: p.read_bytes() for p in details.iterdir()}
    score(dataset.fused(), model=str(judge))
    assert before == {p.name: p.read_bytes() for p in details.iterdir()}


def about(details: Path) -> dict[str, Any]:
    return dict(json.loads((details / "about.json").read_text()))


def test_boxes_that_cannot_be_used_leave_their_pair_out_by_name(
    rectangles: Any, score: Any, judge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(name: str, boxes: Boxes) -> Boxes | None:
        if name == "001":
            raise ImageError("labels/001.txt, line 2: expected 'class cx cy width height'")
        if name == "002":
            return None
        return Boxes(boxes.xyxy, boxes.classes, ("labels/x.txt, line 1: reaches beyond",) * (name == "003"))

    monkeypatch.setattr(evaluator, "load_detector", lambda *arguments: Planted(rectangles(4)))
    rows, details, notes = score(rectangles(4, spoil).fused(), model=str(judge))
    bad = {image: v.reason for image, v in rows if image and math.isnan(v.value)}
    assert list(bad) == ["001", "002"]
    assert "001.txt, line 2" in bad["001"]
    assert "has no boxes, though its dataset has" in bad["002"]
    assert notes == ["labels/x.txt, line 1: reaches beyond"]
    assert about(details)["images"] == ["000", "003"]
    assert list(about(details)["excluded"]) == ["001", "002"]
    with pytest.raises(InputError, match=r"no pair has boxes that can be used \(000: has no boxes"):
        score(rectangles(2, lambda name, boxes: None).fused(), model=str(judge))


def test_no_object_at_all_is_no_number_with_the_reason(
    rectangles: Any, score: Any, judge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluator, "load_detector", lambda *arguments: Planted(rectangles(2)))
    empty = Boxes(np.zeros((0, 4)), np.zeros(0, np.int64))
    rows, _, _ = score(rectangles(2, lambda name, boxes: empty).fused(), model=str(judge))
    assert {v.reason for image, v in rows if math.isnan(v.value)} == {
        "no object of a class that the judge knows"
    }
    assert {(image, v.metric): v.value for image, v in rows if image}["000", "FP"] == 0


RETRAIN = {"image_size": 64, "epochs": 2, "batch": 2, "lr": 0.01}


def test_retraining_goes_on_where_it_was_killed_and_is_kept_by_content(
    rectangles: Any, score: Any, architecture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fused = rectangles(3).fused(training=True)
    options = {**RETRAIN, "model": str(architecture)}
    monkeypatch.setattr(training, "CHECKPOINT_EVERY", 2)
    whole, _, _ = score(fused, "det-retrain", cache="whole", **options)

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(fused, "det-retrain", progress=stop, **options)
    (state,) = (tmp_path / "cache/detection").glob("*/last.ckpt")
    steps: list[int] = []
    resumed, _, _ = score(fused, "det-retrain", progress=lambda done, total: steps.append(done), **options)
    assert steps[0] == 3  # on from the state of step 2
    assert resumed == whole
    assert not state.exists()
    monkeypatch.setattr(retraining, "train", None)  # from now on nothing may train
    assert score(fused, "det-retrain", **options)[0] == whole
    finer, _, _ = score(
        fused, "det-retrain", confidence=0.002, **options
    )  # the same weights, another protocol
    assert finer[0][1].convention != whole[0][1].convention
    with pytest.raises(TypeError):
        score(fused, "det-retrain", seed=1, **options)


def test_retraining_starts_from_a_checkpoint_and_names_what_it_leaves_out(
    rectangles: Any, score: Any, judge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt = rectangles(2, lambda name, boxes: None if name == "500" else boxes)
    rows, details, notes = score(spoilt.fused(training=True), "det-retrain", model=str(judge), **RETRAIN)
    assert len(notes) == 1
    assert notes[0].startswith("not trained on 500: 500: has no boxes")
    assert rows[0][1].convention.startswith("det-retrain/tiny@")
    assert about(details)["seed"] == 0
    assert about(details)["judge_training"].startswith("the method's fused train split, 2 pairs")
    with pytest.raises(InputError, match="trains on the fused training split"):
        score(rectangles(2).fused(), "det-retrain", model=str(judge))
    with pytest.raises(InputError, match="epochs and batch must be at least 1"):
        score(
            rectangles(2).fused(training=True),
            "det-retrain",
            cache="other",
            model=str(judge),
            **{**RETRAIN, "epochs": 0},
        )
