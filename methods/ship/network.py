"""SHIP: spatial and channel interactions of high order between the two streams (Zheng et al., CVPR 2024)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from ..porting.coupling_blocks import WIDTH, CouplingBlock, EdgeBlock, conv, conv_relu_conv, reconstruction
from ..porting.network import FusionNetwork
from ..porting.restormer_blocks import ChannelNorm

CHANNELS = WIDTH


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
    """Circular correlation of the streams in the Fourier domain, then three rounds of gating by the infrared
    stream.
    """

    def __init__(self) -> None:
        super().__init__()
        for number in (1, 2, 3):
            self.add_module(f"reflashFused{number}", conv_relu_conv(CHANNELS, CHANNELS))
            self.add_module(f"reflashInfrared{number}", conv_relu_conv(CHANNELS, CHANNELS))
        for number in (1, 2, 3, 4):
            self.add_module(f"norm{number}", ChannelNorm(CHANNELS))

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Two 16-channel streams → two."""
        # Fourier transforms have no half precision for all sizes, so they leave it; sums reach thousands
        # here.
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


class SHIP(FusionNetwork):
    """Infrared and visible luma in [0,1] → fused luma, unbounded."""

    channels_last: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.vis = FeatureBranch()
        self.inf = FeatureBranch()
        self.interaction1, self.interaction2, self.interaction3 = Interaction(), Interaction(), Interaction()
        self.postprocess = nn.Sequential(CouplingBlock(3 * CHANNELS, 24), conv(3 * CHANNELS, CHANNELS, 1))
        self.reconstruction = reconstruction()

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
