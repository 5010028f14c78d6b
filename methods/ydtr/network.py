"""YDTR: both images through one transformer, added, and through it once more (Tang et al., IEEE TMM 2023)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from ..porting.network import FusionNetwork
from ..porting.run_transformer import UNUSED, ReplicateBlock, RunTransformer, official_name

WIDTH = 64
HIDDEN = 8
_NAMES = {"entry": "convInput", "filter": "DDF", "transformer": "basicLayer", "exit": "convolutional_out"}


class DynamicFilter(nn.Module):
    """Gains per channel and per pixel, computed from the map that they scale; neither is squashed."""

    def __init__(self) -> None:
        super().__init__()
        self.channel_branch = nn.ModuleDict(
            {
                "fc": nn.Sequential(
                    nn.Conv2d(WIDTH, HIDDEN, 1), nn.ReLU(inplace=True), nn.Conv2d(HIDDEN, WIDTH, 1)
                )
            }
        )
        self.spatial_branch = nn.ModuleDict(
            {
                "body": nn.Sequential(
                    nn.Conv2d(WIDTH, HIDDEN, 3, padding=1), nn.Conv2d(HIDDEN, 1, 3, padding=1)
                )
            }
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """N×64×H×W → the same shape."""
        per_channel = self.channel_branch["fc"](x.mean((2, 3), keepdim=True))
        result: torch.Tensor = x * (self.spatial_branch["body"](x) + per_channel)
        return result


class YDTR(FusionNetwork):
    """Infrared and visible luma in [0,1] → fused luma in (-1,1), in practice (0,1); symmetric in the two."""

    unused: ClassVar[tuple[str, ...]] = (*UNUSED, r"^conv(64)?\.")

    def __init__(self) -> None:
        super().__init__()
        self.entry = ReplicateBlock(1, WIDTH)
        self.filter = DynamicFilter()
        self.transformer = RunTransformer(WIDTH, depth=2)
        self.exit = nn.ModuleDict({"conv": nn.Conv2d(WIDTH, 1, 1)})

    def official_name(self, key: str) -> str:
        """The official names are abbreviations."""
        return official_name(key, _NAMES)

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W. One set of weights serves in all three places."""
        branches = [self.transformer(self.filter(self.entry(image))) for image in (infrared, visible)]
        merged = self.transformer(self.filter(branches[0] + branches[1]))
        return torch.tanh(self.exit["conv"](merged))
