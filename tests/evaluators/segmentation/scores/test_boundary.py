"""The boundary F-score on cases computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fusionbench.evaluators.segmentation.scores.boundary import boundary_f, boundary_scores, mean_boundary


def halves(column: int, size: tuple[int, int] = (8, 40)) -> np.ndarray:
    """Class 1 from a column on."""
    ids = np.zeros(size, np.uint8)
    ids[:, column:] = 1
    return ids


def test_equal_maps_score_one() -> None:
    ids = halves(20)
    assert boundary_scores(ids, ids, 3, 0.01)[:2].tolist() == [1.0, 1.0]
    assert np.isnan(boundary_scores(ids, ids, 3, 0.01)[2])


def test_a_shift_within_the_tolerance_is_forgiven_one_beyond_is_not() -> None:
    diagonal = np.hypot(8, 40)
    assert boundary_scores(halves(20), halves(23), 2, 3 / diagonal).tolist() == [1.0, 1.0]
    assert boundary_scores(halves(20), halves(24), 2, 3 / diagonal).tolist() == [0.0, 0.0]


def test_precision_and_recall_join_as_their_harmonic_mean() -> None:
    true, predicted = np.zeros((1, 20), bool), np.zeros((1, 20), bool)
    true[0, [2, 10]] = True
    predicted[0, [3, 16, 18]] = True  # one of three is near a true pixel, one of two true pixels is found
    assert boundary_f(true, predicted, 1.0) == pytest.approx(2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2))


def test_distance_is_euclidean() -> None:
    true, predicted = np.zeros((10, 10), bool), np.zeros((10, 10), bool)
    true[2, 2] = predicted[5, 6] = True  # 3, 4 → 5
    assert boundary_f(true, predicted, 5.0) == 1.0
    assert boundary_f(true, predicted, 4.99) == 0.0


def test_absent_classes() -> None:
    only_true, only_predicted = halves(20), np.zeros((8, 40), np.uint8)
    scores = boundary_scores(only_true, only_predicted, 3, 0.01)
    assert scores[1] == 0.0  # in the truth, never predicted
    assert scores[0] == 0.0  # in both, but only the truth has an outline
    assert np.isnan(scores[2])
    filled = np.zeros((8, 40), np.uint8)
    assert boundary_scores(filled, filled, 2, 0.01)[0] == 1.0  # fills both images: no outline to get wrong


def test_ignored_pixels_make_no_boundary_and_hide_predictions() -> None:
    true = np.zeros((8, 40), np.uint8)
    true[:, 20:] = 255
    predicted = halves(25)
    scores = boundary_scores(true, predicted, 2, 0.01)
    assert scores[0] == 1.0
    assert np.isnan(scores[1])  # predicted only where the truth is ignored


def test_over_a_set_each_class_averages_the_images_that_have_it() -> None:
    nan = np.nan
    scores = np.array([[1.0, nan], [0.5, 0.2], [nan, nan]])
    assert mean_boundary(scores).tolist() == [0.75, 0.2]
    weights = np.array([[1, 1, 1], [0, 3, 0], [0, 0, 3]])
    assert mean_boundary(scores, weights)[:2].tolist() == [[0.75, 0.2], [0.5, pytest.approx(0.2)]]
    assert np.isnan(mean_boundary(scores, weights)[2]).all()
