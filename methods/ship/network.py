"""SHIP: spatial and channel interactions of high order between the two streams (Zheng et al., CVPR 2024)."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.network import FusionNetwork
from ..porting.restormer_blocks import ChannelNorm
from .coupling import CouplingBlock

CHANNELS = 16
DIFFERENCE = 0.8


def conv(inputs: int, outputs: int, kernel: int = 3) -> nn.Conv2d:
    """A convolution with bias that keeps the size."""
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)


def conv_relu_conv(inputs: int, outputs: int, kernel: int = 3, hidden: int | None = None) -> nn.Sequential:
    """Two convolutions with a ReLU between; ``hidden`` defaults to ``outputs`` channels."""
    hidden = hidden or outputs
    return nn.Sequential(conv(inputs, hidden, kernel), nn.ReLU(inplace=True), conv(hidden, outputs, kernel))


class CrossDifference(nn.Module):
    """A plus-shaped and an X-shaped convolution of five taps each, from which 0.8 times the taps' sum is taken at the centre."""

    PLACES = ((1, 3, 4, 5, 7), (0, 2, 4, 6, 8))  # of the taps in a 3×3 kernel, row by row

    def __init__(self) -> None:
        super().__init__()
        self.HP_branch = nn.Parameter(torch.zeros(1))
        for name in ("h_conv", "d_conv"):
            taps = nn.Conv2d(CHANNELS, CHANNELS, (1, 5), bias=False)
            self.add_module(name, nn.ModuleDict({"conv": taps}))

    def kernel(self) -> torch.Tensor:
        """Both branches as one 16×16×3×3 kernel, weighted by the learned share."""
        share = torch.sigmoid(self.HP_branch)
        kernel = self.HP_branch.new_zeros(CHANNELS, CHANNELS, 9)
        for name, places, weight in zip(("h_conv", "d_conv"), self.PLACES, (share, 1 - share), strict=True):
            taps = self.get_parameter(f"{name}.conv.weight")[:, :, 0]
            kernel[:, :, places] += weight * taps
            kernel[:, :, 4] -= weight * DIFFERENCE * taps.sum(-1)
        return kernel.view(CHANNELS, CHANNELS, 3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """16 → 16 channels, residual."""
        return F.conv2d(x, self.kernel(), padding=1) + x


class EdgeBlock(nn.Module):
    """A plain and an edge-sensitive branch, added."""

    def __init__(self) -> None:
        super().__init__()
        self.process = conv(CHANNELS, CHANNELS)
        self.Res = conv_relu_conv(CHANNELS, CHANNELS)
        self.CDC = CrossDifference()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """16 → 16 channels."""
        x = self.process(x)
        result: torch.Tensor = self.Res(x) + self.CDC(x)
        return result


class FeatureBranch(nn.Module):
    """An image → 16 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(1, CHANNELS, 1)
        self.block1 = EdgeBlock()
        self.block2 = EdgeBlock()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """1 → 16 channels."""
        result: torch.Tensor = self.block2(self.block1(self.conv(x)))
        return result


class SpatialStage(nn.Module):
    """Circular correlation of the streams in the Fourier domain, then three rounds of gating by the infrared stream."""

    def __init__(self) -> None:
        super().__init__()
        for number in (1, 2, 3):
            self.add_module(f"reflashFused{number}", conv_relu_conv(CHANNELS, CHANNELS))
            self.add_module(f"reflashInfrared{number}", conv_relu_conv(CHANNELS, CHANNELS))
        for number in (1, 2, 3, 4):
            self.add_module(f"norm{number}", ChannelNorm(CHANNELS))

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Two 16-channel streams → two."""
        # Fourier transforms have no half precision for all sizes, so they leave it; sums reach thousands here.
        kind = torch.promote_types(visible.dtype, torch.float32)
        spectrum = torch.fft.rfft2(visible.to(kind)) * torch.fft.rfft2(infrared.to(kind))
        mixed = torch.fft.irfft2(spectrum, s=visible.shape[-2:]).to(visible.dtype)
        fused = self.get_submodule("norm1")(mixed) * infrared
        for number in (1, 2, 3):
            fused = self.get_submodule(f"norm{number + 1}")(
                self.get_submodule(f"reflashFused{number}")(fused)
            )
            infrared = self.get_submodule(f"reflashInfrared{number}")(infrared)
            fused = fused * infrared
        return fused + visible, infrared


class ChannelStage(nn.Module):
    """Four rounds of channel attention over both streams together."""

    def __init__(self) -> None:
        super().__init__()
        both = 2 * CHANNELS
        self.chaAtten = conv_relu_conv(both, both, 1, CHANNELS)
        for number in (1, 2, 3):
            self.add_module(f"reflashFused{number}", conv_relu_conv(both, both))
            self.add_module(f"reflashChaAtten{number}", conv_relu_conv(both, both, 1, CHANNELS))
        self.postprocess = nn.Sequential(CouplingBlock(both, CHANNELS), conv(both, CHANNELS, 1))

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Two 16-channel streams → two, the infrared one unchanged."""
        both = torch.cat((visible, infrared), 1)
        weight = self.chaAtten(both.mean((2, 3), keepdim=True)).softmax(1)
        fused = both * weight
        for number in (1, 2, 3):
            fused = self.get_submodule(f"reflashFused{number}")(fused)
            weight = self.get_submodule(f"reflashChaAtten{number}")(weight).softmax(1)
            fused = fused * weight
        return self.postprocess(fused) + visible, infrared


class Interaction(nn.Module):
    """A spatial and a channel stage."""

    def __init__(self) -> None:
        super().__init__()
        self.spatial = SpatialStage()
        self.channel = ChannelStage()

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Two streams → two."""
        streams: tuple[torch.Tensor, torch.Tensor] = self.channel(*self.spatial(visible, infrared))
        return streams


class ChannelGate(nn.Module):
    """Adds one number a channel, made from the global mean of processed features."""

    def __init__(self) -> None:
        super().__init__()
        self.process = conv_relu_conv(CHANNELS, CHANNELS)
        self.conv_du = nn.Sequential(
            conv(CHANNELS, 4, 1), nn.ReLU(inplace=True), conv(4, CHANNELS, 1), nn.Sigmoid()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """16 → 16 channels."""
        mean = self.process(x).mean((2, 3), keepdim=True)
        result: torch.Tensor = x + self.conv_du(mean) * mean
        return result


class SHIP(FusionNetwork):
    """Infrared and visible luma in [0,1] → fused luma, unbounded."""

    channels_last: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.vis = FeatureBranch()
        self.inf = FeatureBranch()
        self.interaction1, self.interaction2, self.interaction3 = Interaction(), Interaction(), Interaction()
        self.postprocess = nn.Sequential(CouplingBlock(3 * CHANNELS, 24), conv(3 * CHANNELS, CHANNELS, 1))
        self.reconstruction = nn.ModuleDict(
            {
                "conv_in": conv(CHANNELS, CHANNELS),
                "process": nn.Sequential(ChannelGate(), ChannelGate()),
                "conv_last": conv(CHANNELS, 1),
            }
        )

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W."""
        streams = self.vis(visible), self.inf(infrared)
        stages = []
        for interaction in (self.interaction1, self.interaction2, self.interaction3):
            streams = interaction(*streams)
            stages.append(streams[0])
        x = self.postprocess(torch.cat(stages, 1))
        for name in ("conv_in", "process", "conv_last"):
            x = self.reconstruction[name](x)
        fused: torch.Tensor = x
        return fused

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """See ``FusionNetwork.fuse``; the authors clamp the luma before they add colour."""
        fused: torch.Tensor = self(infrared, visible)
        return fused.clamp(0, 1)
