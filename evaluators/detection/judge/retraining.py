"""``det-retrain``: the detector fine-tuned on a method's fused training split; resumable, and kept by
content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from fusionbench.contracts.dataset import Pair
from fusionbench.contracts.evaluator import EvaluatorSettings, FusedSet
from fusionbench.errors import InputError
from fusionbench.images.codec import as_rgb

from ..ground_truth import BoxedSet, read_boxes
from .detector import Detector
from .network import build_network, load_network, save_network, with_classes
from .scenes import NO_AUGMENTATION, Augmentation, Scene, SceneStore, canvas_size
from .training import Schedule, train

VERSION = 1
"""Raised when the same recipe leads to other weights."""


def retrained(
    fused: FusedSet,
    recipe: Mapping[str, Any],
    path: Path | None,
    sha256: str,
    settings: EvaluatorSettings,
    progress: Callable[[int, int], None],
) -> Detector:
    """The detector of this method and seed: from the cache, from an unfinished training, or trained now.

    The cache key hashes the fused training images and their labels, the recipe, the seed, and the initial
    weights. ``path`` is the checkpoint or architecture to begin with (None: an architecture that ships with
    ultralytics, by name).
    """
    training = fused.training
    if training is None:
        raise InputError("det-retrain needs a run: it trains on the fused training split")
    names = fused.dataset.spec.box_classes
    trains = {
        k: v
        for k, v in recipe.items()
        if k not in {"model", "confidence", "nms_iou", "max_detections", "letterbox"}
    }
    model = Path(str(recipe["model"])).name
    identity = json.dumps(
        [
            VERSION,
            training.digest,
            trains,
            model,
            sha256,
            names,
            settings.seed,
            settings.device.split(":")[0],
        ],
        sort_keys=True,
    )
    key = hashlib.sha256(identity.encode()).hexdigest()[:24]
    folder = settings.cache_dir / "detection" / key if settings.cache_dir is not None else None
    kept = folder / "judge.safetensors" if folder is not None else None
    if kept is not None and kept.is_file():
        return Detector(*load_network(kept), settings.device)
    size = int(recipe["image_size"])
    boxed = read_boxes(training.dataset, training.pairs)
    for note in [*boxed.notes, *(f"not trained on {name}: {why}" for name, why in boxed.excluded.items())]:
        settings.note(note)
    scenes = SceneStore([partial(_scene, training, boxed, pair) for pair in boxed.pairs], size)
    spec = fused.dataset.spec
    canvas = canvas_size([spec.size], size) if spec.size else (size, size)
    schedule = Schedule(
        recipe["epochs"], recipe["batch"], recipe["lr"], recipe["weight_decay"], bfloat16=recipe["bfloat16"]
    )
    if min(schedule.epochs, schedule.batch) < 1:
        raise InputError("det-retrain: epochs and batch must be at least 1")
    network = train(
        _initial(path, str(recipe["model"]), names, settings.seed),
        scenes,
        canvas,
        schedule,
        Augmentation() if recipe["augment"] else NO_AUGMENTATION,
        seed=settings.seed,
        device=settings.device,
        checkpoint=folder / "last.ckpt" if folder is not None else None,
        identity=key,
        progress=progress,
    )
    if kept is None:
        return Detector(network, names, settings.device)
    save_network(
        kept,
        network,
        names,
        {"key": key, "recipe": dict(trains), "seed": settings.seed, "method": fused.method},
    )
    (kept.parent / "last.ckpt").unlink(missing_ok=True)
    # What was saved (float16) is what is used, so that a resumed run gives the same numbers.
    return Detector(*load_network(kept), settings.device)


def _initial(path: Path | None, model: str, names: tuple[str, ...], seed: int) -> Any:
    """The network to begin with: a checkpoint with new class layers, or an architecture with random
    weights."""
    if path is not None and path.suffix.lower() not in {".yaml", ".yml"}:
        return with_classes(load_network(path)[0], names, seed)
    if path is None and not model.endswith((".yaml", ".yml")):
        raise InputError(
            f"detection.model={model}: there is no such file; name a checkpoint to fine-tune, or an"
            " architecture (yolov5n.yaml)"
        )
    return build_network(path or model, names, seed)


def _scene(training: FusedSet, boxed: BoxedSet, pair: Pair) -> Scene:
    boxes = boxed.boxes[pair.name]
    return Scene(as_rgb(training.fused(pair.name)), boxes.xyxy, boxes.classes)
