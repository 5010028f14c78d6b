"""AP against pycocotools on random boxes, against hand-computed cases, and its resampling against resampled
images.
"""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench.evaluators.detection.scores.average_precision import (
    Found,
    Truth,
    average_precision,
    best_confidence,
    counts_at,
    intersection_over_union,
    match_class,
    precision_curve,
)


def random_set(
    seed: int, images: int, classes: int, objects: int, quality: float
) -> tuple[list[Found], list[Truth]]:
    """Objects and detections around them (with ties in score, doubles, and false alarms)."""
    rng = np.random.default_rng(seed)
    found, truth = [], []
    for _ in range(images):
        count = int(rng.integers(0, objects + 1))
        corner, size = rng.uniform(0, 80, (count, 2)), rng.uniform(3, 40, (count, 2))
        boxes, ids = np.concatenate([corner, corner + size], 1), rng.integers(0, classes, count)
        truth.append(Truth(boxes, ids))
        repeats = rng.integers(0, 4, count)
        near = np.repeat(boxes, repeats, 0) + rng.normal(0, quality * 12, (int(repeats.sum()), 4))
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 0.5)
        far_corner = rng.uniform(0, 90, (int(rng.integers(0, 9)), 2))
        far = np.concatenate([far_corner, far_corner + rng.uniform(2, 30, far_corner.shape)], 1)
        both = np.concatenate([near, far])
        labels = np.concatenate([np.repeat(ids, repeats), rng.integers(0, classes, len(far))])
        scores = np.round(rng.uniform(0, 1, len(both)), 2 if rng.random() < 0.5 else 6)
        found.append(Found(both, scores, labels.astype(np.int64)))
    return found, truth


def coco(found: list[Found], truth: list[Truth], classes: int) -> np.ndarray:
    """pycocotools' precision at 101 recalls: T×101×K, -1 for classes without objects."""
    pytest.importorskip("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def xywh(box: np.ndarray) -> list[float]:
        return [box[0], box[1], box[2] - box[0], box[3] - box[1]]

    annotations = [
        {
            "image_id": i + 1,
            "category_id": int(c) + 1,
            "bbox": xywh(b),
            "area": float(np.prod(b[2:] - b[:2])),
            "iscrowd": 0,
        }
        for i, t in enumerate(truth)
        for b, c in zip(t.xyxy, t.classes, strict=True)
    ]
    for number, annotation in enumerate(annotations, 1):
        annotation["id"] = number
    results = [
        {"image_id": i + 1, "category_id": int(c) + 1, "bbox": xywh(b), "score": float(s)}
        for i, f in enumerate(found)
        for b, s, c in zip(f.xyxy, f.scores, f.classes, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        data = COCO()
        data.dataset = {
            "images": [{"id": i + 1} for i in range(len(truth))],
            "annotations": annotations,
            "categories": [{"id": c + 1} for c in range(classes)],
        }
        data.createIndex()
        evaluation = COCOeval(data, data.loadRes(results), "bbox")
        evaluation.params.maxDets = [100]
        evaluation.evaluate()
        evaluation.accumulate()
    return np.asarray(evaluation.eval["precision"][:, :, :, 0, 0])


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    images=st.integers(1, 12),
    classes=st.integers(1, 3),
    objects=st.integers(1, 9),
    quality=st.sampled_from([0.02, 0.1, 0.4]),
)
def test_ap_is_that_of_pycocotools(
    seed: int, images: int, classes: int, objects: int, quality: float
) -> None:
    found, truth = random_set(seed, images, classes, objects, quality)
    if not any(len(f.scores) for f in found):
        return  # pycocotools refuses an empty list
    theirs = coco(found, truth, classes)
    for c in range(classes):
        matches = match_class(found, truth, c)
        ours = average_precision(matches)[0]
        if (theirs[:, :, c] == -1).all():
            assert np.isnan(ours).all()
            continue
        np.testing.assert_allclose(ours, theirs[:, :, c].mean(1), rtol=0, atol=1e-6)
        np.testing.assert_allclose(precision_curve(matches), theirs[:, :, c], rtol=0, atol=1e-6)


def test_only_the_best_hundred_of_an_image_and_class_count() -> None:
    """COCO's cap: of 130 detections of one class, the 30 weakest are neither right nor wrong; the other class
    keeps its own.
    """
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 500, (130, 2))
    boxes = np.concatenate([corner, corner + 20], 1)
    truth = [Truth(np.concatenate([boxes, boxes[:3]]), np.array([0] * 130 + [1] * 3))]
    scores = np.concatenate([rng.permutation(130) / 130, [0.3, 0.2, 0.1]])
    found = [Found(truth[0].xyxy, scores, truth[0].classes)]
    theirs = coco(found, truth, 2)
    for c, expected in ((0, 100), (1, 3)):
        matches = match_class(found, truth, c)
        assert len(matches.scores) == expected
        np.testing.assert_allclose(average_precision(matches)[0], theirs[:, :, c].mean(1), rtol=0, atol=1e-6)
    assert average_precision(match_class(found, truth, 0))[0, 0] == pytest.approx(77 / 101, abs=0.01)


def test_a_case_by_hand() -> None:
    """Two objects; best first: right, wrong, right.

    Precision 1 up to recall 1/2, then 2/3: AP = (51 + 50 · 2/3) / 101.
    """
    truth = [Truth(np.array([[0, 0, 10, 10], [20, 0, 30, 10.0]]), np.array([0, 0]))]
    boxes = np.array([[0, 0, 10, 10], [50, 0, 60, 10], [20, 0, 30, 9.5]])
    matches = match_class([Found(boxes, np.array([0.9, 0.8, 0.7]), np.zeros(3, np.int64))], truth, 0)
    ap = average_precision(matches)[0]
    assert ap[0] == pytest.approx((51 + 50 * 2 / 3) / 101, abs=1e-12)
    assert ap[8] == pytest.approx((51 + 50 * 2 / 3) / 101, abs=1e-12)  # the second has IoU .95
    assert best_confidence([matches]) == 0.7
    right, wrong = counts_at(matches, 0.7)
    assert (right.tolist(), wrong.tolist()) == ([2], [1])


def test_overlaps() -> None:
    a = np.array([[0, 0, 10, 10.0]])
    b = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [3, 3, 3, 3.0]])
    assert intersection_over_union(a, b)[0] == pytest.approx([1, 1 / 3, 0, 0])


