"""SGDFuse's candidates judged at the task, on training pairs alone: the criterion of
methods/sgdfuse/training-log.md, 10.

python tools/select_sgdfuse.py --data FOLDER --judge yolov8n.pt --store FOLDER [--masks NAME] WEIGHTS…

FOLDER holds `msrs`, `roadscene`, `train/llvip`, `train/m3svd` and `msrs/detection_train/labels` (YOLO files
of MSRS training pairs). The row `max` comes first. WEIGHTS are files, or `shipped`, `rule` (the treatment by
the masks alone, no network), `infrared`, `visible`. With --store the judge's view of the sensors and the
finished rows are kept in FOLDER.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from fusionbench.contracts.dataset import Boxes, PairImages
from fusionbench.contracts.method import MethodContext
from fusionbench.evaluators.detection.judge.detector import Detector, Thresholds, load_detector
from fusionbench.evaluators.detection.scores.average_precision import (
    Found,
    Truth,
    average_precision,
    intersection_over_union,
    match_class,
)
from fusionbench.evaluators.detection.scores.class_maps import ClassMap
from fusionbench.files.artifacts import file_hashes
from fusionbench.methods.sgdfuse.config import load_config
from fusionbench.methods.sgdfuse.masks import MaskCache, get_provider, pair_masks
from fusionbench.methods.sgdfuse.network.treatment import gaussian, treat
from fusionbench.methods.sgdfuse.training.truth import read_yolo_boxes
from fusionbench.plugins import catalog

UInt8Array = npt.NDArray[np.uint8]
Fuse = Callable[["Scene"], UInt8Array]
"""A scene → its fused image, uint8 H×W×3."""

GROUPS = {"person": 0, "bicycle": 1, "motorcycle": 1, "car": 2, "bus": 2, "truck": 2}
PERSON, VEHICLE = 0, 2
SURE, PLAUSIBLE, OVERLAP = 0.5, 0.25, 0.5
"""Confidence of what should be found again, confidence of what may be found without being new, and the IoU
that makes two one.
"""
SHARES = {"AP": 0.5, "demo": 0.25, "agreement": 0.25}
DEMO_SCENES = 48
LLVIP_PERSON = 0
COCO_PERSON = 0


@dataclass(frozen=True)
class Scene:
    """A training pair; `people` are its labelled boxes, `truth` a demo scene's boxes of person and vehicle
    (None: no labels).
    """

    dataset: str
    name: str
    images: PairImages
    people: Truth | None = None
    truth: Truth | None = None
    agrees: bool = False
    """Counts for the agreement with both sensors."""


@dataclass
class Judge:
    """YOLOv8n with the road users of COCO in three groups."""

    detector: Detector
    classes: ClassMap
    reference: dict[str, tuple[Found, Found]] = field(default_factory=dict)

    def find(self, image: UInt8Array) -> Found:
        """Detections from confidence .001."""
        return self.detector.find(image, Thresholds(), self.classes)


def load_judge(path: Path) -> Judge:
    """The judge of a YOLO file with COCO's classes."""
    detector = load_detector(path, file_hashes(path)[0], "cpu")
    return Judge(detector, ClassMap(tuple(GROUPS.get(name, -1) for name in detector.names), ()))


def load_scenes(data: Path, demo: bool = True) -> list[Scene]:
    """The scenes of the criterion, in its order."""
    scenes = []
    for name, root, stride in (
        ("msrs", data / "msrs", 1),
        ("llvip", data / "train" / "llvip", 1),
        ("roadscene", data / "roadscene", 3),
        ("m3svd", data / "train" / "m3svd", 3),
    ):
        spec = catalog.datasets.get(name)
        dataset = catalog.build(spec.factory)(spec, root)
        split = "train" if "train" in spec.splits else spec.splits[0]
        for pair in list(dataset.pairs(split))[::stride]:
            images = dataset.load(pair, labels=name == "llvip")
            boxes = images.boxes
            labels = data / "msrs" / "detection_train" / "labels" / f"{pair.name}.txt"
            if name == "msrs" and labels.is_file():
                boxes = read_yolo_boxes(labels, *images.infrared.shape)
            people = _people(boxes) if boxes is not None else None
            plain = PairImages(images.infrared, images.visible)
            scenes.append(Scene(name, pair.name, plain, people, None, agrees=True))
    if demo:
        scenes += _demo_scenes()
    return scenes


def _demo_scenes() -> list[Scene]:
    spec = catalog.datasets.get("demo")
    options = {**spec.options, "train_count": DEMO_SCENES, "size": "640x480"}
    spec = spec.model_copy(update={"options": options})
    dataset = catalog.build(spec.factory)(spec, None)
    groups = np.array([GROUPS.get({"bike": "bicycle"}.get(name, name), -1) for name in spec.box_classes])
    scenes = []
    for pair in dataset.pairs("train"):
        images = dataset.load(pair, labels=True)
        assert images.boxes is not None
        truth = Truth(images.boxes.xyxy, groups[images.boxes.classes])
        scenes.append(Scene("demo", pair.name, PairImages(images.infrared, images.visible), None, truth))
    return scenes


