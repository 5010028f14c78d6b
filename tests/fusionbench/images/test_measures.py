"""What the evaluators' and methods' own tests don't see: filtering, borders, and use after inference."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from fusionbench.images import measures


@pytest.mark.parametrize(("taps", "sigma", "stride"), [(11, 1.5, 1), (17, 3.4, 1), (3, 0.6, 2)])
def test_windows_are_a_valid_gaussian_filter(taps: int, sigma: float, stride: int) -> None:
    images = torch.rand(2, 3, 31, 45, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    half = taps // 2
    wanted = ndimage.gaussian_filter(images.numpy(), sigma, axes=(2, 3), truncate=half / sigma)
    wanted = wanted[:, :, half:-half:stride, half:-half:stride]
    np.testing.assert_allclose(measures.gaussian_windows(images, taps, sigma, stride), wanted, rtol=1e-12)


@pytest.mark.parametrize(("border", "mode"), [("replicate", "nearest"), ("constant", "constant")])
def test_sobel(border: str, mode: str) -> None:
    image = torch.randint(0, 256, (1, 1, 9, 12), generator=torch.Generator().manual_seed(2)).double()
    for found, axis in zip(measures.sobel(image, border), (1, 0), strict=True):  # type: ignore[arg-type]
        np.testing.assert_array_equal(found[0, 0], ndimage.sobel(image[0, 0].numpy(), axis, mode=mode))


def test_scoring_first_leaves_training_possible() -> None:
    """The filters are kept between calls: those made in inference mode must still serve a gradient."""
    images = [torch.rand(1, 1, 47, 53, dtype=torch.float64) * 255 for _ in range(3)]
    with torch.inference_mode():
        before = measures.visual_information_fidelity(images[0], images[1], images[2])
    images[2].requires_grad_()
    value = measures.visual_information_fidelity(images[0], images[1], images[2])
    value.backward()
    assert value.item() == before.item()
    assert images[2].grad is not None


def test_floors_give_zero_for_flat_images() -> None:
    flat, image = torch.full((1, 1, 48, 48), 9.0), torch.rand(1, 1, 48, 48) * 255
    assert measures.correlation(flat, image).isnan().all()
    assert measures.correlation(flat, image, floor=1e-8).item() == 0
    assert measures.pixel_visual_information_fidelity(flat, image).isnan().all()
    assert measures.pixel_visual_information_fidelity(flat, image, floor=1e-6).item() == 0
