"""Weights of the first version as a start for the second."""

import torch

from fusionbench.methods.sgdfuse.config import apply_overrides, load_config
from fusionbench.methods.sgdfuse.network.luma import rgb_to_luma
from fusionbench.methods.sgdfuse.network.network import build_network, image_noise
from fusionbench.methods.sgdfuse.network.treatment import gaussian, treat
from fusionbench.methods.sgdfuse.training.warm_start import fitted

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


def test_the_second_version_starts_as_its_treatment() -> None:
    """HFAH's last layer starts close to zero: I_f = T(M) of the softened joint mask, whatever the first
    version had learned.
    """
    torch.manual_seed(0)
    old = build_network(apply_overrides(load_config("quality"), TINY))
    config = apply_overrides(load_config("default"), TINY)
    new = build_network(config).eval()
    new.load_state_dict(fitted(old.state_dict(), new))
    infrared, visible = torch.rand(1, 1, 64, 80), torch.rand(1, 3, 64, 80)
    mask = torch.zeros(1, 1, 64, 80)
    mask[..., 20:50, 30:50] = 0.9
    with torch.no_grad():
        fused = new.run(infrared, visible, mask, 0 * mask, image_noise(infrared, visible, 0)).fused
    luma = rgb_to_luma(visible)
    expected = treat(infrared, luma, gaussian(mask, config.treatment.softness), config.treatment)
    assert float((rgb_to_luma(fused) - expected).abs().mean()) < 0.01


def test_weights_that_fit_stay_as_they_are() -> None:
    network = build_network(apply_overrides(load_config("quality"), TINY))
    state = network.state_dict()
    kept = fitted(state, network)
    assert all(torch.equal(kept[name], state[name]) for name in state)


def test_steps_are_summed() -> None:
    old = build_network(apply_overrides(load_config("quality"), TINY))
    new = build_network(apply_overrides(load_config("default"), TINY))
    made = fitted(old.state_dict(), new)
    before, after = old.state_dict()["hfah.reduce.0.weight"], made["hfah.reduce.0.weight"]
    torch.testing.assert_close(after, before[:, : after.shape[1]] + before[:, after.shape[1] :])
