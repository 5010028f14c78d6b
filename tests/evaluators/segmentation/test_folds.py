"""Frozen judges in folds: no pair is segmented by a judge that was trained on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fusionbench.contracts.evaluator import EvaluatorSettings
from fusionbench.errors import InputError
from fusionbench.evaluators.segmentation.evaluator import build
from fusionbench.evaluators.segmentation.judge.courses import courses
from fusionbench.evaluators.segmentation.judge.network import (
    find_checkpoint,
    initial_network,
    save_checkpoint,
)
from fusionbench.evaluators.segmentation.spec import SPEC

FOLDS = {"input": "blends", "folds": 2, "fold_block": 1, "epochs": 1.0, "decoder_channels": 16}


@pytest.fixture
def score(tiny_values: dict[str, Any], tmp_path: Path) -> Any:
    def run(fused: Any, **recipe: Any) -> Any:
        options = {**tiny_values, **FOLDS, **recipe}
        settings = EvaluatorSettings(
            None, "msrs-2fold-frozen", 0, "cpu", tmp_path / "cache", options, tmp_path / "details"
        )
        rows = list(build(SPEC, settings).score(fused, lambda done, total: None))
        return {(v.metric, v.class_name): v.value for image, v in rows if not image}, tmp_path

    return run


def test_two_judges_share_the_pairs_and_serve_every_method(squares: Any, score: Any) -> None:
    dataset = squares(8)
    first, folder = score(dataset.fused())
    judges = sorted((folder / "cache" / "segmentation").glob("*/segmenter.safetensors"))
    assert len(judges) == 2
    trained = [set(json.loads(find_checkpoint(str(j)).metadata["trained_names"])) for j in judges]
    assert trained[0] & trained[1] == set()
    assert trained[0] | trained[1] == {p.name for p in dataset.pairs("test")}
    about = json.loads((folder / "details" / "about.json").read_text())
    assert "without fold 1 of 2" in about["judge_training"]
    assert len(about["checkpoints"]) == 2
    before = [j.stat().st_mtime_ns for j in judges]
    again, _ = score(dataset.fused())
    named, _ = score(dataset.fused(), judges=[str(j) for j in judges])
    assert again == first == named
    assert [j.stat().st_mtime_ns for j in judges] == before


def test_judges_that_have_seen_a_pair_or_do_not_say_so_are_refused(
    squares: Any, score: Any, tiny: Any, tmp_path: Path
) -> None:
    path = tmp_path / "judge.safetensors"
    classes = squares(1).spec.semantic_classes
    network = initial_network(tiny(), 3, 1)
    save_checkpoint(network, path, tiny(), classes, {"trained_names": json.dumps(["000D"])})
    with pytest.raises(InputError, match="every judge was trained on 000D"):
        score(squares(2).fused(), judges=[str(path), str(path)])
    save_checkpoint(network, path, tiny(), classes, {})
    with pytest.raises(InputError, match="doesn't say which pairs it was trained on"):
        score(squares(2).fused(), judges=[str(path)])


def test_too_few_pairs_for_the_folds(squares: Any, tiny: Any) -> None:
    with pytest.raises(InputError, match="1 labelled pairs are too few for 2 folds"):
        courses(squares(1), tiny(**FOLDS), "test")


def test_a_segformer_judges_too(squares: Any, score: Any) -> None:
    values, folder = score(
        squares(4).fused(), architecture="Segformer", encoder="mit_b0", decoder_channels=16
    )
    assert 0 <= values["mIoU", ""] <= 1
    assert json.loads((folder / "details" / "about.json").read_text())["judge"] == "segformer-mit_b0"
