"""Res2Fusion: a dense Res2Net auto-encoder whose features are fused by two non-local attentions (Wang et al.,
IEEE TIM 2022).

The spatial attention compares every pixel with every 8×8 cell of the image: 5.9 GB per image at 640×480,
three times at once in the authors' code. Here its range is found in blocks of pixels and the attention itself
is computed without the matrix: the same result in 1 GB, for 1,040 GMACs instead of 709, since the scores are
computed twice. The time still grows with the square of the number of pixels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.network import FusionNetwork

EPSILON = 1e-10
CELL = 8
"""Side of the cells that the spatial attention attends to, in pixels."""
PIXELS_AT_ONCE = 512
SMALLEST_RANGE = 1e-20
"""Stands for the range of attention scores that are all equal (a constant image), where the authors' code
divides by zero.
"""


class Conv(nn.Module):
    """Convolution with reflected borders; the official files call the layer itself ``conv2d``."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, padding_mode="reflect")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """N×inputs×H×W → N×outputs×H×W."""
        result: torch.Tensor = self.conv2d(x)
        return result


class Res2Block(nn.Module):
    """Four groups of channels, each convolved with the one before it added; a shortcut around."""

    def __init__(self, inputs: int, outputs: int, width: int) -> None:
        super().__init__()
        self.conv1 = Conv(inputs, 4 * width, 1)
        self.convs = nn.ModuleList(Conv(width, width) for _ in range(3))
        self.conv2, self.conv3 = Conv(4 * width, outputs, 1), Conv(inputs, outputs, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """N×inputs×H×W → N×outputs×H×W, ≥ 0."""
        *groups, last = torch.relu_(self.conv1(x)).chunk(4, 1)
        parts: list[torch.Tensor] = []
        for layer, group in zip(self.convs, groups, strict=True):
            parts.append(torch.relu_(layer(parts[-1] + group if parts else group)))
        return torch.relu_(self.conv2(torch.cat((*parts, last), 1)) + self.conv3(x))


class Res2Fusion(FusionNetwork):
    """Infrared and visible grey levels 0..255 → fused levels ≥ 0, in practice up to 255; symmetric in the
    two. At least 8×8.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder_conv = nn.ModuleList([nn.Conv2d(1, 16, 3, padding=1, padding_mode="reflect")])
        self.RB1, self.RB2 = Res2Block(16, 32, 4), Res2Block(48, 64, 8)
        self.conv1, self.conv2 = Conv(112, 64), Conv(64, 32)
        self.conv3, self.conv4 = Conv(32, 16), Conv(16, 1)

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W."""
        one, other = self.encode(infrared), self.encode(visible)
        if one.dtype in {torch.float16, torch.bfloat16}:
            # Sums over the whole image leave half precision's range.
            with torch.autocast(infrared.device.type, enabled=False):
                x = self.fuse_encoded(one.float(), other.float())
        else:
            x = self.fuse_encoded(one, other)
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = torch.relu_(layer(x))
        return x

    @staticmethod
    def fuse_encoded(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """The mean of the fusions by channel and by spatial attention, all N×112×H×W."""
        x = fuse_features(one, other, channel_attention(one), channel_attention(other))
        x += fuse_features(one, other, spatial_attention(one), spatial_attention(other))
        return x.div_(2)

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        """N×1×H×W → N×112×H×W, ≥ 0."""
        first = torch.relu_(self.encoder_conv[0](image))
        features = torch.cat((first, self.RB1(first)), 1)
        return torch.cat((features, self.RB2(features)), 1)

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """See ``FusionNetwork.fuse``; clipped to 0..255, as the official script does before it stretches."""
        fused: torch.Tensor = self(infrared * 255, visible * 255)
        return fused.clamp_(0, 255) / 255


def fuse_features(
    one: torch.Tensor, other: torch.Tensor, weight_one: torch.Tensor, weight_other: torch.Tensor
) -> torch.Tensor:
    """Features weighed by their attention maps, element by element, all N×112×H×W."""
    total = (weight_one + weight_other).add_(EPSILON)
    return (one * weight_one).div_(total).add_((other * weight_other).div_(total))


def channel_attention(features: torch.Tensor) -> torch.Tensor:
    """Each channel with all channels mixed in by their correlation: N×112×H×W → the same shape."""
    rows = features.flatten(2)
    products = rows @ rows.transpose(1, 2)
    low, high = products.amin((1, 2), keepdim=True), products.amax((1, 2), keepdim=True)
    weights = torch.softmax((products - low) / (high - low).clamp_min(SMALLEST_RANGE), -1)
    return torch.baddbmm(rows, weights, rows).view_as(features)


def spatial_attention(features: torch.Tensor) -> torch.Tensor:
    """Each pixel with all cells of the image mixed in by their correlation: N×112×H×W → the same shape.

    The scores are brought to 0..1 by their smallest and largest value over the whole image, then go through a
    softmax. Their smallest value cancels out in the softmax, so only the range is needed beforehand.
    """
    pixels = features.flatten(2).transpose(1, 2).contiguous()
    cells = F.avg_pool2d(features, CELL).flatten(2)
    queries = pixels / score_range(pixels, cells).clamp_min(SMALLEST_RANGE)
    tokens = cells.transpose(1, 2)[:, None].contiguous()
    mixed = F.scaled_dot_product_attention(queries[:, None], tokens, tokens, scale=1.0)[:, 0]
    return features + mixed.transpose(1, 2).view_as(features)


def score_range(pixels: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
    """Largest less smallest product of a row of ``pixels`` (N×HW×112) with a column of ``cells`` (N×112×M):
    N×1×1.
    """
    extremes = [
        torch.aminmax((block @ cells).flatten(1), dim=1) for block in torch.split(pixels, PIXELS_AT_ONCE, 1)
    ]
    low = torch.stack([extreme.min for extreme in extremes]).amin(0)
    high = torch.stack([extreme.max for extreme in extremes]).amax(0)
    return (high - low)[:, None, None]
