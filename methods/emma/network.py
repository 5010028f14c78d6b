"""EMMA's fusion network "U-Fuser": a four-scale U-Net of transformer and residual units (Zhao et al., CVPR
2024).

The authors fuse an image whose sides aren't multiples of 32 in up to four overlapping windows that are pasted
without blending; ``fuse`` does the same, because attention looks at whole windows and padding would give
another result.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from ..porting.network import FusionNetwork
from ..porting.restormer_blocks import DenseTransformerBlock

SCALES = ((1, 8), (8, 16), (16, 32), (32, 32))
MULTIPLE = 32


def _conv(inputs: int, outputs: int, *, bias: bool = False, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, padding_mode="reflect", bias=bias)


class ResidualBlock(nn.Module):
    """x + conv(ReLU(conv(x)))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            _conv(channels, channels, bias=True), nn.ReLU(inplace=True), _conv(channels, channels, bias=True)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add what two convolutions make of it."""
        result: torch.Tensor = x + self.conv(x)
        return result


class Unit(nn.Module):
    """Embeds, looks at the whole window and at neighbourhoods in parallel, and merges both."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.embed = _conv(inputs, outputs)
        self.GlobalFeature = DenseTransformerBlock(outputs, padding_mode="reflect")
        self.LocalFeature = nn.ModuleDict(
            {"Extraction": nn.Sequential(ResidualBlock(outputs), ResidualBlock(outputs))}
        )
        self.FFN = _conv(2 * outputs, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """i → o channels."""
        x = self.embed(x)
        both = torch.cat((self.GlobalFeature(x), self.LocalFeature["Extraction"](x)), 1)
        result: torch.Tensor = self.FFN(both)
        return result


class EMMA(FusionNetwork):
    """Infrared and visible grey in [0,1] (sides multiples of 8) → fused grey in (0,1)."""

    channels_last: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        for number, (inputs, outputs) in enumerate(SCALES, 1):
            for stream in "VI":
                self.add_module(f"{stream}_en_{number}", Unit(inputs, outputs))
                if number < len(SCALES):
                    self.add_module(f"{stream}_down{number}", _conv(outputs, outputs, stride=2))
            self.add_module(f"f_{number}", Unit(2 * outputs, outputs))
        for number, (inputs, outputs) in enumerate(((16, 8), (32, 16), (64, 32), (32, 32)), 1):
            self.add_module(f"de_{number}", Unit(inputs, outputs))
        for number, (inputs, outputs) in ((4, (32, 32)), (3, (32, 16)), (2, (16, 8))):
            up = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
            self.add_module(f"up{number}", nn.Sequential(up, nn.ReLU(inplace=True)))
        self.last = nn.Sequential(_conv(8, 1, bias=True), nn.Sigmoid())

    def _encode(self, stream: str, image: torch.Tensor) -> list[torch.Tensor]:
        maps = [self.get_submodule(f"{stream}_en_1")(image)]
        for number in range(2, len(SCALES) + 1):
            down = self.get_submodule(f"{stream}_down{number - 1}")(maps[-1])
            maps.append(self.get_submodule(f"{stream}_en_{number}")(down))
        return maps

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W."""
        pairs = zip(self._encode("I", infrared), self._encode("V", visible), strict=True)
        fused = [self.get_submodule(f"f_{n}")(torch.cat(pair, 1)) for n, pair in enumerate(pairs, 1)]
        x = self.get_submodule("up4")(self.get_submodule("de_4")(fused[3]))
        for number in (3, 2):
            x = self.get_submodule(f"de_{number}")(torch.cat((x, fused[number - 1]), 1))
            x = self.get_submodule(f"up{number}")(x)
        x = self.get_submodule("de_1")(torch.cat((x, fused[0]), 1))
        result: torch.Tensor = self.last(x)
        return result

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """See ``FusionNetwork.fuse``; at least 32×32."""
        height, width = infrared.shape[-2:]
        rest_y, rest_x = height % MULTIPLE, width % MULTIPLE
        window_y, window_x = height - rest_y, width - rest_x
        canvas = torch.empty_like(infrared)
        # Each window starts at 0 or ends at the border; of the latter only what the others don't cover is
        # kept.
        for top, keep_y in [(0, window_y)] + ([(rest_y, rest_y)] if rest_y else []):
            for left, keep_x in [(0, window_x)] + ([(rest_x, rest_x)] if rest_x else []):
                window = (..., slice(top, top + window_y), slice(left, left + window_x))
                fused = self(infrared[window], visible[window])
                bottom, right = top + window_y, left + window_x
                canvas[..., bottom - keep_y : bottom, right - keep_x : right] = fused[..., -keep_y:, -keep_x:]
        return canvas
