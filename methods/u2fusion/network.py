"""U2Fusion: one densely connected network for several fusion tasks (Xu et al., IEEE TPAMI 2022), the
TensorFlow original.
"""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.network import FusionNetwork


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3)


def _reflect(x: torch.Tensor) -> torch.Tensor:
    return F.pad(x, (1, 1, 1, 1), mode="reflect")


def _features(layer: nn.Module, padded: torch.Tensor) -> torch.Tensor:
    """Convolve and activate what has its border already, and give the result one: so maps that many layers
    read get it once.
    """
    return _reflect(F.leaky_relu_(layer(padded), 0.2))


class U2Fusion(FusionNetwork):
    """Infrared and visible luma in [0,1] → fused luma in (0,1). The visible image is the first input channel."""

    tensorflow: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.conv1_1 = _conv(2, 44)
        self.dense_block = nn.ModuleList(_conv(44 * n, 44) for n in range(1, 6))
        self.decoder = nn.ModuleList(_conv(i, o) for i, o in ((264, 128), (128, 64), (64, 32), (32, 1)))

    def official_name(self, key: str) -> str:
        """TensorFlow's variable names; the decoder lives in a second scope, ``Generator_1``."""
        *layer, last = key.split(".")
        kind = "kernel" if last == "weight" else "bias"
        if layer[0] == "conv1_1":
            return f"Generator/encoder/conv1_1/{kind}"
        number = int(layer[1]) + 1
        if layer[0] == "dense_block":
            return f"Generator/encoder/dense_block_conv{number}/{kind}"
        return f"Generator_1/decoder/conv2_{number}/{kind}"

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W; at least 2×2."""
        first = _features(self.conv1_1, _reflect(torch.cat((visible, infrared), 1)))
        x = first.new_empty(len(first), 264, *first.shape[-2:])
        x[:, -44:] = first
        for known, layer in enumerate(self.dense_block, 1):  # new features come before the known ones
            x[:, -44 * (known + 1) : -44 * known] = _features(layer, x[:, -44 * known :])
        *hidden, last = self.decoder
        for layer in hidden:
            x = _features(layer, x)
        return torch.tanh(last(x)) / 2 + 0.5
