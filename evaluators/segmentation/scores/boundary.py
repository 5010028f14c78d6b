"""The boundary F-score: how well the outlines of a class agree, within a tolerance.

Csurka, Larlus, Perronnin: What is a good evaluation measure for semantic segmentation? BMVC 2013 (the score
per class and image, tolerance 0.75 % of the image diagonal); Perazzi et al., CVPR 2016, use the same measure
for video objects. Neither fixes what happens to absent classes, at the image border and at ignored pixels;
what this module does:

- a boundary pixel of class c is a pixel of c with a 4-neighbour of another class; the image border makes no
  boundary;
- pixels of true id 255 are taken out of both maps, and no boundary runs along them;
- precision is the share of predicted boundary pixels with a true one at most ``tolerance`` pixels away
  (Euclidean, between pixel centres), recall the converse, F their harmonic mean;
- in an image where the class is in truth or prediction but not in both, F = 0; where it is in neither, the
  image does not count for it; where it is in both and has no boundary in either (it fills the image), F = 1;
  with a boundary in only one of them, F = 0;
- the score of a class over a data set is the mean of F over the images that count for it; the overall score
  is the mean over classes that have one.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from .confusion import IGNORED_ID, Ids, Scores, mean_over_classes

TOLERANCE = 0.0075
"""As a share of the image diagonal."""

Mask = npt.NDArray[np.bool_]


def boundary_scores(true: Ids, predicted: Ids, classes: int, tolerance: float = TOLERANCE) -> Scores:
    """F of each class in one image, K values in [0,1]; NaN where the class is in neither map.

    Inputs are H×W ids.
    """
    height, width = true.shape
    reach = tolerance * float(np.hypot(height, width)) + 1e-4  # distances are computed in single precision
    counted = true != IGNORED_ID
    edges_true, edges_predicted = (_edges(ids, counted) for ids in (true, predicted))
    scores = np.full(classes, np.nan)
    for c in np.union1d(true[counted], predicted[counted]):
        of_true, of_predicted = (true == c) & counted, (predicted == c) & counted
        if of_true.any() and of_predicted.any():
            scores[int(c)] = boundary_f(of_true & edges_true, of_predicted & edges_predicted, reach)
        else:
            scores[int(c)] = 0.0
    return scores


def boundary_f(true: Mask, predicted: Mask, reach: float) -> float:
    """F of two boundary maps (H×W bool): 1 if both are empty, 0 if one is; ``reach`` in pixels."""
    if not true.any() and not predicted.any():
        return 1.0
    if not true.any() or not predicted.any():
        return 0.0
    precision = float((_distance(true)[predicted] <= reach).mean())
    recall = float((_distance(predicted)[true] <= reach).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def mean_boundary(scores: Scores, weights: npt.NDArray[Any] | None = None) -> Scores:
    """Mean of each class over the images that count for it: N×K (NaN: doesn't count) → K, or with ``weights``
    B×N (how often a draw takes each image) → B×K. NaN where no image counts.
    """
    if weights is None:
        return mean_over_classes(scores.T)
    there = ~np.isnan(scores)
    total = weights @ np.where(there, scores, 0.0)
    count = weights @ there.astype(np.float64)
    means: Scores = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return means


def _edges(ids: Ids, counted: Mask) -> Mask:
    """Pixels with a counted 4-neighbour of another id (ignored pixels are no edges themselves)."""
    edges = np.zeros(ids.shape, np.bool_)
    for here, there in ((np.s_[:-1, :], np.s_[1:, :]), (np.s_[:, :-1], np.s_[:, 1:])):
        differ = (ids[here] != ids[there]) & counted[here] & counted[there]
        edges[here] |= differ
        edges[there] |= differ
    return edges


def _distance(boundary: Mask) -> npt.NDArray[np.float32]:
    """Exact Euclidean distance of every pixel to the nearest boundary pixel."""
    outside = (~boundary).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)
