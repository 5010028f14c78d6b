"""What corruptions do with pixels: look-up tables, blurs, warps, smooth fields.

All of it is exact: integers, and float64 by + − × ÷ and square roots, which every machine rounds alike. Blurs and
warps of image libraries differ between processors and versions, and so do sums of floats."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..contracts.dataset import UInt8Array
from .randomness import FloatArray, Random

REFERENCE_WIDTH = 640
"""Lengths are given in pixels of an image whose longer side has so many."""

_UNIT = 1 << 16
_FRACTION = 256


def scaled(length: float, image: npt.NDArray[np.generic]) -> float:
    """A length in pixels of this image."""
    return float(length * max(image.shape[:2]) / REFERENCE_WIDTH)


def to_uint8(values: npt.NDArray[np.floating[Any]]) -> UInt8Array:
    """Round to the nearest of 0..255."""
    rounded: UInt8Array = np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)
    return rounded


def map_values(image: UInt8Array, function: Callable[[float], float]) -> UInt8Array:
    """Map each value 0..255 by a function."""
    table = to_uint8(np.array([function(float(v)) for v in range(256)]))
    mapped: UInt8Array = table[image]
    return mapped


def gaussian_blur(image: UInt8Array, sigma: float) -> UInt8Array:
    """Blur by a Gaussian of ``sigma`` pixels, edges repeated."""
    radius = max(1, math.ceil(3 * sigma))
    bell = [math.exp(-0.5 * (k / max(sigma, 1e-6)) ** 2) for k in range(-radius, radius + 1)]
    weights = [round(_UNIT * b / sum(bell)) for b in bell]
    weights[radius] += _UNIT - sum(weights)
    for axis in (0, 1):
        image = _weighted(
            image, weights, [(k, 0) if axis == 0 else (0, k) for k in range(-radius, radius + 1)]
        )
    return image


def line_blur(image: UInt8Array, length: float, angle: float) -> UInt8Array:
    """Blur along a line of ``length`` pixels at ``angle`` (radians), as a moving camera does."""
    count = max(1, round(length))
    middle = (count - 1) / 2
    sine, cosine = math.sin(angle), math.cos(angle)
    steps = [
        (math.floor((k - middle) * sine + 0.5), math.floor((k - middle) * cosine + 0.5)) for k in range(count)
    ]
    weights = [_UNIT // count] * count
    weights[0] += _UNIT - sum(weights)
    return _weighted(image, weights, steps)


def _weighted(image: UInt8Array, weights: Sequence[int], steps: Sequence[tuple[int, int]]) -> UInt8Array:
    """The weighted sum of shifted copies; weights sum to 2^16."""
    margin = max(max(abs(y), abs(x)) for y, x in steps)
    padding = [(margin, margin)] * 2 + [(0, 0)] * (image.ndim - 2)
    padded = np.pad(image, padding, mode="edge").astype(np.uint32)
    height, width = image.shape[:2]
    total = np.full(image.shape, _UNIT // 2, np.uint32)
    for weight, (y, x) in zip(weights, steps, strict=True):
        total += np.uint32(weight) * padded[margin + y : margin + y + height, margin + x : margin + x + width]
    return (total >> np.uint32(16)).astype(np.uint8)


def grid(image: npt.NDArray[np.generic]) -> tuple[FloatArray, FloatArray]:
    """The rows (H×1) and columns (1×W) of an image's pixels, float64."""
    height, width = image.shape[:2]
    return np.arange(height, dtype=np.float64)[:, None], np.arange(width, dtype=np.float64)[None, :]


def warp(image: UInt8Array, rows: FloatArray, columns: FloatArray) -> UInt8Array:
    """Take each pixel from (row, column) of ``image``, bilinear in steps of 1/256 pixel, edges repeated.

    ``rows`` and ``columns`` have shapes that broadcast to H×W.
    """
    height, width = image.shape[:2]
    y = np.clip(np.floor(rows * _FRACTION + 0.5), 0, (height - 1) * _FRACTION).astype(np.int64)
    x = np.clip(np.floor(columns * _FRACTION + 0.5), 0, (width - 1) * _FRACTION).astype(np.int64)
    y, x = np.broadcast_arrays(y, x)
    top, left = y // _FRACTION, x // _FRACTION
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, along = y % _FRACTION, x % _FRACTION
    if image.ndim == 3:
        down, along = down[..., None], along[..., None]
    wide = image.astype(np.int64)
    upper = wide[top, left] * (_FRACTION - along) + wide[top, right] * along
    lower = wide[bottom, left] * (_FRACTION - along) + wide[bottom, right] * along
    total = upper * (_FRACTION - down) + lower * down
    taken: UInt8Array = ((total + _FRACTION * _FRACTION // 2) // (_FRACTION * _FRACTION)).astype(np.uint8)
    return taken


def smooth_field(random: Random, height: int, width: int, octaves: int = 4) -> FloatArray:
    """Random values in [0, 1] that change slowly over the image (value noise), float64 H×W.

    The coarsest of the octaves has about three cells along the longer side; each further one has twice as many
    and half the weight.
    """
    total, weights = np.zeros((height, width)), 0.0
    for octave in range(octaves):
        cell = max(height, width) / (3 << octave)
        values = random.uniform(int(height / cell) + 2, int(width / cell) + 2)
        y, x = np.arange(height) / cell, np.arange(width) / cell
        top, left = np.floor(y).astype(np.int64), np.floor(x).astype(np.int64)
        down, along = (y - top)[:, None], (x - left)[None, :]
        upper = values[top][:, left] * (1 - along) + values[top][:, left + 1] * along
        lower = values[top + 1][:, left] * (1 - along) + values[top + 1][:, left + 1] * along
        total += (upper * (1 - down) + lower * down) / (1 << octave)
        weights += 1 / (1 << octave)
    return total / weights
