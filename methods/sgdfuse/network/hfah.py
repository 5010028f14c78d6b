"""Hierarchical feature aggregation head (3.5): decoder features of five scales and several time steps → three
channels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import ModelConfig


class SpatialAttention(nn.Module):
    """Weights each pixel by a 7×7 convolution of the channels' mean and maximum; N×C×h×w → N×C×h×w."""

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, features: Tensor) -> Tensor:
        """Features times a map in (0, 1)."""
        summary = torch.cat((features.mean(dim=1, keepdim=True), features.amax(dim=1, keepdim=True)), dim=1)
        return features * torch.sigmoid(self.weigh(summary))


class HFAH(nn.Module):
    """Features per visited time step (lists of five, coarsest first) → N×3×H×W in (-1, 1), the Tanh of the
    text.
    """

    def __init__(self, config: ModelConfig, feature_widths: list[int], steps: int) -> None:
        super().__init__()
        width, (hidden, narrow) = config.hfah_width, config.hfah_hidden
        factor = config.unshuffle
        self.attention = nn.ModuleList(SpatialAttention() for _ in feature_widths)
        self.mean_of_steps = config.hfah_steps == "mean"
        shares = 1 if self.mean_of_steps else steps
        self.reduce = nn.ModuleList(nn.Conv2d(channels * shares, width, 1) for channels in feature_widths)
        self.mix = nn.Conv2d(width * len(feature_widths), hidden, 3, padding=1)
        self.spread = nn.Conv2d(hidden, narrow, 3, padding=1)
        self.shuffle = nn.PixelShuffle(factor)
        self.guided = config.hfah_residual > 0
        channels = narrow // factor**2
        # As a correction of F1, the head looks at F1 at full resolution too.
        self.refine = nn.Conv2d(channels + 3, 2 * channels, 3, padding=1) if self.guided else nn.Identity()
        self.out = nn.Conv2d(2 * channels if self.guided else channels, 3, 3, padding=1)
        if self.guided:
            nn.init.normal_(self.out.weight, std=0.02)
            nn.init.zeros_(self.out.get_parameter("bias"))

    def forward(self, features: list[list[Tensor]], preliminary: Tensor) -> Tensor:
        """`features[step][scale]`; `preliminary` is what the residual form adds to, in [-1, 1] units (it
        alone uses it).
        """
        finest = features[0][-1].shape[-2:]
        scales = []
        for scale, (attention, reduce) in enumerate(zip(self.attention, self.reduce, strict=True)):
            attended = [attention(step[scale]) for step in features]
            visited = torch.stack(attended).mean(dim=0) if self.mean_of_steps else torch.cat(attended, dim=1)
            reduced = reduce(visited)
            if reduced.shape[-2:] != finest:
                reduced = F.interpolate(reduced, size=finest, mode="bilinear", align_corners=False)
            scales.append(reduced)
        mixed = F.silu(self.spread(F.silu(self.mix(torch.cat(scales, dim=1)))))
        mixed = self.shuffle(mixed)
        if self.guided:
            mixed = F.silu(self.refine(torch.cat((mixed, preliminary), dim=1)))
        return torch.tanh(self.out(mixed).float())
