"""Bootstrap draws: paired across methods, decided by the names alone, multinomial."""

from __future__ import annotations

import numpy as np

from fusionbench.statistics.intervals import image_draws


def test_draws_depend_on_the_names_alone() -> None:
    names = ["b", "a", "c"]
    draws = image_draws(names, 50)
    assert draws.shape == (50, 3)
    assert (draws.sum(1) == 3).all()
    assert (image_draws(names, 50) == draws).all()
    assert (image_draws(["a", "b", "c"], 50)[:, [1, 0, 2]] == draws).all()
    assert (image_draws(["a", "b", "d"], 50) != draws[:, [1, 0, 2]]).any()


def test_draws_are_the_bootstrap_distribution() -> None:
    counts = image_draws([str(i) for i in range(10)], 4000)
    assert abs(counts.mean() - 1) < 1e-12
    assert abs(counts.var(0).mean() - 0.9) < 0.03  # n p (1 - p)
    assert abs(np.mean(counts == 0) - 0.9**10) < 0.01
