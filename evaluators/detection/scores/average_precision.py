"""Average precision exactly as COCO defines it (greedy matching by score, 101-point interpolation),
vectorised over IoU thresholds and over bootstrap draws. Equal to pycocotools within 1e-6 (tests); objects are
never "crowd" or ignored by area.

Source: the COCO evaluation protocol, https://cocodataset.org/#detection-eval, Lin et al. 2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

IOU_THRESHOLDS: FloatArray = np.linspace(0.5, 0.95, 10)
RECALLS: FloatArray = np.linspace(0.0, 1.0, 101)
MOST_DETECTIONS = 100
"""Of one class that count in an image, best first: COCO's cap."""
_CHUNK = 4_000_000
"""Numbers in one intermediate array over draws and detections."""


@dataclass(frozen=True)
class Found:
    """The detections of one image: boxes N×4 (x0 y0 x1 y1, pixels), scores N, class indices N."""

    xyxy: FloatArray
    scores: FloatArray
    classes: IntArray


@dataclass(frozen=True)
class Truth:
    """The objects of one image: boxes N×4 (x0 y0 x1 y1, pixels), class indices N."""

    xyxy: FloatArray
    classes: IntArray


@dataclass(frozen=True)
class ClassMatches:
    """One class over all images.

    Detections stand in falling order of score: ``scores`` D, the ``images`` they are in D, their ``places``
    among that image's detections D, and whether each is a true positive, by IoU threshold: ``hits`` T×D.
    ``objects`` counts the ground truth of each image.
    """

    scores: FloatArray
    images: IntArray
    places: IntArray
    hits: BoolArray
    objects: IntArray


def intersection_over_union(first: FloatArray, second: FloatArray) -> FloatArray:
    """IoU of every box of N×4 with every box of M×4 (x0 y0 x1 y1): N×M."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None] - common
    ratio: FloatArray = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return ratio


def match_image(overlaps: FloatArray) -> BoolArray:
    """Which detections are true positives: T×D.

    ``overlaps`` is the IoU D×G of detections in falling order of score with objects.

    Greedy, as COCO: each detection takes the free object that it overlaps most (of equals the last), if that
    reaches the threshold.
    """
    count, objects = overlaps.shape
    hits = np.zeros((len(IOU_THRESHOLDS), count), bool)
    if not count or not objects:
        return hits
    least = np.minimum(IOU_THRESHOLDS, 1 - 1e-10)[:, None]
    free = np.ones((len(IOU_THRESHOLDS), objects), bool)
    rows = np.arange(len(IOU_THRESHOLDS))
    for i in np.flatnonzero(overlaps.max(axis=1) >= IOU_THRESHOLDS[0]):
        able = np.where(free & (overlaps[i] >= least), overlaps[i], -1.0)
        best = objects - 1 - able[:, ::-1].argmax(axis=1)
        taken = able[rows, best] >= 0
        hits[taken, i] = True
        free[rows[taken], best[taken]] = False
    return hits


def match_class(found: Sequence[Found], truth: Sequence[Truth], index: int) -> ClassMatches:
    """Match the detections of one class in all images (in the images' order, which decides between equal
    scores).
    """
    scores, images, places, hits, objects = [], [], [], [], []
    for number, (detections, real) in enumerate(zip(found, truth, strict=True)):
        mine = np.flatnonzero(detections.classes == index)
        mine = mine[np.argsort(-detections.scores[mine], kind="stable")][:MOST_DETECTIONS]
        boxes = real.xyxy[real.classes == index]
        scores.append(detections.scores[mine])
        images.append(np.full(len(mine), number))
        places.append(mine)
        hits.append(match_image(intersection_over_union(detections.xyxy[mine], boxes)))
        objects.append(len(boxes))
    joined = np.concatenate(scores) if scores else np.zeros(0)
    order = np.argsort(-joined, kind="stable")
    return ClassMatches(
        joined[order],
        np.concatenate(images).astype(np.int64)[order],
        np.concatenate(places).astype(np.int64)[order],
        np.concatenate(hits, axis=1)[:, order],
        np.array(objects, np.int64),
    )


def average_precision(matches: ClassMatches, weights: IntArray | None = None) -> FloatArray:
    """AP by draw and IoU threshold: B×T.

    ``weights`` B×images says how often each draw takes each image (None: each once).

    NaN in draws that take no object of the class.
    """
    if weights is None:
        weights = np.ones((1, len(matches.objects)), np.int64)
    result = np.full((len(weights), len(IOU_THRESHOLDS)), np.nan)
    step = max(1, _CHUNK // max(1, len(matches.scores)))
    for start in range(0, len(weights), step):
        chunk = weights[start : start + step]
        objects = chunk @ matches.objects
        taken = chunk[:, matches.images].cumsum(axis=1)  # B×D: detections so far
        for t, hits in enumerate(matches.hits):
            where = np.flatnonzero(hits)
            # Precision rises and recall changes at true positives only, so those points decide all.
            right = chunk[:, matches.images[where]].cumsum(axis=1)
            precision = np.divide(right, taken[:, where], out=np.zeros(right.shape), where=right > 0)
            envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
            recall = right / np.maximum(objects, 1)[:, None]
            reached = np.searchsorted(RECALLS, recall, side="right")
            gained = np.diff(reached, axis=1, prepend=0)
            result[start : start + step, t] = (envelope * gained).sum(axis=1) / len(RECALLS)
        result[start : start + step][objects == 0] = np.nan
    return result


def precision_curve(matches: ClassMatches) -> FloatArray:
    """Interpolated precision at the 101 recalls by IoU threshold: T×101 (0 where a recall isn't reached)."""
    total = int(matches.objects.sum())
    curve = np.zeros((len(IOU_THRESHOLDS), len(RECALLS)))
    ranks = np.arange(1, len(matches.scores) + 1)
    for t, hits in enumerate(matches.hits):
        right = hits.cumsum()
        if not total or not right.size:
            continue
        envelope = np.maximum.accumulate((right / ranks)[::-1])[::-1]
        first = np.searchsorted(right / total, RECALLS, side="left")
        inside = first < len(envelope)
        curve[t, inside] = envelope[first[inside]]
    return curve


def best_confidence(matches: Sequence[ClassMatches]) -> float:
    """The confidence at which F1 of all classes together is best at IoU .5; infinite where nothing is ever
    right.
    """
    scores = np.concatenate([m.scores for m in matches]) if matches else np.zeros(0)
    if not scores.size:
        return float("inf")
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], np.concatenate([m.hits[0] for m in matches])[order]
    right = hits.cumsum()
    objects = sum(int(m.objects.sum()) for m in matches)
    f1 = 2 * right / (np.arange(1, len(hits) + 1) + objects)
    f1[:-1][scores[1:] == scores[:-1]] = -1  # a confidence takes all detections of its score
    return float(scores[f1.argmax()]) if right[-1] else float("inf")


def counts_at(matches: ClassMatches, confidence: float) -> tuple[IntArray, IntArray]:
    """True and false positives of each image at IoU .5 among the detections of at least this confidence."""
    chosen = matches.scores >= confidence
    size = len(matches.objects)
    right = np.bincount(matches.images[chosen & matches.hits[0]], minlength=size)
    wrong = np.bincount(matches.images[chosen & ~matches.hits[0]], minlength=size)
    return right.astype(np.int64), wrong.astype(np.int64)
