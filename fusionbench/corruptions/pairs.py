"""Corruptions of a pair: the infrared image moves against the visible one, lags behind it, or a sensor is gone.

The visible image, which the labels belong to, stays where it is."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..contracts.dataset import PairImages
from .pixels import grid, scaled, warp
from .randomness import Random


def shift(pair: PairImages, random: Random, *, pixels: float) -> PairImages:
    """Move the infrared image in a random direction."""
    rows, columns = grid(pair.infrared)
    reach, angle = scaled(pixels, pair.infrared), 2 * math.pi * random.number()
    moved = warp(pair.infrared, rows + reach * math.sin(angle), columns + reach * math.cos(angle))
    return replace(pair, infrared=moved)


def rotation(pair: PairImages, random: Random, *, degrees: float) -> PairImages:
    """Turn the infrared image about its middle, to a random side."""
    rows, columns = grid(pair.infrared)
    y, x = (pair.infrared.shape[0] - 1) / 2, (pair.infrared.shape[1] - 1) / 2
    angle = math.radians(degrees) * (1 if random.number() < 0.5 else -1)
    sine, cosine = math.sin(angle), math.cos(angle)
    down, along = rows - y, columns - x
    moved = warp(pair.infrared, y + sine * along + cosine * down, x + cosine * along - sine * down)
    return replace(pair, infrared=moved)


def scale(pair: PairImages, random: Random, *, factor: float) -> PairImages:
    """Enlarge the infrared image about its middle, or shrink it (by chance), by a factor."""
    rows, columns = grid(pair.infrared)
    y, x = (pair.infrared.shape[0] - 1) / 2, (pair.infrared.shape[1] - 1) / 2
    by = 1 / factor if random.number() < 0.5 else factor
    return replace(pair, infrared=warp(pair.infrared, y + (rows - y) * by, x + (columns - x) * by))


def parallax(pair: PairImages, random: Random, *, pixels: float) -> PairImages:
    """Move the infrared image sideways, the more the nearer: nothing at the upper edge, ``pixels`` at the lower one."""
    rows, columns = grid(pair.infrared)
    reach = scaled(pixels, pair.infrared) * (1 if random.number() < 0.5 else -1)
    near = rows / max(pair.infrared.shape[0] - 1, 1)
    return replace(pair, infrared=warp(pair.infrared, rows, columns + reach * near))


def infrared_gone(pair: PairImages, random: Random) -> PairImages:
    """A black infrared image."""
    del random
    return replace(pair, infrared=np.zeros_like(pair.infrared))


def visible_gone(pair: PairImages, random: Random) -> PairImages:
    """A black visible image."""
    del random
    return replace(pair, visible=np.zeros_like(pair.visible))
