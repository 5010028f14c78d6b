"""The transformer that DATFuse, YDTR and ITFuse share."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn

from fusionbench.methods.porting.run_transformer import RunBlock, RunTransformer

WIDTH = 16


def _attention_in_windows_of_one(block: RunBlock, token: torch.Tensor) -> torch.Tensor:
    """Eight heads, one token: the definition, with queries and keys."""
    query, key, value = block.attn.qkv(block.norm1(token)).view(3, 8, 1, WIDTH // 8)
    attended = (query @ key.transpose(1, 2) * (WIDTH // 8) ** -0.5).softmax(-1) @ value
    token = token + block.attn.proj(attended.reshape(WIDTH))
    hidden = nn.functional.gelu(block.mlp.fc1(block.norm2(token)))
    result: torch.Tensor = token + block.mlp.fc2(hidden)
    return result


def test_tokens_are_runs_of_the_memory() -> None:
    transformer = RunTransformer(WIDTH, depth=2).eval().requires_grad_(False)
    image = torch.randn(2, WIDTH, 5, 7)
    tokens = []
    for token in image.reshape(-1).split(WIDTH):
        for block in cast("Any", transformer.blocks):
            token = _attention_in_windows_of_one(block, token)
        tokens.append(token)
    expected = torch.cat(tokens).view(2, WIDTH, 5, 7)
    torch.testing.assert_close(transformer(image), expected, atol=1e-5, rtol=1e-5)
    # The memory's order counts, not the tensor's: another layout of the same map gives the same.
    other = image.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(transformer(other), expected, atol=1e-5, rtol=1e-5)
