"""Res2Fusion's attentions without their matrices, against the definition with them."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from fusionbench.methods.res2fusion.network import Res2Fusion, channel_attention, spatial_attention


def _normalised(scores: torch.Tensor) -> torch.Tensor:
    return ((scores - scores.min()) / (scores.max() - scores.min())).softmax(-1)


def test_spatial_attention_is_its_definition() -> None:
    features = torch.rand(2, 112, 43, 61) * 100
    for one, result in zip(features, spatial_attention(features), strict=True):
        cells = F.avg_pool2d(one, 8).flatten(1)
        weights = _normalised(one.flatten(1).double().T @ cells.double())
        expected = one + (weights @ cells.double().T).T.view_as(one)
        torch.testing.assert_close(result.double(), expected, atol=1e-3, rtol=1e-5)


def test_channel_attention_is_its_definition() -> None:
    features = torch.rand(2, 112, 9, 14) * 100
    for one, result in zip(features, channel_attention(features), strict=True):
        rows = one.flatten(1).double()
        expected = one + (_normalised(rows @ rows.T) @ rows).view_as(one)
        torch.testing.assert_close(result.double(), expected, atol=1e-3, rtol=1e-5)


def test_a_constant_image_gives_numbers() -> None:
    """The authors' code divides by a range of zero there, and returns no number for any pixel."""
    network = Res2Fusion().eval().requires_grad_(False)
    black, scene = torch.zeros(1, 1, 16, 24), torch.rand(1, 1, 16, 24)
    for infrared in (black, black + 0.5):
        assert torch.isfinite(network.fuse(infrared, scene)).all()
        assert torch.isfinite(network.fuse(infrared, infrared)).all()


def test_attention_stays_in_single_precision() -> None:
    network = Res2Fusion().eval().requires_grad_(False)
    infrared, visible = torch.rand(2, 1, 1, 32, 40)
    with torch.autocast("cpu", torch.bfloat16):
        half = network.fuse(infrared, visible)
    torch.testing.assert_close(half.float(), network.fuse(infrared, visible), atol=0.02, rtol=0.05)
