"""Layers for maps that lie in memory pixel by pixel ("channels last"), in which a CPU is faster at nearly
everything.

oneDNN convolves such maps as they are, and what looks at all channels of a pixel (1×1 convolutions,
normalisation over channels) finds them side by side.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


def pixels_first(x: torch.Tensor) -> torch.Tensor:
    """N×C×H×W → the same in channels-last memory."""
    return x.contiguous(memory_format=torch.channels_last)


def pointwise(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """A 1×1 convolution: N×I×H×W (channels last), O×I×1×1 → N×O×H×W (channels last).

    The rows go in as a batch: with one thread torch convolves batches below 16 by a matrix product that takes
    up to twice as long.
    """
    n, channels, height, width = x.shape
    rows = x.permute(0, 2, 3, 1).reshape(n * height, 1, width, channels).permute(0, 3, 1, 2)
    result = F.conv2d(rows, weight, bias)
    return result.permute(0, 2, 3, 1).reshape(n, height, width, -1).permute(0, 3, 1, 2)


class PointwiseConv2d(nn.Conv2d):
    """``pointwise`` as a layer, with the parameters of a 1×1 convolution."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 1, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """N×I×H×W → N×O×H×W."""
        return pointwise(x, self.weight, self.bias)
