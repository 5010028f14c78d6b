"""Corruptions of the infrared image: uint8 H×W in and out. ``spec`` has their sources and parameters."""

from __future__ import annotations

import numpy as np

from ..contracts.dataset import UInt8Array
from .pixels import gaussian_blur, scaled, to_uint8
from .randomness import Random


def stripes(image: UInt8Array, random: Random, *, sigma: float) -> UInt8Array:
    """Add an offset of ``sigma`` grey levels to each column, as the read-out of a microbolometer array does."""
    return to_uint8(image + sigma * random.normal(1, image.shape[1]))


def low_contrast(image: UInt8Array, random: Random, *, contrast: float) -> UInt8Array:
    """Shrink all values towards the image's mean."""
    del random
    mean = int(image.sum(dtype=np.int64)) / image.size
    return to_uint8(mean + contrast * (image - mean))


def dead_pixels(image: UInt8Array, random: Random, *, share: float) -> UInt8Array:
    """Set a share of the pixels to 0 or 255, half of them each."""
    drawn = random.uniform(*image.shape)
    stuck = np.where(drawn < share / 2, 0, np.where(drawn < share, 255, image))
    return stuck.astype(np.uint8)


def blur(image: UInt8Array, random: Random, *, sigma: float) -> UInt8Array:
    """Blur by a Gaussian, as a lens out of focus does."""
    del random
    return gaussian_blur(image, scaled(sigma, image))


def polarity_flip(image: UInt8Array, random: Random) -> UInt8Array:
    """Show black what was white: v ↦ 255 − v."""
    del random
    return 255 - image


def noise(image: UInt8Array, random: Random, *, sigma: float) -> UInt8Array:
    """Add noise of ``sigma`` grey levels to each pixel."""
    return to_uint8(image + sigma * random.normal(*image.shape))
