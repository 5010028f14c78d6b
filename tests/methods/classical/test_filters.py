"""The filters against SciPy, an implementation that shares no code with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.ndimage as nd
import torch

from fusionbench.methods.classical import filters

SIZES = [(1, 1), (1, 6), (5, 7), (61, 43)]


def random_image(height: int, width: int, batch: int = 1) -> torch.Tensor:
    return torch.rand(batch, 1, height, width, generator=torch.Generator().manual_seed(height * 1000 + width))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("radius", [0, 1, 7, 45])
def test_box_means_equal_scipy(size: Any, radius: Any) -> None:
    image = random_image(*size)
    array = image[0, 0].double().numpy()
    width = 2 * radius + 1
    replicated = nd.uniform_filter(array, width, mode="nearest")
    np.testing.assert_allclose(filters.box_mean_replicated(image, radius)[0, 0], replicated, atol=1e-6)
    zero_padded = nd.uniform_filter(array, width, mode="constant")
    inside = nd.uniform_filter(np.ones_like(array), width, mode="constant")
    np.testing.assert_allclose(filters.box_mean(image, radius)[0, 0], zero_padded / inside, atol=1e-9)


@pytest.mark.parametrize("size", SIZES)
def test_median_equals_scipy(size: Any) -> None:
    image = random_image(*size)
    assert np.array_equal(
        filters.median3(image)[0, 0], nd.median_filter(image[0, 0].numpy(), 3, mode="nearest")
    )


@pytest.mark.parametrize("size", SIZES)
def test_gaussian_equals_scipy(size: Any) -> None:
    image = random_image(*size)
    expected = nd.gaussian_filter(image[0, 0].double().numpy(), 5.0, mode="nearest", radius=5)
    np.testing.assert_allclose(
        filters.convolve_symmetric(image, filters.gaussian_taps(5.0, 5))[0, 0], expected, atol=1e-6
    )


def test_stronger_keeps_signs_and_prefers_the_first_on_ties() -> None:
    first, second = torch.tensor([-3.0, 1.0, 2.0]), torch.tensor([2.0, -4.0, -2.0])
    assert filters.stronger(first, second).tolist() == [-3.0, -4.0, 2.0]