def _people(boxes: Boxes) -> Truth:
    chosen = boxes.classes == COCO_PERSON
    return Truth(boxes.xyxy[chosen], np.full(int(chosen.sum()), PERSON, np.int64))


def task_figures(fuse: Fuse, scenes: Sequence[Scene], judge: Judge) -> dict[str, float]:
    """AP, demo, agreement (with its recall and precision) of a way to fuse."""
    labelled: list[tuple[Found, Truth]] = []
    rendered: list[tuple[Found, Truth]] = []
    counts = np.zeros(4)
    for scene in scenes:
        found = judge.find(fuse(scene))
        if scene.people is not None:
            labelled.append((found, scene.people))
        if scene.truth is not None:
            rendered.append((found, scene.truth))
        if scene.agrees:
            counts += _agreement_counts(found, _reference(scene, judge))
    figures = {
        "AP": _mean_precision(labelled, [PERSON], slice(None)),
        "AP50": _mean_precision(labelled, [PERSON], 0),
    }
    if rendered:
        figures["demo"] = _mean_precision(rendered, [PERSON, VEHICLE], slice(None))
    recall, precision = float(counts[0] / max(counts[1], 1)), float(counts[2] / max(counts[3], 1))
    agreement = 2 * recall * precision / max(recall + precision, 1e-9)
    return {**figures, "agreement": agreement, "recall": recall, "precision": precision}


def task_score(figures: dict[str, float], maximum: dict[str, float]) -> float:
    """½ AP + ¼ demo + ¼ agreement, each over the plain maximum's."""
    return sum(share * figures[name] / maximum[name] for name, share in SHARES.items())


def _mean_precision(
    rows: Sequence[tuple[Found, Truth]], groups: Iterable[int], thresholds: slice | int
) -> float:
    found, truth = [row[0] for row in rows], [row[1] for row in rows]
    values = [average_precision(match_class(found, truth, group))[0, thresholds] for group in groups]
    return float(np.mean([np.mean(value) for value in values]))


def _reference(scene: Scene, judge: Judge) -> tuple[Found, Found]:
    """What either sensor shows: surely (doubles joined), and plausibly."""
    key = f"{scene.dataset}/{scene.name}"
    if key not in judge.reference:
        infrared = np.repeat(scene.images.infrared[..., None], 3, axis=2)
        both = _joined(judge.find(infrared), judge.find(scene.images.visible))
        judge.reference[key] = (_distinct(_at_least(both, SURE)), _at_least(both, PLAUSIBLE))
    return judge.reference[key]


def _joined(first: Found, second: Found) -> Found:
    return Found(
        np.concatenate((first.xyxy, second.xyxy)),
        np.concatenate((first.scores, second.scores)),
        np.concatenate((first.classes, second.classes)),
    )


def _at_least(found: Found, confidence: float) -> Found:
    kept = found.scores >= confidence
    return Found(found.xyxy[kept], found.scores[kept], found.classes[kept])


def _distinct(found: Found) -> Found:
    """Of detections of one class that overlap by the IoU that makes two one, the surest."""
    kept: list[int] = []
    for index in np.argsort(-found.scores, kind="stable"):
        same = [other for other in kept if found.classes[other] == found.classes[index]]
        overlaps = (
            intersection_over_union(found.xyxy[[index]], found.xyxy[same]) if same else np.zeros((1, 0))
        )
        if not (overlaps >= OVERLAP).any():
            kept.append(int(index))
    return Found(found.xyxy[kept], found.scores[kept], found.classes[kept])


def _agreement_counts(found: Found, reference: tuple[Found, Found]) -> npt.NDArray[np.float64]:
    """Found again, wanted, not new, found in all."""
    sure, plausible = reference
    own = _distinct(_at_least(found, SURE))
    again = _matched(sure, own)
    known = _matched(own, plausible)
    return np.array([again.sum(), len(again), known.sum(), len(known)], np.float64)


def _matched(first: Found, second: Found) -> npt.NDArray[np.bool_]:
    """Which of the first have a detection of their class in the second."""
    if not len(first.scores) or not len(second.scores):
        return np.zeros(len(first.scores), np.bool_)
    overlaps = intersection_over_union(first.xyxy, second.xyxy) >= OVERLAP
    same = first.classes[:, None] == second.classes[None, :]
    return np.asarray((overlaps & same).any(axis=1), np.bool_)


def infrared_alone(scene: Scene) -> UInt8Array:
    """Infrared as three equal channels."""
    return np.repeat(scene.images.infrared[..., None], 3, axis=2)


