"""Applies a corruption to a pair: the same bytes on any machine and in any order, decided by the pair's name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..contracts.dataset import PairImages
from .choice import Corruption
from .randomness import Random


def corrupt(
    images: PairImages, corruption: Corruption, name: str, frame: PairImages | None = None
) -> PairImages:
    """What methods see of the pair called ``name``; ``images`` stay as they are, labels and boxes are kept.

    ``frame`` is the pair that the infrared image is taken from, where the corruption asks for another frame. All
    severities of a corruption draw the same random numbers (one direction, one place of a lamp), so that severity
    alone differs between them. The run's seed plays no part.
    """
    spec = corruption.spec
    if spec.frames:
        assert frame is not None
        return replace(images, infrared=frame.infrared)
    random = Random(f"{spec.name}/{name}")
    arguments = spec.parameters[corruption.severity]
    function = _function(spec.function)
    if spec.changes == "visible":
        return replace(images, visible=function(images.visible, random, **arguments))
    if spec.changes == "infrared":
        return replace(images, infrared=function(images.infrared, random, **arguments))
    changed: PairImages = function(images, random, **arguments)
    return changed


def _function(text: str) -> Callable[..., Any]:
    module, _, name = text.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(f"{__package__}.{module}"), name)
    return function
