"""Training of SGDFuse: `train(...)` is what `fusionbench train sgdfuse` calls.

Both stages, resumable at any step, EMA weights, mixed precision and several devices through Lightning Fabric.
A step's data and noise depend only on (seed, stage, step, device), so a resumed run repeats the uninterrupted
one's loss curve.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from fusionbench.errors import InputError
from fusionbench.files.claim import claimed
from fusionbench.files.history import trim_history
from fusionbench.terminal.progress import make_progress

from ..checkpoint import load_checkpoint, load_weights, save_checkpoint, save_weights
from ..config import Config, TrainConfig, apply_overrides, config_from_dict, load_config
from ..network.network import SGDFuseNetwork, build_network, count_parameters
from .launch import make_fabric
from .objective import TrainingObjective
from .pack import Pack, build_pack, sample_batch, step_seed
from .validation import validate, write_grid
from .warm_start import fitted

CHECKPOINT = "last.ckpt"
WEIGHTS = "sgdfuse.safetensors"
HISTORY = "history.jsonl"


def train(
    *,
    out: Path | str = "runs/train-sgdfuse",
    datasets: Sequence[tuple[str, str | Path | None]] = (),
    stage: str | int = "all",
    preset: str = "default",
    masks: Sequence[str] = ("saliency",),
    resume: bool = False,
    device: str = "auto",
    steps: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    crop: int | None = None,
    lr: float | None = None,
    seed: int = 0,
    precision: str = "32",
    devices: int = 1,
    num_nodes: int = 1,
    init: Path | str | None = None,
    pack: Pack | None = None,
    minutes: float | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Path:
    """Train stage 1, 2 or all into the folder `out`; returns the path of the EMA weights (safetensors).

    `datasets` are (name, root) pairs, `masks` names of mask providers (varied at random when several),
    `steps`/`epochs` the length of each stage trained, `init` weights or a checkpoint to start from (stage 2
    alone needs it, or a finished stage 1 in `out`), `pack` the same data already decoded, `minutes` the time
    after which training stops with a checkpoint (the cosine ends then at the latest), `overrides` settings by dotted name on top of the preset.
    With `resume` the run in `out` goes on where its last checkpoint was written. Raises InputError for
    settings that can't be meant.
    """
    if str(stage) not in {"1", "2", "all"}:
        raise InputError(f"--stage is 1, 2 or all, not {stage!r}")
    settings: dict[str, Any] = {}
    for name in ("steps", "epochs"):
        if (value := {"steps": steps, "epochs": epochs}[name]) is not None:
            settings |= {f"train.{name}{which}": value for which in (1, 2)}
    if epochs is not None and steps is None:
        settings |= {"train.steps1": 0, "train.steps2": 0}
    for name, setting in (("batch_size", batch_size), ("crop", crop), ("lr", lr)):
        if setting is not None:
            settings[f"train.{name}"] = setting
    config = apply_overrides(load_config(preset, overrides), settings)
    init = init or config.train.init or None
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    if not resume and (out / CHECKPOINT).exists():
        raise InputError(
            f"{out} already holds a training run; pass --resume to go on with it, or another --out"
        )
    needs_stage1 = str(stage) == "2" and config.model.use_stage1 and init is None
    if needs_stage1 and not (resume and (out / CHECKPOINT).exists()):
        raise InputError(
            "--stage 2 goes on from a stage I: train it first with --stage 1, then pass --stage 2 --resume"
            " with the same --out"
        )
    fabric = make_fabric(device, precision, devices, num_nodes)
    fabric.launch()
    # The first of several processes holds the folder for all of them.
    with claimed(out) if fabric.is_global_zero else contextlib.nullcontext():
        if pack is None:
            held_out, boxes = config.train.validation_pairs, config.train.boxes
            pack = build_pack(datasets, masks, out / "masks", held_out, fabric.device, boxes=boxes)
        deadline = None if minutes is None else time.monotonic() + 60 * minutes
        run = _Run(fabric, config, pack, out, seed, [name for name, _ in datasets], list(masks), deadline)
        run.restore(resume, Path(init) if init is not None else None)
        for current in (1, 2):
            if str(stage) in {str(current), "all"}:
                run.train_stage(current)
                if run.late():
                    break
    return out / WEIGHTS


class _Run:
    """State of one training run: the raw network, its EMA shadow, and where the run stands."""

    def __init__(
        self,
        fabric: Fabric,
        config: Config,
        pack: Pack,
        out: Path,
        seed: int,
        datasets: list[str],
        masks: list[str],
        deadline: float | None = None,
    ) -> None:
        self.fabric, self.config, self.pack, self.out, self.seed = fabric, config, pack, out, seed
        self.datasets, self.masks, self.deadline = datasets, masks, deadline
        self.begun = time.monotonic()
        torch.manual_seed(step_seed(seed, "weights"))
        self.network: SGDFuseNetwork = build_network(config).to(fabric.device)
        self.shadow: SGDFuseNetwork = build_network(config).to(fabric.device).requires_grad_(False)
        self.shadow.load_state_dict(self.network.state_dict())
        self.stage, self.step, self.optimizer_state = 1, 0, None
        self.writer: Any = None

    def restore(self, resume: bool, init: Path | None) -> None:
        """Continue from `out`'s checkpoint, else start from `init`, else from scratch."""
        path = self.out / CHECKPOINT
        if resume and path.exists():
            state = load_checkpoint(path)
            theirs = config_from_dict(state["config"])
            if theirs.model != self.config.model or theirs.diffusion != self.config.diffusion:
                raise InputError(
                    f"{path} is of another network shape; resume it with its own preset and settings"
                )
            if state["pack"] != self.pack.fingerprint:
                raise InputError(
                    f"{path} was trained on other data or masks; resume it with the same --dataset and"
                    " --masks"
                )
            self.network.load_state_dict(state["network"])
            self.shadow.load_state_dict(state["ema"])
            self.stage, self.step, self.optimizer_state = state["stage"], state["step"], state["optimizer"]
            self._trim_history()
        elif init is not None:
            weights = (
                load_checkpoint(init)["ema"] if init.suffix == ".ckpt" else load_weights(init)[0].state_dict()
            )
            weights = fitted(weights, self.network)
            self.network.load_state_dict(weights)
            self.shadow.load_state_dict(weights)

    def stage_length(self, stage: int) -> int:
        """Steps of a stage: its `steps`, or as many as its epochs have."""
        settings = self.config.train
        steps, epochs = (
            (settings.steps1, settings.epochs1) if stage == 1 else (settings.steps2, settings.epochs2)
        )
        if steps:
            return steps
        pairs = sum(settings.repeat.get(pair.dataset, 1) for pair in self.pack.training)
        return max(1, math.ceil(epochs * pairs / (settings.batch_size * self.fabric.world_size)))

    def train_stage(self, stage: int) -> None:
        """Train one stage from where the run stands to its end; writes checkpoints, history, validation and
        weights.
        """
        if (stage == 1 and self.network.stage1 is None) or (stage == 2 and self.network.unet is None):
            return
        if self.stage > stage:
            return
        if self.stage < stage:  # a new stage starts from the last one's averaged weights
            self.network.load_state_dict(self.shadow.state_dict())
            self.stage, self.step, self.optimizer_state = stage, 0, None
        settings, total = self.config.train, self.stage_length(stage)
        raw = TrainingObjective(self.network, stage, settings.finetune_stage1).train()
        optimizer = torch.optim.Adam(_parameter_groups(self.network, settings), lr=settings.lr)
        objective, optimizer = self.fabric.setup(raw, optimizer)
        if self.optimizer_state is not None:
            optimizer.load_state_dict(self.optimizer_state)
        chief = self.fabric.is_global_zero
        with make_progress(quiet=not chief) as progress:
            label = f"stage {stage}"
            if chief and self.step == 0:
                progress.message(self._opening(stage, total))
            progress.start(label, total, self.step)
            sums: dict[str, Tensor] = {}
            begun, since = time.monotonic(), self.step
            while self.step < total:
                terms = self._one_step(objective, optimizer, stage, total)
                for name, value in terms.items():
                    sums[name] = sums.get(name, torch.zeros((), device=value.device)) + value
                progress.update(label, self.step, total)
                if self.step % settings.log_every == 0 or self.step == total:
                    count = self.step - since
                    means = {
                        name: float(torch.as_tensor(self.fabric.all_reduce(value / count)))
                        for name, value in sums.items()
                    }
                    rate = count * settings.batch_size * self.fabric.world_size / (time.monotonic() - begun)
                    sums, begun, since = {}, time.monotonic(), self.step
                    if chief:
                        self._log(
                            stage,
                            {"loss": sum(means.values()), **means, "crops_per_s": rate, "lr": _lr(optimizer)},
                        )
                        text = " ".join(f"{name} {value:.4f}" for name, value in means.items())
                        left = (
                            (total - self.step)
                            * settings.batch_size
                            * self.fabric.world_size
                            / max(rate, 1e-9)
                            / 60
                        )
                        progress.message(
                            f"stage {stage} step {self.step}/{total} {text} | {rate:.1f} crops/s, {left:.0f}"
                            " min left"
                        )
                if chief and (self.step % settings.validate_every == 0 or self.step == total):
                    for line in self._validate(stage):
                        progress.message(line)
                    begun = time.monotonic()
                late = self.late()
                if chief and (self.step % settings.checkpoint_every == 0 or self.step == total or late):
                    self._save(stage, optimizer)
                if late:
                    break
            progress.finish(label)
        self.optimizer_state = None
        self.fabric.barrier()

    def late(self) -> bool:
        """Whether the time is over, by the chief's clock: all processes stop after the same step."""
        if self.deadline is None:
            return False
        return bool(self.fabric.broadcast(time.monotonic() > self.deadline))

    def _elapsed(self) -> float:
        """Share of the allowed time that is over, by the chief's clock; 0 without a deadline."""
        if self.deadline is None:
            return 0.0
        share = (time.monotonic() - self.begun) / max(self.deadline - self.begun, 1e-9)
        return float(self.fabric.broadcast(share))

    def _one_step(self, objective: Any, optimizer: Any, stage: int, total: int) -> dict[str, Tensor]:
        settings, rank = self.config.train, self.fabric.global_rank
        batch = sample_batch(
            self.pack,
            self.step,
            settings.batch_size,
            settings.crop,
            step_seed(self.seed, "stage", stage),
            settings.repeat,
            settings.mask_drop,
            rank,
            self.fabric.world_size,
            settings.degrade,
            settings.augment,
        )
        seed = step_seed(self.seed, "noise", stage, self.step, rank)
        torch.manual_seed(seed)  # dropout
        for group in optimizer.param_groups:
            group["lr"] = group["scale"] * learning_rate(self.step, total, settings, self._elapsed())
        optimizer.zero_grad(set_to_none=True)
        loss, terms = objective(
            batch.infrared,
            batch.visible,
            batch.mask_ir,
            batch.mask_vi,
            torch.Generator().manual_seed(seed),
            batch.truth,
        )
        self.fabric.backward(loss)
        norm = self.fabric.clip_gradients(
            objective, optimizer, max_norm=settings.gradient_clip or math.inf, error_if_nonfinite=False
        )
        # A single overflowing batch (float16, a flat crop) must not end a run; its gradients are thrown away.
        if norm is None or bool(torch.isfinite(norm)):
            optimizer.step()
        self.step += 1
        self._average(min(settings.ema, self.step / (self.step + 10)))
        return dict(terms)

    @torch.no_grad()
    def _average(self, decay: float) -> None:
        shadow: list[Tensor] = list(self.shadow.parameters())
        raw: list[Tensor] = list(self.network.parameters())
        torch._foreach_lerp_(shadow, raw, 1 - decay)

    def _validate(self, stage: int) -> list[str]:
        if not self.pack.validation:
            return []
        with self.fabric.autocast():
            means, grid = validate(self.shadow, self.pack.validation, self.seed, stage)
        write_grid(self.out / "samples" / f"stage{stage}-{self.step:06d}.png", grid)
        writer = self._tensorboard()
        if grid is not None:
            writer.add_image(f"stage{stage}/samples", grid, self.step, dataformats="HWC")
        for dataset, found in means.items():
            for name, value in found.items():
                writer.add_scalar(f"stage{stage}/validation/{dataset}/{name}", value, self.step)
        with (self.out / HISTORY).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"stage": stage, "step": self.step, "validation": means}) + "\n")
        return [
            f"validation {dataset}: " + " ".join(f"{name} {value:.3f}" for name, value in found.items())
            for dataset, found in means.items()
        ]

    def _log(self, stage: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._tensorboard().add_scalar(f"stage{stage}/{name}", value, self.step)
        with (self.out / HISTORY).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"stage": stage, "step": self.step, **values}) + "\n")

    def _tensorboard(self) -> Any:
        if self.writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(self.out / "tensorboard"))
        return self.writer

    def _trim_history(self) -> None:
        if self.fabric.is_global_zero:
            here = (self.stage, self.step)
            trim_history(self.out / HISTORY, lambda line: (line.get("stage", 0), line.get("step", 0)) <= here)

    def _save(self, stage: int, optimizer: Any) -> None:
        state = {
            "network": self.network.state_dict(),
            "ema": self.shadow.state_dict(),
            "optimizer": optimizer.state_dict(),
            "config": self.config.to_dict(),
            "stage": stage,
            "step": self.step,
            "pack": self.pack.fingerprint,
        }
        facts = {
            "stage": stage,
            "steps": self.step,
            "preset": self.config.preset,
            "seed": self.seed,
            "datasets": self.datasets,
            "training_pairs": len(self.pack.training),
            "mask_providers": self.masks,
        }
        save_weights(self.out / WEIGHTS, self.shadow.state_dict(), self.config, facts)
        save_checkpoint(self.out / CHECKPOINT, state)

    def _opening(self, stage: int, total: int) -> str:
        settings = self.config.train
        return (
            f"stage {stage}: {count_parameters(self.network) / 1e6:.2f} M parameters,"
            f" {len(self.pack.training)} pairs ({len(self.pack.validation)} held out), {total} steps of"
            f" {settings.batch_size} crops of {settings.crop}², lr {settings.lr}, {self.fabric.world_size}"
            f" device(s) {self.fabric.device}"
        )


def learning_rate(step: int, total: int, settings: TrainConfig, elapsed: float = 0.0) -> float:
    """Rate of a step: linear warm-up, then constant (paper) or a cosine down to 2 % of `lr`.

    `elapsed` is the share of the allowed time that is over: the cosine is as far as steps or time are,
    whichever is further.
    """
    if step < settings.warmup:
        return settings.lr * (step + 1) / settings.warmup
    if settings.lr_schedule == "cosine":
        share = min(1.0, max(elapsed, (step - settings.warmup) / max(1, total - settings.warmup)))
        return settings.lr * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
    return settings.lr


def _parameter_groups(network: SGDFuseNetwork, settings: TrainConfig) -> list[dict[str, Any]]:
    first = [p for name, p in network.named_parameters() if name.startswith("stage1.") and p.requires_grad]
    second = [
        p for name, p in network.named_parameters() if not name.startswith("stage1.") and p.requires_grad
    ]
    groups = [
        {"params": first, "scale": settings.stage1_lr_scale if second else 1.0},
        {"params": second, "scale": 1.0},
    ]
    return [group for group in groups if group["params"]]


def _lr(optimizer: Any) -> float:
    return float(optimizer.param_groups[-1]["lr"])
