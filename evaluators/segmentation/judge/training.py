"""Training a segmenter: short, seeded, resumable, cached by content.

Every method's segmenter starts from the same weights and sees the same crops in the same order: both depend
on the seed alone. What it was trained on (pixels and labels), the recipe, the seed and the initial weights
make its key; under it lie ``training.pt`` while it trains and ``segmenter.safetensors`` when it is done.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fusionbench.errors import FusionBenchError, InputError
from fusionbench.files import artifacts
from fusionbench.files.claim import claimed

from ...judging.schedule import TrainingState, poly_share
from ..recipe import Recipe
from .network import (
    encoder_file,
    find_checkpoint,
    initial_network,
    save_checkpoint,
)
from .samples import Sample, class_weights, sample_batch

TRAINING_VERSION = 2
"""Raised when the same recipe would train to other weights, so that older checkpoints aren't taken for these.
"""

CHECKPOINT = "segmenter.safetensors"
STATE = "training.pt"
STEPS_BETWEEN_STATES = 50

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class TrainedSegmenter:
    """A finished training: the checkpoint and its sha256, steps, the loss's class weights, the mean loss of
    the last tenth (NaN if it was cached).
    """

    path: Path
    sha256: str
    steps: int
    class_weights: tuple[float, ...]
    loss: float = math.nan


def step_count(recipe: Recipe, samples: int) -> int:
    """Optimiser steps of a training on so many samples."""
    return max(1, round(recipe.epochs * math.ceil(samples / recipe.batch_size)))


def training_key(recipe: Recipe, samples: Sequence[Sample], classes: Sequence[str], seed: int) -> str:
    """Hash of all that the trained weights depend on."""
    start = encoder_file(recipe)
    content = [
        TRAINING_VERSION,
        recipe.model_dump(
            mode="json",
            exclude={
                "judge",
                "judges",
                "encoder_weights",
                "dataset_options",
                "folds",
                "fold_block",
                "boundary_tolerance",
            },
        ),
        artifacts.file_hashes(start)[0] if start else "",
        list(classes),
        seed,
        [s.digest for s in samples],
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


def train_segmenter(
    samples: Sequence[Sample],
    recipe: Recipe,
    classes: Sequence[str],
    seed: int,
    folder: Path,
    *,
    trained_on: str,
    device: str = "cpu",
    progress: Progress = lambda done, total: None,
    half: bool = False,
) -> TrainedSegmenter:
    """Train by the recipe in ``folder``, going on from its last state; at once done if its checkpoint is
    there.

    ``samples`` in a fixed order; ``trained_on`` is written into the checkpoint, whose weights are float16
    with ``half``. Raises ``InputError`` if the folder holds another training, ``FusionBenchError`` if the
    loss stops being a number.
    """
    key = training_key(recipe, samples, classes, seed)
    weights = class_weights(samples, len(classes), recipe.class_weights)
    steps = step_count(recipe, len(samples))
    target = folder / CHECKPOINT
    if target.is_file():
        found = find_checkpoint(str(target))
        _check_key(found.metadata.get("key"), key, target)
        progress(steps, steps)
        return TrainedSegmenter(target, found.sha256, steps, weights)
    with claimed(folder):
        run = _Run(recipe, len(classes), seed, steps, weights, torch.device(device))
        state = TrainingState(folder / STATE, key, STEPS_BETWEEN_STATES)
        losses = run.restore(state.restore())
        for step in range(len(losses), steps):
            progress(step, steps)
            loss = run.step(*sample_batch(samples, recipe, seed, step), step)
            if not math.isfinite(loss):
                raise FusionBenchError(
                    f"training {trained_on}: the loss is {loss} at step {step + 1} of {steps}; lower"
                    " segmentation.learning_rate"
                )
            losses.append(loss)
            if state.due(len(losses), steps):
                state.save(run.state(losses))
        names = json.dumps([s.name for s in samples])
        facts = {"seed": str(seed), "trained_on": trained_on, "trained_names": names, "key": key}
        sha256 = save_checkpoint(run.network, target, recipe, classes, facts, half=half)
        state.remove()
        progress(steps, steps)
        last = losses[-max(1, steps // 10) :]
        return TrainedSegmenter(target, sha256, steps, weights, sum(last) / len(last))


def _check_key(found: str | None, key: str, path: Path) -> None:
    if found != key:
        raise InputError(
            f"{path}: is of another training (other images, labels, recipe or seed); choose another folder,"
            " or delete it"
        )


class _Run:
    """Network, optimiser and schedule of one training."""

    def __init__(
        self,
        recipe: Recipe,
        classes: int,
        seed: int,
        steps: int,
        weights: Sequence[float],
        device: torch.device,
    ) -> None:
        self.recipe, self.steps, self.device, self.seed = recipe, steps, device, seed
        self.network = initial_network(recipe, classes, seed).to(device)
        encoder = list(self.network.get_submodule("encoder").parameters())
        known = {id(p) for p in encoder}
        rest = [p for p in self.network.parameters() if id(p) not in known]
        self.optimizer = torch.optim.AdamW(
            [{"params": encoder, "share": recipe.encoder_rate}, {"params": rest, "share": 1.0}],
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
        )
        self.loss = nn.CrossEntropyLoss(torch.tensor(weights, device=device), ignore_index=255)

    def rate(self, step: int) -> float:
        """The learning rate's share at a step."""
        return poly_share(step, self.steps, self.recipe.warmup_steps, self.recipe.power)

    def step(self, images: Tensor, labels: Tensor, step: int) -> float:
        """One update; returns the loss."""
        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * group["share"] * self.rate(step)
        # Dropout draws from the global generator: seed it by the step, so that a resumed training draws the
        # same.
        torch.manual_seed(1_000_003 * self.seed + step)
        images, labels = images.to(self.device), labels.to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16"):
            logits = self.network(images)
        loss = self.loss(logits.float(), labels) if bool((labels != 255).any()) else logits.sum() * 0.0
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())

    def state(self, losses: Sequence[float]) -> dict[str, object]:
        """All that the training needs to go on."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "losses": list(losses),
        }

    def restore(self, state: dict[str, Any] | None) -> list[float]:
        """Go on from a state, if there is one; returns the losses so far."""
        if state is None:
            return []
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        return list(state["losses"])
