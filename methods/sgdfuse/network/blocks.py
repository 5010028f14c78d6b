"""Building blocks of stage I: MSFEM (Eq. 1–5), transformer block and cross-attention with channel-wise
heads.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ChannelLayerNorm(nn.LayerNorm):
    """LayerNorm over the channels of each pixel of N×C×H×W (no statistics over space: crops and whole images
    agree).
    """

    def forward(self, image: Tensor) -> Tensor:
        """N×C×H×W → the same shape; a plain view in channels-last memory."""
        return super().forward(image.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def make_norm(kind: str, channels: int) -> nn.Module:
    """`group`: GroupNorm as in SR3 (up to 32 groups); `layer`: ChannelLayerNorm; `none`: identity."""
    if kind == "none":
        return nn.Identity()
    if kind == "group":
        groups = next(groups for groups in (32, 16, 8, 4, 2, 1) if channels % groups == 0)
        return nn.GroupNorm(groups, channels)
    return ChannelLayerNorm(channels)


class MSFEM(nn.Module):
    """Multi-scale feature enhancement module (3.3): N×C×H×W → N×C×H×W, Eq. 1–5."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Conv2d(width, width, size, padding=size // 2) for size in (1, 3, 5, 7)
        )
        self.enhance = nn.Sequential(
            nn.Conv2d(3 * width, 3 * width, 3, padding=1, groups=3 * width),
            nn.Conv2d(3 * width, width, 1),
            nn.Conv2d(width, width, 3, padding=1, groups=width),
        )
        self.reduce = nn.Conv2d(2 * width, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Features of the infrared image in, the same with normalised responses added out."""
        f1, f2, f3, f4 = (branch(features) for branch in self.branches)  # Eq. 1
        f_ms = torch.cat((f2, f3, f4), dim=1)  # Eq. 2
        f_enh = self.enhance(f_ms)  # Eq. 3
        f_cat = torch.cat((f_enh, f1), dim=1)  # Eq. 4
        return features + torch.sigmoid(self.reduce(f_cat))  # Eq. 5


class ChannelAttention(nn.Module):
    """Multi-head attention between channels ("transposed"): the C/heads × C/heads map of a head costs pixels
    × C, whatever the size.

    Queries come from one image, keys and values from another (the same one for self-attention). Decision 1.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not divisible by {heads} heads")
        self.heads = heads
        self.scale = nn.Parameter(torch.ones(heads, 1, 1))
        self.query = nn.Sequential(
            nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 3, padding=1, groups=width)
        )
        self.key = nn.Sequential(
            nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 3, padding=1, groups=width)
        )
        self.value = nn.Sequential(
            nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 3, padding=1, groups=width)
        )
        self.project = nn.Conv2d(width, width, 1)

    def forward(self, image: Tensor, context: Tensor) -> Tensor:
        """N×C×H×W and N×C×H×W → N×C×H×W: the context's values, mixed by how its channels correlate with the
        image's.
        """
        batch, channels, height, width = image.shape
        shape = (batch, self.heads, channels // self.heads, height * width)
        query, key = self.query(image).reshape(shape), self.key(context).reshape(shape)
        value = self.value(context).reshape(shape)
        # Norms are sums over all pixels: in float32 even under autocast, as bfloat16 has 8 bits for 300 000
        # terms.
        norm_q = torch.linalg.vector_norm(query, dim=-1, keepdim=True, dtype=torch.float32)
        norm_k = torch.linalg.vector_norm(key, dim=-1, keepdim=True, dtype=torch.float32)
        cosine = (query @ key.transpose(-2, -1)).float() / (norm_q * norm_k.transpose(-2, -1)).clamp_min(1e-6)
        attention = (cosine * self.scale).softmax(dim=-1)
        mixed = attention.to(value.dtype) @ value
        mixed = mixed.reshape(batch, channels, height, width).contiguous(memory_format=torch.channels_last)
        result: Tensor = self.project(mixed)
        return result


class GatedFeedForward(nn.Module):
    """Feed-forward part with a depth-wise 3×3 convolution and a SiLU gate; N×C×H×W → N×C×H×W."""

    def __init__(self, width: int, expansion: float) -> None:
        super().__init__()
        hidden = int(width * expansion)
        # Two pairs of convolutions instead of one that is cut in two: the halves would be strided, and slow,
        # in memory.
        self.gate = nn.Sequential(
            nn.Conv2d(width, hidden, 1), nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        )
        self.value = nn.Sequential(
            nn.Conv2d(width, hidden, 1), nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        )
        self.project = nn.Conv2d(hidden, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Position-wise mixing of channels with a 3×3 neighbourhood."""
        result: Tensor = self.project(F.silu(self.gate(features)) * self.value(features))
        return result


class TransformerBlock(nn.Module):
    """Transformer block with multi-head self-attention for the visible branch (3.2); N×C×H×W → N×C×H×W."""

    def __init__(self, width: int, heads: int, expansion: float) -> None:
        super().__init__()
        self.norm1 = ChannelLayerNorm(width)
        self.attention = ChannelAttention(width, heads)
        self.norm2 = ChannelLayerNorm(width)
        self.feed_forward = GatedFeedForward(width, expansion)

    def forward(self, features: Tensor) -> Tensor:
        """Pre-norm attention and feed-forward, each with a residual connection."""
        normed = self.norm1(features)
        features = features + self.attention(normed, normed)
        result: Tensor = features + self.feed_forward(self.norm2(features))
        return result


class CrossInteraction(nn.Module):
    """Cross-attention pathway (3.2): each modality asks the other; N×C×H×W twice → N×2C×H×W."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_ir = ChannelLayerNorm(width)
        self.norm_vi = ChannelLayerNorm(width)
        self.ask_vi = ChannelAttention(width, heads)
        self.ask_ir = ChannelAttention(width, heads)

    def forward(self, infrared: Tensor, visible: Tensor) -> Tensor:
        """Features of both modalities, each enriched with what the other one answers, side by side."""
        normed_ir, normed_vi = self.norm_ir(infrared), self.norm_vi(visible)
        enriched_ir = infrared + self.ask_vi(normed_ir, normed_vi)
        enriched_vi = visible + self.ask_ir(normed_vi, normed_ir)
        return torch.cat((enriched_ir, enriched_vi), dim=1)
