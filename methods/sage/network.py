"""SAGE, the sub-network that the authors distil and publish for inference (Wu et al., CVPR 2025)."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.network import FusionNetwork

CHANNELS = 32


def _units(*inputs: int, kernel: int = 3) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in inputs:
        layers += [
            nn.Conv2d(channels, CHANNELS, kernel, padding=kernel // 2),
            nn.BatchNorm2d(CHANNELS),
            nn.LeakyReLU(0.01, inplace=True),
        ]
    return nn.Sequential(*layers)


def _enlarge(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


class SAGE(FusionNetwork):
    """Infrared and visible luma in [0,1] → fused luma in (-1,1), in practice (0,1)."""

    channels_last: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.module1 = _units(2, CHANNELS, CHANNELS)
        self.module2 = _units(CHANNELS, CHANNELS, CHANNELS)
        self.module3 = _units(CHANNELS, CHANNELS, CHANNELS)
        self.adjust_channels4 = _units(2 * CHANNELS, kernel=1)
        self.module4 = _units(CHANNELS, CHANNELS, CHANNELS)
        self.adjust_channels5 = _units(2 * CHANNELS, kernel=1)
        self.module5 = _units(CHANNELS, CHANNELS, CHANNELS)
        self.final_decoder = nn.Sequential(nn.Conv2d(CHANNELS, 1, 3, padding=1), nn.Tanh())

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W; at least 4×4."""
        x1 = self.module1(torch.cat((visible, infrared), 1))
        x2 = self.module2(F.max_pool2d(x1, 2))
        x3 = self.module3(F.max_pool2d(x2, 2))
        x4 = self.module4(self.adjust_channels4(torch.cat((_enlarge(x3, x2), x2), 1)))
        x5 = self.module5(self.adjust_channels5(torch.cat((_enlarge(x4, x1), x1), 1)))
        fused: torch.Tensor = self.final_decoder(x5)
        return fused
