"""MSFEM (Eq. 1–5) and the attention blocks on cases with known answers."""

import pytest
import torch

from fusionbench.methods.sgdfuse.network.blocks import (
    MSFEM,
    ChannelAttention,
    CrossInteraction,
    TransformerBlock,
    make_norm,
)


def test_msfem_by_hand() -> None:
    """All branches identity-like, all sums known: one pixel in the middle of a 9×9 image of ones."""
    block = MSFEM(1)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.zero_()
        for branch, gain in zip(block.branches, (1.0, 2.0, 3.0, 4.0), strict=True):
            size = branch.kernel_size[0]
            branch.weight[..., size // 2, size // 2] = gain  # Eq. 1: F_i = gain · F
        first, squeeze, last = block.enhance
        first.weight[:, :, 1, 1] = 1  # Eq. 3: depth-wise identity …
        squeeze.weight.fill_(1)  # … sum of F_2 + F_3 + F_4 = 9 …
        last.weight[:, :, 1, 1] = 0.1  # … times 0.1 = 0.9
        block.reduce.weight[0, 0], block.reduce.weight[0, 1] = (
            1.0,
            -0.4,
        )  # Eq. 4–5: (F_enh, F_1) → 0.9 − 0.4 = 0.5
    out = block(torch.ones(1, 1, 9, 9))
    torch.testing.assert_close(out, torch.full((1, 1, 9, 9), 1 + torch.tensor(0.5).sigmoid().item()))


def test_msfem_reach() -> None:
    """The widest branch is 7×7 and two depth-wise 3×3 follow: a pixel reaches 5 pixels far, not 6."""
    image = torch.zeros(1, 2, 21, 21, requires_grad=True)
    MSFEM(2)(image)[0, 0, 10, 10].backward()
    assert float(image.grad[0, :, 10, 15].abs().sum()) > 0
    assert float(image.grad[0, :, 10, 16].abs().sum()) == 0


def test_channel_attention_is_global() -> None:
    torch.manual_seed(0)
    attention = ChannelAttention(8, 2)
    image = torch.randn(1, 8, 12, 12, requires_grad=True)
    attention(image, image)[0, :, 0, 0].sum().backward()
    assert float(image.grad[0, :, 11, 11].abs().sum()) > 0


def test_channel_attention_needs_divisible_width() -> None:
    with pytest.raises(ValueError, match="divisible"):
        ChannelAttention(10, 4)


def test_cross_interaction_uses_both() -> None:
    torch.manual_seed(0)
    cross = CrossInteraction(8, 2)
    infrared, visible = (
        torch.randn(1, 8, 6, 6, requires_grad=True),
        torch.randn(1, 8, 6, 6, requires_grad=True),
    )
    enriched = cross(infrared, visible)
    assert enriched.shape == (1, 16, 6, 6)
    enriched[:, :8].sum().backward()
    assert float(visible.grad.abs().sum()) > 0  # the infrared half depends on the visible features


def test_shapes_of_odd_sizes() -> None:
    assert TransformerBlock(8, 2, 2.0)(torch.randn(2, 8, 7, 9)).shape == (2, 8, 7, 9)
    assert make_norm("group", 24)(torch.randn(1, 24, 3, 3)).shape == (1, 24, 3, 3)
