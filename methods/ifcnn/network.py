"""IFCNN: ImageNet features of both images, merged element by element, decoded to colour (Zhang et al.,
Information Fusion 2020).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import nn

from ..porting.network import FusionNetwork

MEAN = (0.485, 0.456, 0.406)
"""Channel means of ImageNet.

The authors' main script uses 0 here, but their published results come from these constants.
"""
STANDARD_DEVIATION = (0.229, 0.224, 0.225)

MERGES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "max": torch.maximum,
    "sum": torch.add,
    "mean": lambda a, b: (a + b) / 2,
}
"""The three fusion rules, each with weights of its own; ``max`` is the authors' choice for infrared and
visible images.
"""


class ConvBlock(nn.Module):
    """3×3 convolution with replicated borders, batch normalisation (running statistics), ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(64, 64, 3, padding=1, padding_mode="replicate", bias=False)
        self.bn = nn.BatchNorm2d(64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """64 → 64 channels."""
        return torch.relu_(self.bn(self.conv(x)))


class IFCNN(FusionNetwork):
    """Normalised RGB images → normalised fused RGB."""

    channels_last: ClassVar[bool] = True

    def __init__(self, merge: str = "max") -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, padding=3, padding_mode="replicate", bias=False)
        self.conv2 = ConvBlock()
        self.conv3 = ConvBlock()
        self.conv4 = nn.Conv2d(64, 3, 1)
        self.merge = MERGES[merge]
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(STANDARD_DEVIATION).view(1, 3, 1, 1), persistent=False)

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×3×H×W each → N×3×H×W."""
        merged = self.merge(self.conv2(self.conv1(infrared)), self.conv2(self.conv1(visible)))
        fused: torch.Tensor = self.conv4(self.conv3(merged))
        return fused

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """See ``FusionNetwork.fuse``; infrared is repeated to three channels, both are normalised, the result
        is restored.
        """
        infrared = infrared.expand(-1, 3, -1, -1)
        mean, deviation = self.get_buffer("mean"), self.get_buffer("deviation")
        fused: torch.Tensor = self((infrared - mean) / deviation, (visible - mean) / deviation)
        return fused * deviation + mean
