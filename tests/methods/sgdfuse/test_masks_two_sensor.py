"""The provider that looks at both sensors, and masks of pairs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from fusionbench.methods.sgdfuse.masks import MaskCache, get_provider, pair_masks
from fusionbench.methods.sgdfuse.masks.provider import ProviderUnavailableError
from fusionbench.methods.sgdfuse.masks.two_sensor_network import SameConv, TwoSensorNetwork
from fusionbench.plugins import catalog


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "head.safetensors"
    save_file(
        {name: value.half().contiguous() for name, value in TwoSensorNetwork().state_dict().items()}, path
    )
    return path


def pictures(height: int = 50, width: int = 70) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return (
        generator.integers(0, 255, (height, width), np.uint8),
        generator.integers(0, 255, (height, width, 3), np.uint8),
    )


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_padding_same(kernel: Any, stride: Any) -> None:
    """A single 1 in the kernel's corner shows where the padding lies: at stride 2, SAME pads one pixel more
    at the end.
    """
    conv = SameConv(1, 1, kernel, stride, bias=False)
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[0, 0, 0, 0] = 1
        image = torch.arange(64.0).reshape(1, 1, 8, 8)
        made = conv(image)
    assert made.shape[-1] == 8 // stride
    before = (kernel - stride) // 2
    assert float(made[0, 0, -1, -1]) == float(image[0, 0, 8 - stride - before, 8 - stride - before])


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (50, 70)])
def test_any_size(size: Any) -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        assert TwoSensorNetwork()(torch.rand(2, 1, *size), torch.rand(2, 3, *size)).shape == (2, 1, *size)


def test_both_masks_are_one_map_and_the_cache_keeps_it(weights: Any, tmp_path: Path) -> None:
    provider = get_provider("two-sensor", checkpoint=weights, floor=0.0)
    infrared, visible = pictures()
    first, second = pair_masks(provider, infrared, visible)
    np.testing.assert_array_equal(first, second)
    assert first.shape == (50, 70)
    assert first.dtype == np.float32
    cache = MaskCache(tmp_path / "cache")
    kept, _ = pair_masks(provider, infrared, visible, cache)
    assert np.abs(kept - first).max() <= 0.5 / 255 + 1e-6
    np.testing.assert_array_equal(kept, pair_masks(provider, infrared, visible, cache)[0])
    other, _ = pair_masks(provider, 255 - infrared, visible, cache)
    assert not np.array_equal(other, kept)
    assert get_provider("two-sensor", checkpoint=weights).fingerprint != provider.fingerprint


def test_single_images_are_masks_of_one_sensor(weights: Any) -> None:
    provider = get_provider("two-sensor", checkpoint=weights)
    infrared, visible = pictures()
    assert provider.objectness(infrared).shape == provider.objectness(visible).shape == (50, 70)
    assert not provider.objectness(np.zeros((20, 20), np.uint8)).any()


def test_other_providers_see_each_image_alone() -> None:
    infrared, visible = pictures()
    provider = get_provider("saliency")
    for found, image in zip(pair_masks(provider, infrared, visible), (infrared, visible), strict=True):
        np.testing.assert_array_equal(found, provider.objectness(image))


def test_a_foreign_file_is_named(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ProviderUnavailableError, match="two-sensor"):
        get_provider("two-sensor", checkpoint=tmp_path / "other.safetensors")


def test_the_shipped_weights_find_the_demos_road_users() -> None:
    """Scenes of the test split, which the network was not trained on."""
    spec = catalog.datasets.get("demo")
    dataset = catalog.build(spec.factory)(spec, None)
    wanted = [spec.semantic_classes.index(name) for name in ("person", "car", "bike")]
    provider = get_provider("two-sensor")
    hits = objects = found = 0
    for pair in dataset.pairs("test")[:3]:
        images = dataset.load(pair, labels=True)
        assert images.labels is not None
        map_ = pair_masks(provider, images.infrared, images.visible)[0] > 0.5
        truth = np.isin(images.labels, wanted)
        hits, objects, found = hits + (map_ & truth).sum(), objects + truth.sum(), found + map_.sum()
    assert hits / objects > 0.7
    assert hits / found > 0.6
