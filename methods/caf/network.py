"""CAF: one dense convolutional network, trained with a detector or a segmenter in the loop (Liu et al., IJCAI
2024).
"""

from __future__ import annotations

import torch
from torch import nn

from ..porting.network import FusionNetwork


def _unit(inputs: int, outputs: int) -> nn.Sequential:
    """3×3 convolution, batch normalisation (running statistics), ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class CAF(FusionNetwork):
    """Infrared and visible luma in [0,1] → fused luma in (-1,1), in practice -0.4 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder1, self.encoder2 = _unit(1, 16), _unit(1, 16)
        self.dense = nn.ModuleList(_unit(inputs, 32) for inputs in (32, 64, 96))
        self.fuse_layers = nn.Sequential(
            nn.Sequential(nn.Conv2d(128, 64, 3, padding=1), nn.ReLU(inplace=True)),
            _unit(64, 32),
            nn.Sequential(nn.Conv2d(32, 1, 1), nn.Tanh()),
        )

    def official_name(self, key: str) -> str:
        """``fuse`` is the name of the last layers in the official file; here it is a method."""
        return key.replace("fuse_layers.", "fuse.")

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W."""
        features = torch.cat((self.encoder1(infrared), self.encoder2(visible)), 1)
        for layer in self.dense:
            features = torch.cat((features, layer(features)), 1)
        fused: torch.Tensor = self.fuse_layers(features)
        return fused
