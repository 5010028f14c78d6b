"""Confusion matrices and what is read off them: IoU per class, mIoU with and without id 0, pixel accuracy.

All take integer counts ``matrix[true, predicted]`` and accept leading axes (bootstrap draws), so that a
figure and its resamples come from the same lines.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

IGNORED_ID = 255
"""Pixels whose true id is this count nowhere."""

Counts = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]
Ids = npt.NDArray[Any]


def confusion_matrix(true: Ids, predicted: Ids, classes: int) -> Counts:
    """Pixels by (true id, predicted id): K×K int64.

    Both inputs are H×W ids; pixels of true id 255 are left out.

    Raises ``ValueError`` if the shapes differ or an id is not below ``classes``: callers check labels first
    and say which file it is.

    >>> confusion_matrix(np.array([[0, 1], [1, 255]]), np.array([[0, 1], [0, 1]]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    if true.shape != predicted.shape:
        raise ValueError(f"true ids are {true.shape}, predicted ids {predicted.shape}")
    counted = true != IGNORED_ID
    t, p = true[counted].astype(np.int64), predicted[counted].astype(np.int64)
    if t.size and max(int(t.max()), int(p.max())) >= classes:
        raise ValueError(f"ids up to {max(int(t.max()), int(p.max()))} with {classes} classes")
    return np.bincount(t * classes + p, minlength=classes * classes).reshape(classes, classes)


def intersection_over_union(matrix: Counts) -> Scores:
    """IoU of each class, …×K: TP / (TP + FP + FN).

    NaN for a class that is neither in the truth nor predicted; 0 for one predicted where it never is, or
    never found.

    >>> intersection_over_union(np.array([[2, 1, 0], [0, 1, 0], [0, 0, 0]])).round(3).tolist()
    [0.667, 0.5, nan]
    """
    hit = np.diagonal(matrix, axis1=-2, axis2=-1).astype(np.float64)
    union = matrix.sum(-1) + matrix.sum(-2) - hit
    scores: Scores = np.divide(hit, union, out=np.full(hit.shape, np.nan), where=union > 0)
    return scores


def mean_iou(matrix: Counts, *, unlabelled: bool = True) -> Scores:
    """Mean IoU over the classes that are in the truth or predicted; without id 0 unless ``unlabelled``.

    NaN if none is.
    """
    return mean_over_classes(intersection_over_union(matrix)[..., 0 if unlabelled else 1 :])


def mean_over_classes(scores: Scores) -> Scores:
    """Mean over the last axis, leaving NaN out; NaN where nothing is left."""
    there = ~np.isnan(scores)
    count = there.sum(-1)
    total = np.where(there, scores, 0.0).sum(-1)
    means: Scores = np.divide(total, count, out=np.full(np.shape(count), np.nan), where=count > 0)
    return means


def pixel_accuracy(matrix: Counts) -> Scores:
    """Share of counted pixels whose id is right; NaN if no pixel counts."""
    right = np.trace(matrix, axis1=-2, axis2=-1).astype(np.float64)
    total = matrix.sum((-2, -1))
    share: Scores = np.divide(right, total, out=np.full(np.shape(total), np.nan), where=total > 0)
    return share
