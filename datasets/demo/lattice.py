"""Noise fields and averaging on the pixel grid, the same for both cameras."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .canvas import SUPERSAMPLING, FloatImage


def value_noise(
    shape: tuple[int, ...], rng: np.random.Generator, cells: Sequence[float], weights: Sequence[float]
) -> FloatImage:
    """Smooth noise of about unit amplitude: random grids with ``cells`` pixels a cell, enlarged and summed
    with ``weights``."""
    height, width = shape[:2]
    total = np.zeros((height, width), np.float32)
    for cell, weight in zip(cells, weights, strict=True):
        grid = rng.uniform(-1, 1, (max(2, int(height / cell) + 2), max(2, int(width / cell) + 2))).astype(
            np.float32
        )
        total += np.float32(weight) * cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)
    return total


def surface_noise(shape: tuple[int, ...], rng: np.random.Generator) -> FloatImage:
    """The fine texture of surfaces at supersampled resolution."""
    s = SUPERSAMPLING
    return value_noise(shape, rng, (1.5 * s, 4 * s, 14 * s), (0.55, 0.5, 0.45))


def area_mean(image: FloatImage) -> FloatImage:
    """Average each supersampled block: (sH)×(sW)[×C] → H×W[×C]."""
    s = SUPERSAMPLING
    total = image[0::s, 0::s].copy()
    for i in range(s):
        for j in range(s):
            if i or j:
                total += image[i::s, j::s]
    total *= np.float32(1.0 / (s * s))
    return total
