"""DATFuse: channel and spatial attention around a small transformer (Tang et al., IEEE TCSVT 2023)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from ..porting.network import FusionNetwork
from ..porting.run_transformer import UNUSED, ReplicateBlock, RunTransformer, official_name

WIDTH = 16
_NAMES = {
    "entry": "convolutional",
    "extraction": "fem",
    "channel_attention": "cam",
    "spatial_attention": "sam",
    "transformer": "basicLayer",
    "exit": "convolutional_out",
}


class Extraction(ReplicateBlock):
    """The same convolution and normalisation twice, with one ReLU between."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """16 → 16 channels."""
        result: torch.Tensor = self.bn(self.conv(super().forward(x)))
        return result


class ChannelAttention(nn.Module):
    """One weight per channel, from the channels' means."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Sequential(nn.Conv2d(WIDTH, 4, 1), nn.ReLU(inplace=True), nn.Conv2d(4, WIDTH, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """N×16×H×W → N×16×1×1 in (0,1)."""
        return torch.sigmoid(self.fc(x.mean((2, 3), keepdim=True)))


class SpatialAttention(nn.Module):
    """One weight per pixel; borders are padded with zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(WIDTH, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.Conv2d(4, 1, 3, padding=1),
            nn.BatchNorm2d(1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """N×16×H×W → N×1×H×W in (0,1)."""
        return torch.sigmoid(self.body(x))


class DATFuse(FusionNetwork):
    """Infrared and visible luma in [0,1] → fused luma in (-1,1), in practice (0,1)."""

    unused: ClassVar[tuple[str, ...]] = UNUSED

    def __init__(self) -> None:
        super().__init__()
        self.entry = ReplicateBlock(2, WIDTH, kernel=5)
        self.extraction = Extraction(WIDTH, WIDTH)
        self.channel_attention, self.spatial_attention = ChannelAttention(), SpatialAttention()
        self.transformer = RunTransformer(WIDTH, depth=2)
        self.exit = nn.ModuleDict({"conv": nn.Conv2d(WIDTH, 1, 1)})

    def official_name(self, key: str) -> str:
        """The official names are abbreviations."""
        return official_name(key, _NAMES)

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W. One set of attention layers serves before and after the transformer."""
        shallow = self.entry(torch.cat((infrared, visible), 1))
        features = self.extraction(shallow)
        tokens = torch.relu_(torch.addcmul(shallow, features, self._attention(features)))
        features = self.extraction(self.transformer(tokens))
        deep = torch.addcmul(features, features, self._attention(features))
        return torch.tanh(self.exit["conv"](deep))

    def _attention(self, features: torch.Tensor) -> torch.Tensor:
        """Both attentions added, N×16×H×W."""
        weights: torch.Tensor = self.channel_attention(features) + self.spatial_attention(features)
        return weights
