"""The same weights at other noise levels and numbers of steps."""

import pytest
import torch

from fusionbench.errors import InputError
from fusionbench.methods.sgdfuse.ablation.noise_curve import dark_grain, with_noise
from fusionbench.methods.sgdfuse.config import apply_overrides, load_config
from fusionbench.methods.sgdfuse.network.network import build_network, image_noise
from fusionbench.methods.sgdfuse.training.pack import Batch

TINY = {
    "model.width": 8,
    "model.blocks": 1,
    "model.heads": 2,
    "model.detail": 4,
    "model.unet_width": 8,
    "model.unet_multipliers": [1, 1, 2, 2],
    "model.hfah_width": 4,
    "model.hfah_hidden": [8, 8],
}


def test_weights_run_with_any_number_of_steps() -> None:
    torch.manual_seed(0)
    network = build_network(apply_overrides(load_config("default"), TINY)).eval()
    infrared, visible, mask = torch.rand(1, 1, 64, 64), torch.rand(1, 3, 64, 64), torch.rand(1, 1, 64, 64)
    noise = image_noise(infrared, visible, 0)
    with torch.no_grad():
        made = [
            with_noise(network, level, steps)(infrared, visible, mask, mask, noise)
            for level, steps in ((20, 1), (20, 2), (300, 4))
        ]
        torch.testing.assert_close(made[0], network(infrared, visible, mask, mask, noise))
    assert not torch.equal(made[0], made[2])


def test_concatenated_steps_are_fixed() -> None:
    network = build_network(apply_overrides(load_config("quality"), TINY))
    with pytest.raises(InputError, match="2 steps"):
        with_noise(network, 20, 1)


def test_grain_of_dark_regions() -> None:
    fused = torch.zeros(1, 3, 8, 8)
    fused[..., ::2] = 10 / 255
    dark, bright = torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8)
    batch = Batch(dark, dark.expand(1, 3, 8, 8), dark, dark)
    assert dark_grain(fused, batch) == pytest.approx(10, abs=1e-3)
    light = Batch(bright, dark.expand(1, 3, 8, 8), dark, dark)
    assert dark_grain(fused, light) != dark_grain(fused, light)  # NaN: nowhere dark
