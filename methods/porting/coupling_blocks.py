"""Blocks that SHIP and FISCNet, by the same authors, share: edge-sensitive convolutions, invertible coupling,
reconstruction.

The coupling is a learned 1×1 mixing in LU form, then an affine coupling of two channel groups. Parameter
names are the official ones.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from .channels_last import PointwiseConv2d, pointwise

WIDTH = 16
"""Channels of a stream."""
CLAMP = 0.8
"""The largest exponent of the coupling's scale."""
DIFFERENCE = 0.8
"""How much of the taps' sum the edge-sensitive convolutions take off at the centre."""


def conv(inputs: int, outputs: int, kernel: int = 3) -> nn.Conv2d:
    """A convolution with bias that keeps the size."""
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)


def conv_relu_conv(inputs: int, outputs: int, kernel: int = 3, hidden: int | None = None) -> nn.Sequential:
    """Two convolutions with a ReLU between; ``hidden`` defaults to ``outputs`` channels."""
    hidden = hidden or outputs
    return nn.Sequential(conv(inputs, hidden, kernel), nn.ReLU(inplace=True), conv(hidden, outputs, kernel))


class CrossDifference(nn.Module):
    """A plus-shaped and an X-shaped convolution of five taps each, from which 0.8 times the taps' sum is
    taken at the centre.
    """

    PLACES = ((1, 3, 4, 5, 7), (0, 2, 4, 6, 8))  # of the taps in a 3×3 kernel, row by row

    def __init__(self) -> None:
        super().__init__()
        self.HP_branch = nn.Parameter(torch.zeros(1))
        for name in ("h_conv", "d_conv"):
            taps = nn.Conv2d(WIDTH, WIDTH, (1, 5), bias=False)
            self.add_module(name, nn.ModuleDict({"conv": taps}))

    def kernel(self) -> torch.Tensor:
        """Both branches as one 16×16×3×3 kernel, weighted by the learned share."""
        share = torch.sigmoid(self.HP_branch)
        kernel = self.HP_branch.new_zeros(WIDTH, WIDTH, 9)
        for name, places, weight in zip(("h_conv", "d_conv"), self.PLACES, (share, 1 - share), strict=True):
            taps = self.get_parameter(f"{name}.conv.weight")[:, :, 0]
            kernel[:, :, places] += weight * taps
            kernel[:, :, 4] -= weight * DIFFERENCE * taps.sum(-1)
        return kernel.view(WIDTH, WIDTH, 3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """16 → 16 channels, residual."""
        return F.conv2d(x, self.kernel(), padding=1) + x


class EdgeBlock(nn.Module):
    """A plain and an edge-sensitive branch, added."""

    def __init__(self, inputs: int = WIDTH) -> None:
        super().__init__()
        self.process = conv(inputs, WIDTH)
        self.Res = conv_relu_conv(WIDTH, WIDTH)
        self.CDC = CrossDifference()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """i → 16 channels."""
        x = self.process(x)
        result: torch.Tensor = self.Res(x) + self.CDC(x)
        return result


class ChannelGate(nn.Module):
    """Adds one number a channel, made from the global mean of processed features."""

    def __init__(self) -> None:
        super().__init__()
        self.process = conv_relu_conv(WIDTH, WIDTH)
        self.conv_du = nn.Sequential(
            conv(WIDTH, 4, 1), nn.ReLU(inplace=True), conv(4, WIDTH, 1), nn.Sigmoid()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """16 → 16 channels."""
        mean = self.process(x).mean((2, 3), keepdim=True)
        result: torch.Tensor = x + self.conv_du(mean) * mean
        return result


def reconstruction() -> nn.ModuleDict:
    """What makes a luma of 16 channels: entries ``conv_in``, ``process`` and ``conv_last``, applied in this
    order.
    """
    return nn.ModuleDict(
        {
            "conv_in": conv(WIDTH, WIDTH),
            "process": nn.Sequential(ChannelGate(), ChannelGate()),
            "conv_last": conv(WIDTH, 1),
        }
    )


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
    """A 1×1 convolution whose matrix is P·L·U; values outside the triangles of ``lower`` and ``upper`` don't
    count.
    """

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
    """Mixes, splits the channels after the first ``split``, and couples the groups.

    ``transform(inputs, outputs)`` makes the three networks in it.
    """

    def __init__(
        self, channels: int, split: int, transform: Callable[[int, int], nn.Module] = DenseUnits
    ) -> None:
        super().__init__()
        rest = channels - split
        self.F = transform(rest, split)
        self.G = transform(split, rest)
        self.H = transform(split, rest)
        self.invconv = InvertibleMixing(channels)
        self.sizes = (split, rest)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """c → c channels."""
        first, second = self.invconv(x).split(self.sizes, 1)
        first = first + self.F(second)
        scale = CLAMP * (2 * torch.sigmoid(self.H(first)) - 1)
        return torch.cat((first, torch.addcmul(self.G(first), second, scale.exp())), 1)