def visible_alone(scene: Scene) -> UInt8Array:
    """The visible image."""
    return scene.images.visible


def plain_maximum(scene: Scene) -> UInt8Array:
    """The method `max` of the suite: the larger luma with the visible chroma."""
    visible = scene.images.visible.astype(np.float32)
    luma = visible @ np.array([0.299, 0.587, 0.114], np.float32)
    lifted = visible + (np.maximum(luma, scene.images.infrared) - luma)[..., None]
    levels: UInt8Array = np.clip(np.rint(lifted), 0, 255).astype(np.uint8)
    return levels


def rule(masks: str, cache: Path | None) -> Fuse:
    """T(M) of the given masks with the default preset's settings: what the network starts from."""
    provider = get_provider(masks)
    settings = load_config("default").treatment
    kept = MaskCache(cache) if cache else None

    def fuse(scene: Scene) -> UInt8Array:
        found = pair_masks(provider, scene.images.infrared, scene.images.visible, kept)
        joint = gaussian(torch.from_numpy(np.maximum(*found))[None, None].float(), settings.softness)
        visible = scene.images.visible.astype(np.float32)
        luma = visible @ np.array([0.299, 0.587, 0.114], np.float32)
        infrared = torch.from_numpy(scene.images.infrared)[None, None].float() / 255
        treated = treat(infrared, torch.from_numpy(luma)[None, None] / 255, joint, settings)[0, 0].numpy()
        lifted = visible + (255 * treated - luma)[..., None]
        return np.asarray(np.clip(np.rint(lifted), 0, 255), np.uint8)

    return fuse


def sgdfuse(weights: Path | None, masks: str, cache: Path | None, precision: str = "fp32") -> Fuse:
    """The method with a weights file (None: the shipped ones) and a mask provider, as a run uses it."""
    spec = catalog.methods.get("sgdfuse")
    options = {"masks": masks} | ({"weights": str(weights)} if weights else {})
    context = MethodContext(0, options, cache, weights=_artifact)
    method = catalog.build(spec.factory)(spec, context)
    method.load(torch.device("cpu"), "fp32")

    def fuse(scene: Scene) -> UInt8Array:
        infrared = torch.from_numpy(scene.images.infrared)[None, None].float() / 255
        visible = torch.from_numpy(scene.images.visible).permute(2, 0, 1)[None].float() / 255
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            fused = method.fuse(infrared, visible)[0].permute(1, 2, 0)
        return np.asarray((255 * fused).round().clamp(0, 255).byte().numpy(), np.uint8)

    return fuse


def _artifact(name: str) -> Path:
    from fusionbench.files.artifacts import locate

    return locate(next(item for item in catalog.methods.get("sgdfuse").artifacts if item.name == name))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one JSON line a candidate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", nargs="*", help="weights files, shipped, rule, infrared or visible")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--masks", default="two-sensor")
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--store", type=Path, required=True, help="folder of masks and finished rows")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    options.store.mkdir(parents=True, exist_ok=True)
    scenes = [*load_scenes(options.data, demo=False), *_demo_scenes()]
    judge = load_judge(options.judge)
    finished, seen = options.store / "rows.json", options.store / f"reference-{options.judge.stem}.json"
    rows: dict[str, dict[str, float]] = json.loads(finished.read_text()) if finished.exists() else {}
    if seen.exists():
        known = json.loads(seen.read_text())
        judge.reference = {key: (_unpacked(sure), _unpacked(maybe)) for key, (sure, maybe) in known.items()}
    for name in ["max", *options.weights]:
        key = name if name == "max" else f"{name}, {options.masks}, {options.precision}"
        if key not in rows:
            rows[key] = task_figures(_candidate(name, options), scenes, judge)
            finished.write_text(json.dumps(rows))
            seen.write_text(
                json.dumps({k: [_packed(f) for f in pair] for k, pair in judge.reference.items()})
            )
        line = {"candidate": key, "score": task_score(rows[key], rows["max"]), **rows[key]}
        print(json.dumps({k: v if isinstance(v, str) else round(v, 4) for k, v in line.items()}), flush=True)


def _candidate(name: str, options: argparse.Namespace) -> Fuse:
    sources = {"max": plain_maximum, "infrared": infrared_alone, "visible": visible_alone}
    if name in sources:
        return sources[name]
    if name == "rule":
        return rule(options.masks, options.store / "masks")
    weights = None if name == "shipped" else Path(name)
    return sgdfuse(weights, options.masks, options.store, options.precision)


def _packed(found: Found) -> list[list[float]]:
    return [found.xyxy.tolist(), found.scores.tolist(), found.classes.tolist()]


def _unpacked(kept: list[list[float]]) -> Found:
    boxes = np.array(kept[0], np.float64).reshape(-1, 4)
    return Found(boxes, np.array(kept[1], np.float64), np.array(kept[2], np.int64))


if __name__ == "__main__":
    main()
