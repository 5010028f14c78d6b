"""LUT-Fuse: a learned look-up table in place of a fusion network (Yi et al., ICCV 2025)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.batch_statistics import normalise_images
from ..porting.network import FusionNetwork

CHANNELS = 16
SIDE = 16
"""Entries of the table along each of its four axes."""
LEVELS = 255.0
SOBEL = (((1.0, 0, -1), (2, 0, -2), (1, 0, -1)), ((1.0, 2, 1), (0, 0, 0), (-1, -2, -1)))
LUMA = (0.299, 0.587, 0.114)
CB, CR = (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312)
BACK = ((0.0, 1.402), (-0.344136, -0.714136), (1.772, 0.0))
"""Weights of (Cb, Cr) in R, G and B."""


class ImageNorm(nn.Module):
    """Instance normalisation with learned factors (eps 1e-5, biased variance)."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(CHANNELS)), nn.Parameter(torch.zeros(CHANNELS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise each channel of each image."""
        return normalise_images(x, self.weight, self.bias, 1e-5)


def _units(*inputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in inputs:
        layers += [
            nn.Conv2d(channels, CHANNELS, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            ImageNorm(),
        ]
    return nn.Sequential(*layers)


class LUTFuse(FusionNetwork):
    """RGB and infrared in 0..255 → fused RGB, nominally in [0,1], unbounded."""

    def __init__(self) -> None:
        super().__init__()
        self.input_layer = _units(4)
        self.mid_layer = _units(CHANNELS, CHANNELS, CHANNELS)
        self.output_layer = nn.Sequential(nn.Identity(), nn.Conv2d(CHANNELS, 1, 3, padding=1), nn.Sigmoid())
        self.lut = nn.Parameter(torch.zeros(SIDE, SIDE, SIDE, SIDE, 1))
        self.register_buffer("sobel", torch.tensor(SOBEL)[:, None], persistent=False)
        self.register_buffer("cells", torch.zeros(SIDE**4, 2**4), persistent=False)

    def prepare(self) -> None:
        """Put the sixteen corners of each cell of the table side by side, so that a pixel reads one row; and
        the context network's kernels into channels-last memory (the table itself has five axes, so the base
        class can't do it).
        """
        for layers in (self.input_layer, self.mid_layer, self.output_layer):
            layers.to(memory_format=torch.channels_last)
        table = self.lut[..., 0]
        for axis in range(4):
            upper = torch.arange(1, SIDE + 1).clamp(max=SIDE - 1)
            table = torch.stack((table, table.index_select(axis, upper)), -1)
        self.cells = table.reshape(SIDE**4, 2**4).detach()

    def context(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W and N×3×H×W in 0..255 → N×1×H×W in (0,1)."""
        x = self.input_layer(torch.cat((visible, infrared), 1))
        found: torch.Tensor = self.output_layer(self.mid_layer(x).add_(x))
        return found

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W and N×3×H×W in 0..255 → N×3×H×W."""
        red, green, blue = (visible / LEVELS).unbind(1)
        luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
        cb, cr = (0.5 + w[0] * red + w[1] * green + w[2] * blue for w in (CB, CR))
        context = self.context(infrared, visible)
        axes = torch.stack(
            (luma * LEVELS, self._gradient(luma) * LEVELS, context[:, 0] * LEVELS, infrared[:, 0]), -1
        )
        fused = self._look_up(axes / SIDE)
        return torch.stack([fused + w[0] * (cb - 0.5) + w[1] * (cr - 0.5) for w in BACK], 1)

    def _gradient(self, luma: torch.Tensor) -> torch.Tensor:
        """Sobel magnitude (zero padding), stretched to 0..1 over each image: N×H×W → N×H×W."""
        gradients = F.conv2d(luma[:, None], self.get_buffer("sobel"), padding=1)
        size = gradients.square().sum(1).sqrt()
        low, high = size.amin((1, 2), keepdim=True), size.amax((1, 2), keepdim=True)
        return (size - low) / (high - low + 1e-8)

    def _look_up(self, places: torch.Tensor) -> torch.Tensor:
        """Interpolate the table linearly at places ...×4 in 0..16 → ...; beyond the last entry it is
        constant.
        """
        lower = places.floor()
        fraction = (places - lower).unsqueeze(-1)
        cell = lower.to(torch.int32)
        row = ((cell[..., 0] * SIDE + cell[..., 1]) * SIDE + cell[..., 2]) * SIDE + cell[..., 3]
        values = F.embedding(row, self.get_buffer("cells"))
        for axis in (3, 2, 1, 0):
            first, second = values.view(*values.shape[:-1], -1, 2).unbind(-1)
            values = torch.lerp(first, second, fraction[..., axis, :])
        return values[..., 0]

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """See ``FusionNetwork.fuse``; the official scale is 0..255 on entry, and the result is clamped."""
        fused: torch.Tensor = self(infrared * LEVELS, visible * LEVELS)
        return fused.clamp(0, 1)
