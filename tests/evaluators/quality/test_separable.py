"""Local moments and decimation, tile by tile, against plain filtering."""

import numpy as np
import pytest
from scipy.signal import correlate2d

from fusionbench.evaluators.quality import separable
from fusionbench.evaluators.quality.separable import COLUMNS, FIRST, LAST, LEFT, TOP

SHAPES = [(1, 1), (3, 20), (8, 8), (9, 7), (23, 41), (16, 300)]
"""Of the windows: less than a tile, whole tiles, overlapping tiles, several tiles side by side."""


def maps(images, taps, ceiling=None):
    """All nine moments as maps, put together from the tiles' rows that count."""
    height, width = (side - taps.size + 1 for side in images[0].shape)
    large_enough, tiling, moments = separable.tiled(separable.levels(*images), taps.size)
    out = np.full((separable.COUNT, height, width), np.nan)
    for tile in tiling.tiles:
        separable.tile_moments(
            *large_enough,
            separable.window_of(taps),
            separable.ALL_MOMENTS,
            ceiling,
            tiling,
            tile,
            moments,
        )
        here = moments[:, : 8 * tile[COLUMNS]].reshape(separable.COUNT, -1, 8).transpose(0, 2, 1)
        rows = slice(tile[FIRST], tile[LAST])
        target = out[:, tile[TOP] : tile[TOP] + 8, tile[LEFT] : tile[LEFT] + tile[COLUMNS]][:, rows]
        assert np.isnan(target).all()
        target[:] = here[:, rows]
    return out


@pytest.mark.parametrize("size", [3, 5, 7, 9, 11, 17])
@pytest.mark.parametrize("shape", SHAPES)
def test_moments_equal_plain_filtering(size, shape):
    rng = np.random.default_rng(size)
    images = [rng.integers(0, 256, [side + size - 1 for side in shape], np.uint8) for _ in range(3)]
    taps = separable.gaussian_taps(size, size / 5)
    a, b, f = (image.astype(float) for image in images)
    for products in (lambda x: x, lambda x: np.minimum(x, 255.0)):
        planes = (a, b, f, *(products(p) for p in (a * a, b * b, f * f, a * f, b * f, a * b)))
        expected = [correlate2d(plane, np.outer(taps, taps), "valid") for plane in planes]
        ceiling = None if products(300.0) == 300.0 else 255.0
        np.testing.assert_allclose(maps(images, taps, ceiling), expected, rtol=1e-13)
    np.testing.assert_array_equal(maps([a, b, f], taps), maps(images, taps))


@pytest.mark.parametrize("size", [3, 5, 9])
@pytest.mark.parametrize("shape", [(0, 0), (1, 2), (14, 15), (30, 61), (41, 700)])
def test_decimation_equals_plain_filtering(size, shape):
    image = np.random.default_rng(size).integers(0, 256, [side + size for side in shape], np.uint8)
    taps = separable.gaussian_taps(size, size / 5)
    expected = correlate2d(image.astype(float), np.outer(taps, taps), "valid")[::2, ::2]
    np.testing.assert_allclose(separable.decimated(image, taps), expected, rtol=1e-13)
