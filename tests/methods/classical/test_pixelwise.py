"""The pixel rules: exact on 8-bit levels, and ``max`` against images computed with MATLAB's rgb2gray."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from fusionbench.images.codec import as_grey, read_grey, read_image, read_rgb
from fusionbench.images.grey import to_grey


def planes(array: Any) -> Any:
    """H×W or H×W×3 uint8 levels → 1×C×H×W float32 in [0,1]."""
    array = array[..., None] if array.ndim == 2 else array
    return torch.from_numpy(
        np.ascontiguousarray(array.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
    )


def levels(fused: Any) -> Any:
    return np.rint(fused[0].numpy().transpose(1, 2, 0) * np.float32(255)).astype(np.uint8).squeeze()


def every_pair_of_levels() -> Any:
    a = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 256, axis=1)
    return a, a.T.copy()


def test_max_is_exact_for_all_pairs_of_levels(make_method: Any) -> None:
    infrared, visible = every_pair_of_levels()
    _, method = make_method("max")
    assert np.array_equal(
        levels(method.fuse(planes(infrared), planes(visible))), np.maximum(infrared, visible)
    )


def test_max_gets_whole_levels_from_the_harness(make_method: Any) -> None:
    spec, _ = make_method("max")
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    grey = to_grey(rgb, spec.grey)
    assert np.array_equal(grey, np.rint(grey))


def test_average_of_all_pairs_of_levels(make_method: Any) -> None:
    infrared, visible = every_pair_of_levels()
    _, method = make_method("average")
    fused = method.fuse(planes(infrared), planes(visible))[0, 0].numpy() * 255
    np.testing.assert_allclose(fused, (infrared.astype(float) + visible) / 2, atol=2e-5)


def test_visible_returns_the_bytes_and_infrared_equal_channels(make_method: Any) -> None:
    rng = np.random.default_rng(1)
    infrared, visible = rng.integers(0, 256, (9, 11), np.uint8), rng.integers(0, 256, (9, 11, 3), np.uint8)
    _, take_visible = make_method("visible")
    _, take_infrared = make_method("infrared")
    assert np.array_equal(levels(take_visible.fuse(planes(infrared), planes(visible))), visible)
    grey = levels(take_infrared.fuse(planes(infrared), planes(visible[..., 0])))
    assert np.array_equal(grey, np.repeat(infrared[..., None], 3, axis=2))


def test_max_equals_the_reference_images(make_method: Any, reference_data: Any) -> None:
    spec, method = make_method("max")
    files = sorted((reference_data / "goldens/metrics/images/msrs/fused/max").glob("*.png"))
    assert len(files) == 6
    different = 0
    for file in files:
        infrared = read_grey(reference_data / f"data/msrs/test/ir/{file.stem}.webp")
        visible = to_grey(read_rgb(reference_data / f"data/msrs/test/vi/{file.stem}.webp"), spec.grey)
        difference = np.abs(
            levels(method.fuse(planes(infrared), planes(visible))).astype(int) - as_grey(read_image(file))
        )
        assert difference.max() <= 1
        different += int(np.count_nonzero(difference))
    # MATLAB's rgb2gray weights differ from OpenCV's in the sixth digit: one of 1.8 million pixels rounds
    # the other way.
    assert different <= 1
