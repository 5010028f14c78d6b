"""RGB becomes one grey channel: the conversions that code bases of the field use, by name."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ..errors import ImageError
from .codec import FloatArray, UInt8Array


def _luma_float(rgb: UInt8Array) -> FloatArray:
    """BT.601 luma in float32, 0..255, unrounded."""
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32), cv2.COLOR_RGB2GRAY), np.float32)


def _luma_fixed(
    red: int, green: int, blue: int, shift: int, offset: int
) -> Callable[[UInt8Array], FloatArray]:
    def convert(rgb: UInt8Array) -> FloatArray:
        wide = rgb.astype(np.int32)
        luma = (red * wide[..., 0] + green * wide[..., 1] + blue * wide[..., 2] + offset) >> shift
        return luma.astype(np.float32)

    return convert


def _luma_opencv_flag(rgb: UInt8Array) -> FloatArray:
    """What reading a colour PNG with OpenCV's greyscale flag gives (libpng's truncating conversion)."""
    luma = _luma_fixed(9797, 19234, 3737, 15, 0)(rgb)
    equal = (rgb[..., 0] == rgb[..., 1]) & (rgb[..., 1] == rgb[..., 2])
    return np.where(equal, rgb[..., 0], luma).astype(np.float32)


def _luma_pillow_ycbcr(rgb: UInt8Array) -> FloatArray:
    """Pillow's YCbCr Y: 6-bit tables, each term rounded before the sum."""
    levels = np.arange(256)
    tables = [np.round(64 * weight * levels).astype(np.int32) for weight in (0.299, 0.587, 0.114)]
    return ((tables[0][rgb[..., 0]] + tables[1][rgb[..., 1]] + tables[2][rgb[..., 2]]) >> 6).astype(
        np.float32
    )


def _luma_truncated(rgb: UInt8Array) -> FloatArray:
    """BT.601 luma as a matrix product in double precision, truncated. The last bit decides: white becomes
    254."""
    weights = np.array([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]])
    luma = np.dot(rgb.astype(np.float64), weights.T)[..., 0]
    return np.asarray(np.trunc(np.clip(luma, 0, 255)), np.float32)


def _luma_pillow_round_trip(rgb: UInt8Array) -> FloatArray:
    """Unrounded luma of what Pillow's RGB → YCbCr → RGB round trip leaves of a colour image."""
    from PIL import Image

    there_and_back = np.asarray(Image.fromarray(rgb).convert("YCbCr").convert("RGB"), np.float64)
    return np.asarray(there_and_back @ np.array([0.299, 0.587, 0.114]), np.float32)


def _luma_studio(rgb: UInt8Array) -> FloatArray:
    """A studio-range luma with 0.564 for green where the standard has 0.504 (PIAFusion's coefficients)."""
    weights = np.array([0.257, 0.564, 0.098], np.float32)
    return np.asarray(rgb.astype(np.float32) @ weights + np.float32(16), np.float32)


GREY_CONVERSIONS: dict[str, Callable[[UInt8Array], FloatArray]] = {
    "bt601": _luma_float,
    "bt601-rounded": lambda rgb: np.rint(_luma_float(rgb)),
    "opencv": lambda rgb: np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32),
    "opencv-flag": _luma_opencv_flag,
    "pillow": _luma_fixed(19595, 38470, 7471, 16, 32768),
    "pillow-ycbcr": _luma_pillow_ycbcr,
    "pillow-round-trip": _luma_pillow_round_trip,
    "truncated": _luma_truncated,
    "piafusion": _luma_studio,
}
"""How a method's grey or luma input is made from RGB: name → H×W×3 uint8 → H×W float32 in 0..255."""


def to_grey(rgb: UInt8Array, conversion: str = "bt601") -> FloatArray:
    """Convert H×W×3 uint8 RGB to H×W float32 in 0..255 by a named conversion of ``GREY_CONVERSIONS``."""
    try:
        convert = GREY_CONVERSIONS[conversion]
    except KeyError:
        raise ImageError(
            f"unknown grey conversion {conversion!r}; known: {', '.join(GREY_CONVERSIONS)}"
        ) from None
    return convert(rgb)
