"""Grey conversions against the libraries that they stand for."""

from typing import Any

import cv2
import numpy as np
import pytest

from fusionbench.evaluators.quality.inputs import grey


@pytest.mark.parametrize("blue", [0, 1, 77, 128, 254, 255])
def test_grey_equals_opencv_on_whole_planes_of_colours(blue: Any) -> None:
    red, green = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    rgb = np.stack([red, green, np.full_like(red, blue)], -1)
    expected = np.round(cv2.cvtColor(rgb[..., ::-1].astype(np.float32), cv2.COLOR_BGR2GRAY)).astype(np.uint8)
    np.testing.assert_array_equal(grey.opencv_float(rgb), expected)
    weighted = np.floor(
        rgb @ np.linalg.inv([[1, 0.956, 0.621], [1, -0.272, -0.647], [1, -1.106, 1.703]])[0] + 0.5
    )
    assert np.mean(grey.matlab(rgb) != weighted) < 1e-3


@pytest.mark.parametrize("conversion", list(grey.CONVERSIONS))
def test_equal_channels_keep_their_level(conversion: Any) -> None:
    levels = np.arange(256, dtype=np.uint8)[None]
    np.testing.assert_array_equal(grey.to_grey(np.repeat(levels[..., None], 3, 2), conversion), levels)
