"""TarDAL's first generator ("v0"): densely connected, trained against two discriminators (Liu et al., CVPR
2022).

Three checkpoints exist. The default one is run with the statistics of the image itself in its batch
normalisations, the other two (``+`` and ``++``) with running statistics, as the authors' README commands
them.
"""

from __future__ import annotations

import torch
from torch import nn

from ..porting.batch_statistics import use_image_statistics
from ..porting.network import FusionNetwork

NEGLIGIBLE = 1e-30
"""Parameters below this are set to zero: most of ``++`` are denormal numbers, which slow a CPU down many
times over.
"""


def _layer(inputs: int, outputs: int, *, normalise: bool = True) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, 3, padding=1)]
    if normalise:
        layers.append(nn.BatchNorm2d(outputs))
    return nn.Sequential(*layers, nn.ReLU(inplace=True))


class TarDAL(FusionNetwork):
    """Infrared and visible grey in [0,1] → fused grey in (-1,1), of which the authors keep [0,1]."""

    def __init__(self, *, image_statistics: bool) -> None:
        super().__init__()
        self.encoder = _layer(2, 32)
        self.dense = nn.ModuleList(_layer(c, 32) for c in (32, 64, 96))
        self.fuse_layers = nn.Sequential(
            _layer(128, 128, normalise=False),
            _layer(128, 64),
            _layer(64, 32),
            nn.Sequential(nn.Conv2d(32, 1, 3, padding=1), nn.Tanh()),
        )
        if image_statistics:
            use_image_statistics(self)

    def official_name(self, key: str) -> str:
        """``fuse_layers`` is called ``fuse`` (here the name of a method)."""
        return key.replace("fuse_layers.", "fuse.")

    def prepare(self) -> None:
        """Flush parameters that can't influence a float32 result (see ``NEGLIGIBLE``)."""
        for tensor in self.state_dict().values():
            if tensor.is_floating_point():
                tensor[tensor.abs() < NEGLIGIBLE] = 0

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W."""
        first = self.encoder(torch.cat((infrared, visible), 1))
        x = first.new_empty(len(first), 128, *first.shape[-2:])
        x[:, :32] = first
        for known, layer in enumerate(self.dense, 1):
            x[:, 32 * known : 32 * (known + 1)] = layer(x[:, : 32 * known])
        fused: torch.Tensor = self.fuse_layers(x)
        return fused
