"""FISCNet: frequency integration and spatial compensation (Zheng et al., Information Fusion 2024)."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.coupling_blocks import WIDTH, CouplingBlock, DenseUnits, EdgeBlock, conv, reconstruction
from ..porting.network import FusionNetwork

SQUEEZED = WIDTH // 2


def merge_phases(amplitude: torch.Tensor, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
    """The amplitude spectrum of one map with the phasors of two others, added, back in the image plane; its
    modulus.

    N×C×H×W each → the same. All three are real, so half of the Fourier plane says all.
    """
    # Fourier transforms have no half precision for all sizes, so they leave it.
    kind = torch.promote_types(visible.dtype, torch.float32)
    size = visible.shape[-2:]
    spectrum = torch.fft.rfft2(amplitude.to(kind)).abs() * (
        _phasor(visible.to(kind)) + _phasor(infrared.to(kind))
    )
    merged: torch.Tensor = torch.fft.irfft2(spectrum, s=size)
    return merged.abs_().to(visible.dtype)


def _phasor(x: torch.Tensor) -> torch.Tensor:
    """The spectrum of a map with all amplitudes 1; where there is no amplitude the angle counts as 0."""
    spectrum = torch.fft.rfft2(x)
    size = spectrum.abs()
    return torch.where(size == 0, 1, spectrum / size)


class MultiScale(nn.Module):
    """The same dense units at full, half and quarter size; the three results are weighted per channel and
    merged.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.ops = DenseUnits(inputs, outputs)
        self.fusepool = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), conv(outputs, outputs, 1), nn.LeakyReLU(0.1, inplace=True)
        )
        for number in (1, 2, 3):
            self.add_module(
                f"fc{number}", nn.Sequential(conv(outputs, outputs, 1), nn.LeakyReLU(0.1, inplace=True))
            )
        self.fuse = conv(3 * outputs, outputs, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """16 → 16 channels."""
        scales = [self.ops(x)]
        for factor in (0.5, 0.25):
            # Odd sides too are sampled in steps of exactly 2 and 4 pixels, as the official code does.
            reduced = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
            scales.append(
                F.interpolate(self.ops(reduced), size=x.shape[-2:], mode="bilinear", align_corners=False)
            )
        pooled = self.fusepool(scales[0] + scales[1] + scales[2])
        weighted = [
            scale.mul_(self.get_submodule(f"fc{number}")(pooled)) for number, scale in enumerate(scales, 1)
        ]
        result: torch.Tensor = self.fuse(torch.cat(weighted, 1))
        return result


def _squeeze(inputs: int, kernel: int) -> nn.Sequential:
    """Two convolutions to 8 channels and back to ``inputs``, and a sigmoid."""
    return nn.Sequential(
        conv(inputs, SQUEEZED, kernel),
        nn.LeakyReLU(0.1, inplace=True),
        conv(SQUEEZED, inputs, kernel),
        nn.Sigmoid(),
    )


class Interaction(nn.Module):
    """Compensates the merged features by what each stream has beyond them, then couples the two results."""

    def __init__(self) -> None:
        super().__init__()
        both = 2 * WIDTH
        for stream in ("vis", "inf"):
            self.add_module(f"spa_att_{stream}", _squeeze(WIDTH, 3))
            self.add_module(f"cha_att_{stream}", _squeeze(both, 1))
            self.add_module(f"post_{stream}", conv(both, WIDTH))
        self.fused = CouplingBlock(both, WIDTH, MultiScale)
        self.post = conv(both, WIDTH)

    def _compensate(self, fused: torch.Tensor, stream: torch.Tensor, name: str) -> torch.Tensor:
        spatial = self.get_submodule(f"spa_att_{name}")(stream - fused)
        both = torch.cat((torch.addcmul(fused, spatial, fused), fused), 1)
        deviation, mean = torch.std_mean(both, (2, 3), correction=0, keepdim=True)
        weight = self.get_submodule(f"cha_att_{name}")(deviation + mean)
        compensated: torch.Tensor = self.get_submodule(f"post_{name}")(both.mul_(weight)).add_(fused)
        return compensated

    def forward(self, fused: torch.Tensor, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Three 16-channel maps → one."""
        sides = (self._compensate(fused, visible, "vis"), self._compensate(fused, infrared, "inf"))
        result: torch.Tensor = self.post(self.fused(torch.cat(sides, 1)))
        return result


class FirstCorrection(nn.Module):
    """The first stage: one edge block for the merged image and both streams."""

    def __init__(self) -> None:
        super().__init__()
        self.fused = EdgeBlock(1)
        self.interaction = Interaction()

    def forward(
        self, fused: torch.Tensor, visible: torch.Tensor, infrared: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Three images → three 16-channel maps."""
        fused, visible, infrared = self.fused(fused), self.fused(visible), self.fused(infrared)
        return self.interaction(fused, visible, infrared), visible, infrared


class Correction(nn.Module):
    """A later stage: edge blocks, phases merged once more, interaction."""

    def __init__(self) -> None:
        super().__init__()
        self.fused, self.vis, self.inf = EdgeBlock(), EdgeBlock(), EdgeBlock()
        self.interaction = Interaction()

    def forward(
        self, fused: torch.Tensor, visible: torch.Tensor, infrared: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Three 16-channel maps → three."""
        fused, visible, infrared = self.fused(fused), self.vis(visible), self.inf(infrared)
        merged = merge_phases(fused, visible, infrared)
        return self.interaction(merged, visible, infrared), visible, infrared


class FISCNet(FusionNetwork):
    """Infrared and visible luma in [0,1] → fused luma, unbounded; at least 16×16."""

    channels_last: ClassVar[bool] = True
    unused: ClassVar[tuple[str, ...]] = (r"^correction1\.(vis|inf)\.",)

    def __init__(self) -> None:
        super().__init__()
        self.correction1 = FirstCorrection()
        self.correction2, self.correction3 = Correction(), Correction()
        self.reconstruction = reconstruction()

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W."""
        maps = merge_phases(visible, visible, infrared), visible, infrared
        for correction in (self.correction1, self.correction2, self.correction3):
            maps = correction(*maps)
        x: torch.Tensor = maps[0]
        for name in ("conv_in", "process", "conv_last"):
            x = self.reconstruction[name](x)
        return x

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """See ``FusionNetwork.fuse``; the authors clamp the luma before they add colour."""
        fused: torch.Tensor = self(infrared, visible)
        return fused.clamp(0, 1)
