"""DAFusion: features fused under a degradation embedding, decoded by statistics transfer (X.

Wang et al., 2024).

The published modules are in training mode, so every batch normalisation uses the statistics of the image
being fused.
"""

from __future__ import annotations

import torch
from torch import nn

from ..porting.batch_statistics import ImageNorm2d
from ..porting.network import FusionNetwork

EPSILON = 1e-5


def _unit(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), ImageNorm2d(outputs), nn.ReLU(inplace=True)
    )


class Encoder(nn.Module):
    """An image → dense features and their global mean, the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.con1, self.con2, self.con3, self.con4 = (_unit(c, 16) for c in (1, 16, 32, 48))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """N×1×H×W → N×64×H×W and N×64×1×1."""
        e1 = self.con1(x)
        e2 = self.con2(e1)
        e3 = self.con3(torch.cat((e2, e1), 1))
        e4 = self.con4(torch.cat((e3, e2, e1), 1))
        features = torch.cat((e4, e3, e2, e1), 1)
        return features, features.mean((2, 3), keepdim=True)


class Fusion(nn.Module):
    """Two features and their embeddings → one of each."""

    def __init__(self) -> None:
        super().__init__()
        self.fc_ir = nn.Linear(64, 64)
        self.fc_vis = nn.Linear(64, 64)
        self.Conv_embf = nn.Sequential(nn.Conv2d(128, 64, 3, padding=1))
        self.Conv_f = nn.Sequential(
            nn.Conv2d(128, 64, 3, padding=1), ImageNorm2d(64), nn.LeakyReLU(0.01, inplace=True)
        )

    def forward(
        self, first: tuple[torch.Tensor, torch.Tensor], second: tuple[torch.Tensor, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(features, embedding) of the visible and of the infrared image → fused features and embedding."""
        (a, embedding_a), (b, embedding_b) = first, second
        a = a * torch.sigmoid(self.fc_ir(embedding_a.flatten(1)))[..., None, None]
        b = b * torch.sigmoid(self.fc_vis(embedding_b.flatten(1)))[..., None, None]
        merged = self.Conv_embf(torch.cat((embedding_a, embedding_b), 1))
        gate = torch.sigmoid(merged)
        fused = self.Conv_f(torch.cat((b * gate + a, b + a * gate), 1))
        return fused, fused.mean((2, 3), keepdim=True) + merged


def _head(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(64, channels, 3, padding=1), nn.LeakyReLU(0.01), nn.Conv2d(channels, channels, 1)
    )


def blend_statistics(x: torch.Tensor, style: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """w·T(x) + (1 - w)·x, where T gives each channel of ``x`` the mean ``style`` and the deviation √1e-5 of a
    1×1 map.

    Mean and (biased) deviation of ``x`` are the image's own. Written as one scale and shift a channel.
    """
    mean = x.mean((2, 3), keepdim=True)
    deviation = (x.square().mean((2, 3), keepdim=True) - mean.square() + EPSILON).sqrt()
    scale = EPSILON**0.5 / deviation
    blended: torch.Tensor = x * (weight * scale + 1 - weight) + weight * (style - mean * scale)
    return blended


class DecoderStage(nn.Module):
    """Statistics transfer, then a convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = _unit(inputs, outputs)
        self.mlp = _head(inputs)
        self.w = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """i → o channels."""
        result: torch.Tensor = self.conv(blend_statistics(x, self.mlp(embedding), torch.sigmoid(self.w)))
        return result


class Decoder(nn.Module):
    """Fused features and embedding → grey levels in (-255,255)."""

    def __init__(self) -> None:
        super().__init__()
        self.decon1 = DecoderStage(64, 32)
        self.decon2 = DecoderStage(32, 16)
        self.decon3 = nn.Sequential(nn.Conv2d(16, 1, 3, padding=1), nn.Tanh())
        self.mlp = _head(16)
        self.w = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """N×64×H×W → N×1×H×W."""
        x = self.decon2(self.decon1(x, embedding), embedding)
        x = blend_statistics(x, self.mlp(embedding), torch.sigmoid(self.w))
        result: torch.Tensor = self.decon3(x) * 255
        return result


class DAFusion(FusionNetwork):
    """Infrared and visible luma 0..255 → fused luma (0..255 scale)."""

    def __init__(self) -> None:
        super().__init__()
        self.E = nn.ModuleDict({"encoder_ir": Encoder(), "encoder_vis": Encoder()})
        self.F = nn.ModuleDict({"Fusion_net": Fusion()})
        self.D = Decoder()

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W.

        The visible image goes through ``encoder_ir``: the authors' script swaps them.
        """
        features, embedding = self.F["Fusion_net"](
            self.E["encoder_ir"](visible), self.E["encoder_vis"](infrared)
        )
        fused: torch.Tensor = self.D(features, embedding)
        return fused

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """See ``FusionNetwork.fuse``; the network works on grey levels."""
        fused: torch.Tensor = self(infrared * 255, visible * 255) / 255
        return fused
