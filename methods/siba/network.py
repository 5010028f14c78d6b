"""SIBA: the source images as queries of an attention between channels (Wang et al., ICCV 2025)."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.channels_last import PointwiseConv2d, pointwise
from ..porting.network import FusionNetwork
from ..porting.restormer_blocks import HEADS, ChannelNorm, GatedFeedForward, channel_attention

CHANNELS = 48
REDUCTION = 16


class ChannelWeights(nn.Module):
    """Squeeze and excitation: one factor per channel, from the means of all."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(channels, channels // REDUCTION, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(channels // REDUCTION, channels, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scale the channels, in place."""
        return x.mul_(self.fc(x.mean((2, 3)))[:, :, None, None])


class SourceEncoder(nn.Module):
    """Two 3×3 convolutions and channel weights: an image → queries. Both PReLUs have the same slope."""

    def __init__(self, inputs: int, outputs: int, *, weighted: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.act = nn.PReLU()
        self.se = ChannelWeights(outputs) if weighted else nn.Identity()

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """All but the last activation."""
        weighted: torch.Tensor = self.se(self.conv2(self.act(self.conv1(x))))
        return weighted

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """i → o channels."""
        activated: torch.Tensor = self.act(self.features(x))
        return activated


class ResidualEncoder(SourceEncoder):
    """The same with a 1×1 shortcut before the last activation."""

    def __init__(self, inputs: int, outputs: int, *, weighted: bool = True) -> None:
        super().__init__(inputs, outputs, weighted=weighted)
        self.res_conv = PointwiseConv2d(inputs, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """i → o channels."""
        activated: torch.Tensor = self.act(self.features(x).add_(self.res_conv(x)))
        return activated


class SourceAttention(nn.Module):
    """Channel attention with keys and values from a depthwise convolution; queries from the same one, or from
    outside.
    """

    def __init__(self, *, own_queries: bool) -> None:
        super().__init__()
        outputs = (3 if own_queries else 2) * CHANNELS
        self.scale = nn.Parameter(torch.ones(HEADS, 1, 1))
        self.qkv1 = nn.Conv2d(CHANNELS, outputs, 1, bias=False)
        self.qkv2 = nn.Conv2d(outputs, outputs, 3, padding=1, groups=outputs, bias=False)
        self.proj = nn.Conv2d(CHANNELS, CHANNELS, 1, bias=False)

    def forward(self, x: torch.Tensor, queries: torch.Tensor | None = None) -> torch.Tensor:
        """Attend from ``queries`` (N×48×H×W), which aren't normalised or projected; without them from those
        of ``x``.
        """
        sizes = [len(self.qkv1.weight) - CHANNELS, CHANNELS]
        rest, value = (
            F.conv2d(pointwise(x, first), second, padding=1, groups=len(second))
            for first, second in zip(
                torch.split(self.qkv1.weight, sizes), torch.split(self.qkv2.weight, sizes), strict=True
            )
        )
        query_key = rest if queries is None else torch.cat((queries, rest), 1)
        attended: torch.Tensor = channel_attention(query_key, value, self.scale, self.proj.weight)
        return attended


class AttentionBlock(nn.Module):
    """Attention and a gated feed-forward, each residual."""

    def __init__(self, *, own_queries: bool) -> None:
        super().__init__()
        self.norm1 = ChannelNorm(CHANNELS)
        self.attn = SourceAttention(own_queries=own_queries)
        self.norm2 = ChannelNorm(CHANNELS)
        self.mlp = GatedFeedForward(CHANNELS, CHANNELS, 2 * CHANNELS)

    def forward(self, x: torch.Tensor, queries: torch.Tensor | None = None) -> torch.Tensor:
        """Two residual steps."""
        x = self.attn(self.norm1(x), queries).add_(x)
        result: torch.Tensor = self.mlp(self.norm2(x)).add_(x)
        return result


def _sole(block: AttentionBlock) -> nn.ModuleList:
    """A list of one block, as the official names have it."""
    return nn.ModuleList([block])


class SIBA(FusionNetwork):
    """Infrared and visible luma in [0,1] → fused luma, unbounded."""

    channels_last: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.ir_conv, self.vi_conv = ResidualEncoder(1, CHANNELS), ResidualEncoder(1, CHANNELS)
        self.ir_sa = _sole(AttentionBlock(own_queries=True))
        self.vi_sa = _sole(AttentionBlock(own_queries=True))
        self.weight_ir, self.weight_irI = SourceEncoder(1, CHANNELS), SourceEncoder(1, CHANNELS)
        self.weight_vi, self.weight_viI = SourceEncoder(1, CHANNELS), SourceEncoder(1, CHANNELS)
        self.ir2vi_ca = _sole(AttentionBlock(own_queries=False))
        self.irI2vi_ca = _sole(AttentionBlock(own_queries=False))
        self.vi2ir_ca = _sole(AttentionBlock(own_queries=False))
        self.viI2ir_ca = _sole(AttentionBlock(own_queries=False))
        self.fuse_conv = nn.Sequential(
            ResidualEncoder(4 * CHANNELS, 2 * CHANNELS), ResidualEncoder(2 * CHANNELS, CHANNELS)
        )
        self.out_conv = ResidualEncoder(CHANNELS, 1, weighted=False)

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W."""
        from_infrared = self.ir_sa[0](self.ir_conv(infrared))
        from_visible = self.vi_sa[0](self.vi_conv(visible))
        # Each image asks for channels of the other one, once as it is and once inverted.
        joined = torch.cat(
            (
                self.ir2vi_ca[0](from_visible, self.weight_ir(infrared)),
                self.vi2ir_ca[0](from_infrared, self.weight_vi(visible)),
                self.irI2vi_ca[0](from_visible, self.weight_irI(1 - infrared)),
                self.viI2ir_ca[0](from_infrared, self.weight_viI(1 - visible)),
            ),
            1,
        )
        fused: torch.Tensor = self.out_conv(self.fuse_conv(joined))
        return fused

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """See ``FusionNetwork.fuse``; the authors clamp the luma before they add colour."""
        fused: torch.Tensor = self(infrared, visible)
        return fused.clamp(0, 1)
