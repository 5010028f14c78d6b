"""PIAFusion: two streams that exchange what sets them apart (Tang et al., Information Fusion 2022), in its
two versions.

The official network is TensorFlow's. The PyTorch port that its README links is another network: it has
separate weights a stream, another slope, and exchanges with the opposite sign. Weights of one can't be used
in the other.
"""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.network import FusionNetwork

ENCODER = ((16, 16), (16, 32), (32, 64), (64, 128))
DECODER = ((256, 256), (256, 128), (128, 64), (64, 32))


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")


class PIAFusion(FusionNetwork):
    """The official network. Infrared and visible luma in [0,1] → fused luma in (0,1)."""

    tensorflow: ClassVar[bool] = True
    unused: ClassVar[tuple[str, ...]] = (r"^classifier/",)
    slope: ClassVar[float] = 0.2
    sign: ClassVar[int] = -1
    """Whether each stream moves towards (1) or away from (-1) the other in an exchange."""

    def __init__(self) -> None:
        super().__init__()
        self.first_vi, self.first_ir = nn.Conv2d(1, 16, 1), nn.Conv2d(1, 16, 1)
        self.stages_vi = nn.ModuleList(_conv(*channels) for channels in ENCODER)
        self.decoder = nn.ModuleList(_conv(*channels) for channels in DECODER)
        self.last = nn.Conv2d(32, 1, 1)

    @property
    def stages_ir(self) -> nn.ModuleList:
        """The infrared stream's stages: the same weights as the visible one's."""
        return self.stages_vi

    def official_name(self, key: str) -> str:
        """TensorFlow's variable names (its "5×5" convolutions are 1×1)."""
        part, *number, kind = key.split(".")
        kind = "kernel" if kind == "weight" else "bias"
        if part.startswith("first"):
            return f"PIAFusion/encoder/conv5x5_{part[-2:]}/{kind}"
        if part == "last":
            return f"PIAFusion/decoder/conv1x1/{kind}"
        layer = int(number[0]) + 1
        return (
            f"PIAFusion/decoder/conv{layer}/{kind}"
            if part == "decoder"
            else f"PIAFusion/encoder/Conv{layer}/conv3x3/{kind}"
        )

    def _activate(self, x: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu_(x, self.slope)

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W; at least 2×2."""
        vi, ir = self._activate(self.first_vi(visible)), self._activate(self.first_ir(infrared))
        for number, (stage_vi, stage_ir) in enumerate(zip(self.stages_vi, self.stages_ir, strict=True), 1):
            vi, ir = self._activate(stage_vi(vi)), self._activate(stage_ir(ir))
            if number < len(ENCODER):
                vi, ir = self._exchange(vi, ir)
        x = torch.cat((vi, ir), 1)
        del vi, ir
        for layer in self.decoder:
            x = self._activate(layer(x))
        return torch.tanh(self.last(x)) / 2 + 0.5

    def _exchange(self, vi: torch.Tensor, ir: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        difference = ir - vi
        mean = difference.mean((2, 3), keepdim=True)
        share_vi, share_ir = self.sign * torch.sigmoid(mean), -self.sign * torch.sigmoid(-mean)
        return torch.addcmul(vi, difference, share_vi), torch.addcmul(ir, difference, share_ir)


class PIAFusionPort(PIAFusion):
    """The PyTorch port. Same inputs and output."""

    tensorflow: ClassVar[bool] = False
    slope: ClassVar[float] = 0.01
    sign: ClassVar[int] = 1

    def __init__(self) -> None:
        super().__init__()
        self.infrared_stages = nn.ModuleList(_conv(*channels) for channels in ENCODER)

    @property
    def stages_ir(self) -> nn.ModuleList:
        """The infrared stream's own stages."""
        return self.infrared_stages

    def official_name(self, key: str) -> str:
        """``encoder.vi_conv1.weight``, ``encoder.ir_conv2.conv.1.weight``, …"""
        part, *number, kind = key.split(".")
        if part.startswith("first"):
            return f"encoder.{part[-2:]}_conv1.{kind}"
        if part == "last":
            return f"decoder.conv5.{kind}"
        if part == "decoder":
            return f"decoder.conv{int(number[0]) + 1}.conv.1.{kind}"
        stream = "ir" if part == "infrared_stages" else "vi"
        return f"encoder.{stream}_conv{int(number[0]) + 2}.conv.1.{kind}"
