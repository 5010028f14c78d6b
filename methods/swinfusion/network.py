"""SwinFusion: shifted-window attention within and across the streams (Ma et al., IEEE/CAA JAS 2022).

Token maps are N×H×W×60 here. The authors ask for six blocks a stage but their constructor ignores it; the
real depths are 4, 2 + 2 and 4, and the second stream goes through the first one's convolutions.
"""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.network import FusionNetwork
from .windows import WINDOW, attend, from_windows, position_index, to_windows

WIDTH = 60
HEADS = 6
SHIFTS = (0, WINDOW // 2)


def lrelu(x: torch.Tensor) -> torch.Tensor:
    """The leaky ReLU of all convolutions."""
    return F.leaky_relu(x, 0.2)


class Mlp(nn.Module):
    """Two linear layers with a GELU (erf) between."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(WIDTH, 2 * WIDTH)
        self.fc2 = nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """60 → 60 features."""
        result: torch.Tensor = self.fc2(F.gelu(self.fc1(x)))
        return result


class WindowAttention(nn.Module):
    """Attention in windows; ``cross`` takes keys and values from another map."""

    def __init__(self, *, cross: bool) -> None:
        super().__init__()
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * WINDOW - 1) ** 2, HEADS))
        if cross:
            self.q = nn.Linear(WIDTH, WIDTH)
            self.kv = nn.Linear(WIDTH, 2 * WIDTH)
        else:
            self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)
        self.cross = cross
        self.register_buffer("index", position_index(), persistent=False)

    def forward(self, x: torch.Tensor, other: torch.Tensor, shift: int) -> torch.Tensor:
        """N×H×W×60 → N×H×W×60; ``other`` is ignored without ``cross``."""
        maps = (self.q(x), *self.kv(other).chunk(2, -1)) if self.cross else self.qkv(x).chunk(3, -1)
        if shift:
            maps = tuple(part.roll((-shift, -shift), (1, 2)) for part in maps)
        bias = self.relative_position_bias_table[self.get_buffer("index")].permute(2, 0, 1)[None]
        q, k, v = (to_windows(part, HEADS) for part in maps)
        result = from_windows(attend(q, k, v, bias, x.shape, shift), x.shape)
        if shift:
            result = result.roll((shift, shift), (1, 2))
        projected: torch.Tensor = self.proj(result)
        return projected


class SwinBlock(nn.Module):
    """Self-attention and a perceptron, both residual."""

    def __init__(self, shift: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.attn = WindowAttention(cross=False)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.mlp = Mlp()
        self.shift = shift

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """N×H×W×60 → N×H×W×60."""
        normed = self.norm1(x)
        x = x + self.attn(normed, normed, self.shift)
        result: torch.Tensor = x + self.mlp(self.norm2(x))
        return result


class CrossBlock(nn.Module):
    """Each stream asks the other; both from the values before the exchange."""

    def __init__(self, shift: int) -> None:
        super().__init__()
        for stream in "AB":
            self.add_module(f"norm1_{stream}", nn.LayerNorm(WIDTH))
            self.add_module(f"attn_{stream}", WindowAttention(cross=True))
            self.add_module(f"norm2_{stream}", nn.LayerNorm(WIDTH))
            self.add_module(f"mlp_{stream}", Mlp())
        self.shift = shift

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Two streams → two."""
        layer = self.get_submodule
        normed_a, normed_b = layer("norm1_A")(a), layer("norm1_B")(b)
        a = a + layer("attn_A")(normed_a, normed_b, self.shift)
        b = b + layer("attn_B")(normed_b, normed_a, self.shift)
        return a + layer("mlp_A")(layer("norm2_A")(a)), b + layer("mlp_B")(layer("norm2_B")(b))


def _group(block: type[nn.Module], depth: int) -> nn.ModuleDict:
    """``depth`` blocks, unshifted and shifted in turn, under the official name ``blocks``."""
    return nn.ModuleDict({"blocks": nn.ModuleList(block(SHIFTS[n % 2]) for n in range(depth))})


def _stage() -> nn.ModuleList:
    return nn.ModuleList([nn.ModuleDict({"residual_group": _group(SwinBlock, 4)})])


class SwinFusion(FusionNetwork):
    """Infrared and visible luma in [0,1] (sides multiples of 8) → fused luma, unbounded."""

    unused: ClassVar[tuple[str, ...]] = (r"^conv_first\d_B\.", r"\.attn_mask$", r"\.relative_position_index$")

    def __init__(self) -> None:
        super().__init__()
        self.conv_first1_A = nn.Conv2d(1, 30, 3, padding=1)
        self.conv_first2_A = nn.Conv2d(30, WIDTH, 3, padding=1)
        self.patch_embed = nn.ModuleDict({"norm": nn.LayerNorm(WIDTH)})
        for stream in "AB":
            self.add_module(f"layers_Ex_{stream}", _stage())
            self.add_module(f"norm_Ex_{stream}", nn.LayerNorm(WIDTH))
            self.add_module(f"norm_Fusion_{stream}", nn.LayerNorm(WIDTH))
        self.layers_Fusion = nn.ModuleList(
            nn.ModuleDict(
                {
                    "residual_group_A": _group(SwinBlock, 2),
                    "residual_group_B": _group(SwinBlock, 2),
                    "residual_group": _group(CrossBlock, 2),
                }
            )
            for _ in range(2)
        )
        self.layers_Re = _stage()
        self.norm_Re = nn.LayerNorm(WIDTH)
        self.conv_after_body_Fusion = nn.Conv2d(2 * WIDTH, WIDTH, 3, padding=1)
        self.conv_last1 = nn.Conv2d(WIDTH, 30, 3, padding=1)
        self.conv_last2 = nn.Conv2d(30, 15, 3, padding=1)
        self.conv_last3 = nn.Conv2d(15, 1, 3, padding=1)

    def _blocks(self, name: str, x: torch.Tensor) -> torch.Tensor:
        for block in self.get_submodule(f"{name}.blocks").children():
            x = block(x)
        return x

    def _tokens(self, x: torch.Tensor) -> torch.Tensor:
        tokens: torch.Tensor = self.patch_embed["norm"](x.permute(0, 2, 3, 1))
        return tokens

    def _extract(self, stream: str, image: torch.Tensor) -> torch.Tensor:
        x = lrelu(self.conv_first2_A(lrelu(self.conv_first1_A(image))))
        x = self._blocks(f"layers_Ex_{stream}.0.residual_group", self._tokens(x))
        features: torch.Tensor = self.patch_embed["norm"](self.get_submodule(f"norm_Ex_{stream}")(x))
        return features

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W."""
        a, b = self._extract("A", infrared), self._extract("B", visible)
        for number in range(len(self.layers_Fusion)):
            group = f"layers_Fusion.{number}.residual_group"
            a, b = self._blocks(f"{group}_A", a), self._blocks(f"{group}_B", b)
            for block in self.get_submodule(f"{group}.blocks").children():
                a, b = block(a, b)
        normed = (self.get_submodule("norm_Fusion_A")(a), self.get_submodule("norm_Fusion_B")(b))
        x = lrelu(self.conv_after_body_Fusion(torch.cat(normed, -1).permute(0, 3, 1, 2)))
        x = self.norm_Re(self._blocks("layers_Re.0.residual_group", self._tokens(x))).permute(0, 3, 1, 2)
        fused: torch.Tensor = self.conv_last3(lrelu(self.conv_last2(lrelu(self.conv_last1(x)))))
        return fused

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """See ``FusionNetwork.fuse``; like the authors, 1 to 8 mirrored rows and columns are added to every
        image.
        """
        height, width = infrared.shape[-2:]
        fused: torch.Tensor = self(_mirror(infrared), _mirror(visible))
        return fused[..., :height, :width]


def _mirror(image: torch.Tensor) -> torch.Tensor:
    """Extend at the bottom, then at the right, to the next larger multiple of 8; the border line itself is
    repeated.
    """
    for axis in (-2, -1):
        extra = WINDOW - image.shape[axis] % WINDOW
        image = torch.cat((image, image.flip(axis).narrow(axis, 0, extra)), axis)
    return image
