"""What a segmenter is trained on: labels checked, folds, crops, weights of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from fusionbench.errors import ImageError, InputError
from fusionbench.evaluators.segmentation.judge.samples import (
    batch_indices,
    class_weights,
    fold_of,
    make_sample,
    read_labelled,
    sample_batch,
)
from fusionbench.evaluators.segmentation.recipe import make_recipe
from fusionbench.evaluators.segmentation.recipes import FROZEN


def test_labels_that_cannot_be_used_exclude_their_pair_with_the_reason(squares: Any) -> None:
    def spoil(name: Any, ids: Any) -> Any:
        spoilt = {"000D": ids[:40], "001N": np.where(ids == 2, 77, ids).astype(np.uint8), "002D": None}
        ids = ids.copy()
        ids[0] = 255  # ignored pixels are fine
        return spoilt.get(name, ids)

    dataset = squares(5, spoil)
    labelled = read_labelled(dataset, dataset.pairs("test"))
    assert [p.name for p in labelled.pairs] == ["003N", "004D"]
    assert "labels are 64×40, their pair 64×64" in labelled.excluded["000D"]
    assert "holds the id 77" in labelled.excluded["001N"]
    assert "0 to 2" in labelled.excluded["001N"]
    assert "no label file" in labelled.excluded["002D"]


def test_no_usable_label_at_all_is_an_error(squares: Any) -> None:
    dataset = squares(2, lambda name, ids: None)
    with pytest.raises(InputError, match="no pair has labels that can be used"):
        read_labelled(dataset, dataset.pairs("test"))


def test_labels_are_decoded_once_for_all_methods(squares: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = squares(2)
    first = read_labelled(dataset, dataset.pairs("test")).labels
    monkeypatch.setattr(dataset, "load", None)
    again = read_labelled(dataset, dataset.pairs("test")).labels
    assert all(np.array_equal(first[n], again[n]) for n in first)


def test_both_sensors_stacked_become_another_blend_in_every_step() -> None:
    rng = np.random.default_rng(0)
    sensors = rng.integers(0, 256, (64, 64, 4)).astype(np.uint8)
    sample = make_sample("a", sensors, np.zeros((64, 64), np.uint8), None)
    recipe = make_recipe("seg-frozen", {**FROZEN, "crop": [32, 32], "batch_size": 2})
    first, second = (sample_batch([sample], recipe, 0, step)[0] for step in (0, 1))
    assert first.shape == (2, 3, 32, 32)
    assert not torch.equal(first, second)
    assert torch.equal(first, sample_batch([sample], recipe, 0, 0)[0])


def test_class_weights_by_hand() -> None:
    sample = make_sample(
        "a", np.zeros((2, 4), np.uint8), np.array([[0, 0, 0, 1], [0, 0, 0, 255]], np.uint8), None
    )
    weights = class_weights([sample], 3, "enet")  # shares 6/7, 1/7, 0 of the labelled pixels
    assert weights == pytest.approx([1 / np.log(1.02 + s) for s in (6 / 7, 1 / 7, 0)])
    assert class_weights([sample], 3, "enet-sqrt") == pytest.approx(np.sqrt(weights))
    assert class_weights([sample], 3, "uniform") == (1.0, 1.0, 1.0)


def test_folds_take_turns_by_blocks_day_and_night_apart() -> None:
    names = [f"{i:02d}{t}" for i in range(8) for t in "DN"]
    fold = fold_of(names, 2, 3)
    assert [fold[f"{i:02d}D"] for i in range(8)] == [0, 0, 0, 1, 1, 1, 0, 0]
    assert [fold[f"{i:02d}N"] for i in range(8)] == [0, 0, 0, 1, 1, 1, 0, 0]
    assert fold == fold_of(names[::-1], 2, 3)


def test_every_epoch_takes_every_sample_once_in_another_order() -> None:
    first, second = (list(batch_indices(6, 6, 0, step)) for step in (0, 1))
    assert sorted(first) == sorted(second) == list(range(6))
    assert first != second
    assert list(batch_indices(6, 4, 0, 1))[:2] == first[4:]  # a step may straddle two epochs


def test_crops_follow_seed_and_step_alone_so_all_methods_see_the_same(squares: Any, tiny: Any) -> None:
    dataset = squares(6)
    labelled = read_labelled(dataset, dataset.pairs("test"))

    def samples(gain: Any) -> Any:
        return [
            make_sample(p.name, dataset.load(p).infrared // gain, labelled.labels[p.name], None)
            for p in labelled.pairs
        ]

    recipe = tiny()
    images, labels = sample_batch(samples(1), recipe, seed=3, step=5)
    other_images, other_labels = sample_batch(samples(2), recipe, seed=3, step=5)
    assert images.shape == (4, 3, 32, 32)
    assert labels.equal(other_labels)  # the other method's images differ, places and flips don't
    assert not images.equal(other_images)
    assert not labels.equal(sample_batch(samples(1), recipe, seed=4, step=5)[1])


def test_crops_keep_image_and_labels_together(squares: Any, tiny: Any) -> None:
    dataset = squares(4)
    labelled = read_labelled(dataset, dataset.pairs("test"))
    samples = [
        make_sample(p.name, (labelled.labels[p.name] * 100), labelled.labels[p.name], None)
        for p in labelled.pairs
    ]
    images, labels = sample_batch(samples, tiny(scale=[1.0, 1.0], crop=[96, 96]), seed=0, step=0)
    values = (images[:, 0] * 0.229 + 0.485) * 255
    inside = labels != 255  # crops larger than the image are padded with ignored pixels
    assert int((~inside).sum()) == 4 * (96 * 96 - 64 * 64)
    np.testing.assert_allclose(values[inside], labels[inside] * 100, atol=1e-3)


def test_a_fused_image_of_another_size_is_refused() -> None:
    with pytest.raises(ImageError, match="the fused image is 8×4, its labels are 8×8"):
        make_sample("a", np.zeros((4, 8), np.uint8), np.zeros((8, 8), np.uint8), None)
