"""Attention in 8×8 windows of a token map, with Swin Transformer's position bias and its mask for shifted
windows.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

WINDOW = 8
TOKENS = WINDOW * WINDOW
APART = -100.0
"""Added to the logits of tokens that are neighbours in a shifted window but not in the image."""


def position_index() -> torch.Tensor:
    """64×64 indices into the bias table: by row and column difference of query and key, each plus 7."""
    steps = torch.arange(WINDOW)
    y, x = (grid.flatten() for grid in torch.meshgrid(steps, steps, indexing="ij"))
    rows, columns = (values[:, None] - values[None] + WINDOW - 1 for values in (y, x))
    return rows * (2 * WINDOW - 1) + columns


def to_windows(x: torch.Tensor, heads: int) -> torch.Tensor:
    """N×H×W×C → (N·windows)×heads×64×(C/heads), row by row."""
    n, height, width, channels = x.shape
    x = x.view(n, height // WINDOW, WINDOW, width // WINDOW, WINDOW, heads, channels // heads)
    return x.permute(0, 1, 3, 5, 2, 4, 6).reshape(-1, heads, TOKENS, channels // heads)


def from_windows(x: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """The inverse of ``to_windows``; ``shape`` is N×H×W×C."""
    n, height, width, channels = shape
    x = x.view(n, height // WINDOW, width // WINDOW, x.shape[1], WINDOW, WINDOW, x.shape[3])
    return x.permute(0, 1, 4, 2, 5, 3, 6).reshape(n, height, width, channels)


def attend(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor, shape: torch.Size, shift: int
) -> torch.Tensor:
    """Softmax attention in each window plus ``bias`` (1×heads×64×64); tokens that only the shift brought
    together are kept apart.

    Only windows of the last row and column hold such tokens, so only those get a mask: a mask for all of them
    would be larger than everything else together.
    """
    result = F.scaled_dot_product_attention(q, k, v, bias)
    if shift:
        where, mask = _border(shape, shift, q)
        result[where] = F.scaled_dot_product_attention(q[where], k[where], v[where], bias + mask)
    return result


def _border(shape: torch.Size, shift: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The windows of the last row and column, and the mask of each: windows×1×64×64."""
    n, height, width, _ = shape
    rows, columns = (torch.zeros(side, dtype=torch.long, device=like.device) for side in (height, width))
    for labels in (rows, columns):
        labels[-WINDOW:-shift], labels[-shift:] = 1, 2
    regions = (3 * rows[:, None] + columns[None]).view(height // WINDOW, WINDOW, width // WINDOW, WINDOW)
    regions = regions.permute(0, 2, 1, 3).reshape(-1, TOKENS)
    down, across = height // WINDOW, width // WINDOW
    border = [*range(across - 1, (down - 1) * across, across), *range((down - 1) * across, down * across)]
    places = torch.tensor(border, device=like.device)
    mask = (regions[places, :, None] != regions[places, None]).to(like.dtype) * APART
    every = places[None] + len(regions) * torch.arange(n, device=like.device)[:, None]
    return every.flatten(), mask.repeat(n, 1, 1)[:, None]
