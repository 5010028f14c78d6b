"""SFDFusion: fusion in the image plane and in the Fourier plane (Hu et al., ECAI 2024)."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import ClassVar

import torch
from torch import nn

from ..porting.network import FusionNetwork

CHANNELS = 8
NUDGE = 1e-8
"""Added to the real and the imaginary part before the inverse transform."""


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _units(*channels: int, slope: float = 0.0) -> nn.Sequential:
    """Convolutions from each number of channels to the next, each with a leaky ReLU."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(channels):
        layers += [
            _conv(inputs, outputs),
            nn.LeakyReLU(slope, inplace=True) if slope else nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


def _named(name: str, module: nn.Module) -> nn.Sequential:
    """A module below a name, as the official parameter names have it."""
    return nn.Sequential(OrderedDict({name: module}))


class SelfGate(nn.Module):
    """Features times a sigmoid made from them."""

    def __init__(self) -> None:
        super().__init__()
        self.att = nn.Sequential(_conv(CHANNELS, CHANNELS), nn.Sigmoid())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """8 → 8 channels."""
        gated: torch.Tensor = self.att(x).mul_(x)
        return gated


class LearnedGradient(nn.Module):
    """Absolute responses of two learned kernels per channel, added."""

    def __init__(self) -> None:
        super().__init__()
        self.convx, self.convy = (
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=CHANNELS, bias=False) for _ in range(2)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """8 → 8 channels."""
        summed: torch.Tensor = self.convx(x).abs_().add_(self.convy(x).abs_())
        return summed


class SpatialBranch(nn.Module):
    """Gated features of each image and of both together, with learned gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.ir_embed, self.vi_embed = _units(1, CHANNELS), _units(1, CHANNELS)
        self.ir_att1, self.ir_att2, self.vi_att1, self.vi_att2 = (SelfGate() for _ in range(4))
        self.grad_ir, self.grad_vi = LearnedGradient(), LearnedGradient()

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Two images → 8 channels of each."""
        x, y = self.ir_embed(infrared), self.vi_embed(visible)
        both = x + y
        return (
            self.ir_att1(x) + self.ir_att2(both) + self.grad_ir(x),
            self.vi_att1(y) + self.vi_att2(both) + self.grad_vi(y),
        )


class SFDFusion(FusionNetwork):
    """Infrared and visible luma in [0,1] → fused luma, which spans 0 to 1; the width is even."""

    channels_last: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.dmrm = SpatialBranch()
        self.ff1, self.ff2 = (_named("conv1", _units(2, 1, 1, slope=0.1)) for _ in range(2))
        self.ifft = _named("conv1", _units(2, 4, CHANNELS))
        self.fus_block = nn.ModuleDict(
            {
                "encoder": _units(3 * CHANNELS, 32),
                "down_conv": nn.Sequential(
                    _units(32, 128), _units(128, 64), _units(64, 32), nn.Sequential(_conv(32, 1), nn.Tanh())
                ),
            }
        )

    def spectrum(self, infrared: torch.Tensor, visible: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Fused amplitude and phase of the half spectrum: N×1×H×(W/2+1) each."""
        # Fourier transforms have no half precision for all sizes, so they leave it.
        kind = torch.promote_types(visible.dtype, torch.float32)
        planes = [torch.fft.rfft2(image.to(kind)) for image in (infrared, visible)]
        amplitude = self.ff1(torch.cat([plane.abs() for plane in planes], 1))
        phase = self.ff2(torch.cat([plane.angle() for plane in planes], 1))
        return amplitude.to(kind), phase.to(kind)

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W; stretched to 0..1, and 0 where all pixels are equal."""
        amplitude, phase = self.spectrum(infrared, visible)
        plane = torch.complex(
            amplitude * phase.cos() + NUDGE,
            amplitude * phase.sin() + NUDGE,
        )
        back = torch.fft.irfft2(plane, s=visible.shape[-2:]).abs().to(visible.dtype)
        frequency = self.ifft(back.expand(-1, 2, -1, -1))
        features = torch.cat((*self.dmrm(infrared, visible), frequency), 1)
        fused = self.fus_block["down_conv"](self.fus_block["encoder"](features))
        low, high = fused.amin((1, 2, 3), keepdim=True), fused.amax((1, 2, 3), keepdim=True)
        span = torch.where(high > low, high - low, 1)
        stretched: torch.Tensor = (fused - low) / span
        return stretched
