"""``fusionbench train segmentation``: trains a judge on neutral blends of visible and infrared, never on a
method's output.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fusionbench.contracts.dataset import Dataset
from fusionbench.errors import InputError
from fusionbench.execution.devices import resolve_devices
from fusionbench.files.atomic import write_atomic
from fusionbench.files.yaml_text import read_value
from fusionbench.planning.selection import open_dataset
from fusionbench.terminal.progress import make_progress

from ..recipe import Recipe, make_recipe
from ..recipes import DEMO_TRAINING, FROZEN, MSRS_TWO_FOLDS_TRAINING, SEGFORMER
from .courses import Course, courses, neutral_samples
from .training import CHECKPOINT, STATE, train_segmenter

RECIPES: Mapping[str, Mapping[str, Any]] = {
    "demo-seg": DEMO_TRAINING,
    "seg-frozen": FROZEN,
    "msrs-2fold-frozen": MSRS_TWO_FOLDS_TRAINING,
    "msrs-2fold-segformer": SEGFORMER,
}


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
    """Train the judge (or, in folds, the judges) of a protocol (``preset``, a key of ``RECIPES``); returns
    the last weights' path.

    The file is ``out``/segmenter.safetensors, in folds ``out``/fold-1/segmenter.safetensors and so on.

    ``overrides`` are entries of the recipe (``crop=[160,224]``) and, as ``dataset.KEY``, options of the
    dataset. Raises ``InputError`` for settings that can't be meant, ``MissingDataError`` where the split has
    no labels.
    """
    if given := [name for name, value in refused.items() if value is not None]:
        raise InputError(
            f"train segmentation: --{given[0].replace('_', '-')} has no meaning here; recipe entries go by"
            " --set"
        )
    if len(datasets) != 1:
        raise InputError("train segmentation: name one --dataset (NAME or NAME:ROOT)")
    (name, root), out = datasets[0], Path(out)
    preset = preset or ("demo-seg" if name == "demo" else "seg-frozen")
    if preset not in RECIPES:
        raise InputError(f"--preset {preset}: judges are trained for {' and '.join(RECIPES)}")
    settings = {k: read_value(v, f"--set {k}={v}") for k, v in (overrides or {}).items()}
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
    trained = Path()
    for course in courses(dataset, recipe, dataset.spec.splits[0]):
        trained = _train(
            dataset, course, recipe, seed, out / course.folder, resolve_devices(device)[0], preset
        )
    return trained


def _train(
    dataset: Dataset, course: Course, recipe: Recipe, seed: int, out: Path, device: str, protocol: str
) -> Path:
    """One course, and ``about.json`` beside its weights."""
    classes = dataset.spec.semantic_classes
    with make_progress() as progress:
        samples = neutral_samples(
            dataset, course.pairs, recipe, course.what, lambda d, t: progress.update("reading", d, t)
        )
        trained = train_segmenter(
            samples,
            recipe,
            classes,
            seed,
            out,
            trained_on=f"{course.what}, {len(samples)} pairs",
            device=device,
            progress=lambda d, t: progress.update("training", d, t),
            half=True,
        )
    about = {
        "protocol": protocol,
        "dataset": dataset.spec.name,
        "dataset_options": dict(dataset.spec.options),
        "trained_on": course.what,
        "pairs": len(samples),
        "seed": seed,
        "steps": trained.steps,
        "loss": trained.loss,
        "class_weights": dict(zip(classes, trained.class_weights, strict=True)),
        "sha256": trained.sha256,
        "bytes": trained.path.stat().st_size,
        "recipe": recipe.model_dump(mode="json"),
    }
    write_atomic(out / "about.json", json.dumps(about, indent=1).encode())
    return trained.path


def _precision(text: str | None) -> str | None:
    return {"32": "fp32", "bf16": "bf16", "fp32": "fp32", None: None}.get(text, text)


def _check_folder(out: Path, resume: bool) -> None:
    there = [p for n in (CHECKPOINT, STATE) for p in (out / n, *out.glob(f"fold-*/{n}")) if p.exists()]
    if there and not resume:
        raise InputError(
            f"{out} already holds {there[0].relative_to(out)}; pass --resume to go on with it, or another"
            " --out"
        )
    if not resume:
        out.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(out).free < 1 << 27:
            raise InputError(f"{out}: less than 128 MiB are free; choose another --out")
