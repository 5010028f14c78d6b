"""PFCFuse: CDDFuse's dual-branch network with pooling in place of attention in the base branch (Hu et al.,
IEEE TIM 2024).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.channels_last import pointwise
from ..porting.dual_branch import DualBranchNetwork
from ..porting.restormer_blocks import ChannelNorm


class PoolBlock(nn.Module):
    """PoolFormer's block: pixels are mixed by what average pooling adds to them, channels by a two-layer
    perceptron.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = ChannelNorm(channels)
        self.norm2 = ChannelNorm(channels)
        self.poolmlp = nn.ModuleDict(
            {
                "fc1": nn.Conv2d(channels, 4 * channels, 1, bias=False),
                "fc2": nn.Conv2d(4 * channels, channels, 1, bias=False),
            }
        )
        self.layer_scale_1 = nn.Parameter(torch.ones(channels))
        self.layer_scale_2 = nn.Parameter(torch.ones(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Two residual steps; the pooling counts the padded zeros."""
        normed = self.norm1(x)
        mixed = F.avg_pool2d(normed, 3, stride=1, padding=1, count_include_pad=True).sub_(normed)
        x = torch.addcmul(x, self.layer_scale_1[:, None, None], mixed)
        mixed = pointwise(F.gelu(pointwise(self.norm2(x), self._weight("fc1"))), self._weight("fc2"))
        return torch.addcmul(x, self.layer_scale_2[:, None, None], mixed)

    def _weight(self, layer: str) -> torch.Tensor:
        return self.poolmlp.get_parameter(f"{layer}.weight")


class PFCFuse(DualBranchNetwork):
    """The dual-branch network whose base branch is a pooling block."""

    def __init__(self) -> None:
        super().__init__(PoolBlock)
