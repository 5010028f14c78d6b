"""Training: it learns, resumes after kill -9 as if nothing had happened, and is found again by its content."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fusionbench.errors import FusionBenchError, InputError
from fusionbench.evaluators.segmentation.judge import training
from fusionbench.evaluators.segmentation.judge.network import find_checkpoint, load_checkpoint
from fusionbench.evaluators.segmentation.judge.prediction import predict
from fusionbench.evaluators.segmentation.judge.samples import make_sample
from fusionbench.evaluators.segmentation.judge.training import (
    CHECKPOINT,
    STATE,
    step_count,
    train_segmenter,
    training_key,
)
from fusionbench.evaluators.segmentation.scores.confusion import confusion_matrix, mean_iou

CLASSES = ("unlabelled", "bright", "dark")


@pytest.fixture
def samples(squares: Any) -> Any:
    dataset = squares(12)
    images = {p.name: dataset.load(p, labels=True) for p in dataset.pairs("train")}
    return [make_sample(n, i.visible, i.labels, None) for n, i in images.items()]


@pytest.mark.slow
def test_it_learns_what_is_bright_and_what_is_dark(
    squares: Any, samples: Any, tiny: Any, tmp_path: Path
) -> None:
    recipe = tiny(
        epochs=30.0, crop=[64, 64], scale=[1.0, 1.0], learning_rate=3e-3, encoder_rate=1.0, batch_size=6
    )
    trained = train_segmenter(samples, recipe, CLASSES, 0, tmp_path, trained_on="squares")
    network = load_checkpoint(find_checkpoint(str(trained.path)), recipe, CLASSES)
    dataset, total = squares(6), np.zeros((3, 3), np.int64)
    for pair in dataset.pairs("test"):
        images = dataset.load(pair, labels=True)
        total += confusion_matrix(images.labels, predict(network, images.visible, recipe), 3)
    assert mean_iou(total) > 0.7


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums in another order give other last bits: equal bytes need equal thread counts."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_the_key_hashes_pixels_labels_recipe_seed_and_start(samples: Any, tiny: Any) -> None:
    recipe = tiny()
    changed = [s if i else make_sample(s.name, s.image // 2, s.labels, None) for i, s in enumerate(samples)]
    keys = [
        training_key(recipe, samples, CLASSES, 0),
        training_key(recipe, changed, CLASSES, 0),
        training_key(recipe, samples[1:], CLASSES, 0),
        training_key(recipe, samples, CLASSES, 1),
        training_key(tiny(learning_rate=2e-3), samples, CLASSES, 0),
    ]
    assert len(set(keys)) == len(keys)
    assert (
        training_key(tiny(folds=2), samples, CLASSES, 0) == keys[0]
    )  # what folds are trained on is in the samples


def test_a_finished_training_is_taken_as_it_is_and_another_is_refused(
    samples: Any, tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = train_segmenter(samples, tiny(epochs=0.7), CLASSES, 0, tmp_path, trained_on="squares")
    assert first.steps == step_count(tiny(epochs=0.7), len(samples)) == 2
    monkeypatch.setattr(training, "_Run", None)
    again = train_segmenter(samples, tiny(epochs=0.7), CLASSES, 0, tmp_path, trained_on="squares")
    assert again.sha256 == first.sha256
    with pytest.raises(InputError, match="is of another training"):
        train_segmenter(samples, tiny(epochs=0.7), CLASSES, 1, tmp_path, trained_on="squares")


def test_a_loss_that_is_no_number_stops_with_advice(samples: Any, tiny: Any, tmp_path: Path) -> None:
    with pytest.raises(FusionBenchError, match=r"lower segmentation\.learning_rate"):
        train_segmenter(
            samples, tiny(learning_rate=1e30, epochs=9.0), CLASSES, 0, tmp_path, trained_on="squares"
        )
    assert not (tmp_path / CHECKPOINT).exists()


def test_a_broken_state_means_starting_anew(samples: Any, tiny: Any, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / STATE).write_bytes(b"cut short")
    spoilt, clean = (
        train_segmenter(samples, tiny(epochs=0.5), CLASSES, 0, tmp_path / n, trained_on="squares")
        for n in "ab"
    )
    assert spoilt.sha256 == clean.sha256


_SCRIPT = """
import sys, torch
torch.set_num_threads(1)
from pathlib import Path
from tests.support.squares import CLASSES, TINY, Squares
from fusionbench.evaluators.segmentation.judge import training
from fusionbench.evaluators.segmentation.recipe import make_recipe
from fusionbench.evaluators.segmentation.judge.samples import make_sample
training.STEPS_BETWEEN_STATES = 2
dataset = Squares(12)
images = {{p.name: dataset.load(p, labels=True) for p in dataset.pairs("train")}}
samples = [make_sample(n, i.visible, i.labels, None) for n, i in images.items()]
training.train_segmenter(samples, make_recipe("t", {{**TINY, "epochs": 8.0}}), CLASSES, 0, Path({folder!r}), trained_on="squares")
"""


@pytest.mark.slow
def test_killed_outright_it_goes_on_to_the_same_bytes(
    samples: Any, tiny: Any, one_thread: None, tmp_path: Path
) -> None:
    def command(folder: Path) -> list[str]:
        return [sys.executable, "-c", _SCRIPT.format(folder=str(folder))]

    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[4])}
    killed, calm = tmp_path / "killed", tmp_path / "calm"
    process = subprocess.Popen(command(killed), env=environment)
    deadline = time.monotonic() + 120
    while not (killed / STATE).exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (killed / STATE).exists()
    assert not (killed / CHECKPOINT).exists()
    subprocess.run(command(killed), env=environment, check=True)
    train_segmenter(samples, tiny(epochs=8.0), CLASSES, 0, calm, trained_on="squares")
    assert (killed / CHECKPOINT).read_bytes() == (calm / CHECKPOINT).read_bytes()
