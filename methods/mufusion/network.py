"""MUFusion: a U-shaped network applied to overlapping 128×128 tiles (Cheng et al., Information Fusion 2023)."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.network import FusionNetwork

TILE = 128
STEP = 124
TILES_AT_ONCE = 4

CHANNELS = {
    "1": (2, 32),
    "2": (32, 32),
    "3": (64, 64),
    "4": (64, 64),
    "5": (128, 64),
    "6": (192, 64),
    "66": (64, 64),
    "55": (128, 64),
    "44": (128, 64),
    "33": (128, 64),
    "22": (96, 32),
    "11": (64, 1),
}
"""Channels of each official layer ``conv<n>``: 1 to 6 encode, 66 to 11 decode."""


class MUFusion(FusionNetwork):
    """A tile of infrared and visible grey in [0,1] → fused grey in (-1,1); ``fuse`` does whole images."""

    channels_last: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        for number, (inputs, outputs) in CHANNELS.items():
            conv = nn.Conv2d(inputs, outputs, 3, stride=2 if number == "3" else 1)
            self.add_module(f"conv{number}", nn.Sequential(nn.ReflectionPad2d(1), conv))

    def _layer(self, number: int, *maps: torch.Tensor) -> torch.Tensor:
        x: torch.Tensor = self.get_submodule(f"conv{number}")(
            torch.cat(maps, 1) if len(maps) > 1 else maps[0]
        )
        return torch.tanh(x) if number == 11 else x.relu_()

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each (even sizes) → N×1×H×W."""
        layer = self._layer
        g1 = layer(1, infrared, visible)
        g2 = layer(2, g1)
        g3 = layer(3, g1, g2)
        g4 = layer(4, g3)
        g5 = layer(5, g3, g4)
        g6 = layer(6, g3, g4, g5)
        x = layer(55, g5, layer(66, g6))
        x = layer(33, g3, layer(44, g4, x))
        x = F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
        return layer(11, g1, layer(22, g2, x))

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """See ``FusionNetwork.fuse``; overlapping tiles are averaged. At least 128×128 (the harness pads)."""
        total = torch.zeros_like(infrared)
        count = torch.zeros_like(infrared[:1])
        places = tile_places(*infrared.shape[-2:])
        for start in range(0, len(places), TILES_AT_ONCE):
            chunk = places[start : start + TILES_AT_ONCE]
            tiles = [
                torch.cat([image[..., y : y + TILE, x : x + TILE] for y, x in chunk])
                for image in (infrared, visible)
            ]
            for (y, x), tile in zip(chunk, self(*tiles).chunk(len(chunk)), strict=True):
                total[..., y : y + TILE, x : x + TILE] += tile
                count[..., y : y + TILE, x : x + TILE] += 1
        return total / count


def tile_places(height: int, width: int) -> list[tuple[int, int]]:
    """Upper left corners (y, x) of the tiles in the authors' order.

    Tiles may coincide at the borders; they count twice there.
    """
    ys = range(0, height - TILE + 1, STEP)
    xs = range(0, width - TILE + 1, STEP)
    inner = [(y, x) for y in ys for x in xs]
    right = [(y, width - TILE) for y in ys]
    lower = [(height - TILE, x) for x in xs]
    return [*inner, *right, *lower, (height - TILE, width - TILE)]
