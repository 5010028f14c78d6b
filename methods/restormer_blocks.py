"""Blocks of Restormer (Zamir et al., CVPR 2022) and of invertible networks, as CDDFuse, PFCFuse and EMMA use them.

All work at full resolution on N×C×H×W and keep the size. Parameter names are the official ones.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

HEADS = 8


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel (eps 1e-5, biased variance), under the official name ``body``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.ParameterDict({"weight": torch.ones(channels), "bias": torch.zeros(channels)})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise."""
        variance, mean = torch.var_mean(x, 1, correction=0, keepdim=True)
        weight, bias = self.body["weight"][:, None, None], self.body["bias"][:, None, None]
        return torch.addcmul(bias, x - mean, torch.rsqrt(variance + 1e-5) * weight)


def channel_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Attention between channels, within heads: softmax(scale · cos(q_i, k_j)) v_j, the cosine taken over all pixels.

    ``q``, ``k``, ``v``: N×C×H×W; ``scale``: heads×1×1. The norms divide the small product instead of the large maps.
    """
    shape = v.shape
    q, k, v = (x.reshape(shape[0], HEADS, shape[1] // HEADS, -1) for x in (q, k, v))
    norm_q = torch.linalg.vector_norm(q, dim=-1, keepdim=True).clamp_min(1e-12)
    norm_k = torch.linalg.vector_norm(k, dim=-1, keepdim=True).clamp_min(1e-12)
    cosine = (q @ k.transpose(-2, -1)) / (norm_q * norm_k.transpose(-2, -1))
    return (torch.softmax(cosine * scale, dim=-1) @ v).reshape(shape)


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
        q, k, v = self.qkv_dwconv(self.qkv(x)).chunk(3, 1)
        result: torch.Tensor = self.project_out(channel_attention(q, k, v, self.temperature))
        return result


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
        q, k, v = self.qkv2(self.qkv1(x)).chunk(3, 1)
        result: torch.Tensor = self.proj(channel_attention(q, k, v, self.scale))
        return result


class GatedFeedForward(nn.Module):
    """Widen, mix by a grouped 3×3 convolution, gate one half by the GELU (erf) of the other, narrow."""

    def __init__(self, channels: int, hidden: int, groups: int, padding_mode: str = "zeros") -> None:
        super().__init__()
        self.project_in = nn.Conv2d(channels, 2 * hidden, 1, bias=False)
        self.dwconv = nn.Conv2d(
            2 * hidden, 2 * hidden, 3, padding=1, groups=groups, bias=False, padding_mode=padding_mode
        )
        self.project_out = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Transform."""
        gate, value = self.dwconv(self.project_in(x)).chunk(2, 1)
        result: torch.Tensor = self.project_out(F.gelu(gate) * value)
        return result


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
        x = x + self.attn(self.norm1(x))
        result: torch.Tensor = x + self.ffn(self.norm2(x))
        return result


class DenseTransformerBlock(nn.Module):
    """The low-frequency ("base", "global") block: dense channel attention and a gated feed-forward of width c."""

    def __init__(self, channels: int, padding_mode: str = "zeros") -> None:
        super().__init__()
        self.norm1 = ChannelNorm(channels)
        self.attn = DenseAttention(channels)
        self.norm2 = ChannelNorm(channels)
        self.mlp = GatedFeedForward(channels, channels, channels, padding_mode)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Two residual steps."""
        x = x + self.attn(self.norm1(x))
        result: torch.Tensor = x + self.mlp(self.norm2(x))
        return result


class Bottleneck(nn.Module):
    """1×1, depthwise 3×3 (reflection padding), 1×1 with ReLU6 between: c → c channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = 2 * channels
        self.bottleneckBlock = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False),
            nn.ReLU6(inplace=True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(hidden, hidden, 3, groups=hidden, bias=False),
            nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, channels, 1, bias=False),
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
        first, second = self.shffleconv(x).chunk(2, 1)
        second = second + self.theta_phi(first)
        first = torch.addcmul(self.theta_eta(second), first, torch.exp(self.theta_rho(second)))
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