def test_nothing_found_and_nothing_there() -> None:
    none = Found(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64))
    objects = Truth(np.array([[0, 0, 5, 5.0]]), np.array([0]))
    missed = match_class([none], [objects], 0)
    assert (average_precision(missed) == 0).all()
    assert (precision_curve(missed) == 0).all()
    assert best_confidence([missed]) == float("inf")
    assert [c.tolist() for c in counts_at(missed, float("inf"))] == [[0], [0]]
    absent = match_class([none], [Truth(np.zeros((0, 4)), np.zeros(0, np.int64))], 0)
    assert np.isnan(average_precision(absent)).all()


@pytest.mark.parametrize("seed", range(4))
def test_weights_are_repeated_images(seed: int) -> None:
    """AP of a draw is the AP of a set that holds its images as often as they were drawn."""
    found, truth = random_set(seed, 7, 1, 6, 0.1)
    rng = np.random.default_rng(seed)
    found = [
        Found(f.xyxy, rng.permutation(1000)[: len(f.scores)] / 1000 + i * 1e-5, f.classes)
        for i, f in enumerate(found)
    ]
    weights = rng.multinomial(7, np.full(7, 1 / 7), size=9)
    drawn = average_precision(match_class(found, truth, 0), weights)
    for row, result in zip(weights, drawn, strict=True):
        numbers = np.repeat(np.arange(7), row)
        whole = average_precision(match_class([found[n] for n in numbers], [truth[n] for n in numbers], 0))[0]
        np.testing.assert_allclose(result, whole, atol=1e-12)


def test_the_best_confidence_takes_all_of_equal_score() -> None:
    truth = [Truth(np.array([[0, 0, 10, 10.0]]), np.array([0]))]
    boxes = np.array([[0, 0, 10, 10], [50, 50, 60, 60], [70, 70, 80, 80.0]])
    matches = match_class([Found(boxes, np.array([0.5, 0.5, 0.4]), np.zeros(3, np.int64))], truth, 0)
    confidence = best_confidence([matches])
    assert confidence == 0.5
    assert [c.tolist() for c in counts_at(matches, confidence)] == [[1], [1]]
