"""Multiply-adds against hand counts, whatever path torch takes to compute them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fusionbench.evaluators.efficiency.counting import (
    count_flops,
    count_parameters,
    networks_of,
    weight_bytes,
)


def macs(run: Any) -> Any:
    return count_flops(run) / 2


def test_convolutions() -> None:
    image = torch.rand(2, 8, 10, 12)
    assert macs(lambda: nn.Conv2d(8, 6, 3)(image)) == 2 * 8 * 10 * 6 * 8 * 9
    assert macs(lambda: nn.Conv2d(8, 8, 3, padding=1, groups=8)(image)) == 2 * 10 * 12 * 8 * 9
    assert macs(lambda: nn.Conv2d(8, 4, 3, stride=2, padding=1)(image)) == 2 * 5 * 6 * 4 * 8 * 9
    # A transposed convolution multiplies every input sample with every tap.
    assert macs(lambda: nn.ConvTranspose2d(8, 4, 2, stride=2)(image)) == 2 * 10 * 12 * 8 * 4 * 4


def test_matrix_products() -> None:
    a, b = torch.rand(3, 5, 7), torch.rand(3, 7, 11)
    assert macs(lambda: a @ b) == 3 * 5 * 7 * 11
    assert macs(lambda: torch.einsum("bij,bjk->bik", a, b)) == 3 * 5 * 7 * 11
    assert macs(lambda: nn.Linear(7, 4)(a)) == 3 * 5 * 7 * 4


@pytest.mark.parametrize("tokens", [16, 200])
def test_attention_counts_both_products(tokens: Any) -> None:
    query, key, value = (torch.rand(2, 4, tokens, 8) for _ in range(3))
    assert macs(lambda: F.scaled_dot_product_attention(query, key, value)) == 2 * 4 * 2 * tokens * tokens * 8


def test_attention_layers_are_not_hidden_by_their_fast_path() -> None:
    layer = nn.MultiheadAttention(32, 4, batch_first=True).eval()
    tokens = torch.rand(2, 10, 32)
    expected = 2 * (4 * 10 * 32 * 32 + 2 * 10 * 10 * 32)  # four projections, two products
    assert macs(lambda: layer(tokens, tokens, tokens, need_weights=False)) == expected
    assert torch.backends.mha.get_fastpath_enabled()


def test_the_rest_is_free() -> None:
    image = torch.rand(1, 3, 16, 16)
    assert macs(lambda: F.interpolate(F.relu(image), scale_factor=2).softmax(1).mean()) == 0


def test_loops_count_as_often_as_they_run() -> None:
    layer, image = nn.Conv2d(1, 1, 3, padding=1), torch.rand(1, 1, 8, 8)

    def steps() -> None:
        x = image
        for _ in range(5):
            x = layer(x)

    assert macs(steps) == 5 * 64 * 9


def test_shared_parameters_count_once() -> None:
    layer = nn.Linear(3, 2)
    assert count_parameters([nn.Sequential(layer, layer), layer]) == 8
    norm = nn.BatchNorm2d(4)
    assert count_parameters([norm]) == 8
    assert weight_bytes([norm]) == (8 + 8) * 4 + 8  # weights, running moments, the int64 counter


def test_networks_are_found_where_a_method_keeps_them() -> None:
    first, second = nn.Linear(1, 1), nn.Linear(2, 2)
    holder = type("Holder", (), {})()
    assert networks_of(holder) == []
    holder.anything, holder.device = first, "cpu"
    assert networks_of(holder) == [first]
    holder.network = [first, None, second]
    assert networks_of(holder) == [first, second]
    holder.network = {"a": second}
    assert networks_of(holder) == [second]
    assert networks_of(first) == [first]
