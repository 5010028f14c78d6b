"""Confusion matrix, IoU, mIoU and pixel accuracy on cases computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fusionbench.evaluators.segmentation.scores.confusion import (
    confusion_matrix,
    intersection_over_union,
    mean_iou,
    pixel_accuracy,
)

TRUE = np.array([[0, 0, 1, 1], [0, 0, 1, 255], [2, 2, 0, 255]], np.uint8)
PREDICTED = np.array([[0, 1, 1, 1], [0, 0, 0, 3], [2, 0, 0, 0]], np.uint8)
# Pixel by pixel (ignored ones left out): 0→0 four times, 0→1 once, 1→1 twice, 1→0 once, 2→2 once, 2→0 once.
MATRIX = [[4, 1, 0, 0], [1, 2, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]


def test_counts_pixels_by_true_and_predicted_id_and_leaves_ignored_ones_out() -> None:
    assert confusion_matrix(TRUE, PREDICTED, 4).tolist() == MATRIX


def test_iou_mean_iou_and_accuracy_are_those_computed_by_hand() -> None:
    matrix = np.array(MATRIX)
    # class 0: 4 / (5 true + 6 predicted − 4) = 4/7; 1: 2 / (3 + 3 − 2) = 1/2; 2: 1 / (2 + 1 − 1) = 1/2; 3:
    # nowhere
    assert intersection_over_union(matrix)[:3] == pytest.approx([4 / 7, 1 / 2, 1 / 2])
    assert math.isnan(intersection_over_union(matrix)[3])
    assert mean_iou(matrix) == pytest.approx((4 / 7 + 1 / 2 + 1 / 2) / 3)
    assert mean_iou(matrix, unlabelled=False) == pytest.approx(1 / 2)
    assert pixel_accuracy(matrix) == pytest.approx(7 / 10)


def test_a_class_only_predicted_scores_zero_and_counts_in_the_mean() -> None:
    matrix = np.array([[3, 1], [0, 0]])
    assert intersection_over_union(matrix).tolist() == [0.75, 0.0]
    assert mean_iou(matrix) == pytest.approx(0.375)


def test_the_matrix_of_a_set_is_the_sum_not_the_mean_of_images() -> None:
    # Image one: a single pixel of class 1, missed. Image two: 99 pixels of class 1, all found.
    one = confusion_matrix(np.array([[1]]), np.array([[0]]), 2)
    two = confusion_matrix(np.ones((9, 11), int), np.ones((9, 11), int), 2)
    assert intersection_over_union(one + two)[1] == pytest.approx(0.99)
    assert np.mean([intersection_over_union(m)[1] for m in (one, two)]) == pytest.approx(0.5)


def test_works_on_stacks_of_matrices_draw_by_draw() -> None:
    stack = np.array([MATRIX, np.eye(4, dtype=int).tolist()])
    assert mean_iou(stack) == pytest.approx([11 / 21, 1.0])
    assert pixel_accuracy(stack) == pytest.approx([0.7, 1.0])


def test_nothing_counted_is_nan() -> None:
    empty = confusion_matrix(np.full((2, 2), 255), np.zeros((2, 2), int), 2)
    assert np.isnan(mean_iou(empty))
    assert np.isnan(pixel_accuracy(empty))


def test_refuses_ids_beyond_the_classes_and_unequal_shapes() -> None:
    with pytest.raises(ValueError, match="ids up to 7 with 4 classes"):
        confusion_matrix(np.array([[7]]), np.array([[0]]), 4)
    with pytest.raises(ValueError, match="true ids are"):
        confusion_matrix(np.zeros((2, 2), int), np.zeros((2, 3), int), 4)
