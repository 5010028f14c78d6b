"""Blocks of Restormer (Zamir et al., CVPR 2022) and of invertible networks, as CDDFuse, PFCFuse and EMMA use
them.

All work at full resolution on N×C×H×W and keep the size; they want channels-last memory and return it.
Parameter names are the official ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import register_flop_formula

from .channels_last import PointwiseConv2d, pointwise

HEADS = 8
Padding = Literal["zeros", "reflect", "replicate", "circular"]


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel (eps 1e-5, biased variance), under the official
    name ``body``.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.ParameterDict({"weight": torch.ones(channels), "bias": torch.zeros(channels)})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise.

        The mean is taken off first: torch's variance is the less exact the larger the mean is, and SHIP
        amplifies that.
        """
        weight, bias = self.body["weight"], self.body["bias"]
        x = x - x.mean(1, keepdim=True)
        return F.layer_norm(x.permute(0, 2, 3, 1), weight.shape, weight, bias, 1e-5).permute(0, 3, 1, 2)


@torch.library.custom_op("fusionbench::channel_attention", mutates_args=())
def channel_attention(
    query_key: torch.Tensor, value: torch.Tensor, scale: torch.Tensor, projection: torch.Tensor
) -> torch.Tensor:
    """Attention between channels, within heads: softmax(scale · cos(q_i, k_j)) v_j, the cosine taken over all
    pixels; then a 1×1 convolution.

    ``query_key``: N×2C×H×W; ``value``: N×C×H×W; ``scale``: heads×1×1; ``projection``: C×C×1×1. Attention and
    projection are both linear in each pixel, so their matrices are multiplied first and the map is read once.
    An operator of its own, so that multiply-adds are counted by the definition: products of different heads
    are computed too, as one large product is faster.
    """
    n, channels = value.shape[:2]
    tokens = query_key.permute(0, 2, 3, 1).flatten(1, 2)
    q, k = tokens.chunk(2, -1)
    norm_q, norm_k = tokens.square().sum(1).sqrt().clamp_min(1e-12).view(n, 2, HEADS, -1).unbind(1)
    products = (q.transpose(1, 2) @ k).view(n, HEADS, channels // HEADS, HEADS, channels // HEADS)
    cosine = products.diagonal(dim1=1, dim2=3).movedim(-1, 1) / (norm_q[..., None] * norm_k[..., None, :])
    attention = torch.softmax(cosine * scale, dim=-1)
    matrices = projection.view(channels, HEADS, -1).transpose(0, 1) @ attention  # N×heads×C×(C/heads)
    matrices = matrices.transpose(1, 2).reshape(n, channels, channels, 1, 1)
    if n == 1:
        return pointwise(value, matrices[0])
    return torch.cat([pointwise(one[None], matrix) for one, matrix in zip(value, matrices, strict=True)])


@channel_attention.register_fake
def _(
    query_key: torch.Tensor, value: torch.Tensor, scale: torch.Tensor, projection: torch.Tensor
) -> torch.Tensor:
    return torch.empty_like(value)


@register_flop_formula(torch.ops.fusionbench.channel_attention)
def _attention_flops(query_key: Sequence[int], value: Sequence[int], *_: object, **__: object) -> int:
    n, channels, height, width = value
    return 2 * n * height * width * (2 * channels * channels // HEADS + channels * channels)


class DepthwiseAttention(nn.Module):
    """Channel attention whose queries, keys and values come from a depthwise convolution (Restormer's own)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(HEADS, 1, 1))
        self.qkv = nn.Conv2d(channels, 3 * channels, 1, bias=False)
        self.qkv_dwconv = nn.Conv2d(3 * channels, 3 * channels, 3, padding=1, groups=3 * channels, bias=False)
        self.project_out = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Attend."""
        channels = x.shape[1]
        query_key, value = (
            F.conv2d(pointwise(x, first), second, padding=1, groups=len(second))
            for first, second in zip(
                torch.split(self.qkv.weight, [2 * channels, channels]),
                torch.split(self.qkv_dwconv.weight, [2 * channels, channels]),
                strict=True,
            )
        )
        attended: torch.Tensor = channel_attention(
            query_key, value, self.temperature, self.project_out.weight
        )
        return attended


class DenseAttention(nn.Module):
    """Channel attention whose queries, keys and values come from a full 3×3 convolution (zero padding)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(HEADS, 1, 1))
        self.qkv1 = nn.Conv2d(channels, 3 * channels, 1, bias=False)
        self.qkv2 = nn.Conv2d(3 * channels, 3 * channels, 3, padding=1, bias=False)
        self.proj = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Attend."""
        channels = x.shape[1]
        query_key, value = self.qkv2(pointwise(x, self.qkv1.weight)).split((2 * channels, channels), 1)
        attended: torch.Tensor = channel_attention(query_key, value, self.scale, self.proj.weight)
        return attended


class GatedFeedForward(nn.Module):
    """Widen, mix by a grouped 3×3 convolution, gate one half by the GELU (erf) of the other, narrow."""

    def __init__(self, channels: int, hidden: int, groups: int, padding_mode: Padding = "zeros") -> None:
        super().__init__()
        self.project_in = nn.Conv2d(channels, 2 * hidden, 1, bias=False)
        self.dwconv = nn.Conv2d(
            2 * hidden, 2 * hidden, 3, padding=1, groups=groups, bias=False, padding_mode=padding_mode
        )
        self.project_out = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Transform."""
        gate, value = (self._half(x, number) for number in range(2))
        return pointwise(F.gelu(gate).mul_(value), self.project_out.weight)

    def _half(self, x: torch.Tensor, number: int) -> torch.Tensor:
        """One half of the widened and mixed map; no group reaches into both."""
        widen, mix = self.project_in.weight.chunk(2)[number], self.dwconv.weight.chunk(2)[number]
        wide, padding = pointwise(x, widen), 1
        if self.dwconv.padding_mode != "zeros":
            wide, padding = F.pad(wide, (1, 1, 1, 1), mode=self.dwconv.padding_mode), 0
        return F.conv2d(wide, mix, padding=padding, groups=self.dwconv.groups // 2)


class TransformerBlock(nn.Module):
    """Restormer's block: depthwise channel attention and a gated feed-forward of width 2c."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = ChannelNorm(channels)
        self.attn = DepthwiseAttention(channels)
        self.norm2 = ChannelNorm(channels)
        self.ffn = GatedFeedForward(channels, 2 * channels, 4 * channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Two residual steps."""
        x = self.attn(self.norm1(x)).add_(x)
        result: torch.Tensor = self.ffn(self.norm2(x)).add_(x)
        return result


class DenseTransformerBlock(nn.Module):
    """The low-frequency ("base", "global") block: dense channel attention and a gated feed-forward of width
    c.
    """

    def __init__(self, channels: int, padding_mode: Padding = "zeros") -> None:
        super().__init__()
        self.norm1 = ChannelNorm(channels)
        self.attn = DenseAttention(channels)
        self.norm2 = ChannelNorm(channels)
        self.mlp = GatedFeedForward(channels, channels, channels, padding_mode)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Two residual steps."""
        x = self.attn(self.norm1(x)).add_(x)
        result: torch.Tensor = self.mlp(self.norm2(x)).add_(x)
        return result


class Bottleneck(nn.Module):
    """1×1, depthwise 3×3 (reflection padding), 1×1 with ReLU6 between: c → c channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = 2 * channels
        self.bottleneckBlock = nn.Sequential(
            PointwiseConv2d(channels, hidden, bias=False),
            nn.ReLU6(inplace=True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(hidden, hidden, 3, groups=hidden, bias=False),
            nn.ReLU6(inplace=True),
            PointwiseConv2d(hidden, channels, bias=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Transform."""
        result: torch.Tensor = self.bottleneckBlock(x)
        return result


class InvertibleNode(nn.Module):
    """An affine coupling of the two halves of the channels after a 1×1 mixing."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.theta_phi = Bottleneck(channels // 2)
        self.theta_rho = Bottleneck(channels // 2)
        self.theta_eta = Bottleneck(channels // 2)
        self.shffleconv = nn.Conv2d(channels, channels, 1)  # the spelling is the authors'

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Couple; the exponent isn't clamped."""
        mixing = self.shffleconv
        assert mixing.bias is not None
        first, second = (
            pointwise(x, w, b) for w, b in zip(mixing.weight.chunk(2), mixing.bias.chunk(2), strict=True)
        )
        second.add_(self.theta_phi(first))
        first = torch.addcmul(self.theta_eta(second), first, self.theta_rho(second).exp_())
        return torch.cat((first, second), 1)


class DetailBlock(nn.Module):
    """The high-frequency block: invertible nodes in sequence."""

    def __init__(self, channels: int, nodes: int) -> None:
        super().__init__()
        self.net = nn.Sequential(*(InvertibleNode(channels) for _ in range(nodes)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Transform."""
        result: torch.Tensor = self.net(x)
        return result
