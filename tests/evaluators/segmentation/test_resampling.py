"""Bootstrap draws: the same images for every method."""

from __future__ import annotations

import numpy as np

from fusionbench.evaluators.segmentation.resampling import draw_weights


def test_every_draw_takes_as_many_images_as_there_are() -> None:
    weights = draw_weights(["a", "b", "c"], 50)
    assert weights.shape == (50, 3)
    assert (weights.sum(1) == 3).all()
    assert len({tuple(row) for row in weights}) > 5


def test_draws_depend_on_the_names_not_on_their_order() -> None:
    forwards, backwards = draw_weights(["a", "b", "c"], 20), draw_weights(["c", "b", "a"], 20)
    np.testing.assert_array_equal(forwards, backwards[:, ::-1])
    assert not np.array_equal(forwards, draw_weights(["a", "b", "d"], 20))
