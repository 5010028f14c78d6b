"""LRRNet: unrolled low-rank and sparse decomposition of each image (Li et al., IEEE TPAMI 2023)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.network import FusionNetwork

FILTERS = 128
BLOCKS = 4
EPSILON = 1e-5


class ReflectConv(nn.Module):
    """A 3×3 convolution with reflection padding under the official name ``conv2d``."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve."""
        result: torch.Tensor = self.conv2d(x)
        return result


def soft_threshold(x: torch.Tensor, threshold: torch.Tensor) -> torch.Tensor:
    """sign(x)·max(|x| - threshold, 0) by channel; ``threshold`` is 1×C×1×1 and may be negative."""
    return torch.sign(x) * (x.abs() - threshold).clamp_min_(0)


def soft_threshold_planes(x: torch.Tensor, thresholds: Sequence[float]) -> torch.Tensor:
    """``soft_threshold`` in place, channel by channel: on a CPU one plane stays in the cache, which is
    several times faster.
    """
    for channel, threshold in enumerate(thresholds):
        plane = x[:, channel]
        if threshold < 0:  # values move away from zero, which softshrink can't do
            plane.copy_(torch.sign(plane) * (plane.abs() - threshold))
        else:
            plane.copy_(F.softshrink(plane, threshold))
    return x


class Decomposition(nn.Module):
    """The sparse codes of an image after four unrolled iterations: 1 → 256 channels, low-rank part first."""

    def __init__(self) -> None:
        super().__init__()
        codes = 2 * FILTERS
        self.conv_W00 = ReflectConv(1, codes)
        self.lamj = nn.Parameter(torch.zeros(1, codes))
        self.lamz = nn.Parameter(torch.zeros(1, 1))
        self.thresholds = [0.0] * codes
        self.step = 0.0
        for number in range(BLOCKS):
            block = nn.ModuleDict({"conv_Wdz": ReflectConv(codes, 1), "conv_Wdtz": ReflectConv(1, codes)})
            self.add_module(f"lrrblock{number}", block)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """N×1×H×W → N×256×H×W."""
        codes = self._shrink(self.conv_W00(image))
        for number in range(BLOCKS):
            block = self.get_submodule(f"lrrblock{number}")
            residual = image - block.get_submodule("conv_Wdz")(codes)
            update: torch.Tensor = block.get_submodule("conv_Wdtz")(residual)
            codes = self._shrink(update.add_(codes, alpha=self.step))
        return codes

    def _shrink(self, codes: torch.Tensor) -> torch.Tensor:
        if codes.device.type == "cpu":
            return soft_threshold_planes(codes, self.thresholds)
        return soft_threshold(codes, self.lamj[..., None, None])


class LRRNet(FusionNetwork):
    """Infrared and visible grey, each stretched to [0,1) → fused grey of no fixed range."""

    def __init__(self) -> None:
        super().__init__()
        self.get_ls1 = Decomposition()
        self.get_ls2 = Decomposition()
        self.decoder = nn.ModuleDict(
            {name: ReflectConv(FILTERS, 1) for name in ("conv_ReZx", "conv_ReUx", "conv_ReZy", "conv_ReUy")}
            | {name: ReflectConv(2, 1) for name in ("conv_ReL", "conv_ReH")}
        )

    def prepare(self) -> None:
        """Keep the trained scalars as numbers, so that no pass has to wait for a device to hand them over."""
        for net in (self.get_ls1, self.get_ls2):
            net.thresholds, net.step = net.lamj[0].tolist(), net.lamz.item()

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W; at least 2×2."""
        decode = self.decoder
        low, high = [], []
        for net, image, suffix in ((self.get_ls1, infrared, "x"), (self.get_ls2, visible, "y")):
            low_rank, sparse = net(image).split(FILTERS, 1)
            low.append(decode[f"conv_ReZ{suffix}"](low_rank))
            high.append(decode[f"conv_ReU{suffix}"](sparse))
        fused: torch.Tensor = decode["conv_ReL"](torch.cat(low, 1)) + decode["conv_ReH"](torch.cat(high, 1))
        return fused

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """See ``FusionNetwork.fuse``; inputs and result are stretched to their own ranges."""
        return stretch(self(stretch(infrared * 255), stretch(visible * 255)))


def stretch(image: torch.Tensor) -> torch.Tensor:
    """(x - min) / (max - min + 1e-5) , each image by itself (so that the maximum stays just below 1)."""
    low, high = image.amin((1, 2, 3), keepdim=True), image.amax((1, 2, 3), keepdim=True)
    return (image - low) / (high - low + EPSILON)
