"""From detections and ground truth of a set to values, and to the tables that reports read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusionbench.contracts.evaluator import Value
from fusionbench.statistics.intervals import image_draws

from ...judging.details import draws_table, write_about, write_table
from .average_precision import (
    IOU_THRESHOLDS,
    RECALLS,
    ClassMatches,
    FloatArray,
    Found,
    IntArray,
    Truth,
    average_precision,
    best_confidence,
    counts_at,
    match_class,
    precision_curve,
)

AP_METRICS: Mapping[str, tuple[int, ...]] = {
    "mAP": tuple(range(10)),
    "mAP50": (0,),
    "mAP70": (4,),
    "mAP90": (8,),
}
"""Which of the IoU thresholds each averages."""
IMAGE_METRICS = ("TP", "FP", "FN")
"""What is counted of each image."""


@dataclass(frozen=True)
class ScoredSet:
    """A set of images, matched. ``missing`` are the classes that the judge doesn't know."""

    names: tuple[str, ...]
    classes: tuple[str, ...]
    missing: tuple[str, ...]
    found: tuple[Found, ...]
    truth: tuple[Truth, ...]
    matches: Mapping[str, ClassMatches]
    """By class, of the classes that the judge knows and the set has objects of."""
    confidence: float

    @property
    def counted(self) -> tuple[str, ...]:
        """The classes that means are taken over."""
        return tuple(name for name, m in self.matches.items() if m.objects.sum())


def score_set(
    names: Sequence[str],
    classes: Sequence[str],
    missing: Sequence[str],
    found: Sequence[Found],
    truth: Sequence[Truth],
) -> ScoredSet:
    """Match detections with objects. Lists run over images; class indices are places in ``classes``.

    Classes that the judge doesn't know, or of which the whole set has no object, are left out: nobody may
    have labelled them.
    """
    there = {int(i) for real in truth for i in real.classes}
    matches = {
        name: match_class(found, truth, i)
        for i, name in enumerate(classes)
        if name not in missing and i in there
    }
    confidence = best_confidence(list(matches.values()))
    return ScoredSet(
        tuple(names), tuple(classes), tuple(missing), tuple(found), tuple(truth), matches, confidence
    )


def set_values(scored: ScoredSet) -> Iterator[Value]:
    """The values of the whole set: per class, and their means (class “”)."""
    results = resampled(scored, None)
    for (metric, class_name), values in results.items():
        reason = "" if np.isfinite(values[0]) else "no object of a class that the judge knows"
        yield Value(metric, float(values[0]), class_name, reason)
    for index, name in enumerate(scored.classes):
        if name in scored.missing and any((truth.classes == index).any() for truth in scored.truth):
            yield Value("mAP", float("nan"), name, "the judge knows no such class; left out of the mean")


def image_values(scored: ScoredSet) -> Iterator[tuple[str, Value]]:
    """Counts of each image at the set's confidence, over all classes that the judge knows."""
    right, wrong, objects = (np.zeros(len(scored.names), np.int64) for _ in range(3))
    for matches in scored.matches.values():
        hits, misses = counts_at(matches, scored.confidence)
        right, wrong, objects = right + hits, wrong + misses, objects + matches.objects
    for name, *counts in zip(scored.names, right, wrong, objects - right, strict=True):
        for metric, count in zip(IMAGE_METRICS, counts, strict=True):
            yield name, Value(metric, float(count))


def resampled(scored: ScoredSet, weights: IntArray | None) -> dict[tuple[str, str], FloatArray]:
    """(metric, class or “”) → values by draw.

    ``weights`` draws × images says how often a draw takes each image (None: each once).
    """
    results: dict[tuple[str, str], FloatArray] = {}
    for name in scored.counted:
        matches = scored.matches[name]
        precision = average_precision(matches, weights)
        for metric, thresholds in AP_METRICS.items():
            results[metric, name] = precision[:, thresholds].mean(axis=1)
        hits, misses = counts_at(matches, scored.confidence)
        taken = np.ones((1, len(hits)), np.int64) if weights is None else weights
        right, wrong, objects = (taken @ counts for counts in (hits, misses, matches.objects))
        some = objects > 0
        results["Precision", name] = np.where(some, right / np.maximum(right + wrong, 1), np.nan)
        results["Recall", name] = np.where(some, right / np.maximum(objects, 1), np.nan)
    count = 1 if weights is None else len(weights)
    for metric in (*AP_METRICS, "Precision", "Recall"):
        columns = [results[metric, name] for name in scored.counted]
        stacked = np.stack(columns) if columns else np.full((1, count), np.nan)
        there = np.isfinite(stacked)
        total = np.where(there, stacked, 0).sum(axis=0)
        results[metric, ""] = np.divide(
            total, there.sum(axis=0), out=np.full(count, np.nan), where=there.any(axis=0)
        )
    return results


def write_details(folder: Path, scored: ScoredSet, about: Mapping[str, Any]) -> None:
    """Leave predictions, truth, curves, bootstrap resamples and ``about.json`` for reports. Deterministic."""
    write_table(folder / "predictions.parquet", _predictions(scored))
    write_table(folder / "truth.parquet", _boxes(scored.names, scored.classes, scored.truth))
    write_table(folder / "curves.parquet", _curves(scored))
    write_table(folder / "resamples.parquet", draws_table(resampled(scored, image_draws(scored.names))))
    confidence = scored.confidence if np.isfinite(scored.confidence) else None
    known = {
        "confidence": confidence,
        "classes": scored.counted,
        "classes_left_out": scored.missing,
        "images": list(scored.names),
    }
    write_about(folder, {**about, **known})


def _predictions(scored: ScoredSet) -> pd.DataFrame:
    frame = _boxes(scored.names, scored.classes, scored.found)
    frame.insert(2, "score", np.concatenate([f.scores for f in scored.found]) if scored.found else [])
    starts = np.cumsum([0, *(len(f.classes) for f in scored.found)])
    flags = np.zeros((len(frame), len(IOU_THRESHOLDS)), bool)
    for matches in scored.matches.values():
        flags[starts[matches.images] + matches.places] = matches.hits.T
    for column, iou in zip(flags.T, IOU_THRESHOLDS, strict=True):
        frame[f"tp{round(100 * iou)}"] = column
    return frame


def _boxes(names: Sequence[str], classes: Sequence[str], boxes: Sequence[Found | Truth]) -> pd.DataFrame:
    counts = [len(b.classes) for b in boxes]
    xyxy = np.concatenate([b.xyxy for b in boxes]) if boxes else np.zeros((0, 4))
    ids = np.concatenate([b.classes for b in boxes]) if boxes else np.zeros(0, np.int64)
    columns = {
        "image": np.repeat(np.array(names, object), counts),
        "class_name": np.array(classes, object)[ids],
    }
    return pd.DataFrame({**columns, **{name: xyxy[:, i] for i, name in enumerate(("x0", "y0", "x1", "y1"))}})


def _curves(scored: ScoredSet) -> pd.DataFrame:
    frames = [
        pd.DataFrame(
            {
                "class_name": name,
                "iou": np.repeat(IOU_THRESHOLDS.round(2), len(RECALLS)),
                "recall": np.tile(RECALLS, len(IOU_THRESHOLDS)),
                "precision": precision_curve(scored.matches[name]).ravel(),
            }
        )
        for name in scored.counted
    ]
    columns = ["class_name", "iou", "recall", "precision"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
