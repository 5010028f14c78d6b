"""DenseFuse: a shared dense encoder, features added, a plain decoder (Li and Wu, IEEE TIP 2019).

The author published it twice, in PyTorch and TensorFlow, with weights that are not interchangeable: the dense
connections are concatenated in opposite orders, and "addition" is a mean in one and a sum in the other. Both
are offered.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from ..porting.network import FusionNetwork


class ReflectConv(nn.Module):
    """A 3×3 convolution with reflection padding under the official name ``conv2d``, and its ReLU."""

    def __init__(self, inputs: int, outputs: int, *, activate: bool = True) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")
        self.activate = activate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve and rectify."""
        x = self.conv2d(x)
        return x.relu_() if self.activate else x


class DenseLayer(nn.Module):
    """Adds 16 channels to what it gets."""

    def __init__(self, inputs: int, *, new_first: bool) -> None:
        super().__init__()
        self.dense_conv = ReflectConv(inputs, 16)
        self.new_first = new_first

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """c → c + 16 channels."""
        new = self.dense_conv(x)
        return torch.cat((new, x) if self.new_first else (x, new), 1)


class DenseBlock(nn.Module):
    """Three dense layers: 16 → 64 channels."""

    def __init__(self, *, new_first: bool) -> None:
        super().__init__()
        self.denseblock = nn.Sequential(*(DenseLayer(c, new_first=new_first) for c in (16, 32, 48)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """16 → 64 channels."""
        result: torch.Tensor = self.denseblock(x)
        return result


class DenseFuse(FusionNetwork):
    """Infrared and visible grey levels 0..255 → fused levels (0..255; the TensorFlow network about twice
    that).
    """

    channels_last: ClassVar[bool] = True

    def __init__(self, *, new_first: bool = False, mean: bool = True) -> None:
        super().__init__()
        self.conv1 = ReflectConv(1, 16)
        self.DB1 = DenseBlock(new_first=new_first)
        self.conv2 = ReflectConv(64, 64)
        self.conv3 = ReflectConv(64, 32)
        self.conv4 = ReflectConv(32, 16)
        self.conv5 = ReflectConv(16, 1, activate=False)
        self.mean = mean

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W; at least 2×2."""
        x: torch.Tensor = self.DB1(self.conv1(infrared)) + self.DB1(self.conv1(visible))
        if self.mean:
            x = x / 2
        for decode in (self.conv2, self.conv3, self.conv4, self.conv5):
            x = decode(x)
        return x

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """See ``FusionNetwork.fuse``; the network works on grey levels."""
        fused: torch.Tensor = self(infrared * 255, visible * 255) / 255
        return fused


class DenseFuseTensorflow(DenseFuse):
    """The TensorFlow original, under its variable names."""

    tensorflow: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__(new_first=True, mean=False)

    def official_name(self, key: str) -> str:
        """``conv1`` → encoder/conv1_1, the dense layers → encoder/dense_block_conv1..3, ``conv2..5`` →
        decoder/conv2_1..4.
        """
        parts = key.split(".")
        kind = "kernel" if parts[-1] == "weight" else "bias"
        if parts[0] == "DB1":
            return f"encoder/dense_block_conv{int(parts[2]) + 1}/{kind}"
        number = int(parts[0].removeprefix("conv"))
        return f"encoder/conv1_1/{kind}" if number == 1 else f"decoder/conv2_{number - 1}/{kind}"
