"""The network that CDDFuse introduced and PFCFuse took over: features split into a base and a detail branch.

The two methods differ in the block of the base branch only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import nn

from .channels_last import pixels_first, pointwise
from .network import FusionNetwork
from .restormer_blocks import DetailBlock, TransformerBlock

CHANNELS = 64


class Encoder(nn.Module):
    """An image → base and detail features."""

    def __init__(self, base_block: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(1, CHANNELS, 3, padding=1, bias=False)})
        self.encoder_level1 = nn.Sequential(*(TransformerBlock(CHANNELS) for _ in range(4)))
        self.baseFeature = base_block(CHANNELS)
        self.detailFeature = DetailBlock(CHANNELS, 3)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """N×1×H×W → two N×64×H×W."""
        features = self.encoder_level1(pixels_first(self.patch_embed["proj"](image)))
        return self.baseFeature(features), self.detailFeature(features)


class Decoder(nn.Module):
    """Fused features → a residual to the visible image, then a sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        self.reduce_channel = nn.Conv2d(2 * CHANNELS, CHANNELS, 1, bias=False)
        self.encoder_level2 = nn.Sequential(*(TransformerBlock(CHANNELS) for _ in range(4)))
        self.output = nn.Sequential(
            nn.Conv2d(CHANNELS, CHANNELS // 2, 3, padding=1, bias=False),
            nn.LeakyReLU(0.01, inplace=True),
            nn.Conv2d(CHANNELS // 2, 1, 3, padding=1, bias=False),
        )

    def forward(self, visible: torch.Tensor, base: torch.Tensor, detail: torch.Tensor) -> torch.Tensor:
        """N×1×H×W and two N×64×H×W → N×1×H×W in (0,1)."""
        features = pointwise(torch.cat((base, detail), 1), self.reduce_channel.weight)
        features = self.encoder_level2(features)
        return torch.sigmoid(self.output(features) + visible)


def _parallel(module: nn.Module) -> nn.ModuleDict:
    """The official files were saved from ``DataParallel``, which puts everything below ``module``."""
    return nn.ModuleDict({"module": module})


class DualBranchNetwork(FusionNetwork):
    """Infrared and visible luma in [0,1] → fused luma in (0,1)."""

    channels_last: ClassVar[bool] = True

    def __init__(self, base_block: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.DIDF_Encoder = _parallel(Encoder(base_block))
        self.DIDF_Decoder = _parallel(Decoder())
        self.BaseFuseLayer = _parallel(base_block(CHANNELS))
        self.DetailFuseLayer = _parallel(DetailBlock(CHANNELS, 1))

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W; at least 2×2."""
        base, detail = self.DIDF_Encoder["module"](visible)
        base_infrared, detail_infrared = self.DIDF_Encoder["module"](infrared)
        base = self.BaseFuseLayer["module"](base.add_(base_infrared))
        detail = self.DetailFuseLayer["module"](detail.add_(detail_infrared))
        fused: torch.Tensor = self.DIDF_Decoder["module"](visible, base, detail)
        return fused
