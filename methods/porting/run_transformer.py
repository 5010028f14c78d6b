"""The blocks that DATFuse, YDTR and ITFuse share.

Their transformer has windows of one token, and a token isn't a pixel: the feature map's memory (channel by
channel, row by row) is cut into runs of as many numbers as there are channels. A run holds horizontally
neighbouring values of one channel and goes on over the ends of lines. With one token per window the softmax
of the attention is 1, so queries, keys and position biases have no effect and a token only sees itself.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

UNUSED: tuple[str, ...] = (r"\.attn\.relative_position_(bias_table|index)$", r"^patch_embed\.")
"""Official tensors of the transformer that the output doesn't depend on."""

RUNS_AT_ONCE = 4096
"""So many runs go through the perceptron together: its hidden values then stay in the processor's cache."""


class ReplicateBlock(nn.Module):
    """Convolution with replicated borders, batch normalisation (running statistics), ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, padding_mode="replicate")
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """N×inputs×H×W → N×outputs×H×W, ≥ 0."""
        return torch.relu_(self.bn(self.conv(x)))


class _Attention(nn.Module):
    """The layers of the attention; only the value rows of ``qkv`` act."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, runs: torch.Tensor) -> torch.Tensor:
        """K×width → K×width: value and projection as one matrix product."""
        width = runs.shape[-1]
        value, bias = self.qkv.weight[2 * width :], self.qkv.bias[2 * width :]
        return F.linear(runs, self.proj.weight @ value, torch.addmv(self.proj.bias, self.proj.weight, bias))


class _Perceptron(nn.Module):
    """Two linear layers with an exact GELU between."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, runs: torch.Tensor) -> torch.Tensor:
        """K×width → K×width."""
        result: torch.Tensor = self.fc2(F.gelu(self.fc1(runs)))
        return result


class RunBlock(nn.Module):
    """One transformer block on runs of ``width`` values."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn, self.mlp = _Attention(width), _Perceptron(width)

    def forward(self, runs: torch.Tensor) -> torch.Tensor:
        """K×width → K×width."""
        runs = runs + self.attn(self.norm1(runs))
        result: torch.Tensor = runs + self.mlp(self.norm2(runs))
        return result


class RunTransformer(nn.Module):
    """``depth`` blocks, one after the other."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(RunBlock(width) for _ in range(depth)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """N×width×H×W → the same shape."""
        width = x.shape[1]
        runs = x.contiguous().reshape(-1, width)
        if x.device.type != "cpu":
            result: torch.Tensor = self.blocks(runs)
            return result.reshape(x.shape)
        return torch.cat([self.blocks(part) for part in torch.split(runs, RUNS_AT_ONCE)]).reshape(x.shape)


def official_name(key: str, names: dict[str, str]) -> str:
    """Replace the first component of a tensor's name by the official one, where there is another."""
    head, dot, rest = key.partition(".")
    return names.get(head, head) + dot + rest
