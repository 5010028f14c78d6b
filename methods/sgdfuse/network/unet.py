"""The denoising U-Net of stage II (3.4.4): five levels, five channels in and out, told the noise level
sqrt(ᾱ); SR3-like.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import ModelConfig
from .blocks import make_norm

CHANNELS = 5
"""F1 (3) and the two masks (Eq. 8); the noise is predicted for all five (decision 3)."""


class NoiseLevelEmbedding(nn.Module):
    """Continuous noise level sqrt(ᾱ) in [0, 1], shape N → embedding N×dim (sinusoids of the level, then two
    layers).
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.pairs = dim // 2
        self.layers = nn.Sequential(nn.Linear(2 * self.pairs, 4 * dim), nn.SiLU(), nn.Linear(4 * dim, dim))

    def forward(self, level: Tensor) -> Tensor:
        """Frequencies fall geometrically from 1 to 1e-4 on 5000·(1 − level): low noise levels stay
        distinguishable.
        """
        steps = torch.arange(self.pairs, device=level.device, dtype=torch.float32) / self.pairs
        angles = 5000 * (1 - level.float())[:, None] * torch.exp(-math.log(1e4) * steps)
        embedding: Tensor = self.layers(torch.cat((angles.sin(), angles.cos()), dim=1))
        return embedding


class ResidualBlock(nn.Module):
    """Norm–SiLU–3×3 twice, the noise level added in between, residual connection; N×Cin×h×w → N×Cout×h×w."""

    def __init__(
        self, channels_in: int, channels_out: int, embedding: int, norm: str, dropout: float
    ) -> None:
        super().__init__()
        self.norm1 = make_norm(norm, channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.level = nn.Linear(embedding, channels_out)
        self.norm2 = make_norm(norm, channels_out)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.skip = nn.Conv2d(channels_in, channels_out, 1) if channels_in != channels_out else nn.Identity()

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        """Features and noise-level embedding in, features out."""
        hidden = self.conv1(F.silu(self.norm1(features)))
        hidden = hidden + self.level(embedding)[:, :, None, None].to(hidden.dtype)
        result: Tensor = self.skip(features) + self.conv2(self.dropout(F.silu(self.norm2(hidden))))
        return result


class SpatialSelfAttention(nn.Module):
    """Single-head attention over the pixels of the lowest level (1/16 of the stem's resolution); N×C×h×w →
    N×C×h×w.
    """

    def __init__(self, channels: int, norm: str) -> None:
        super().__init__()
        self.norm = make_norm(norm, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.project = nn.Conv2d(channels, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Every position looks at all others."""
        batch, channels, height, width = features.shape
        tokens = self.qkv(self.norm(features)).reshape(batch, 3, channels, height * width).transpose(2, 3)
        query, key, value = tokens.unbind(dim=1)
        mixed = F.scaled_dot_product_attention(query, key, value)
        result: Tensor = features + self.project(
            mixed.transpose(1, 2).reshape(batch, channels, height, width)
        )
        return result


class DenoisingUNet(nn.Module):
    """ε_θ: noisy I_t N×5×H×W in [-1, 1] units and sqrt(ᾱ) N → predicted noise N×5×H×W and the decoder's
    features.

    Four levels with skip connections and a bottleneck as the fifth, each at half the resolution of the one
    above. The features (bottleneck first, then the decoder's four levels upwards) are what HFAH reads. Height
    and width must be multiples of 16 × unshuffle.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        factor, base = config.unshuffle, config.unet_width
        widths = [base * multiplier for multiplier in config.unet_multipliers]
        embedding = 4 * base
        self.feature_widths = [widths[-1], *reversed(widths)]
        self.level = NoiseLevelEmbedding(embedding)
        self.unshuffle = nn.PixelUnshuffle(factor)
        self.stem = nn.Conv2d(CHANNELS * factor**2, base, 3, padding=1)

        def block(channels_in: int, channels_out: int) -> ResidualBlock:
            return ResidualBlock(channels_in, channels_out, embedding, config.norm, config.dropout)

        self.encoder, self.down = nn.ModuleList(), nn.ModuleList()
        channels = base
        for width in widths:
            blocks = [block(channels if index == 0 else width, width) for index in range(config.unet_blocks)]
            self.encoder.append(nn.ModuleList(blocks))
            self.down.append(nn.Conv2d(width, width, 3, stride=2, padding=1))
            channels = width
        self.bottom1 = block(channels, channels)
        self.bottom_attention = SpatialSelfAttention(channels, config.norm)
        self.bottom2 = block(channels, channels)
        self.up, self.decoder = nn.ModuleList(), nn.ModuleList()
        for width in reversed(widths):
            self.up.append(nn.Conv2d(channels, width, 3, padding=1))
            self.decoder.append(nn.ModuleList(block(2 * width, width) for _ in range(config.unet_blocks)))
            channels = width
        self.norm_out = make_norm(config.norm, base)
        self.out = nn.Conv2d(base, CHANNELS * factor**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(factor)

    def forward(self, noisy: Tensor, level: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Predicted noise, and the features of the five levels, coarsest first."""
        embedding = F.silu(self.level(level))
        features = self.stem(self.unshuffle(noisy))
        skips: list[Tensor] = []
        for blocks, down in zip(self.encoder, self.down, strict=True):
            for block in blocks.children():
                features = block(features, embedding)
                skips.append(features)
            features = down(features)
        features = self.bottom2(self.bottom_attention(self.bottom1(features, embedding)), embedding)
        collected = [features]
        for blocks, up in zip(self.decoder, self.up, strict=True):
            features = up(F.interpolate(features, scale_factor=2.0, mode="nearest"))
            for block in blocks.children():
                features = block(torch.cat((features, skips.pop()), dim=1), embedding)
            collected.append(features)
        noise = self.shuffle(self.out(F.silu(self.norm_out(features))))
        return noise.float(), collected
