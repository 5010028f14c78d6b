"""ITFuse: two modalities that exchange keys and queries over three stages, then a transformer (Tang et al.,
Pattern Recognition 2024).
"""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.network import FusionNetwork
from ..porting.run_transformer import UNUSED, ReplicateBlock, RunTransformer, official_name

WIDTH = 16
STAGES = 3
_NAMES = {
    "entry": "conv16",
    "mixed_entry": "conv2_16",
    "block": "conv16_16",
    "coordinate_attention": "CoordAtt",
    "interaction": "TS_lv1",
    "merging": "equalAtt",
    "transformer": "basicLayer",
    "exit": "convolutional_out",
}


class CoordinateAttention(nn.Module):
    """One gain per row and one per column, from the means over rows and over columns."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(WIDTH, 4, 1)
        self.bn1 = nn.BatchNorm2d(4)
        self.conv_h, self.conv_w = nn.Conv2d(4, WIDTH, 1), nn.Conv2d(4, WIDTH, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """N×16×H×W → the same shape."""
        means = torch.cat((x.mean(3, keepdim=True), x.mean(2, keepdim=True).transpose(2, 3)), 2)
        hidden = F.hardswish(self.bn1(self.conv1(means)))
        rows, columns = torch.split(hidden, list(x.shape[-2:]), 2)
        of_rows = torch.sigmoid(self.conv_h(rows))
        of_columns = torch.sigmoid(self.conv_w(columns.transpose(2, 3)))
        return x * of_columns * of_rows


class Interaction(nn.Module):
    """Weighs the values by one number per pixel, computed from key and query of different modalities."""

    def __init__(self) -> None:
        super().__init__()
        self.key_embed = ReplicateBlock(WIDTH, WIDTH)
        self.embed = nn.Sequential(
            nn.Conv2d(WIDTH, 2, 1, bias=False),
            nn.BatchNorm2d(2),
            nn.ReLU(inplace=True),
            nn.Conv2d(2, 1, 1),
            nn.BatchNorm2d(1),
        )
        self.conv1x1 = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH))

    def forward(self, values: torch.Tensor, key: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """N×16×H×W each → the same shape; the embedded key is added."""
        key = self.key_embed(key)
        return torch.addcmul(key, self.embed(query + key), self.conv1x1(values))


class Merging(Interaction):
    """The same with both modalities embedded, and nothing added."""

    def forward(self, values: torch.Tensor, key: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """N×16×H×W each → the same shape."""
        weights = self.embed(self.key_embed(key) + self.key_embed(query))
        return torch.mul(weights, self.conv1x1(values))


class ITFuse(FusionNetwork):
    """Infrared and visible luma in [0,1] → fused luma in (0,1)."""

    unused: ClassVar[tuple[str, ...]] = (
        *UNUSED,
        r"^(norm|mlp|layer2|conv1_32|conv32|conv16_32|conv2_32)\.",
        r"^(TS_lv1|equalAtt)\.(bn|se)\.",
    )

    def __init__(self) -> None:
        super().__init__()
        self.entry, self.mixed_entry = ReplicateBlock(1, WIDTH), ReplicateBlock(2, WIDTH)
        self.block = ReplicateBlock(WIDTH, WIDTH)
        self.coordinate_attention = CoordinateAttention()
        self.interaction, self.merging = Interaction(), Merging()
        self.transformer = RunTransformer(WIDTH, depth=3)
        self.exit = nn.ModuleDict({"conv": nn.Conv2d(WIDTH, 1, 1)})

    def official_name(self, key: str) -> str:
        """The official names tell sizes; here they tell what the layers are for."""
        return official_name(key, _NAMES)

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W. ``block``, ``interaction`` and the attention serve in all stages."""
        thermal, colour = self._residual(self.entry(infrared)), self._residual(self.entry(visible))
        values = self._attended(self.block(self.mixed_entry(torch.cat((infrared, visible), 1))))
        for stage in range(STAGES):
            if stage:
                thermal, colour = self._residual(self.block(thermal)), self._residual(self.block(colour))
                values = self._attended(self.block(self.block(values)))
            thermal, colour = (
                self.interaction(values, key=colour, query=thermal),
                self.interaction(values, key=thermal, query=colour),
            )
        merged = self._attended(self.merging(values, key=thermal, query=colour))
        fused: torch.Tensor = self.exit["conv"](self.block(self.transformer(merged)))
        return torch.sigmoid(fused)

    def _residual(self, x: torch.Tensor) -> torch.Tensor:
        """Two blocks with a shortcut."""
        result: torch.Tensor = x + self.block(self.block(x))
        return result

    def _attended(self, x: torch.Tensor) -> torch.Tensor:
        """Coordinate attention twice, with a shortcut."""
        result: torch.Tensor = x + self.coordinate_attention(self.coordinate_attention(x))
        return result
