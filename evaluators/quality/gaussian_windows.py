"""What SSIM, MS-SSIM, MEF-SSIM and Piella's indices share: the local moments under an 11×11 Gaussian window, σ = 1.5, filtered once for all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kernels import kernel
from .mef import BOXES, tile_mef
from .piella import means_of_piella_sums, weighed
from .separable import (
    ALL_MOMENTS,
    COLUMNS,
    FIRST,
    LAST,
    LEFT,
    TOP,
    counted,
    gaussian_taps,
    levels,
    tile_moments,
    tiled,
    window_of,
)
from .simd import WIDTH, less_product, load, splat
from .ssim import C1, C2, similarity, tile_similarities

__all__ = ["FAMILY", "GaussianWindows", "gaussian_windows"]

SIZE = 11
MARGIN = SIZE // 2
FAMILY = frozenset({"SSIM", "MS-SSIM", "MEF-SSIM", "MEF-MS-SSIM", "Qs", "Qw", "Qe"})
"""Metrics that `gaussian_windows` serves."""


class GaussianWindows(NamedTuple):
    """SSIM with both sources (L = 255, borders replicated), `ssim.ssim_means` over whole windows, MEF-SSIM, and (Qs, Qw)."""

    ssim: tuple[float, float]
    whole_windows: NDArray[np.float64]
    mef_ssim: float
    piella: tuple[float, float]


@kernel
def _tile_inside(moments, start, stop):  # type: ignore[no-untyped-def]
    """What `tile_similarities` sums, then Σ q, Σ w·q, Σ w, over the columns `start`…`stop` − 1 of each of eight rows of windows."""
    whole_a = part_a = whole_b = part_b = sum_q = sum_wq = sum_w = splat(0.0)
    for at in range(start * WIDTH, stop * WIDTH, WIDTH):
        ma, mb, mf = load(moments[0], at), load(moments[1], at), load(moments[2], at)
        va, vb = less_product(load(moments[3], at), ma, ma), less_product(load(moments[4], at), mb, mb)
        vf = less_product(load(moments[5], at), mf, mf)
        similar_a, structure_a = similarity(
            ma, mf, va, vf, less_product(load(moments[6], at), ma, mf), C1, C2
        )
        similar_b, structure_b = similarity(
            mb, mf, vb, vf, less_product(load(moments[7], at), mb, mf), C1, C2
        )
        q, w = weighed(similar_a, similar_b, va, vb)
        whole_a, part_a = whole_a + similar_a, part_a + structure_a
        whole_b, part_b = whole_b + similar_b, part_b + structure_b
        sum_q, sum_wq, sum_w = sum_q + q, sum_wq + w * q, sum_w + w
    return whole_a, part_a, whole_b, part_b, sum_q, sum_wq, sum_w


@kernel
def _sums(a, b, f, height, width, taps, ones, tiling, moments, boxes):  # type: ignore[no-untyped-def]
    """(Σ SSIM of both sources over all H×W windows, the sums of `_tile_inside` and of MEF-SSIM over those that lie inside the image)."""
    everywhere = np.zeros(2)
    sums = np.zeros(8)
    rows = np.empty(WIDTH)
    for tile in tiling.tiles:
        tile_moments(a, b, f, taps, ALL_MOMENTS, None, tiling, tile, moments)
        top, left, columns = tile[TOP], tile[LEFT], tile[COLUMNS]
        start, stop = max(MARGIN - left, 0), min(width - MARGIN - left, columns)
        inside = tile.copy()
        inside[FIRST], inside[LAST] = max(tile[FIRST], MARGIN - top), min(tile[LAST], height - MARGIN - top)
        for first, last in ((0, start), (stop, columns)):
            whole_a, _, whole_b, _ = tile_similarities(moments, first, last, 1.0, 1.0, C1, C2)
            everywhere[0] += counted(whole_a, tile, rows)
            everywhere[1] += counted(whole_b, tile, rows)
        of_rows = _tile_inside(moments, start, stop)
        everywhere[0] += counted(of_rows[0], tile, rows)
        everywhere[1] += counted(of_rows[2], tile, rows)
        for k, of_row in enumerate(of_rows):
            sums[k] += counted(of_row, inside, rows)
        if inside[FIRST] < inside[LAST]:
            tile_moments(a, b, f, ones, BOXES, None, tiling, tile, boxes)
            sums[7] += counted(tile_mef(moments, boxes, start, stop), inside, rows)
    return everywhere, sums


def gaussian_windows(
    infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]
) -> GaussianWindows:
    """The metrics under that window in one pass over H×W images of levels 0..255, both sides at least 11 (``ValueError`` below)."""
    height, width = fused.shape
    if min(height, width) < SIZE:
        raise ValueError(f"images of at least {SIZE}×{SIZE}, not {width}×{height}")
    padded = [np.pad(image, MARGIN, mode="edge") for image in levels(infrared, visible, fused)]
    large_enough, tiling, moments = tiled(padded, SIZE)
    taps, ones = window_of(gaussian_taps(SIZE, 1.5)), window_of(np.ones(SIZE))
    everywhere, sums = _sums(
        *large_enough, height, width, taps, ones, tiling, moments, np.empty_like(moments)
    )
    windows = (height - SIZE + 1) * (width - SIZE + 1)
    return GaussianWindows(
        (float(everywhere[0]) / (height * width), float(everywhere[1]) / (height * width)),
        sums[:4] / windows,
        float(sums[7]) / windows,
        means_of_piella_sums(sums[4:7], windows),
    )
