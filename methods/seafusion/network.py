"""SeAFusion: two streams of gradient residual dense blocks, concatenated and decoded (Tang et al.,
Information Fusion 2022).
"""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.channels_last import PointwiseConv2d
from ..porting.network import FusionNetwork


class NamedConv(nn.Module):
    """A 3×3 convolution under the official name ``conv``, with zero padding that keeps the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve."""
        result: torch.Tensor = self.conv(x)
        return result


class Dense(nn.Module):
    """Two densely connected convolutions: c → 3c channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = NamedConv(channels, channels)
        self.conv2 = NamedConv(2 * channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Concatenate the input and both new maps."""
        x = torch.cat((x, F.leaky_relu(self.conv1(x), 0.2)), 1)
        return torch.cat((x, F.leaky_relu(self.conv2(x), 0.2)), 1)


class Gradient(nn.Module):
    """Depthwise horizontal and vertical differences; initialised as Sobel kernels, then trained, hence read
    from the file.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convx = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.convy = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Sum of the absolute differences."""
        total: torch.Tensor = self.convx(x).abs() + self.convy(x).abs()
        return total


class GradientResidualDenseBlock(nn.Module):
    """A dense branch and a gradient branch, added."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.dense = Dense(inputs)
        self.convdown = nn.ModuleDict({"conv": PointwiseConv2d(3 * inputs, outputs)})
        self.sobelconv = Gradient(inputs)
        self.convup = nn.ModuleDict({"conv": PointwiseConv2d(inputs, outputs)})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """c → o channels."""
        x = self.convdown["conv"](self.dense(x)).add_(self.convup["conv"](self.sobelconv(x)))
        return F.leaky_relu(x, 0.1)


class SeAFusion(FusionNetwork):
    """Infrared and visible luma in [0,1] → fused luma in (0,1)."""

    channels_last: ClassVar[bool] = True
    unused: ClassVar[tuple[str, ...]] = (r"^decode\d\.bn\.",)

    def __init__(self) -> None:
        super().__init__()
        for stream in ("vis", "inf"):
            self.add_module(f"{stream}_conv", NamedConv(1, 16))
            self.add_module(f"{stream}_rgbd1", GradientResidualDenseBlock(16, 32))
            self.add_module(f"{stream}_rgbd2", GradientResidualDenseBlock(32, 48))
        self.decode4 = NamedConv(96, 64)
        self.decode3 = NamedConv(64, 32)
        self.decode2 = NamedConv(32, 16)
        self.decode1 = NamedConv(16, 1)

    def _encode(self, stream: str, x: torch.Tensor) -> torch.Tensor:
        x = F.leaky_relu(self.get_submodule(f"{stream}_conv")(x), 0.2)
        x = self.get_submodule(f"{stream}_rgbd1")(x)
        result: torch.Tensor = self.get_submodule(f"{stream}_rgbd2")(x)
        return result

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W."""
        x = torch.cat((self._encode("vis", visible), self._encode("inf", infrared)), 1)
        for decode in (self.decode4, self.decode3, self.decode2):
            x = F.leaky_relu(decode(x), 0.2)
        return torch.tanh(self.decode1(x)) / 2 + 0.5
