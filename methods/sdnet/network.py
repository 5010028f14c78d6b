"""SDNet, the fusion ("squeeze") half of the infrared-visible model (Zhang and Ma, IJCV 2021)."""

from __future__ import annotations

import re
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.network import FusionNetwork


class SDNet(FusionNetwork):
    """Infrared and visible luma in [-1,1] → fused luma in (-1,1)."""

    channels_last: ClassVar[bool] = True
    tensorflow: ClassVar[bool] = True
    unused: ClassVar[tuple[str, ...]] = (r"/layer[6-9]_",)  # the decomposition half, needed in training only

    def __init__(self) -> None:
        super().__init__()
        for stream in ("ir", "vi"):
            for number, (inputs, kernel) in enumerate(((1, 5), (16, 3), (32, 3), (48, 3)), 1):
                layer = nn.Conv2d(inputs, 16, kernel, padding=kernel // 2)
                self.add_module(f"layer{number}_{stream}", layer)
        self.layer5_fuse = nn.Conv2d(128, 1, 1)

    def official_name(self, key: str) -> str:
        """``layer1_ir.weight`` → fusion_model/layer1_ir/w1_ir."""
        match = re.fullmatch(r"(layer(\d)_(\w+))\.(weight|bias)", key)
        if match is None:
            return key
        layer, number, stream, kind = match.groups()
        return f"fusion_model/{layer}/{kind[0]}{number}_{stream}"

    def _features(self, stream: str, x: torch.Tensor) -> list[torch.Tensor]:
        layers = [self.get_submodule(f"layer{n}_{stream}") for n in range(1, 5)]
        maps = [F.leaky_relu(layers[0](x), 0.2)]
        maps.append(F.leaky_relu(layers[1](maps[0]), 0.2))
        for layer in layers[2:]:
            maps.append(F.leaky_relu(layer(torch.cat(maps, 1)), 0.2))
        return maps

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W."""
        streams = zip(self._features("ir", infrared), self._features("vi", visible), strict=True)
        return torch.tanh(self.layer5_fuse(torch.cat([m for pair in streams for m in pair], 1)))

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """See ``FusionNetwork.fuse``; the network works in [-1,1]."""
        fused: torch.Tensor = (self(infrared * 2 - 1, visible * 2 - 1) + 1) / 2
        return fused
