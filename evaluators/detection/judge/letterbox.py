"""How an image becomes a network's input: scaled, and padded with grey.

The way is part of a protocol: it moves single APs by up to 3 points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from fusionbench.errors import InputError

UInt8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]

PADDING = 114
"""The grey that YOLO pads with."""


@dataclass(frozen=True)
class Letterboxed:
    """A network's input (uint8 H×W×3 RGB), the factor that both axes were scaled by, and the border (left,
    top) in input pixels.
    """

    canvas: UInt8Array
    factor: float
    border: tuple[float, float]

    def boxes_back(self, xyxy: FloatArray, shape: tuple[int, ...]) -> FloatArray:
        """Boxes N×4 of input pixels in pixels of the image of ``shape`` (height, width), clipped to it."""
        left, top = self.border
        back = (xyxy - np.array([left, top, left, top])) / self.factor
        clipped: FloatArray = np.clip(back, 0, np.array([shape[1], shape[0]] * 2, np.float64))
        return clipped


def letterbox_val(image: UInt8Array, size: int, stride: int = 32) -> Letterboxed:
    """As YOLOv5's ``val.py`` (v7.0) does for COCO figures: sides truncated to whole pixels, area averaging,
    half a stride of extra border.

    ``val.py`` gives one canvas to 32 images of like shape; here each image has its own. In a set of one size
    it is the same.
    """
    height, width = image.shape[:2]
    ratio = size / max(height, width)
    if ratio != 1:
        wide, high = max(1, int(width * ratio)), max(1, int(height * ratio))
        interpolation = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
        image = np.asarray(cv2.resize(image, (wide, high), interpolation=interpolation), np.uint8)
    shape = height / width
    relative = (shape, 1.0) if shape < 1 else (1.0, 1 / shape)
    canvas = [math.ceil(side * size / stride + 0.5) * stride for side in relative]
    return _padded(image, canvas[0], canvas[1], image.shape[0] / height)


def letterbox_detect(image: UInt8Array, size: int, stride: int = 32) -> Letterboxed:
    """As ``detect.py`` does: sides rounded, bilinear, padded to the next multiple of the stride.

    640×480 stays as it is.

    Unlike there, boxes are brought back by the border that is really there (half a pixel less where it is
    odd), and not rounded.
    """
    height, width = image.shape[:2]
    factor = size / max(height, width)
    wide, high = max(1, round(width * factor)), max(1, round(height * factor))
    if (wide, high) != (width, height):
        image = np.asarray(cv2.resize(image, (wide, high), interpolation=cv2.INTER_LINEAR), np.uint8)
    boxed = _padded(image, math.ceil(high / stride) * stride, math.ceil(wide / stride) * stride, factor)
    left, top = boxed.border
    return Letterboxed(boxed.canvas, factor, (math.floor(left), math.floor(top)))


def letterbox(image: UInt8Array, size: int, stride: int, way: str) -> Letterboxed:
    """``way``: ``val`` or ``detect``. Raises ``InputError`` for another one."""
    ways = {"val": letterbox_val, "detect": letterbox_detect}
    if way not in ways:
        raise InputError(f"detection.letterbox={way}: expected {' or '.join(ways)}")
    return ways[way](image, size, stride)


def _padded(image: UInt8Array, high: int, wide: int, factor: float) -> Letterboxed:
    """Centred; of an odd border the larger half is on the right and below."""
    across, down = (wide - image.shape[1]) / 2, (high - image.shape[0]) / 2
    top, bottom = round(down - 0.1), round(down + 0.1)
    left, right = round(across - 0.1), round(across + 0.1)
    grey = (PADDING,) * 3
    padded = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=grey)
    return Letterboxed(np.asarray(padded, np.uint8), factor, (across, down))
