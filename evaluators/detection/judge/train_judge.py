"""``fusionbench train detection``: trains a judge from scratch on neutral blends of visible and infrared.

The judge that ships for the demo scenes was made by this command (README.md beside this file says how). It
sees no method's output, so that it favours none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from fusionbench.contracts.dataset import Dataset, Pair
from fusionbench.errors import InputError, MissingDataError
from fusionbench.files.yaml_text import read_value
from fusionbench.planning.selection import open_dataset
from fusionbench.terminal.progress import make_progress

from ...judging.neutral import DESCRIPTION, stacked
from .network import build_network, save_network
from .scenes import Augmentation, Scene, SceneStore, canvas_size
from .training import Schedule, train

SETTINGS: Mapping[str, Any] = {
    "architecture": "",
    "image_size": 416,
    "epochs": 21,
    "batch": 8,
    "lr": 0.003,
    "weight_decay": 0.02,
    "bfloat16": True,
    "train_count": 600,
}
"""What ``--set`` may change. ``architecture``: ultralytics' YAML, a file or a name; empty for ours.
``train_count``: scenes to render."""
CHECKPOINT, WEIGHTS = "last.ckpt", "judge.safetensors"


def train_judge(
    *,
    datasets: tuple[tuple[str, str | None], ...] = (("demo", None),),
    out: Path = Path("detection-judge"),
    seed: int = 0,
    device: str = "auto",
    resume: bool = False,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    overrides: Mapping[str, str] | None = None,
    **unknown: Any,
) -> Path:
    """Train on the training split of one dataset with boxes; returns the weights' path.

    Raises ``InputError`` for wrong settings.
    """
    if unknown:
        raise InputError(
            f"train detection doesn't know --{', --'.join(n.replace('_', '-') for n in unknown)}"
        )
    settings = _settings({"epochs": epochs, "batch": batch_size, "lr": lr}, overrides or {})
    if len(datasets) != 1:
        raise InputError(f"train detection takes one --dataset, got {len(datasets)}")
    from fusionbench.execution.devices import resolve_devices

    name, root = datasets[0]
    options = {"train_count": settings["train_count"]} if name == "demo" else {}
    dataset = open_dataset(name, {"": Path(root)} if root else {}, options)
    classes = dataset.spec.box_classes
    pairs = (
        [p for p in dataset.pairs("train") if p.infrared is None or p.boxes is not None] if classes else []
    )
    if not pairs:
        raise MissingDataError(
            f"{name}: has no labelled pairs in its training split, so no detector can be trained on it"
        )
    if (out / CHECKPOINT).exists() and not resume:
        raise InputError(f"{out} already holds a training; pass --resume to go on with it, or another --out")
    size = settings["image_size"]
    first = _load(dataset, pairs[0])
    canvas = canvas_size([first.image.shape[:2]], size) if dataset.spec.size else (size, size)
    architecture = settings["architecture"] or str(resources.files(__package__) / "yolov5p.yaml")
    network = build_network(architecture, classes, seed)
    schedule = Schedule(
        settings["epochs"],
        settings["batch"],
        settings["lr"],
        settings["weight_decay"],
        bfloat16=settings["bfloat16"],
    )
    identity = json.dumps([settings, seed, name, [dataset.digest(p) for p in pairs]], default=str)
    with make_progress() as progress:
        label = f"{name} judge"
        show: Callable[[int, int], None] = partial(progress.update, label)
        network = train(
            network,
            SceneStore([partial(_load, dataset, p) for p in pairs], size),
            canvas,
            schedule,
            Augmentation(),
            seed=seed,
            device=resolve_devices(device)[0],
            checkpoint=out / CHECKPOINT,
            identity=identity,
            progress=show,
            note=progress.message,
        )
    facts = {
        **settings,
        "seed": seed,
        "dataset": name,
        "pairs": len(pairs),
        "input": DESCRIPTION,
    }
    facts["architecture"] = Path(architecture).name
    save_network(out / WEIGHTS, network, classes, facts)
    print(out / WEIGHTS)
    return out / WEIGHTS


def _load(dataset: Dataset, pair: Pair) -> Scene:
    images = dataset.load(pair, labels=True)
    assert images.boxes is not None
    return Scene(stacked(images.infrared, images.visible), images.boxes.xyxy, images.boxes.classes)


def _settings(given: Mapping[str, Any], overrides: Mapping[str, str]) -> dict[str, Any]:
    settings = {**SETTINGS, **{k: v for k, v in given.items() if v is not None}}
    for key, text in overrides.items():
        if key not in SETTINGS:
            raise InputError(f"--set {key}: train detection has the settings {', '.join(SETTINGS)}")
        value = read_value(text, f"--set {key}={text}")
        if isinstance(SETTINGS[key], float) and isinstance(value, int):
            value = float(value)
        if type(value) is not type(SETTINGS[key]):
            raise InputError(f"--set {key}={text}: expected a value like {SETTINGS[key]!r}")
        settings[key] = value
    return settings
