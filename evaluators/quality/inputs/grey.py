"""Grey levels of a colour image as each convention takes them: uint8 in, uint8 out.

The conversions agree on all but about one pixel in 10⁴. The rest are ties, which each code base rounds its
own way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fusionbench.errors import InputError

UInt8 = npt.NDArray[np.uint8]
_LEVELS = np.arange(256, dtype=np.float64)
_OPENCV = [float(np.float32(weight)) * _LEVELS for weight in (0.299, 0.587, 0.114)]
_MATLAB = [weight * _LEVELS for weight in (0.298936021293776, 0.587043074451121, 0.114020904255103)]
_PILLOW = [weight * np.arange(256, dtype=np.int32) for weight in (19595, 38470, 7471)]


def _weighted(rgb: UInt8, tables: Sequence[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """Every channel's share of the grey level, looked up by its level."""
    return [cv2.LUT(channel, table) for channel, table in zip(cv2.split(rgb), tables, strict=True)]


def opencv_float(rgb: UInt8) -> UInt8:
    """OpenCV's BGR2GRAY on float32, rounded half to even (convention `cddfuse`).

    OpenCV computes fma(r, .299, fma(b, .114, g·.587)) in float32. A float64 sum that is rounded to float32 is
    that fused operation, on every machine. Equal to OpenCV 5.0 (AVX2) on all 2²⁴ colours.
    """
    red, green, blue = _weighted(rgb, _OPENCV)
    level = green.astype(np.float32)
    level = (blue + level).astype(np.float32)
    level = (red + level).astype(np.float32)
    grey: UInt8 = np.rint(level).astype(np.uint8)
    return grey


def matlab(rgb: UInt8) -> UInt8:
    """MATLAB's rgb2gray on uint8: the first row of the inverse YIQ matrix, rounded half up (linfeng, vifb,
    mefb).
    """
    red, green, blue = _weighted(rgb, _MATLAB)
    grey: UInt8 = (red + green + blue + 0.5).astype(np.uint8)
    return grey


def pillow(rgb: UInt8) -> UInt8:
    """Pillow's `convert("L")`: fixed point with 16 bits, rounded half up (ivif-zoo)."""
    red, green, blue = _weighted(rgb, _PILLOW)
    grey: UInt8 = ((red + green + blue + 32768) >> 16).astype(np.uint8)
    return grey


CONVERSIONS: dict[str, Callable[[UInt8], UInt8]] = {
    "opencv-float": opencv_float,
    "matlab": matlab,
    "pillow": pillow,
}


def to_grey(image: UInt8, conversion: str) -> UInt8:
    """The grey levels (H×W uint8) of a grey (H×W or H×W×1) or RGB (H×W×3) image, contiguous.

    Raises ``InputError`` for other shapes and types.
    """
    if image.dtype != np.uint8:
        raise InputError(
            f"quality metrics are defined on uint8 images, got {image.dtype}; quantise the image to 0…255"
            " first"
        )
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if image.ndim == 2:
        return np.ascontiguousarray(image)
    if image.ndim != 3 or image.shape[2] != 3:
        raise InputError(
            f"an image must be H×W or H×W×3 (RGB), got shape {image.shape}; drop an alpha channel first"
        )
    return CONVERSIONS[conversion](np.ascontiguousarray(image))
