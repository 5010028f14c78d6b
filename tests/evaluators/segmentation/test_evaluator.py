"""The evaluator on a tiny set: its figures against its own masks counted another way, its details, what it
refuses.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from fusionbench.contracts.evaluator import EvaluatorSettings
from fusionbench.errors import InputError, MissingDataError
from fusionbench.evaluators.judging.neutral import DESCRIPTION
from fusionbench.evaluators.segmentation.evaluator import build
from fusionbench.evaluators.segmentation.judge.network import initial_network, save_checkpoint
from fusionbench.evaluators.segmentation.spec import SPEC

CLASSES = ("unlabelled", "bright", "dark")


def quiet(done: int, total: int) -> None:
    assert 0 <= done <= total


@pytest.fixture
def judge(tiny: Any, tmp_path: Path) -> Path:
    path = tmp_path / "judge.safetensors"
    save_checkpoint(
        initial_network(tiny(), 3, 1), path, tiny(), CLASSES, {"trained_on": "nothing"}, half=True
    )
    return path


@pytest.fixture
def score(tiny_values: dict[str, Any], tmp_path: Path) -> Any:
    """``score(fused, convention, **recipe)``: the rows and the details folder."""

    def run(fused: Any, convention: Any = "seg-frozen", seed: Any = 0, **recipe: Any) -> Any:
        recipe = {"input": "blends", **recipe} if convention == "seg-frozen" else recipe
        details = tmp_path / "details"
        settings = EvaluatorSettings(
            None, convention, seed, "cpu", tmp_path / "cache", {**tiny_values, **recipe}, details
        )
        rows = list(build(SPEC, settings).score(fused, quiet))
        return rows, details

    return run


def by_metric(rows: Any) -> Any:
    return {(v.metric, v.class_name): v.value for image, v in rows if not image}


def test_figures_are_those_counted_from_its_masks(squares: Any, score: Any, judge: Path) -> None:
    dataset = squares(6)
    rows, details = score(dataset.fused(), judge=str(judge))
    inter, union, right, pixels = np.zeros(3), np.zeros(3), 0, 0
    for pair in dataset.pairs("test"):
        true = dataset.load(pair, labels=True).labels
        mask = cv2.imread(str(details / "masks" / f"{pair.name}.png"), cv2.IMREAD_UNCHANGED)
        for c in range(3):
            inter[c] += ((true == c) & (mask == c)).sum()
            union[c] += ((true == c) | (mask == c)).sum()
        right, pixels = right + (true == mask).sum(), pixels + true.size
    found = by_metric(rows)
    assert [found["IoU", c] for c in CLASSES] == pytest.approx(inter / union)
    assert found["mIoU", ""] == pytest.approx((inter / union).mean())
    assert found["mIoU_labelled", ""] == pytest.approx((inter / union)[1:].mean())
    assert found["PixelAccuracy", ""] == pytest.approx(right / pixels)
    images = {image: v.value for image, v in rows if image}
    assert set(images) == {p.name for p in dataset.pairs("test")}
    assert np.mean(list(images.values())) == pytest.approx(right / pixels)  # all of one size


def test_details_hold_counts_draws_and_the_judge(squares: Any, score: Any, judge: Path) -> None:
    rows, details = score(squares(6).fused(), judge=str(judge))
    about = json.loads((details / "about.json").read_text())
    (convention,) = {v.convention for _, v in rows}
    assert convention == f"seg-frozen/deeplabv3plus-mobilenet_v2@{about['hash8']}"
    assert about["judge_training"] == "nothing"
    assert len(about["judge_sha256"]) == 64
    counts = pd.read_parquet(details / "confusion.parquet")
    assert counts.pixels.sum() == 6 * 64 * 64
    draws = pd.read_parquet(details / "resamples.parquet")
    miou = draws[draws.metric == "mIoU"]
    assert sorted(miou.draw) == list(range(1000))
    assert miou.value.min() <= by_metric(rows)["mIoU", ""] <= miou.value.max()


def test_equal_results_give_equal_bytes(squares: Any, score: Any, judge: Path) -> None:
    def files() -> Any:
        _, details = score(squares(3).fused(), judge=str(judge))
        return {p.name: p.read_bytes() for p in details.rglob("*") if p.is_file()}

    assert files() == files()


def test_the_hash_follows_recipe_and_judge_not_their_place(
    squares: Any, score: Any, judge: Path, tmp_path: Path, tiny: Any
) -> None:
    fused = squares(2).fused()

    def convention(**recipe: Any) -> Any:
        rows, _ = score(fused, **recipe)
        return rows[0][1].convention

    moved, other = tmp_path / "moved.safetensors", tmp_path / "other.safetensors"
    moved.write_bytes(judge.read_bytes())
    save_checkpoint(initial_network(tiny(), 3, 2), other, tiny(), CLASSES, {})
    plain = convention(judge=str(judge))
    assert convention(judge=str(moved)) == plain
    assert (
        len({plain, convention(judge=str(other)), convention(judge=str(judge), boundary_tolerance=0.01)}) == 3
    )


def test_spoilt_labels_leave_their_pair_out_by_name(squares: Any, score: Any, judge: Path) -> None:
    spoilt = squares(4, lambda name, ids: ids[:9] if name == "001N" else ids)
    rows, details = score(spoilt.fused(), judge=str(judge))
    bad = {image: v for image, v in rows if math.isnan(v.value) and image}
    assert list(bad) == ["001N"]
    assert "labels are 64×9, their pair 64×64" in bad["001N"].reason
    assert list(json.loads((details / "about.json").read_text())["excluded"]) == ["001N"]
    assert pd.read_parquet(details / "confusion.parquet").pixels.sum() == 3 * 64 * 64


def test_a_class_nowhere_is_no_number_with_the_reason(squares: Any, score: Any, judge: Path) -> None:
    dataset = squares(2)
    dataset.spec = dataset.spec.model_copy(update={"semantic_classes": (*CLASSES, "bump")})
    dataset.spoil = lambda name, ids: np.zeros_like(ids)
    with pytest.raises(InputError, match=r"was trained for 3 classes .* the dataset has 4"):
        score(dataset.fused(), judge=str(judge))


def test_retraining_trains_on_the_methods_own_training_split(squares: Any, score: Any) -> None:
    fused = squares(4).fused(training=True)
    rows, details = score(fused, "seg-retrain", epochs=1.0)
    about = json.loads((details / "about.json").read_text())
    assert "fused train split, 4 pairs" in about["judge_training"]
    assert len(about["checkpoints"]) == 1
    assert score(fused, "seg-retrain", epochs=1.0)[0] == rows  # from the cache
    other, _ = score(fused, "seg-retrain", seed=1, epochs=1.0)
    assert by_metric(other) != by_metric(rows)
    assert other[0][1].convention == rows[0][1].convention  # seeds share a protocol


def test_retraining_without_a_training_split_says_so(squares: Any, score: Any) -> None:
    with pytest.raises(MissingDataError, match="its training split isn't available"):
        score(squares(2).fused(), "seg-retrain")


def test_folds_segment_every_image_once_by_a_judge_that_never_saw_it(squares: Any, score: Any) -> None:
    rows, details = score(squares(8).fused(), "msrs-2fold-devonly", folds=2, fold_block=2, epochs=1.0)
    about = json.loads((details / "about.json").read_text())
    assert "2 folds (4 + 4 pairs)" in about["judge_training"]
    assert "not the standard MSRS figure" in about["dev_only"]
    assert len(about["checkpoints"]) == 2
    assert len({c["sha256"] for c in about["checkpoints"]}) == 2
    assert len([image for image, _ in rows if image]) == 8
    with pytest.raises(InputError, match="too few for 2 folds"):
        score(squares(2).fused(), "msrs-2fold-devonly", folds=2, fold_block=10, epochs=1.0)


def test_the_frozen_judge_is_trained_once_on_the_neutral_input(
    squares: Any, score: Any, tmp_path: Path
) -> None:
    dataset = squares(4)
    _, details = score(dataset.fused(), epochs=1.0)
    about = json.loads((details / "about.json").read_text())
    assert about["judge_training"] == f"squares/train, {DESCRIPTION}, 4 pairs"
    assert len(list((tmp_path / "cache" / "segmentation").iterdir())) == 1
    score(dataset.fused(), epochs=1.0)
    assert len(list((tmp_path / "cache" / "segmentation").iterdir())) == 1


def test_a_frozen_judge_needs_training_labels_or_a_file(squares: Any, score: Any) -> None:
    bare = squares(2, lambda name, ids: ids if int(name[:3]) < 500 else None)
    with pytest.raises(MissingDataError, match=r"no pair has labels to train on.*segmentation\.judge=PATH"):
        score(bare.fused())


def test_a_protocol_keeps_its_input(squares: Any, score: Any) -> None:
    with pytest.raises(InputError, match="its input can't be changed"):
        score(squares(2).fused(), "seg-retrain", input="blends")
    with pytest.raises(InputError, match="no protocol 'seg-best'"):
        score(squares(2).fused(), "seg-best")
