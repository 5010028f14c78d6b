"""ReFusion: two transformer branches and a crossed attention between them (Bai et al., IJCV 2024)."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.channels_last import pointwise
from ..porting.network import FusionNetwork
from ..porting.restormer_blocks import HEADS, TransformerBlock, channel_attention

CHANNELS = 16


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)


def _widen(inputs: int, outputs: int) -> tuple[nn.Conv2d, nn.Conv2d]:
    """A 1×1 convolution, and the depthwise one that follows it."""
    return (
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.Conv2d(outputs, outputs, 3, padding=1, groups=outputs, bias=False),
    )


def _widened(x: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Apply (a part of) such a pair by its weights."""
    return F.conv2d(pointwise(x, first), second, padding=1, groups=len(second))


class CrossedFusion(nn.Module):
    """Each branch attends with the queries of the other one; then both gate what is made of them together."""

    def __init__(self) -> None:
        super().__init__()
        both = 2 * CHANNELS
        self.temperature1, self.temperature2 = (nn.Parameter(torch.ones(HEADS, 1, 1)) for _ in range(2))
        self.qkv1, self.qkv1_dwconv = _widen(CHANNELS, 3 * CHANNELS)
        self.qkv2, self.qkv2_dwconv = _widen(CHANNELS, 3 * CHANNELS)
        self.project_mid1, self.project_mid2 = (
            nn.Conv2d(CHANNELS, CHANNELS, 1, bias=False) for _ in range(2)
        )
        self.project_E, self.project_E_d = _widen(both, 8 * CHANNELS)
        self.project_E1, self.project_E1_d = _widen(CHANNELS, 4 * CHANNELS)
        self.project_E2, self.project_E2_d = _widen(CHANNELS, 4 * CHANNELS)
        self.project_out1, self.project_out2 = (
            nn.Conv2d(4 * CHANNELS, both, 1, bias=False) for _ in range(2)
        )

    def _cross(self, first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The attention, residual: 16 channels each → 16 each."""
        query1, key1, value1 = _widened(first, self.qkv1.weight, self.qkv1_dwconv.weight).chunk(3, 1)
        query2, key2, value2 = _widened(second, self.qkv2.weight, self.qkv2_dwconv.weight).chunk(3, 1)
        from1 = channel_attention(
            torch.cat((query2, key1), 1), value1, self.temperature1, self.project_mid1.weight
        )
        from2 = channel_attention(
            torch.cat((query1, key2), 1), value2, self.temperature2, self.project_mid2.weight
        )
        return first + from1, second + from2

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Two times 16 → 32 channels."""
        first, second = self._cross(first, second)
        both = result = torch.cat((first, second), 1)
        halves = zip(self.project_E.weight.chunk(2), self.project_E_d.weight.chunk(2), strict=True)
        parts = (
            (first, self.project_E1, self.project_E1_d, self.project_out1),
            (second, self.project_E2, self.project_E2_d, self.project_out2),
        )
        for weights, (own, widen, mix, out) in zip(halves, parts, strict=True):
            gate = F.gelu(_widened(both, *weights))
            result = result + pointwise(gate.mul_(_widened(own, widen.weight, mix.weight)), out.weight)
        return result


class ReFusion(FusionNetwork):
    """Infrared and visible luma in [0,1] → fused luma in (0,1), which is to be stretched."""

    channels_last: ClassVar[bool] = True
    unused: ClassVar[tuple[str, ...]] = (r"\.conv\.weight$",)
    """The official file holds every convolution twice, under a second name."""

    def __init__(self) -> None:
        super().__init__()
        self.project_in_1, self.project_in_2 = _conv(1, CHANNELS), _conv(1, CHANNELS)
        self.encoder1, self.encoder2 = (
            nn.Sequential(TransformerBlock(CHANNELS), TransformerBlock(CHANNELS)) for _ in range(2)
        )
        self.FM = CrossedFusion()
        self.decoder = nn.Sequential(TransformerBlock(2 * CHANNELS), TransformerBlock(2 * CHANNELS))
        self.project_out_0, self.project_out_1 = _conv(2 * CHANNELS, CHANNELS), _conv(CHANNELS, 1)

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W."""
        first = self.encoder1(self.project_in_1(infrared))
        second = self.encoder2(self.project_in_2(visible))
        features = self.decoder(self.FM(first, second))
        fused: torch.Tensor = torch.sigmoid(
            self.project_out_1(F.leaky_relu(self.project_out_0(features), 0.01))
        )
        return fused
