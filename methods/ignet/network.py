"""IGNet: a graph neural network between the streams at three scales (Li et al., ACM Multimedia 2023).

The official script never leaves training mode, so its results come from the statistics of each image;
evaluation mode is an option here. In the official names "rgb" is the infrared stream and "dep" the visible
one.
"""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.batch_statistics import use_image_statistics
from ..porting.network import FusionNetwork
from .graph import GraphLevel, conv_norm_relu

LEVELS = ((512, 16), (256, 8), (128, 4))
"""Channels of the features and of the graph's nodes, from the coarsest level to the finest."""
CASCADE = ((512 + 16, 128), (128 + 8, 32), (32 + 4, 4))
STREAMS = ("rgb", "dep")


class Encoder(nn.Module):
    """An image → features at 1/8, 1/4 and 1/2 of its size."""

    def __init__(self, *, product: bool) -> None:
        super().__init__()
        for number, (inputs, outputs) in enumerate(((1, 128), (128, 256), (256, 384), (384, 512)), 1):
            self.add_module(f"conv{number}", nn.Conv2d(inputs, outputs, 3, padding=1))
        self.fc1 = nn.Linear(512, 32, bias=False)
        self.fc2 = nn.Linear(32, 512, bias=False)
        self.product = product

    def _layer(self, number: int, x: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu(self.get_submodule(f"conv{number}")(x), 0.2, inplace=True)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """N×1×H×W → N×512×H/8×W/8, N×256×H/4×W/4, N×128×H/2×W/2."""
        x1 = F.max_pool2d(self._layer(1, image), 2)
        x2 = F.max_pool2d(self._layer(2, x1), 2)
        x = self._layer(4, self._layer(3, x2))
        largest, mean = F.max_pool2d(x, 2), F.avg_pool2d(x, 2)
        x3 = largest * mean if self.product else largest + mean
        gate = torch.sigmoid(self.fc2(torch.relu(self.fc1(x3.mean((2, 3))))))
        return x3 * gate[..., None, None], x2, x1


class GraphDecoder(nn.Module):
    """Features of both streams → the fused luma."""

    def __init__(self) -> None:
        super().__init__()
        self.graph = nn.ModuleList(GraphLevel(*channels, first=n == 0) for n, channels in enumerate(LEVELS))
        self.C_cat = nn.ModuleList(conv_norm_relu(3 * c, c) for _ in STREAMS for _, c in LEVELS)
        self.C_up = nn.ModuleList(conv_norm_relu(i, o) for _ in STREAMS for i, o in CASCADE)
        self.C_cls = nn.Conv2d(8, 1, 1)

    def forward(self, infrared: tuple[torch.Tensor, ...], visible: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """Three scales of each stream, coarsest first → N×1×H×W."""
        cascades = [infrared[0], visible[0]]
        summaries: list[torch.Tensor] | None = None
        for level, graph in enumerate(self.graph):
            nodes = graph(infrared[level], visible[level], summaries)
            summaries = []
            for stream in range(2):
                merge, enlarge = self.C_cat[level + 3 * stream], self.C_up[level + 3 * stream]
                summary = merge(torch.cat(nodes[stream], 1))
                summaries.append(summary)
                x = torch.cat((summary, cascades[stream]), 1)
                x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
                cascades[stream] = enlarge(x)
        fused: torch.Tensor = self.C_cls(torch.cat(cascades, 1))
        return fused


class IGNet(FusionNetwork):
    """Infrared and visible luma in [0,1] (sides multiples of 8) → fused luma, unbounded."""

    unused: ClassVar[tuple[str, ...]] = (r"^graph\.graph\.0\.C_ca\.",)

    def __init__(self, *, image_statistics: bool = True) -> None:
        super().__init__()
        self.vis_conv = Encoder(product=False)
        self.inf_conv = Encoder(product=True)
        self.graph = GraphDecoder()
        if image_statistics:
            use_image_statistics(self)

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W."""
        fused: torch.Tensor = self.graph(self.inf_conv(infrared), self.vis_conv(visible))
        return fused
