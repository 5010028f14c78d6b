"""Stage I (3.2): infrared → MSFEMs, visible → transformer blocks, cross-attention interaction → preliminary
fused image F1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import ModelConfig
from .blocks import MSFEM, CrossInteraction, TransformerBlock
from .luma import rgb_to_luma


class FullResolutionHead(nn.Module):
    """Features at 1/factor resolution (+ full-resolution guides) → three channels at full resolution.

    The 3×3 convolutions behind the pixel shuffle see neighbouring pixels of all phases, which keeps
    checkerboards out.
    """

    def __init__(self, channels: int, hidden: int, detail: int, factor: int, guides: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(channels, hidden, 3, padding=1)
        self.spread = nn.Conv2d(hidden, detail * factor**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(factor)
        self.refine = nn.Conv2d(detail + guides, 2 * detail, 3, padding=1)
        self.out = nn.Conv2d(2 * detail, 3, 3, padding=1)
        # Small, not zero: the first fused images are close to the base, and gradients reach every layer from
        # step one.
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.get_parameter("bias"))

    def forward(self, features: Tensor, guides: Tensor) -> Tensor:
        """N×C×h×w and N×G×H×W → N×3×H×W, unbounded."""
        features = self.shuffle(F.silu(self.spread(F.silu(self.mix(features)))))
        result: Tensor = self.out(F.silu(self.refine(torch.cat((features, guides), dim=1))))
        return result


class PreliminaryFusion(nn.Module):
    """The stage-I network: infrared N×1×H×W and visible N×3×H×W in [0, 1] → F1, N×3×H×W in [0, 1] units (not
    clamped).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        factor, width = config.unshuffle, config.width
        self.base, self.colour = config.base, config.colour
        self.unshuffle = nn.PixelUnshuffle(factor)
        self.stem_ir = nn.Conv2d(factor**2, width, 3, padding=1)
        self.stem_vi = nn.Conv2d(3 * factor**2, width, 3, padding=1)
        self.msfem = nn.Sequential(*(MSFEM(width) for _ in range(config.blocks)))
        self.transformer = nn.Sequential(
            *(TransformerBlock(width, config.heads, config.expansion) for _ in range(config.blocks))
        )
        self.interaction = CrossInteraction(width, config.heads)
        self.head = FullResolutionHead(2 * width, width, config.detail, factor, guides=4)

    def forward(self, infrared: Tensor, visible: Tensor) -> Tensor:
        """Height and width must be multiples of `unshuffle`."""
        sources = torch.cat((infrared, visible), dim=1) * 2 - 1
        features_ir = self.msfem(self.stem_ir(self.unshuffle(sources[:, :1])))
        features_vi = self.transformer(self.stem_vi(self.unshuffle(sources[:, 1:])))
        made = self.head(self.interaction(features_ir, features_vi), sources).float()
        return compose(made, infrared, visible, self.base, self.colour)


def compose(made: Tensor, infrared: Tensor, visible: Tensor, base: str, colour: str) -> Tensor:
    """The head's three channels → F1.

    base `none`: the channels themselves, from [-1, 1] to [0, 1]; base `max`: added to max(infrared, visible).
    colour `luma`: only the luma of that is taken and the visible chroma kept, by adding one difference to R,
    G and B.
    """
    if colour == "rgb":
        return torch.maximum(infrared, visible) + made if base == "max" else (made + 1) / 2
    luma_vi = rgb_to_luma(visible)
    luma = rgb_to_luma(made)
    fused_luma = torch.maximum(infrared, luma_vi) + luma if base == "max" else (luma + 1) / 2
    return visible + (fused_luma - luma_vi)
