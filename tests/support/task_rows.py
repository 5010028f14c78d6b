"""Synthetic runs of the downstream tasks: rows and details of the store's form, made-up numbers, clearly not
measurements.

Eight scenes (four by day, four by night) of 96×128 with boxes and label maps; six methods, each a little
better than the one before it in the list.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from fusionbench.contracts.dataset import Boxes, DatasetSpec, PairImages
from fusionbench.contracts.report import ReportInput
from tests.support.report_rows import report_input, row, synthetic_pair

METHODS = ("infrared", "visible", "average", "max", "laplacian", "sgdfuse")
IMAGES = ("00001D", "00002N", "00003D", "00004N", "00005D", "00006N", "00007D", "00008N")
CLASSES = ("unlabelled", "car", "person", "bike", "curve", "car_stop", "guardrail", "color_cone", "bump")
BOX_CLASSES = ("person", "car")
DRAWS = 200
SIZE = (96, 128)


def truth_boxes(image: str) -> list[tuple[str, float, float, float, float]]:
    """A person and a car a scene, at places that depend on it."""
    i = IMAGES.index(image)
    return [
        ("person", 6.0 + 3 * i, 20.0, 18.0 + 3 * i, 60.0),
        ("car", 60.0 + 2 * i, 50.0, 100.0 + 2 * i, 80.0),
    ]


def truth_labels(image: str) -> np.ndarray:
    """A label map with a car, a person, a curve, a cone, a bike and a strip of bump; ids 5 and 6 don't occur."""
    labels = np.zeros(SIZE, np.uint8)
    for class_name, x0, y0, x1, y1 in truth_boxes(image):
        labels[int(y0) : int(y1), int(x0) : int(x1)] = CLASSES.index(class_name)
    labels[85:88, :] = 4
    labels[70:80, 5:12] = 7
    labels[62:78, 35:50] = 3
    labels[90:95, 20:60] = 8
    return labels


def task_pair(dataset: str, split: str, image: str) -> PairImages:
    """The synthetic pair with labels and boxes; the visible image is dark by night."""
    pair = synthetic_pair(dataset, split, image)
    boxes = truth_boxes(image)
    return PairImages(
        infrared=pair.infrared,
        visible=pair.visible // 8 if image.endswith("N") else pair.visible,
        labels=truth_labels(image),
        boxes=Boxes(
            np.array([b[1:] for b in boxes]), np.array([BOX_CLASSES.index(b[0]) for b in boxes], np.int64)
        ),
    )


