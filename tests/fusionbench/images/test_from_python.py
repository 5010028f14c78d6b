"""Which array and tensor shapes are images, which are batches, and what is said about the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from fusionbench.errors import ImageError
from fusionbench.images.from_python import as_image, as_images

RGB = np.random.default_rng(0).integers(0, 256, (20, 24, 3)).astype(np.uint8)
GREY = RGB[..., 0].copy()


def chw(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (RGB, RGB),
        (GREY, GREY),
        (GREY[..., None], GREY),
        (chw(RGB), RGB),
        (torch.from_numpy(GREY), GREY),
        (torch.from_numpy(GREY)[None], GREY),
        (chw(RGB)[None], RGB),
        (RGB / 255, RGB),
        (chw(RGB).double() / 255, RGB),
        ((chw(RGB).float() / 255).requires_grad_(), RGB),
        (torch.from_numpy(GREY // 2 * 2).half() / 255, GREY // 2 * 2),
        (torch.from_numpy(GREY // 128 * 255).bfloat16() / 255, GREY // 128 * 255),
    ],
)
def test_one_image(value: Any, expected: np.ndarray) -> None:
    assert np.array_equal(as_image(value, "fused"), expected)


@pytest.mark.parametrize(
    "value",
    [
        np.stack([RGB, RGB[::-1]]),
        torch.stack([chw(RGB), chw(RGB[::-1].copy())]),
        [RGB, chw(RGB[::-1].copy())],
    ],
)
def test_a_batch(value: Any) -> None:
    images, batch = as_images(value, "fused")
    assert batch
    assert np.array_equal(images, [RGB, RGB[::-1]])


def test_one_axis_more_is_a_batch_even_of_one() -> None:
    assert as_images(chw(RGB)[None], "fused")[1]
    assert not as_images(chw(RGB), "fused")[1]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (torch.from_numpy(RGB), r"fused: tensors are channels first.*20×24×3; give image.permute\(2, 0, 1\)"),
        (torch.from_numpy(RGB)[None], r"images.permute\(0, 3, 1, 2\)"),
        (torch.zeros(20, 24, 1), r"image.permute\(2, 0, 1\)"),
        (chw(RGB).numpy(), r"arrays are channels last.*3×20×24; give numpy.moveaxis\(image, 0, -1\)"),
        (chw(RGB)[None].numpy(), r"numpy.moveaxis\(image, 1, -1\)"),
        (torch.zeros(3, 20, 3), r"3×20×3 could be C×H×W or H×W×C; add the batch axis \(image\[None\]\)"),
        (np.zeros((3, 20, 1)), "could be C×H×W or H×W×C"),
        (torch.zeros(8, 20, 24), r"N×1×H×W: give images\[:, None\]"),
        (np.zeros((8, 20, 24)), r"N×H×W×1: give images\[..., None\]"),
        (np.zeros((20, 24, 4)), "1 or 3 channels, got shape 20×24×4"),
        (torch.zeros(2, 4, 20, 24), "1 or 3 channels, got shape 2×4×20×24; drop an alpha channel"),
        (np.zeros(5), "expected an array H×W, H×W×C or N×H×W×C, got shape 5"),
        (torch.zeros(0, 3, 20, 24), "got shape 0×3×20×24"),
        ([], "fused: the batch is empty"),
        ([RGB, 3], r"fused\[1\]: expected a path, array or tensor, got int"),
        (np.full((20, 24), 2.0), r"must lie in \[0,1\]"),
        (GREY > 7, "expected uint8, or floats"),
    ],
)
def test_what_is_refused_says_what_to_do(value: Any, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        as_images(value, "fused")


def test_more_than_one_image_where_one_is_taken() -> None:
    with pytest.raises(ImageError, match="a batch of 2 images where one is taken"):
        as_image([RGB, RGB], "infrared")
