"""One training loop for all detectors here: the demo's judge from scratch, and retraining on each method's
fused images.

ultralytics gives the network and its loss; the loop is ours, so that it runs offline on images in memory,
writes nothing but its checkpoint, sees every method's images in the same order, and gives the same weights
again (same machine, same number of threads).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fusionbench.files.claim import claimed
from fusionbench.files.ultralytics_gate import restricted_ultralytics

from ...judging.schedule import TrainingState, cosine_share, shuffled
from .scenes import Augmentation, SceneStore, augmented

LOSS_GAINS = {"box": 7.5, "cls": 0.5, "dfl": 1.5}
"""ultralytics' own weights of its three losses."""
CHECKPOINT_EVERY = 25


@dataclass(frozen=True)
class Schedule:
    """How long and how to train: AdamW, linear warm-up over ``warmup`` of the steps, then a cosine down to 1
    % of ``lr``.
    """

    epochs: int
    batch: int
    lr: float
    weight_decay: float = 0.02
    warmup: float = 0.05
    ema: float = 0.998
    bfloat16: bool = False


def train(
    network: nn.Module,
    scenes: SceneStore,
    canvas: tuple[int, int],
    schedule: Schedule,
    augmentation: Augmentation,
    *,
    seed: int,
    device: str,
    checkpoint: Path | None,
    identity: str,
    progress: Callable[[int, int], None],
    note: Callable[[str], None] | None = None,
) -> nn.Module:
    """Train a network and return it with its averaged weights (on the CPU, evaluation mode).

    ``checkpoint`` is written every few steps; a training of the same ``identity`` goes on from it. Raises
    ``InputError`` if it is another training's."""
    with restricted_ultralytics(), claimed(checkpoint.parent) if checkpoint else contextlib.nullcontext():
        return _train(
            network,
            scenes,
            canvas,
            schedule,
            augmentation,
            seed,
            torch.device(device),
            checkpoint,
            identity,
            progress,
            note,
        )


def _train(
    network: nn.Module,
    scenes: SceneStore,
    canvas: tuple[int, int],
    schedule: Schedule,
    augmentation: Augmentation,
    seed: int,
    device: torch.device,
    checkpoint: Path | None,
    identity: str,
    progress: Callable[[int, int], None],
    note: Callable[[str], None] | None,
) -> nn.Module:
    network = network.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    network.args = SimpleNamespace(**LOSS_GAINS)  # type: ignore[assignment]
    criterion: Any = network.init_criterion()  # type: ignore[operator]
    optimizer = torch.optim.AdamW(_groups(network, schedule), lr=schedule.lr, betas=(0.9, 0.99))
    average = {k: v.detach().clone() for k, v in network.state_dict().items()}
    per_epoch = max(1, math.ceil(len(scenes) / schedule.batch))
    total, step = per_epoch * schedule.epochs, 0
    kept = TrainingState(checkpoint, identity, CHECKPOINT_EVERY)
    if (state := kept.restore()) is not None:
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        average, step = {k: v.to(device) for k, v in state["average"].items()}, state["step"]
    losses: list[float] = []
    while step < total:
        numbers = _numbers(len(scenes), schedule.batch, seed, step, per_epoch)
        batch = _batch(scenes, numbers, canvas, augmentation, np.random.default_rng([seed, step, 1]), device)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, total, schedule)
        torch.manual_seed(seed * 1_000_003 + step)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=schedule.bfloat16):
            output = network(batch["img"])
        loss, _ = criterion(_float(output), batch)
        value = loss.sum()
        value.backward()
        norm = nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        if bool(torch.isfinite(norm)):
            optimizer.step()
        step += 1
        _average(average, network, min(schedule.ema, (1 + step) / (10 + step)))
        losses.append(float(value.detach()) / len(numbers))
        progress(step, total)
        if step % CHECKPOINT_EVERY == 0 or step == total:
            kept.save(
                {
                    "network": network.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "average": average,
                    "step": step,
                }
            )
            if note is not None:
                note(
                    f"step {step}/{total}: loss {np.mean(losses):.3f} an image, lr"
                    f" {learning_rate(step - 1, total, schedule):.2e}"
                )
            losses = []
    network.load_state_dict(average)
    return network.cpu().eval()


def learning_rate(step: int, total: int, schedule: Schedule) -> float:
    """The rate of a step."""
    warm = max(1, round(schedule.warmup * total))
    return schedule.lr * cosine_share(step, total, warm)


def _numbers(count: int, batch: int, seed: int, step: int, per_epoch: int) -> list[int]:
    """The scenes of a step: each epoch in an order of its own, decided by seed and epoch alone."""
    epoch, place = divmod(step, per_epoch)
    order = shuffled(count, (seed, epoch, 0))
    return [int(n) for n in order[place * batch : (place + 1) * batch]]


def _batch(
    scenes: SceneStore,
    numbers: list[int],
    canvas: tuple[int, int],
    augmentation: Augmentation,
    generator: np.random.Generator,
    device: torch.device,
) -> dict[str, Tensor]:
    """Scenes as ultralytics' loss wants them: ``img`` N×3×H×W in [0,1], ``batch_idx``, ``cls``, ``bboxes``
    (normalised cx cy w h)."""
    chosen = [augmented(scenes[n], canvas, augmentation, generator) for n in numbers]
    images = torch.from_numpy(np.stack([s.image for s in chosen])).to(device).permute(0, 3, 1, 2)
    xyxy = np.concatenate([s.xyxy for s in chosen]) / np.array([canvas[1], canvas[0], canvas[1], canvas[0]])
    boxes = np.concatenate([(xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]], 1)
    indices = np.repeat(np.arange(len(chosen)), [len(s.classes) for s in chosen])
    return {
        "img": images.float().div(255).contiguous(memory_format=torch.channels_last),
        "batch_idx": torch.from_numpy(indices).float().to(device),
        "cls": torch.from_numpy(np.concatenate([s.classes for s in chosen])).float()[:, None].to(device),
        "bboxes": torch.from_numpy(boxes).float().to(device),
    }


def _groups(network: nn.Module, schedule: Schedule) -> list[dict[str, Any]]:
    """Weights decay, biases and normalisation don't."""
    weights = [p for p in network.parameters() if p.requires_grad and p.ndim > 1]
    rest = [p for p in network.parameters() if p.requires_grad and p.ndim <= 1]
    return [{"params": weights, "weight_decay": schedule.weight_decay}, {"params": rest, "weight_decay": 0.0}]


@torch.no_grad()
def _average(average: dict[str, Tensor], network: nn.Module, decay: float) -> None:
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            average[name].lerp_(value, 1 - decay)
        else:
            average[name].copy_(value)


def _float(value: Any) -> Any:
    """The network's output in float32, whatever it is nested in: the loss is not made for bfloat16."""
    if isinstance(value, Tensor):
        return value.float() if value.is_floating_point() else value
    if isinstance(value, dict):
        return {k: _float(v) for k, v in value.items()}
    return type(value)(_float(v) for v in value) if isinstance(value, list | tuple) else value
