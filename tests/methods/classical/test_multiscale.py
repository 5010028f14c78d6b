"""Pyramid, wavelet, guided filter and two-scale fusion against hand-computed cases, identities and
independent formulas.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.ndimage as nd
import torch

from fusionbench.methods.classical import guided_filter, laplacian
from fusionbench.methods.classical.wavelet import fuse_dwt

SIZES = [(1, 1), (1, 9), (2, 3), (5, 7), (161, 123)]


def random_image(size: Any, seed: Any = 0) -> Any:
    return torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("a", [0.4, 0.375])
def test_a_pyramid_reconstructs_its_image(size: Any, a: Any) -> None:
    image = random_image(size)
    pyramid = laplacian.laplacian_pyramid(image, 10, a)
    assert pyramid[-1].shape[-2:] == (1, 1)
    torch.testing.assert_close(laplacian.reconstruct(pyramid, a), image, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_reduce_and_expand_equal_their_definition_by_convolution(size: Any) -> None:
    image, a = random_image(size), 0.4
    kernel = np.array([0.25 - a / 2, 0.25, a, 0.25, 0.25 - a / 2])
    array = image[0, 0].double().numpy()
    blurred = nd.correlate1d(nd.correlate1d(array, kernel, 0, mode="nearest"), kernel, 1, mode="nearest")
    smaller = laplacian.reduce_once(image, a)
    np.testing.assert_allclose(smaller[0, 0], blurred[::2, ::2], atol=1e-6)

    low = np.pad(smaller[0, 0].double().numpy(), 2, mode="edge")
    zeros = np.zeros((2 * low.shape[0], 2 * low.shape[1]))
    zeros[::2, ::2] = low
    expanded = nd.correlate1d(
        nd.correlate1d(zeros, 2 * kernel, 0, mode="constant"), 2 * kernel, 1, mode="constant"
    )
    expected = expanded[4 : 4 + size[0], 4 : 4 + size[1]]
    np.testing.assert_allclose(laplacian.expand_once(smaller, size, a)[0, 0], expected, atol=1e-6)


def test_laplacian_keeps_detail_of_either_source_and_averages_the_base() -> None:
    flat = torch.full((1, 1, 32, 32), 0.2)
    textured = 0.5 + 0.2 * (random_image((32, 32)) - 0.5)
    fused = laplacian.fuse_laplacian(flat, textured, levels=3, a=0.4)
    # All detail comes from one source, so only its base moves: by half the difference of the bases.
    pyramid = laplacian.laplacian_pyramid(textured, 3)
    expected = laplacian.reconstruct([*pyramid[:-1], (pyramid[-1] + 0.2) / 2])
    torch.testing.assert_close(fused, expected, atol=1e-6, rtol=0)


def test_haar_fusion_by_hand() -> None:
    infrared = torch.tensor([[0.2, 0.4], [0.6, 0.8]])[None, None]
    visible = torch.tensor([[0.9, 0.1], [0.1, 0.1]])[None, None]
    # One level: mean, and half-differences (columns, rows, diagonal); the larger magnitude wins, visible on
    # ties.
    # infrared: mean .5, columns -.1, rows -.2, diagonal 0; visible: mean .3, columns .2, rows .2, diagonal
    # .2.
    mean, columns, rows, diagonal = 0.4, 0.2, 0.2, 0.2
    expected = torch.tensor(
        [
            [mean + columns + rows + diagonal, mean - columns + rows - diagonal],
            [mean + columns - rows - diagonal, mean - columns - rows + diagonal],
        ]
    )
    torch.testing.assert_close(fuse_dwt(infrared, visible, wavelet="haar", levels=1)[0, 0], expected)


def naive_guided_filter(guide: Any, image: Any, radius: Any, epsilon: Any) -> Any:
    """The guided filter from its regression: a least-squares line in every window, averaged over the windows
    of a pixel.
    """
    height, width = guide.shape
    slope, offset = np.zeros_like(guide), np.zeros_like(guide)

    def window(y: Any, x: Any) -> Any:
        return slice(max(0, y - radius), y + radius + 1), slice(max(0, x - radius), x + radius + 1)

    for y in range(height):
        for x in range(width):
            g, p = guide[window(y, x)].ravel(), image[window(y, x)].ravel()
            design = np.stack([g, np.ones_like(g)], axis=1)
            normal = design.T @ design / g.size + np.diag([epsilon, 0])
            slope[y, x], offset[y, x] = np.linalg.solve(normal, design.T @ p / g.size)
    return np.array(
        [
            [slope[window(y, x)].mean() * guide[y, x] + offset[window(y, x)].mean() for x in range(width)]
            for y in range(height)
        ]
    )


@pytest.mark.parametrize(("radius", "epsilon"), [(2, 1e-6), (7, 1e-6), (45, 0.3)])
def test_guided_filter_equals_its_regression(radius: Any, epsilon: Any) -> None:
    guide = random_image((13, 17), 1)
    image = (random_image((13, 17), 2) > 0.5).float()
    expected = naive_guided_filter(
        guide[0, 0].double().numpy(), image[0, 0].double().numpy(), radius, epsilon
    )
    result = guided_filter.guided_filter(guide, image, radius, epsilon)
    np.testing.assert_allclose(result[0, 0], expected, atol=1e-5)


def test_guided_filter_fusion_takes_the_detail_where_it_is(make_method: Any) -> None:
    _, method = make_method("guided-filter")
    texture = 0.5 + 0.3 * (random_image((96, 96), 4) - 0.5)
    infrared, visible = torch.full_like(texture, 0.5), torch.full_like(texture, 0.5)
    infrared[..., :48] = texture[..., :48]
    visible[..., 48:] = texture[..., 48:]
    fused = method.fuse(infrared, visible)
    outside_the_seam = torch.ones(96, dtype=torch.bool)
    outside_the_seam[32:64] = False
    error = (fused - texture)[..., outside_the_seam].abs().mean()
    loss_of_averaging = ((infrared + visible) / 2 - texture)[..., outside_the_seam].abs().mean()
    assert error < 0.1 * loss_of_averaging


def test_two_scale_weighs_by_saliency(make_method: Any) -> None:
    _, method = make_method("two-scale")
    flat, textured = torch.full((1, 1, 60, 60), 0.3), 0.5 + 0.3 * (random_image((60, 60), 5) - 0.5)
    base = torch.from_numpy(nd.uniform_filter(textured[0, 0].double().numpy(), 35, mode="nearest"))
    # A flat source has no saliency: the whole detail comes from the other one.
    expected = (0.3 + base) / 2 + textured[0, 0] - base
    torch.testing.assert_close(method.fuse(flat, textured)[0, 0].double(), expected, atol=1e-5, rtol=0)
