"""Padding of images to a multiple that a network needs."""

from __future__ import annotations

import torch

from ..contracts.method import MethodSpec


def padding(length: int, spec: MethodSpec) -> int:
    """How many rows or columns the harness adds so that ``length`` fits the method's size rule."""
    target = max(length, spec.minimum_size)
    return -(-target // spec.size_multiple) * spec.size_multiple - length


def pad_tensor(image: torch.Tensor, bottom: int, right: int) -> torch.Tensor:
    """Pad N×C×H×W at the bottom and right by reflection; by repetition where the image is too small to
    reflect."""
    for vertical, amount in ((True, bottom), (False, right)):
        while amount > 0:
            length = image.shape[-2 if vertical else -1]
            step = min(amount, length - 1) if length > 1 else amount
            mode = "reflect" if length > 1 else "replicate"
            image = torch.nn.functional.pad(
                image, (0, 0, 0, step) if vertical else (0, step, 0, 0), mode=mode
            )
            amount -= step
    return image
