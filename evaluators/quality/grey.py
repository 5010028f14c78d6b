"""Grey levels of a colour image as each convention takes them: uint8 in, uint8 out.

The conversions agree on all but about one pixel in 10^5; the rest are ties that each rounds its own way.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from fusionbench.errors import InputError

from .kernels import kernel

UInt8 = npt.NDArray[np.uint8]


_RED, _GREEN, _BLUE = (float(np.float32(weight)) for weight in (0.299, 0.587, 0.114))


@kernel
def _opencv_float(red, green, blue, grey):  # type: ignore[no-untyped-def]
    for row in range(grey.shape[0]):
        for column in range(grey.shape[1]):
            level = np.float32(_GREEN * green[row, column])
            level = np.float32(_BLUE * blue[row, column] + level)
            level = np.float32(_RED * red[row, column] + level)
            grey[row, column] = np.uint8(np.int32(np.rint(level)))


@kernel
def _matlab(red, green, blue, grey):  # type: ignore[no-untyped-def]
    for row in range(grey.shape[0]):
        for column in range(grey.shape[1]):
            level = (
                0.298936021293776 * red[row, column]
                + 0.587043074451121 * green[row, column]
                + 0.114020904255103 * blue[row, column]
            )
            grey[row, column] = np.uint8(np.int32(level + 0.5))


def opencv_float(rgb: UInt8) -> UInt8:
    """OpenCV's BGR2GRAY on float32, rounded half to even: what `cv2.imread → astype(float32) → cvtColor → np.round` gives (cddfuse).

    OpenCV computes fma(r, .299, fma(b, .114, g·.587)) in float32; a float64 sum rounded to float32 is that fused operation. Equal to
    OpenCV 5.0 (AVX2) on all 2^24 colours.
    """
    grey = np.empty(rgb.shape[:2], np.uint8)
    _opencv_float(*cv2.split(rgb), grey)
    return grey


def matlab(rgb: UInt8) -> UInt8:
    """MATLAB's rgb2gray on uint8: the first row of the inverse YIQ matrix in float64, rounded half up (linfeng, vifb, mefb)."""
    grey = np.empty(rgb.shape[:2], np.uint8)
    _matlab(*cv2.split(rgb), grey)
    return grey


CONVERSIONS: dict[str, Callable[[UInt8], UInt8]] = {"opencv-float": opencv_float, "matlab": matlab}


def to_grey(image: UInt8, conversion: str) -> UInt8:
    """The grey levels (H×W uint8) of a grey (H×W or H×W×1) or RGB (H×W×3) image, contiguous. Raises ``InputError`` for other shapes and types."""
    if image.dtype != np.uint8:
        raise InputError(
            f"quality metrics are defined on uint8 images, got {image.dtype}; quantise the image to 0…255 first"
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
