"""GIFNet: one network for many fusion tasks, whose two task streams exchange queries (Cheng et al., CVPR
2025).

Only the second ("mfif") stream reaches the output; of the first ("ivif") everything up to the first block is
needed.
"""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ..porting.network import FusionNetwork

WIDTH = 98
HEADS = 2
WINDOW = 8
EPSILON = 1e-5
PATCH = 4


def _reflect(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")


class RevisedNorm(nn.Module):
    """Normalises by one mean and one deviation of the whole image, and predicts from them how to undo it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, WIDTH, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, WIDTH, 1, 1))
        self.meta1 = nn.Conv2d(1, WIDTH, 1)
        self.meta2 = nn.Conv2d(1, WIDTH, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """N×98×H×W → the normalised map, and the rescale and rebias vectors (N×98×1×1)."""
        variance, mean = torch.var_mean(x, (1, 2, 3), correction=0, keepdim=True)
        deviation = (variance + EPSILON).sqrt()
        normed = torch.addcmul(self.bias, (x - mean) / deviation, self.weight)
        return normed, self.meta1(deviation), self.meta2(mean)


class PositionBias(nn.Module):
    """A small network from the logarithmic offset of two pixels in a window to a bias a head; shared by both
    streams.
    """

    def __init__(self) -> None:
        super().__init__()
        self.meta = nn.Sequential(nn.Linear(2, 256), nn.ReLU(inplace=True), nn.Linear(256, HEADS))
        steps = torch.arange(WINDOW)
        places = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1).view(-1, 2)
        offsets = (places[:, None] - places[None]).float()
        self.register_buffer("relative_positions", offsets.sign() * offsets.abs().log1p())

    def forward(self) -> torch.Tensor:
        """1×heads×64×64."""
        bias: torch.Tensor = self.meta(self.get_buffer("relative_positions"))
        return bias.permute(2, 0, 1)[None]


def _to_windows(x: torch.Tensor, shift: int) -> torch.Tensor:
    """N×C×H×W (sides multiples of 4) → (N·windows)×heads×64×(C/heads), extended by reflection to whole
    windows.
    """
    rest_y, rest_x = (-x.shape[-2]) % WINDOW, (-x.shape[-1]) % WINDOW
    if shift:
        x = F.pad(
            x,
            (shift, (WINDOW - shift + rest_x) % WINDOW, shift, (WINDOW - shift + rest_y) % WINDOW),
            mode="reflect",
        )
    elif rest_x or rest_y:
        x = F.pad(x, (0, rest_x, 0, rest_y), mode="reflect")
    n, c, height, width = x.shape
    x = x.view(n, HEADS, c // HEADS, height // WINDOW, WINDOW, width // WINDOW, WINDOW)
    return x.permute(0, 3, 5, 1, 4, 6, 2).reshape(-1, HEADS, WINDOW * WINDOW, c // HEADS)


def _from_windows(x: torch.Tensor, like: torch.Tensor, shift: int) -> torch.Tensor:
    """The inverse of ``_to_windows``, cropped to the size of ``like`` (N×C×H×W)."""
    n, c, height, width = like.shape
    down, across = (-(-(side + shift) // WINDOW) for side in (height, width))
    x = x.view(n, down, across, HEADS, WINDOW, WINDOW, c // HEADS).permute(0, 3, 6, 1, 4, 2, 5)
    return x.reshape(n, c, down * WINDOW, across * WINDOW)[..., shift : shift + height, shift : shift + width]


class Projections(nn.Module):
    """The layers of one stream's attention."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(WIDTH, WIDTH, 5, padding=2, padding_mode="reflect", groups=WIDTH)
        self.V = nn.Conv2d(WIDTH, WIDTH, 1)
        self.proj = nn.Conv2d(WIDTH, WIDTH, 1)
        self.QK = nn.Conv2d(WIDTH, 2 * WIDTH, 1)

    def inputs(self, x: torch.Tensor, shift: int) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """The value map, and (query, key, value) in windows."""
        value = self.V(x)
        query, key = self.QK(x).chunk(2, 1)
        return value, tuple(_to_windows(part, shift) for part in (query, key, value))

    def outputs(self, attended: torch.Tensor, value: torch.Tensor, shift: int) -> torch.Tensor:
        """Attended windows and the value map → N×98×H×W."""
        result: torch.Tensor = self.proj(self.conv(value) + _from_windows(attended, value, shift))
        return result


class Stream(nn.Module):
    """One stream's half of a block."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = RevisedNorm()
        self.attn = Projections()
        self.mlp = nn.Sequential(
            nn.Conv2d(WIDTH, 2 * WIDTH, 1), nn.ReLU(inplace=True), nn.Conv2d(2 * WIDTH, WIDTH, 1)
        )

    def finish(
        self,
        x: torch.Tensor,
        attended: torch.Tensor,
        value: torch.Tensor,
        undo: tuple[torch.Tensor, ...],
        shift: int,
    ) -> torch.Tensor:
        """Residual attention, then a residual perceptron (without a second norm)."""
        x = x + torch.addcmul(undo[1], self.attn.outputs(attended, value, shift), undo[0])
        result: torch.Tensor = x + self.mlp(x)
        return result


class GIFNet(FusionNetwork):
    """Infrared and visible luma in [0,1] → fused luma in (0,1); at least 16×16."""

    unused: ClassVar[tuple[str, ...]] = (
        r"^decoder_rec\.",
        r"\.layer1\.weights\.\d$",
        r"\.layer1\.weights_mfif\.1$",
        r"\.blocks\.1\.(norm1|mlp|attn\.(conv|V|proj|QK))\.",
    )

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.ModuleList(_reflect(c, 32) for c in (2, 34, 66))
        self.embed_p, self.embed_m = _reflect(WIDTH, WIDTH), _reflect(WIDTH, WIDTH)
        self.block0_p, self.block0_m = Stream(), Stream()
        self.block1_m = Stream()
        self.bias0, self.bias1 = PositionBias(), PositionBias()
        self.exchange = nn.Parameter(torch.zeros(1))
        self.unembed = _reflect(WIDTH, WIDTH)
        self.merge = nn.ModuleList(
            (nn.Conv2d(2 * WIDTH, WIDTH, 1, bias=False), nn.Conv2d(WIDTH, 128, 1, bias=False))
        )
        self.decoder = nn.ModuleList(_reflect(i, o) for i, o in ((128, 64), (64, 32), (32, 16), (16, 1)))

    def official_name(self, key: str) -> str:
        """The official names go through several levels of wrappers; see ``_official_block_name`` for the
        blocks.
        """
        transformer = "extractor_multask.SwinTransformerSpecific."
        head, _, rest = key.partition(".")
        if head == "exchange":
            return f"{transformer}layer1.weights_mfif.0"
        if head in {"embed_p", "embed_m"}:
            return f"{transformer}patch_embed_{'ivif' if head == 'embed_p' else 'mfif'}.proj.{rest}"
        if head == "unembed":
            return f"{transformer}patch_unembed.proj.0.{rest}"
        if head.startswith("bias"):
            return f"{transformer}layer1.blocks.{head[-1]}.attn.attn.{rest}"
        if head.startswith("block"):
            return transformer + _official_block_name(head, rest)
        number, _, rest = rest.partition(".")
        if head == "shared":
            return f"getSharedFeatures.conv_{int(number) + 1}.conv2d.{rest}"
        if head == "merge":
            return f"cnnDecoder.fuseComplementFeatures.mlp.{2 * int(number)}.{rest}"
        return f"cnnDecoder.decoder.{3 * int(number) + 1}.{rest}"

    def _block0(self, p: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
        """The first block: the p stream is asked by the m stream's queries; returns m with p mixed in."""
        normed_p, *undo_p = self.block0_p.norm1(p)
        normed_m, *undo_m = self.block0_m.norm1(m)
        value_p, (_, key_p, windows_p) = self.block0_p.attn.inputs(normed_p, 0)
        value_m, (query_m, key_m, windows_m) = self.block0_m.attn.inputs(normed_m, 0)
        bias = self.bias0()
        attended_p = F.scaled_dot_product_attention(query_m, key_p, windows_p, bias)
        attended_m = F.scaled_dot_product_attention(query_m, key_m, windows_m, bias)
        p = self.block0_p.finish(p, attended_p, value_p, tuple(undo_p), 0)
        m = self.block0_m.finish(m, attended_m, value_m, tuple(undo_m), 0)
        return torch.addcmul(m, self.exchange, p)

    def _block1(self, m: torch.Tensor) -> torch.Tensor:
        """The second block, with shifted windows, of the m stream alone."""
        shift = WINDOW // 2
        normed, *undo = self.block1_m.norm1(m)
        value, windows = self.block1_m.attn.inputs(normed, shift)
        query, key, values = windows
        attended = F.scaled_dot_product_attention(query, key, values, self.bias1())
        return self.block1_m.finish(m, attended, value, tuple(undo), shift)

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """N×1×H×W each → N×1×H×W."""
        height, width = infrared.shape[-2:]
        features = torch.cat((infrared, visible), 1)
        for layer in self.shared:
            features = torch.cat((features, torch.relu_(layer(features))), 1)
        padded = F.pad(features, (0, -width % PATCH, 0, -height % PATCH), mode="reflect")
        m = self._block1(self._block0(self.embed_p(padded), self.embed_m(padded)))
        x = torch.cat((features, self.unembed(m)[..., :height, :width]), 1)
        x = self.merge[1](torch.relu_(self.merge[0](x)))
        *hidden, last = self.decoder
        for layer in hidden:
            x = torch.relu_(layer(x))
        return torch.tanh(last(x)) / 2 + 0.5


def _official_block_name(block: str, key: str) -> str:
    """``block0_p``, ``attn.QK.weight`` → layer1.blocks.0.attn.QK.weight; the m stream's names end in
    ``_mfif``.
    """
    number, suffix = block[5], "" if block.endswith("_p") else "_mfif"
    part, _, rest = key.partition(".")
    if part == "mlp":
        return f"layer1.blocks.{number}.mlp{suffix}.mlp.{rest}"
    if part == "norm1":
        return f"layer1.blocks.{number}.norm1{suffix}.{rest}"
    layer, _, kind = rest.partition(".")
    return f"layer1.blocks.{number}.attn.{layer}{suffix}.{kind}"
