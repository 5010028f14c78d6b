"""The training loop: views keep boxes on objects, a killed training ends with the same weights, and it
learns.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fusionbench.errors import InputError
from fusionbench.evaluators.detection.judge.detector import Detector, Thresholds
from fusionbench.evaluators.detection.judge.network import build_network
from fusionbench.evaluators.detection.judge.scenes import (
    NO_AUGMENTATION,
    Augmentation,
    Scene,
    SceneStore,
    augmented,
    canvas_size,
)
from fusionbench.evaluators.detection.judge.training import Schedule, learning_rate, train
from fusionbench.evaluators.detection.scores.class_maps import ClassMap
from fusionbench.evaluators.judging.schedule import TrainingState

NAMES = ("square",)


def scene(number: int, side: int = 64) -> Scene:
    """A bright rectangle on a dark ground."""
    rng = np.random.default_rng(number)
    image = np.full((side, side, 3), 30, np.uint8)
    x, y = rng.integers(4, side - 30, 2)
    w, h = rng.integers(14, 24, 2)
    image[y : y + h, x : x + w] = 250
    return Scene(image, np.array([[x, y, x + w, y + h]], np.float64), np.zeros(1, np.int64))


@pytest.mark.parametrize("number", range(12))
def test_boxes_stay_on_their_objects(number: int) -> None:
    ranges = Augmentation(gain=1.0, gamma=1.0, saturation=False)
    view = augmented(scene(number, 96), (96, 128), ranges, np.random.default_rng(number))
    rows, columns = np.nonzero((view.image > 180).all(2))
    if not len(view.classes):
        return
    seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert view.xyxy[0] == pytest.approx(seen, abs=1.0)


def test_no_augmentation_only_centres() -> None:
    view = augmented(scene(1), (64, 96), NO_AUGMENTATION, np.random.default_rng(0))
    assert view.xyxy[0] == pytest.approx(scene(1).xyxy[0] + [16, 0, 16, 0])
    assert (view.image[:, 16:80] == scene(1).image).all()


def test_boxes_that_leave_the_view_are_dropped() -> None:
    far = Scene(
        np.zeros((64, 64, 3), np.uint8), np.array([[60, 0, 64, 64], [0, 0, 64, 64.0]]), np.array([0, 1])
    )
    narrow = augmented(far, (64, 40), NO_AUGMENTATION, np.random.default_rng(0))
    assert narrow.classes.tolist() == [1]


def test_canvas() -> None:
    assert canvas_size([(256, 320)], 320) == (256, 320)
    assert canvas_size([(480, 640), (300, 320)], 640) == (608, 640)


def test_scenes_are_loaded_once() -> None:
    calls: list[int] = []

    def load(number: int) -> Scene:
        calls.append(number)
        return scene(number)

    store = SceneStore([partial(load, n) for n in range(2)], 32)
    assert [store[0].image.shape, store[0].xyxy.max() <= 32] == [(32, 32, 3), True]
    assert calls == [0]


def test_rate() -> None:
    schedule = Schedule(1, 1, 1.0, warmup=0.1)
    rates = [learning_rate(s, 100, schedule) for s in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == 1.0
    assert rates[-1] == pytest.approx(0.01, abs=0.002)


def run(
    architecture: Path,
    checkpoint: Path | None,
    progress: Callable[[int, int], None] = lambda d, t: None,
    **changes: Any,
) -> dict[str, torch.Tensor]:
    settings: dict[str, Any] = {"epochs": 30, "batch": 2, "lr": 0.01, **changes}
    identity = str(settings)
    store = SceneStore([partial(scene, n) for n in range(4)], 64)
    network = build_network(architecture, NAMES, 0)
    trained = train(
        network,
        store,
        (64, 64),
        Schedule(**settings),
        Augmentation(),
        seed=1,
        device="cpu",
        checkpoint=checkpoint,
        identity=identity,
        progress=progress,
    )
    return trained.state_dict()


def test_a_killed_training_ends_with_the_same_weights(architecture: Path, tmp_path: Path) -> None:
    whole = run(architecture, None)

    def stop(done: int, total: int) -> None:
        if done == 33:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(architecture, tmp_path / "last.ckpt", stop)
    steps: list[int] = []
    resumed = run(architecture, tmp_path / "last.ckpt", lambda done, total: steps.append(done))
    assert steps[0] == 26  # the checkpoint of step 25
    assert all(torch.equal(whole[k], resumed[k]) for k in whole)
    with pytest.raises(InputError, match="is of another training"):
        run(architecture, tmp_path / "last.ckpt", epochs=31)
    (tmp_path / "last.ckpt").write_bytes(b"torn")
    assert TrainingState(tmp_path / "last.ckpt", "any", 25).restore() is None  # it begins again


@pytest.mark.slow
def test_it_learns(architecture: Path) -> None:
    network = build_network(architecture, NAMES, 0)
    store = SceneStore([partial(scene, n) for n in range(24)], 64)
    network = train(
        network,
        store,
        (64, 64),
        Schedule(60, 8, 0.01),
        Augmentation(1.1, 0.05, 1.1, 1.1, False, 0.5),
        seed=0,
        device="cpu",
        checkpoint=None,
        identity="",
        progress=lambda d, t: None,
    )
    detector, right = Detector(network, NAMES, "cpu"), 0
    for number in range(100, 110):  # scenes it hasn't seen
        found = detector.find(scene(number).image, Thresholds(64), ClassMap((0,), ()))
        right += len(found.xyxy) > 0 and float(np.abs(found.xyxy[0] - scene(number).xyxy[0]).max()) < 4
    assert right >= 8
