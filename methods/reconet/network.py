"""ReCoNet: the recurrent fusion network "ReCo" (Huang et al., ECCV 2022), the authors' recommended first
version.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from ..porting.network import FusionNetwork

RECURRENCES = 3


class ReCoNet(FusionNetwork):
    """Infrared and visible grey in [0,1] → fused grey in (-1,1), of which the authors keep [0,1]."""

    channels_last: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.att_a_conv = nn.Conv2d(2, 1, 3, padding=1, bias=False)
        self.att_b_conv = nn.Conv2d(2, 1, 3, padding=1, bias=False)
        for dilation in (1, 2, 3):
            conv = nn.Conv2d(3, 64, 3, padding=dilation, dilation=dilation)
            self.add_module(
                f"dil_conv_{dilation}", nn.Sequential(conv, nn.BatchNorm2d(64), nn.ReLU(inplace=True))
            )
        self.fus_conv = nn.Sequential(nn.Conv2d(192, 1, 3, padding=1), nn.BatchNorm2d(1), nn.Tanh())

    def _attend(self, conv: nn.Module, image: torch.Tensor, fused: torch.Tensor) -> torch.Tensor:
        summary = torch.cat((torch.maximum(image, fused), (image + fused) / 2), 1)
        return image * torch.sigmoid(conv(summary))

    def steps(self, infrared: torch.Tensor, visible: torch.Tensor) -> list[torch.Tensor]:
        """The fused image after each recurrence; the weights are shared."""
        fused = torch.maximum(infrared, visible)
        results = []
        for _ in range(RECURRENCES):
            attended_infrared = self._attend(self.att_a_conv, infrared, fused)
            attended_visible = self._attend(self.att_b_conv, visible, fused)
            x = torch.cat((attended_infrared, fused, attended_visible), 1)
            branches = [self.get_submodule(f"dil_conv_{dilation}")(x) for dilation in (1, 2, 3)]
            fused = self.fus_conv(torch.cat(branches, 1))
            results.append(fused)
        return results

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W."""
        return self.steps(infrared, visible)[-1]