def _shift(method: str, image: str, seed: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng([METHODS.index(method), IMAGES.index(image), seed, purpose])


def _about(
    task: str, protocol: str, method: str, seed: int, retrained: bool, images: Iterable[str]
) -> dict[str, Any]:
    judge = {"detection": "yolov8n", "segmentation": "deeplabv3plus-mobilenet_v2"}[task]
    return {
        "protocol": protocol,
        "judge": judge,
        "hash8": "3fa9c1d2",
        "images": sorted(images),
        "image_digest": "d" * 64,
        "judge_sha256": f"{METHODS.index(method)}{seed}" * 32 if retrained else "ab" * 32,
        "recipe": {"size": 640},
        "judge_training": "" if retrained else "COCO train2017, never on fused images",
        "seed": seed,
        "dev_only": "two folds of the test split" if protocol.endswith("devonly") else "",
        "classes": list(CLASSES if task == "segmentation" else BOX_CLASSES),
    }


def detection(
    folder: Path,
    methods: Iterable[str] = METHODS,
    protocol: str = "det-zeroshot",
    seeds: Iterable[int] = (0,),
    dataset: str = "demo",
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows and detail records of detection units; their files go to ``folder``/details."""
    rows, records = [], []
    convention = f"{protocol}/yolov8n@3fa9c1d2"
    retrained = protocol == "det-retrain"
    for method in methods:
        rank = METHODS.index(method)
        for seed in seeds:
            base = {"dataset": dataset, "evaluator": "detection", "convention": convention, "seed": seed}
            quality = 0.40 + 0.05 * rank + (0.01 * seed if retrained else 0)
            for name, factor in (
                ("mAP", 0.7),
                ("mAP50", 1.2),
                ("mAP70", 0.9),
                ("mAP90", 0.2),
                ("Precision", 1.1),
                ("Recall", 1.0),
            ):
                values = {c: min(1.0, quality * factor + 0.05 * i) for i, c in enumerate(BOX_CLASSES)}
                rows += [row(method, name, v, image="", class_name=c, **base) for c, v in values.items()]
                rows.append(row(method, name, float(np.mean(list(values.values()))), image="", **base))
            predictions, truth = [], []
            for image in IMAGES:
                random = _shift(method, image, seed, 0)
                hits = 0
                for class_name, *box in truth_boxes(image):
                    truth.append(
                        {
                            "image": image,
                            "class_name": class_name,
                            **dict(zip(("x0", "y0", "x1", "y1"), box, strict=True)),
                        }
                    )
                    if random.random() < 0.5 + 0.09 * rank:
                        moved = np.array(box) + random.normal(scale=1.0, size=4)
                        hits += 1
                        predictions.append(
                            _prediction(image, class_name, 0.55 + 0.4 * random.random(), moved, True)
                        )
                if random.random() < 0.4:
                    predictions.append(
                        _prediction(
                            image, "car", 0.3 + 0.5 * random.random(), np.array([2.0, 2.0, 30.0, 16.0]), False
                        )
                    )
                for name, count in (("TP", hits), ("FP", len(predictions) % 2), ("FN", 2 - hits)):
                    rows.append(row(method, name, float(count), image=image, **base))
            unit = _unit(
                folder,
                f"detection--{method}--{protocol}--{seed}",
                _about("detection", protocol, method, seed, retrained, IMAGES),
            )
            pd.DataFrame(predictions).to_parquet(unit / "predictions.parquet")
            pd.DataFrame(truth).to_parquet(unit / "truth.parquet")
            recall = np.linspace(0, 1, 101)
            curves = [
                pd.DataFrame(
                    {
                        "class_name": c,
                        "iou": iou,
                        "recall": recall,
                        "precision": np.where(
                            recall < min(1, quality + 0.3), 1 - recall ** (3 + rank) * (iou + 0.2), 0.0
                        ),
                    }
                )
                for c in BOX_CLASSES
                for iou in (0.5, 0.75)
            ]
            pd.concat(curves).to_parquet(unit / "curves.parquet")
            _resamples(method, seed, ["mAP", "mAP50"], BOX_CLASSES, quality * 0.7).to_parquet(
                unit / "resamples.parquet"
            )
            records.append(_record(unit, method, dataset, "detection", protocol, seed))
    return rows, records


def _prediction(image: str, class_name: str, score: float, box: np.ndarray, correct: bool) -> dict[str, Any]:
    flags = {f"tp{t}": correct and t <= 75 for t in range(50, 100, 5)}
    return {
        "image": image,
        "class_name": class_name,
        "score": score,
        **dict(zip(("x0", "y0", "x1", "y1"), map(float, box), strict=True)),
        **flags,
    }


def _resamples(
    method: str, seed: int, metrics: Iterable[str], classes: Iterable[str], level: float
) -> pd.DataFrame:
    """Draws whose noise is shared by all methods (the images), but for a little of their own."""
    shared = np.random.default_rng(7).normal(scale=0.05, size=DRAWS)
    own = np.random.default_rng([METHODS.index(method), seed]).normal(scale=0.005, size=DRAWS)
    parts = [
        pd.DataFrame({"metric": m, "class_name": c, "draw": np.arange(DRAWS), "value": level + shared + own})
        for m in metrics
        for c in ("", *classes)
    ]
    return pd.concat(parts, ignore_index=True)


def segmentation(
    folder: Path,
    methods: Iterable[str] = METHODS,
    protocol: str = "seg-frozen",
    seeds: Iterable[int] = (0,),
    dataset: str = "demo",
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows and detail records of segmentation units; all scores are computed from the confusion matrices
    left.
    """
    rows, records = [], []
    convention = f"{protocol}/deeplabv3plus-mobilenet_v2@3fa9c1d2"
    retrained = protocol not in ("seg-frozen", "demo-seg")
    for method in methods:
        for seed in seeds:
            base = {"dataset": dataset, "evaluator": "segmentation", "convention": convention, "seed": seed}
            unit = _unit(
                folder,
                f"segmentation--{method}--{protocol}--{seed}",
                _about("segmentation", protocol, method, seed, retrained, IMAGES),
            )
            (unit / "masks").mkdir(exist_ok=True)
            cells, tables = [], {}
            for image in IMAGES:
                labels = truth_labels(image)
                mask = _predicted(labels, method, image, seed)
                cv2.imwrite(str(unit / "masks" / f"{image}.png"), mask)
                table = np.bincount(labels.ravel().astype(int) * 9 + mask.ravel(), minlength=81).reshape(9, 9)
                tables[image] = table
                cells += [
                    {"image": image, "true": CLASSES[i], "predicted": CLASSES[j], "pixels": int(table[i, j])}
                    for i, j in zip(*np.nonzero(table), strict=True)
                ]
                rows.append(
                    row(method, "PixelAccuracy", float(np.trace(table) / table.sum()), image=image, **base)
                )
            pd.DataFrame(cells).to_parquet(unit / "confusion.parquet")
            scores = _segmentation_scores(np.sum(list(tables.values()), axis=0))
            rows += [row(method, m, v, image="", class_name=c, **base) for (m, c), v in scores.items()]
            picks = np.random.default_rng(11).integers(0, len(IMAGES), (DRAWS, len(IMAGES)))
            draws = [
                _segmentation_scores(np.sum([tables[IMAGES[i]] for i in pick], axis=0)) for pick in picks
            ]
            pd.DataFrame(
                [
                    {"metric": m, "class_name": c, "draw": d, "value": v}
                    for d, s in enumerate(draws)
                    for (m, c), v in s.items()
                ]
            ).to_parquet(unit / "resamples.parquet")
            records.append(_record(unit, method, dataset, "segmentation", protocol, seed))
    return rows, records


def _predicted(labels: np.ndarray, method: str, image: str, seed: int) -> np.ndarray:
    """The truth, moved by a pixel or two and with some classes confused: less so for better methods."""
    random = _shift(method, image, seed, 1)
    rank = METHODS.index(method)
    mask = np.roll(labels, int(random.integers(0, 7 - rank)), axis=1)
    for class_id in np.unique(labels)[1:]:
        if random.random() < 0.3 - 0.04 * rank:
            mask[mask == class_id] = 0
    return mask.astype(np.uint8)


def _segmentation_scores(table: np.ndarray) -> dict[tuple[str, str], float]:
    hits = np.diag(table)
    union = table.sum(0) + table.sum(1) - hits
    iou = {CLASSES[i]: float(hits[i] / union[i]) for i in range(9) if union[i]}
    found = {("IoU", c): v for c, v in iou.items()}
    found["mIoU", ""] = float(np.mean(list(iou.values())))
    found["mIoU_labelled", ""] = float(np.mean([v for c, v in iou.items() if c != "unlabelled"]))
    found["PixelAccuracy", ""] = float(hits.sum() / table.sum())
    return found


def _unit(folder: Path, stem: str, about: dict[str, Any]) -> Path:
    unit = folder / "run" / "details" / stem
    unit.mkdir(parents=True, exist_ok=True)
    (unit / "about.json").write_text(json.dumps(about))
    return unit


def _record(
    unit: Path, method: str, dataset: str, evaluator: str, protocol: str, seed: int
) -> dict[str, Any]:
    return {
        "method": method,
        "dataset": dataset,
        "split": "test",
        "evaluator": evaluator,
        "protocol": protocol,
        "seed": seed,
        "folder": unit,
    }


def task_input(
    folder: Path,
    *parts: tuple[list[dict[str, Any]], list[dict[str, Any]]],
    fused: bool = False,
    **options: Any,
) -> ReportInput:
    """What a report gets of several tasks' rows and records (results of ``detection`` and ``segmentation``)."""
    from dataclasses import replace

    from tests.support.report_rows import frame

    rows = frame([r for part in parts for r in part[0]])
    details = pd.DataFrame([r for part in parts for r in part[1]])
    fused_dir = folder / "run" / "fused"
    if fused:
        for method in rows["method"].unique():
            for image in IMAGES:
                pair = task_pair("demo", "test", image)
                grey = np.repeat(pair.infrared[..., None], 3, 2)
                picture = {"infrared": grey, "visible": pair.visible}.get(
                    method, np.maximum(grey, pair.visible)
                )
                path = fused_dir / method / "demo" / "test" / f"{image}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), picture[..., ::-1])
    data = report_input(rows, details=details, fused=fused_dir, **options)
    datasets = {
        name: DatasetSpec(name=name, title=spec.title, semantic_classes=CLASSES, box_classes=BOX_CLASSES)
        for name, spec in data.datasets.items()
    }
    digits = {name: spec.model_copy(update={"digits": 3}) for name, spec in data.metrics.items()}
    return replace(data, load_pair=task_pair, datasets=datasets, metrics=digits)
