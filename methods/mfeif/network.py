"""MFEIF: features at three levels and three dilations, weighed by an edge attention (Liu et al., IEEE TCSVT
2022).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.network import FusionNetwork

BRANCHES = {"a": (1, 0.1), "b": (2, 0.1), "c": (3, 1.0)}
"""Branch → dilation of its first convolution, and its weight in the deepest features."""


class Block(nn.Module):
    """3×3 convolution with zero padding, batch normalisation (running statistics), ReLU."""

    def __init__(self, inputs: int, outputs: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """N×inputs×H×W → N×outputs×H×W, ≥ 0."""
        return torch.relu_(self.bn(self.conv(x)))


class Extractor(nn.Module):
    """One image → features of three levels, each summed over three branches."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_1 = Block(1, 16)
        for branch, (dilation, _) in BRANCHES.items():
            self.add_module(f"conv_{branch}1", Block(16, 32, dilation))
            self.add_module(f"conv_{branch}2", Block(32, 48))
            self.add_module(f"conv_{branch}3", Block(48, 64))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """N×1×H×W → deep (64 channels), middle (48) and shallow (32) features."""
        x = self.conv_1(image)
        levels: list[torch.Tensor] = []
        for branch, (_, weight) in BRANCHES.items():
            shallow = self.get_submodule(f"conv_{branch}1")(x)
            middle = self.get_submodule(f"conv_{branch}2")(shallow)
            deep = self.get_submodule(f"conv_{branch}3")(middle).mul_(weight)
            if levels:
                for level, part in zip(levels, (deep, middle, shallow), strict=True):
                    level.add_(part)
            else:
                levels = [deep, middle, shallow]
        return levels[0], levels[1], levels[2]


class ConvPair(nn.Module):
    """Two convolutions with a ReLU between, the second with dilation 2."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(inputs, hidden, 3, padding=1)
        self.conv_2 = nn.Conv2d(hidden, outputs, 3, padding=2, dilation=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """N×inputs×H×W → N×outputs×H×W."""
        result: torch.Tensor = self.conv_2(torch.relu_(self.conv_1(x)))
        return result


class EdgeAttention(nn.Module):
    """One weight per pixel, not squashed, from the image with its edges emphasised."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_1, self.conv_2 = ConvPair(1, 32, 32), ConvPair(32, 64, 128)
        self.conv_3 = ConvPair(128, 64, 32)
        self.conv_4 = nn.Conv2d(32, 1, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """N×1×H×W → the same shape."""
        emphasised = image + F.max_pool2d(gradient(image), 3, stride=1, padding=1)
        result: torch.Tensor = self.conv_4(self.conv_3(self.conv_2(self.conv_1(emphasised))))
        return result


class Constructor(nn.Module):
    """Features of three levels → image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_1, self.conv_2 = Block(64, 16), Block(64, 32)
        self.conv_3, self.conv_4 = Block(64, 16), Block(16, 1)

    def forward(self, deep: torch.Tensor, middle: torch.Tensor, shallow: torch.Tensor) -> torch.Tensor:
        """N×64, N×48 and N×32 channels → N×1×H×W, ≥ 0."""
        x = self.conv_2(torch.cat((self.conv_1(deep), middle), 1))
        result: torch.Tensor = self.conv_4(self.conv_3(torch.cat((x, shallow), 1)))
        return result


class MFEIF(FusionNetwork):
    """Infrared and visible luma in [0,1] → fused luma ≥ 0, in practice up to 1.1; symmetric in the two.

    The published weights leave most of it without effect: the attention is constant and only the shallow
    features reach the result. The whole network is computed all the same, as the authors' code does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ext, self.att, self.con = Extractor(), EdgeAttention(), Constructor()

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W."""
        deep, middle, shallow = self.ext(infrared)
        deep.mul_(self.att(infrared))
        other_deep, other_middle, other_shallow = self.ext(visible)
        deep = torch.softmax(deep.addcmul_(other_deep, self.att(visible)), 1)
        fused: torch.Tensor = self.con(deep, merge(middle, other_middle), merge(shallow, other_shallow))
        return fused


def gradient(image: torch.Tensor) -> torch.Tensor:
    """Length of the halved central differences, edges replicated: N×1×H×W → the same shape."""
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
    across = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    down = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    return (across.square() + down.square()).sqrt()


def merge(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The mean of two maps and their minimum, element by element."""
    return torch.minimum(one, other).add_(one).add_(other).div_(3)
