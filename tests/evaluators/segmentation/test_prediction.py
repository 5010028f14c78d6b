"""Predicted ids: sizes, padding, time."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from fusionbench.evaluators.segmentation.network import initial_network
from fusionbench.evaluators.segmentation.prediction import predict
from fusionbench.evaluators.segmentation.recipe import make_recipe
from fusionbench.evaluators.segmentation.recipes import DEMO


class Brightness(torch.nn.Module):
    """Says 1 where the image is bright."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert images.shape[-2] % 32 == images.shape[-1] % 32 == 0
        value = images[:, :1]
        return torch.cat([-value, value], 1)


@pytest.mark.parametrize("size", [(64, 96), (50, 70), (7, 9)])
@pytest.mark.parametrize("colour", [False, True])
def test_each_pixel_gets_its_own_answer_at_any_size(size, colour, tiny) -> None:
    image = np.zeros((*size, 3) if colour else size, np.uint8)
    image[: size[0] // 2] = 255
    ids = predict(Brightness(), image, tiny())
    assert ids.dtype == np.uint8
    np.testing.assert_array_equal(ids, (image[..., 0] if colour else image) > 0)


def test_resized_for_the_network_answers_come_at_the_images_size(tiny) -> None:
    image = np.zeros((96, 128), np.uint8)
    image[:, 64:] = 255
    ids = predict(Brightness(), image, tiny(image_size=[48, 64]))
    assert ids.shape == (96, 128)
    assert (ids == (image > 0)).mean() > 0.98


@pytest.mark.slow
def test_a_frozen_judge_takes_less_than_its_budget_at_640x480() -> None:
    recipe = make_recipe("demo-seg", DEMO)
    network = initial_network(recipe, 9, 0).eval()
    image = np.random.default_rng(0).integers(0, 255, (480, 640, 3)).astype(np.uint8)
    predict(network, image, recipe)
    begun = time.process_time()
    predict(network, image, recipe)
    assert time.process_time() - begun < 0.8  # 0.4 s on two cores
