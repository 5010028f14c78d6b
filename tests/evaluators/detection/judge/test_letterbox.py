"""How images become inputs: sizes of both ways, borders, and boxes brought back."""

from __future__ import annotations

import numpy as np
import pytest

from fusionbench.errors import InputError
from fusionbench.evaluators.detection.judge.letterbox import (
    letterbox,
    letterbox_detect,
    letterbox_val,
)


@pytest.mark.parametrize(
    ("shape", "canvas"),
    [
        ((480, 640), (512, 672)),
        ((1024, 1280), (544, 672)),
        ((768, 1024), (512, 672)),
        ((640, 640), (672, 672)),
    ],
)
def test_validation_adds_half_a_stride(shape: tuple[int, int], canvas: tuple[int, int]) -> None:
    assert letterbox_val(np.zeros((*shape, 3), np.uint8), 640).canvas.shape[:2] == canvas


def test_detection_keeps_an_image_that_fits() -> None:
    image = np.random.default_rng(0).integers(0, 256, (256, 320, 3)).astype(np.uint8)
    boxed = letterbox_detect(image, 320)
    assert (boxed.factor, boxed.border) == (1.0, (0, 0))
    assert (boxed.canvas == image).all()


@pytest.mark.parametrize("way", ["val", "detect"])
@pytest.mark.parametrize("shape", [(480, 640), (333, 500), (300, 123)])
def test_a_box_comes_back_where_it_was(way: str, shape: tuple[int, int]) -> None:
    """A white patch is found in the canvas by its pixels; brought back it is the patch, within a pixel of the
    canvas.
    """
    image = np.zeros((*shape, 3), np.uint8)
    image[100:200, 40:90] = 255
    boxed = letterbox(image, 320, 32, way)
    rows, columns = np.nonzero((boxed.canvas > 128).all(2))
    found = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], float)
    assert boxed.boxes_back(found, shape)[0] == pytest.approx([40, 100, 90, 200], abs=1 / boxed.factor)
    assert (boxed.canvas[0] == 114).all() or shape == (333, 500) or way == "detect"


def test_another_way_is_refused() -> None:
    with pytest.raises(InputError, match="letterbox=train: expected val or detect"):
        letterbox(np.zeros((64, 64, 3), np.uint8), 64, 32, "train")
