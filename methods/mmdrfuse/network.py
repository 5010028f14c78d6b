"""MMDRFuse: a student of 113 parameters and its teacher (Deng et al., ACM Multimedia 2024)."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.network import FusionNetwork


def _unit(inputs: int, outputs: int, activation: type[nn.Module] = nn.ReLU, stride: int = 1) -> nn.Sequential:
    """3×3 convolution with reflected borders, and an activation."""
    return nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3, stride=stride), activation())


class Student(FusionNetwork):
    """Infrared and visible grey in [0,1] → fused grey in (-1,1), which is to be stretched; at least 2×2."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _unit(2, 4)
        self.conv2 = _unit(4, 1, nn.Tanh)

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W."""
        fused: torch.Tensor = self.conv2(self.conv1(torch.cat((infrared, visible), 1)))
        return fused


class Teacher(FusionNetwork):
    """Infrared and visible grey in [0,1] → fused grey in (-1,1), which is to be stretched; even sides of at
    least 4.
    """

    channels_last: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = _unit(2, 32), _unit(32, 32)
        self.conv3 = _unit(64, 64, stride=2)
        self.conv4, self.conv5, self.conv6 = _unit(64, 64), _unit(128, 64), _unit(192, 64)
        self.conv66 = _unit(64, 64)
        self.conv55, self.conv44, self.conv33 = _unit(128, 64), _unit(128, 64), _unit(128, 64)
        self.conv22, self.conv11 = _unit(96, 32), _unit(64, 4)
        self.conv00 = _unit(4, 1, nn.Tanh)

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W."""
        g1 = self.conv1(torch.cat((infrared, visible), 1))
        g2 = self.conv2(g1)
        g3 = self.conv3(torch.cat((g1, g2), 1))
        g4 = self.conv4(g3)
        g5 = self.conv5(torch.cat((g3, g4), 1))
        a6 = self.conv66(self.conv6(torch.cat((g3, g4, g5), 1)))
        a5 = self.conv55(torch.cat((g5, a6), 1))
        a4 = self.conv44(torch.cat((g4, a5), 1))
        a3 = self.conv33(torch.cat((g3, a4), 1))
        b3 = F.interpolate(a3, scale_factor=2, mode="bicubic", align_corners=False)
        a2 = self.conv22(torch.cat((g2, b3), 1))
        fused: torch.Tensor = self.conv00(self.conv11(torch.cat((g1, a2), 1)))
        return fused
