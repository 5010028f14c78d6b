"""The pixelwise rules: either source alone, their mean, their maximum. The floor that every method has to
stand above.
"""

from __future__ import annotations

import torch

from .adapter import method_of


def take_visible(infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
    """The visible image itself, N×C×H×W."""
    return visible


def take_infrared(infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
    """The infrared image as grey RGB: N×1×H×W → N×3×H×W with equal channels (so that no visible colour is
    added to it).
    """
    return infrared.expand(-1, 3, -1, -1)


def average(infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
    """The mean of both sources, N×1×H×W."""
    return (infrared + visible) / 2


def maximum(infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
    """The brighter source at each pixel, N×1×H×W. On 8-bit levels (k/255) the result is a level, exactly."""
    return torch.maximum(infrared, visible)


build_visible = method_of(take_visible)
build_infrared = method_of(take_infrared)
build_average = method_of(average)
build_maximum = method_of(maximum)
