"""Objects found and pixels marked, counted by hand."""

import numpy as np
import pytest

from fusionbench.methods.sgdfuse.ablation.mask_report import Tally

CLASSES = ("unlabelled", "car", "person", "curve")


def test_objects_and_pixels() -> None:
    labels = np.zeros((60, 80), np.uint8)
    labels[0:10, 0:10], labels[0:10, 20:30], labels[40:50, 40:60], labels[30:33, 0:3] = 2, 2, 1, 2
    labels[50:, 70:] = 3  # no road user
    mask = np.zeros((60, 80), np.float32)
    mask[0:10, 0:6], mask[0:10, 20:24], mask[40:50, 40:60], mask[50:60, 70:80] = 0.9, 0.9, 0.4, 0.9
    tally = Tally()
    tally.add(mask, labels, CLASSES, 0.5)
    row = tally.row()
    assert tally.objects == {"car": 1, "person": 2}  # nine pixels are no object
    assert row["person found"] == pytest.approx(0.5)  # 60 % of the first, 40 % of the second
    assert row["car found"] == 0  # marked below the level
    assert row["pixel recall"] == pytest.approx(100 / 409)
    assert row["pixel precision"] == pytest.approx(100 / 200)
