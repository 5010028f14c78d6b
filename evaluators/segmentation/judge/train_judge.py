"""``fusionbench train segmentation``: trains a judge on neutral blends of visible and infrared, never on a method's output."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from fusionbench.contracts.dataset import Dataset, Pair
from fusionbench.errors import FusionBenchError, InputError, MissingDataError
from fusionbench.execution.devices import resolve_devices
from fusionbench.files.atomic import write_atomic
from fusionbench.planning.selection import open_dataset
from fusionbench.terminal.progress import make_progress

from ...judging.neutral import DESCRIPTION, stacked
from ..recipe import Recipe, make_recipe
from ..recipes import DEMO_TRAINING, FROZEN
from .samples import Sample, checked_labels, make_sample
from .training import CHECKPOINT, STATE, train_segmenter

RECIPES: Mapping[str, Mapping[str, Any]] = {"demo-seg": DEMO_TRAINING, "seg-frozen": FROZEN}


def train(
    *,
    datasets: Sequence[tuple[str, str | Path | None]] = (),
    out: Path | str = "runs/train-segmentation",
    preset: str | None = None,
    resume: bool = False,
    device: str = "auto",
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    seed: int = 0,
    precision: str | None = None,
    overrides: Mapping[str, str] | None = None,
    **refused: Any,
) -> Path:
    """Train the judge of a protocol (``preset``: demo-seg or seg-frozen) on a dataset's training split; returns ``out``/segmenter.safetensors.

    ``overrides`` are entries of the recipe (``crop=[160,224]``) and, as ``dataset.KEY``, options of the dataset. Raises ``InputError`` for
    settings that can't be meant, ``MissingDataError`` where the split has no labels.
    """
    if given := [name for name, value in refused.items() if value is not None]:
        raise InputError(
            f"train segmentation: --{given[0].replace('_', '-')} has no meaning here; recipe entries go by --set"
        )
    if len(datasets) != 1:
        raise InputError("train segmentation: name one --dataset (NAME or NAME:ROOT)")
    (name, root), out = datasets[0], Path(out)
    preset = preset or ("demo-seg" if name == "demo" else "seg-frozen")
    if preset not in RECIPES:
        raise InputError(f"--preset {preset}: judges are trained for {' and '.join(RECIPES)}")
    settings = {k: yaml.safe_load(v) for k, v in (overrides or {}).items()}
    options = {
        k.removeprefix("dataset."): settings.pop(k) for k in list(settings) if k.startswith("dataset.")
    }
    given_flags = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": lr,
        "precision": _precision(precision),
    }
    settings |= {k: v for k, v in given_flags.items() if v is not None}
    recipe = make_recipe(preset, {**RECIPES[preset], **settings})
    _check_folder(out, resume)
    dataset = open_dataset(name, {name: Path(root)} if root else {}, {**recipe.dataset_options, **options})
    classes = dataset.spec.semantic_classes
    if not classes:
        raise InputError(f"{name}: has no semantic classes, so no segmenter can be trained on it")
    with make_progress() as progress:
        samples = neutral_samples(dataset, "train", recipe, lambda d, t: progress.update("reading", d, t))
        trained = train_segmenter(
            samples, recipe, classes, seed, out, trained_on=f"{name}/train, {DESCRIPTION}, {len(samples)} pairs",
            device=resolve_devices(device)[0], progress=lambda d, t: progress.update("training", d, t), half=True,
        )  # fmt: skip
    about = {
        "protocol": preset, "dataset": name, "dataset_options": {**recipe.dataset_options, **options}, "pairs": len(samples), "seed": seed,
        "steps": trained.steps, "loss": trained.loss, "class_weights": dict(zip(classes, trained.class_weights, strict=True)),
        "sha256": trained.sha256, "bytes": trained.path.stat().st_size, "recipe": recipe.model_dump(mode="json"),
    }  # fmt: skip
    write_atomic(out / "about.json", json.dumps(about, indent=1).encode())
    return trained.path


def _precision(text: str | None) -> str | None:
    return {"32": "fp32", "bf16": "bf16", "fp32": "fp32", None: None}.get(text, text)


def _check_folder(out: Path, resume: bool) -> None:
    there = [n for n in (CHECKPOINT, STATE) if (out / n).exists()]
    if there and not resume:
        raise InputError(f"{out} already holds {there[0]}; pass --resume to go on with it, or another --out")
    if not resume:
        out.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(out).free < 1 << 27:
            raise InputError(f"{out}: less than 128 MiB are free; choose another --out")


def neutral_samples(
    dataset: Dataset, split: str, recipe: Recipe, progress: Any = lambda done, total: None
) -> list[Sample]:
    """The labelled pairs of a split with both sensors stacked, each loaded once. Raises ``MissingDataError`` if there are none."""
    pairs: Sequence[Pair] = dataset.pairs(split)
    samples, reason = [], "it has no pairs"
    for i, pair in enumerate(pairs):
        try:
            images = dataset.load(pair, labels=True)
            labels = checked_labels(images, pair, len(dataset.spec.semantic_classes))
        except FusionBenchError as error:
            reason = str(error)
            continue
        samples.append(
            make_sample(pair.name, stacked(images.infrared, images.visible), labels, recipe.image_size)
        )
        progress(i + 1, len(pairs))
    if not samples:
        raise MissingDataError(
            f"{dataset.spec.name}/{split}: no pair has labels to train on ({reason}); a judge trained elsewhere can be named with "
            "--task-option segmentation.judge=PATH"
        )
    return samples
