"""From a method's float output to the uint8 image that is saved: recombination with colour, stretch,
rounding.

The official code of the field saves in several ways, and the way is part of a method's published numbers, so
each one has a name here and stands in the method's spec.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..contracts.method import MethodSpec
from ..errors import ImageError
from .codec import FloatArray, UInt8Array, as_grey
from .recombination import BYTE_RECOMBINATIONS, FLOAT_RECOMBINATIONS, RECOMBINATIONS

Rounding = Callable[[npt.NDArray[np.floating]], UInt8Array]


def _clipped(levels: npt.NDArray[np.floating]) -> UInt8Array:
    """Clip to 0..255 in place and drop the fraction."""
    return np.clip(levels, 0, 255, out=levels).astype(np.uint8)


ROUNDINGS: dict[str, Rounding] = {
    "nearest": lambda x: _clipped(np.rint(x, out=x)),
    "truncate": _clipped,
    "half-up": lambda x: _clipped(np.floor(x + 0.5)),
    "half-down": lambda x: _clipped(np.floor(x + 0.499999999)),
    "wrap": lambda x: np.trunc(x).astype(np.int64).astype(np.uint8),
}
"""Level (float, nominally 0..255; overwritten) to uint8; ``half-down`` is scikit-image's old saver,
``half-up`` SciPy's.

``wrap`` is what a cast without clipping gives: towards zero, then modulo 256. So -3.7 becomes 253."""


def stretch(image: FloatArray) -> FloatArray:
    """Stretch an array to 0..1 by its own minimum and maximum; a constant array becomes 0."""
    low, high = float(image.min()), float(image.max())
    return (image - low) / (high - low) if high > low else np.zeros_like(image)


def brighten(image: FloatArray) -> FloatArray:
    """Scale levels so that the largest value of the array becomes 255; an array without positive values is
    left as it is."""
    high = float(image.max())
    return image * np.float32(255 / high) if high > 0 else image


def finish(fused: FloatArray, visible: UInt8Array, spec: MethodSpec, *, grey: bool = False) -> UInt8Array:
    """Turn a method's output into the uint8 image that is saved and scored.

    ``fused`` is float32 C×H×W, nominally in [0,1] (C = 1 for luma, 3 for RGB); ``visible`` H×W×3 uint8.
    ``grey`` leaves out the recombination with colour (the official form of methods that save grey). Returns
    H×W×3, or H×W where there is no colour.
    """
    quantise_levels = _rounding(spec.rounding)
    if spec.output == "rgb":
        image = np.ascontiguousarray(np.moveaxis(fused, 0, -1))
        image = stretch(image) if spec.quantise in {"minmax", "minmax-rgb"} else image
        levels = quantise_levels(image * np.float32(255))
        return as_grey(levels) if grey else levels
    luma = fused[0]
    if spec.quantise == "minmax":
        luma = stretch(luma)
    luma = luma * np.float32(255)
    if grey or spec.colour == "none":
        return quantise_levels(brighten(luma) if spec.quantise == "max-rgb" else luma)
    if spec.colour in BYTE_RECOMBINATIONS:
        return BYTE_RECOMBINATIONS[spec.colour](quantise_levels(luma), visible)
    try:
        recombine = FLOAT_RECOMBINATIONS[spec.colour]
    except KeyError:
        raise ImageError(
            f"method {spec.name}: unknown colour {spec.colour!r}; known: {', '.join(RECOMBINATIONS)}"
        ) from None
    image = recombine(luma, visible, spec.grey)
    if spec.quantise == "minmax-rgb":
        image = stretch(np.clip(image, 0, 255)) * np.float32(255)
    elif spec.quantise == "max-rgb":
        image = brighten(image)
    return quantise_levels(image)


def _rounding(name: str) -> Rounding:
    try:
        return ROUNDINGS[name]
    except KeyError:
        raise ImageError(f"unknown rounding {name!r}; known: {', '.join(ROUNDINGS)}") from None
