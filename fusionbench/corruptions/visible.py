"""Corruptions of the visible image: uint8 H×W×3 RGB in and out. ``spec`` has their sources and parameters."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np

from ..contracts.dataset import UInt8Array
from .pixels import grid, line_blur, map_values, scaled, smooth_field, to_uint8
from .randomness import Random


def low_light(image: UInt8Array, random: Random, *, gamma: float, sigma: float) -> UInt8Array:
    """Darken by v ↦ 255 (v/255)^gamma, then add noise of ``sigma`` grey levels."""
    dark = map_values(image, lambda v: 255 * (v / 255) ** gamma)
    return to_uint8(dark + sigma * random.normal(*image.shape))


def glare(image: UInt8Array, random: Random, *, strength: float, radius: float) -> UInt8Array:
    """Add a lamp's veil: 255 · strength / (1 + (r/radius)²) at r pixels from a random place."""
    rows, columns = grid(image)
    y, x = random.number() * 0.7 * image.shape[0], random.number() * image.shape[1]
    distance = (rows - y) * (rows - y) + (columns - x) * (columns - x)
    reach = max(scaled(radius, image), 1.0)
    veil = 255 * strength / (1 + distance / (reach * reach))
    return to_uint8(image + veil[..., None])


def motion_blur(image: UInt8Array, random: Random, *, length: float) -> UInt8Array:
    """Blur along a line in a random direction, over three pixels at least (fewer are no line)."""
    return line_blur(image, max(scaled(length, image), 3.0), math.pi * random.number())


def fog(image: UInt8Array, random: Random, *, transmission: float) -> UInt8Array:
    """Koschmieder's law: J t + A (1 − t), with t = transmission^d.

    The distance d grows from .5 at the lower edge to 1.5 at the upper one, and varies by ±40 % in banks. A is 230.
    """
    height, width = image.shape[:2]
    rows, _ = grid(image)
    distance = (1.5 - rows / max(height - 1, 1)) * (0.6 + 0.8 * smooth_field(random, height, width))
    steps = np.floor(distance * 1024 + 0.5).astype(np.int64)
    table = np.array([transmission ** (k / 1024) for k in range(int(steps.max()) + 1)])
    through = table[steps][..., None]
    return to_uint8(image * through + 230 * (1 - through))


def rain(image: UInt8Array, random: Random, *, drops: float, length: float, brightness: float) -> UInt8Array:
    """Draw streaks that are brighter than what is behind them, over a veil of a quarter of their brightness.

    ``drops`` are streaks per 100 × 100 pixels. All fall at one random angle, within 20° of the vertical.
    """
    height, width = image.shape[:2]
    reach = scaled(length, image)
    angle = math.pi / 2 + math.pi / 9 * (2 * random.number() - 1)
    size = max(scaled(100, image), 1.0)
    drop = random.uniform(height, width) < drops / (size * size)
    streaks = line_blur(np.where(drop, 255, 0).astype(np.uint8), reach, angle)
    light = np.minimum(streaks.astype(np.int64) * max(1, round(reach)), 255)[..., None] / 255
    share = brightness * (light + 0.25 * (1 - light))
    return to_uint8(image + (235 - image.astype(np.float64)) * share)


def noise(image: UInt8Array, random: Random, *, sigma: float) -> UInt8Array:
    """Add noise of ``sigma`` grey levels to each channel of each pixel."""
    return to_uint8(image + sigma * random.normal(*image.shape))


def jpeg(image: UInt8Array, random: Random, *, quality: float) -> UInt8Array:
    """Compress as JPEG (libjpeg's integer transform) and decode again."""
    del random
    settings = [cv2.IMWRITE_JPEG_QUALITY, int(quality)]
    data: Any = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), settings)[1]
    decoded: Any = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(decoded[..., ::-1]).astype(np.uint8)
