"""Pictures of SGDFuse beside the sensors."""

import numpy as np
import sgdfuse_pictures

from fusionbench.contracts.dataset import Pair


def test_a_grid_keeps_every_pixel_and_draws_lines_between() -> None:
    grey, colour = np.full((6, 8), 10, np.uint8), np.full((6, 8, 3), 20, np.uint8)
    made = sgdfuse_pictures.grid(((grey, colour), (colour, grey)))
    assert made.shape == (16, 20, 3)
    for cell, level in ((made[:6, :8], 10), (made[:6, 12:], 20), (made[10:, 12:], 10)):
        assert (cell == level).all()
    for line in (made[:, 8:12], made[6:10]):
        assert (line == 255).all()


def test_pairs_are_taken_by_name_or_evenly() -> None:
    pairs = [Pair(str(number)) for number in range(10)]
    assert [pair.name for pair in sgdfuse_pictures.chosen(pairs, ["7", "2"], 4)] == ["2", "7"]
    assert [pair.name for pair in sgdfuse_pictures.chosen(pairs, [], 2)] == ["2", "7"]
    assert sgdfuse_pictures.chosen(pairs, [], 40) == pairs
