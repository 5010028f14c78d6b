"""Predicted ids: sizes, padding, time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from fusionbench.evaluators.segmentation.judge.network import initial_network
from fusionbench.evaluators.segmentation.judge.prediction import predict
from fusionbench.evaluators.segmentation.recipe import make_recipe
from fusionbench.evaluators.segmentation.recipes import DEMO, FROZEN


class Brightness(torch.nn.Module):
    """Says 1 where the image is bright."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert images.shape[-2] % 32 == images.shape[-1] % 32 == 0
        value = images[:, :1]
        return torch.cat([-value, value], 1)


@pytest.mark.parametrize("size", [(64, 96), (50, 70), (7, 9)])
@pytest.mark.parametrize("colour", [False, True])
def test_each_pixel_gets_its_own_answer_at_any_size(size: Any, colour: Any, tiny: Any) -> None:
    image = np.zeros((*size, 3) if colour else size, np.uint8)
    image[: size[0] // 2] = 255
    ids = predict(Brightness(), image, tiny())
    assert ids.dtype == np.uint8
    np.testing.assert_array_equal(ids, (image[..., 0] if colour else image) > 0)


def test_resized_for_the_network_answers_come_at_the_images_size(tiny: Any) -> None:
    image = np.zeros((96, 128), np.uint8)
    image[:, 64:] = 255
    ids = predict(Brightness(), image, tiny(image_size=[48, 64]))
    assert ids.shape == (96, 128)
    assert (ids == (image > 0)).mean() > 0.98


@pytest.mark.parametrize(("values", "budget"), [(FROZEN, 7.2), (DEMO, 1.2)])
def test_a_judge_keeps_its_budget_of_operations_at_640x480(values: Any, budget: Any) -> None:
    """Billions of multiply-adds; `benchmarks/tasks.py` measures the seconds, which waver on a busy machine."""
    recipe = make_recipe("judge", {**values, "encoder_weights": "none"})
    network = initial_network(recipe, 9, 0).eval()
    with FlopCounterMode(display=False) as counter:
        predict(network, np.zeros((480, 640, 3), np.uint8), recipe)
    assert 0.5 * budget < counter.get_total_flops() / 2e9 < budget
