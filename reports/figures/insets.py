"""Which regions of a scene to enlarge, and the picture with its enlargements below: pure array functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    UInt8Array = npt.NDArray[np.uint8]

Region = tuple[int, int, int, int]
"""Left, top, width, height in pixels."""

COLOURS = ((230, 40, 40), (40, 200, 60))
"""Frames of the two regions, RGB: where methods differ most, and where the infrared image is brightest."""

SHARE = 0.2
"""Side of a region as a share of the picture's."""


def choose_regions(infrared: UInt8Array, fused: Sequence[UInt8Array]) -> tuple[Region, Region]:
    """The two regions to enlarge: where the grey pictures ``fused`` (H×W) differ most in detail, and where
    ``infrared`` is brightest.

    The first is the window with the largest mean standard deviation between the pictures, each less its local
    mean (so that a sky that is merely brighter in one does not win); the second, the one with the largest
    mean infrared value that does not overlap the first. Deterministic; ties go to the upper left.
    """
    height, width = infrared.shape
    size = (min(max(4, round(SHARE * width)), width), min(max(4, round(SHARE * height)), height))
    stack = np.stack([f.astype(np.float32) - cv2.blur(f.astype(np.float32), size) for f in fused])
    first = best_window(stack.std(axis=0), size, None)
    second = best_window(infrared.astype(np.float32), size, first)
    return first, second


def best_window(score: npt.NDArray[np.float32], size: tuple[int, int], avoid: Region | None) -> Region:
    width, height = size
    total = np.pad(score.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    sums = (
        total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    )
    sums = np.round(sums, 6)
    if avoid is not None:
        left, top, w, h = avoid
        blocked = np.zeros(sums.shape, bool)
        blocked[max(0, top - height + 1) : top + h, max(0, left - width + 1) : left + w] = True
        if not blocked.all():
            sums = np.where(blocked, -np.inf, sums)
    y, x = np.unravel_index(int(np.argmax(sums)), sums.shape)
    return int(x), int(y), width, height


def with_insets(image: UInt8Array, regions: Sequence[Region], width: int) -> UInt8Array:
    """A picture of ``width`` pixels: the image with framed regions, and below it the regions enlarged side by
    side, in the same frames.

    ``image`` is H×W×3 uint8 RGB. Enlarging uses nearest pixels, so that artefacts are shown and not smoothed
    away.
    """
    scale = width / image.shape[1]
    line = max(2, round(width / 160))
    shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    top = cv2.resize(image, (width, max(1, round(image.shape[0] * scale))), interpolation=shrink)
    gap = line
    side = (width - gap * (len(regions) - 1)) // len(regions)
    tiles = []
    for (x, y, w, h), colour in zip(regions, COLOURS, strict=False):
        crop = image[y : y + h, x : x + w]
        tile = cv2.resize(crop, (side, max(1, round(side * h / w))), interpolation=cv2.INTER_NEAREST)
        cv2.rectangle(tile, (0, 0), (tile.shape[1] - 1, tile.shape[0] - 1), colour, 2 * line)
        tiles.append(tile)
        corner, end = (
            (round(x * scale), round(y * scale)),
            (round((x + w) * scale) - 1, round((y + h) * scale) - 1),
        )
        cv2.rectangle(top, corner, end, colour, line)
    tall = tiles[0].shape[0]
    whole = np.full((top.shape[0] + gap + tall, width, 3), 255, np.uint8)
    whole[: top.shape[0]] = top
    for i, tile in enumerate(tiles):
        whole[top.shape[0] + gap :, i * (side + gap) : i * (side + gap) + side] = tile
    return whole
