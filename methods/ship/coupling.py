"""SHIP's invertible coupling block: a learned 1×1 mixing in LU form, then an affine coupling of two channel groups."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.channels_last import PointwiseConv2d, pointwise

WIDTH = 16
CLAMP = 0.8


class HalfInstanceUnit(nn.Module):
    """Two convolutions, the first half of the channels instance-normalised between them, and a 1×1 shortcut."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.identity = PointwiseConv2d(inputs, WIDTH)
        self.conv_1 = nn.Conv2d(inputs, WIDTH, 3, padding=1)
        self.conv_2 = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.norm = nn.InstanceNorm2d(WIDTH // 2, affine=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """i → 16 channels."""
        first, second = self.conv_1(x).chunk(2, 1)
        y = F.leaky_relu(torch.cat((self.norm(first), second), 1), 0.1)
        result: torch.Tensor = F.leaky_relu(self.conv_2(y), 0.1) + self.identity(x)
        return result


class DenseUnits(nn.Module):
    """Two units, densely connected, and a convolution to the wanted number of channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = HalfInstanceUnit(inputs)
        self.conv2 = HalfInstanceUnit(WIDTH)
        self.conv3 = nn.Conv2d(inputs + 2 * WIDTH, outputs, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """i → o channels."""
        first = F.leaky_relu(self.conv1(x), 0.2)
        second = F.leaky_relu(self.conv2(first), 0.2)
        return F.leaky_relu(self.conv3(torch.cat((x, first, second), 1)), 0.2)


class InvertibleMixing(nn.Module):
    """A 1×1 convolution whose matrix is P·L·U; values outside the triangles of ``lower`` and ``upper`` don't count."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.lower = nn.Parameter(torch.zeros(channels, channels))
        self.log_s = nn.Parameter(torch.zeros(channels))
        self.upper = nn.Parameter(torch.zeros(channels, channels))
        self.register_buffer("p", torch.eye(channels))
        self.register_buffer("sign_s", torch.ones(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Mix the channels."""
        permutation, sign = self.get_buffer("p"), self.get_buffer("sign_s")
        lower = self.lower.tril(-1) + torch.eye(len(sign), device=x.device, dtype=self.lower.dtype)
        upper = self.upper.triu(1) + torch.diag(sign * self.log_s.exp())
        return pointwise(x, (permutation @ lower @ upper)[:, :, None, None])


class CouplingBlock(nn.Module):
    """Mixes, splits the channels after the first ``split``, and couples the groups."""

    def __init__(self, channels: int, split: int) -> None:
        super().__init__()
        rest = channels - split
        self.F = DenseUnits(rest, split)
        self.G = DenseUnits(split, rest)
        self.H = DenseUnits(split, rest)
        self.invconv = InvertibleMixing(channels)
        self.sizes = (split, rest)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """c → c channels."""
        first, second = self.invconv(x).split(self.sizes, 1)
        first = first + self.F(second)
        scale = CLAMP * (2 * torch.sigmoid(self.H(first)) - 1)
        return torch.cat((first, torch.addcmul(self.G(first), second, scale.exp())), 1)
