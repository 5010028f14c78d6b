"""DIDFuse: images decomposed into base and detail features, added, and decoded (Zhao et al., IJCAI 2020)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from ..porting.network import FusionNetwork


def _block(
    name: str, inputs: int, outputs: int, activation: nn.Module, *, reflect: bool = False
) -> nn.ModuleDict:
    """Convolution, batch normalisation, activation, under the official doubled names
    (``cov1.cov1.1.weight``).
    """
    layers = [nn.Conv2d(inputs, outputs, 3, padding=0 if reflect else 1), nn.BatchNorm2d(outputs), activation]
    if reflect:
        layers.insert(0, nn.ReflectionPad2d(1))
    return nn.ModuleDict({name: nn.Sequential(*layers)})


class DIDFuse(FusionNetwork):
    """Infrared and visible grey in [0,1] → fused grey in (0,1). Symmetric in its inputs."""

    channels_last: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.Encoder = nn.ModuleDict(
            {
                "cov1": _block("cov1", 1, 64, nn.PReLU(), reflect=True),
                "cov2": _block("cov2", 64, 64, nn.PReLU()),
                "cov3": _block("cov3", 64, 64, nn.Tanh()),
                "cov4": _block("cov4", 64, 64, nn.Tanh()),
            }
        )
        self.Decoder = nn.ModuleDict(
            {
                "cov5": _block("cov5", 128, 64, nn.PReLU()),
                "cov6": _block("cov6", 128, 64, nn.PReLU()),
                "cov7": _block("cov7", 128, 1, nn.Sigmoid(), reflect=True),
            }
        )

    def _layer(self, part: str, name: str, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.get_submodule(f"{part}.{name}.{name}")(x)
        return result

    def _encode(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        first = self._layer("Encoder", "cov1", image)
        second = self._layer("Encoder", "cov2", first)
        return first, second, self._layer("Encoder", "cov3", second), self._layer("Encoder", "cov4", second)

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W; at least 2×2. All four feature maps are fused by adding them."""
        pairs = zip(self._encode(infrared), self._encode(visible), strict=True)
        first, second, base, detail = (a + b for a, b in pairs)
        x = self._layer("Decoder", "cov5", torch.cat((base, detail), 1))
        x = self._layer("Decoder", "cov6", torch.cat((x, second), 1))
        return self._layer("Decoder", "cov7", torch.cat((x, first), 1))
