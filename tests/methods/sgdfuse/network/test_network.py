"""The whole network: shapes, sizes, determinism, gradient flow, export, overfitting."""

import dataclasses
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from fusionbench.methods.sgdfuse.config import Config, apply_overrides, load_config
from fusionbench.methods.sgdfuse.network.luma import rgb_to_luma
from fusionbench.methods.sgdfuse.network.network import build_network, count_parameters, image_noise
from fusionbench.methods.sgdfuse.training.objective import TrainingObjective

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


def tiny(**more: Any) -> Config:
    return apply_overrides(load_config("default"), {**TINY, **more})


def inputs(count: Any, height: Any, width: Any, seed: Any = 0) -> Any:
    generator = torch.Generator().manual_seed(seed)
    infrared = torch.rand(count, 1, height, width, generator=generator)
    visible = torch.rand(count, 3, height, width, generator=generator)
    masks = [torch.rand(count, 1, height, width, generator=generator) for _ in range(2)]
    return infrared, visible, *masks, image_noise(infrared, visible, 0)


@given(height=st.integers(32, 75), width=st.integers(32, 75))
@settings(max_examples=8, deadline=None)
def test_any_size(height: Any, width: Any) -> None:
    torch.manual_seed(0)
    network = build_network(tiny()).eval()
    with torch.no_grad():
        fused = network(*inputs(1, height, width))
    assert fused.shape == (1, 3, height, width)
    assert float(fused.min()) >= 0
    assert float(fused.max()) <= 1
    assert torch.isfinite(fused).all()


def test_batch_does_not_matter() -> None:
    torch.manual_seed(0)
    network = build_network(tiny()).eval()
    given_inputs = inputs(4, 64, 64)
    with torch.no_grad():
        together = network(*given_inputs)
        alone = torch.cat([network(*(tensor[i : i + 1] for tensor in given_inputs)) for i in range(4)])
    torch.testing.assert_close(together, alone, atol=2e-5, rtol=1e-4)


def test_noise_follows_seed_and_content() -> None:
    infrared, visible, *_ = inputs(3, 32, 40)
    noise = image_noise(infrared, visible, seed=7)
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(image_noise(infrared[order], visible[order], 7), noise[order])
    saved = infrared.mul(255).round() / 255  # the same uint8 content
    torch.testing.assert_close(image_noise(saved, visible, 7), noise)
    assert not torch.equal(image_noise(infrared, visible, 8), noise)
    assert not torch.equal(noise[0], noise[1])
    assert float(noise.std()) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "model.norm": "group",
            "model.base": "none",
            "model.colour": "rgb",
            "model.hfah_residual": 0.0,
            "model.unshuffle": 1,
        },
        {"model.unet_blocks": 2, "model.norm": "layer", "diffusion.steps": 3},
    ],
)
def test_gradient_reaches_every_parameter(changes: Any) -> None:
    torch.manual_seed(0)
    network = build_network(tiny(**changes, **{"loss.noise": 1.0}))
    objective = TrainingObjective(network, 2, finetune_stage1=True)
    generator = torch.Generator().manual_seed(0)
    loss, _ = objective(*inputs(2, 64, 64)[:4], generator)
    loss.backward()
    without = [
        n for n, p in network.named_parameters() if p.grad is None or not float(p.grad.abs().sum()) > 0
    ]
    assert without == []


def test_stage1_frozen_unless_fine_tuned() -> None:
    network = build_network(tiny())
    TrainingObjective(network, 2, finetune_stage1=False)
    assert not any(p.requires_grad for p in network.stage1.parameters())
    TrainingObjective(network, 1, finetune_stage1=False)
    assert all(p.requires_grad for p in network.stage1.parameters())
    assert not any(p.requires_grad for p in network.unet.parameters())


@pytest.mark.parametrize(
    "changes",
    [
        {"model.use_stage1": False},
        {"model.use_stage2": False},
        {"model.use_diffusion": False},
        {"model.use_hfah": False},
        {"model.use_mask_ir": False},
        {"model.use_mask_vi": False},
        {"model.blocks": 2},
    ],
)
def test_ablation_variants_run(changes: Any) -> None:
    network = build_network(tiny(**changes)).eval()
    with torch.no_grad():
        assert network(*inputs(1, 40, 40)).shape == (1, 3, 40, 40)


def test_the_condition_is_eq_8() -> None:
    network = build_network(tiny()).eval()
    preliminary = torch.full((1, 3, 32, 32), 0.25)
    found = network.condition(preliminary, torch.full((1, 1, 32, 32), 1.0), torch.full((1, 1, 32, 32), 0.5))
    assert found[0, :, 0, 0].tolist() == [
        -0.5,
        -0.5,
        -0.5,
        1.0,
        0.0,
    ]  # F1 thrice, M_ir, M_vis, from [0, 1] to [-1, 1]


def test_masks_are_heard() -> None:
    torch.manual_seed(0)
    network = build_network(tiny()).eval()
    infrared, visible, mask_ir, mask_vi, noise = inputs(1, 64, 64)
    with torch.no_grad():
        first = network(infrared, visible, mask_ir, mask_vi, noise)
        second = network(infrared, visible, torch.zeros_like(mask_ir), mask_vi, noise)
    assert float((first - second).abs().max()) > 1e-6


def test_ancestral_sampling_in_the_network_has_its_closed_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no noise predicted, Eq. 11 divides by sqrt(α_t), so that I_0 = I_T / sqrt(ᾱ_T) + Σ σ_t ε_t /
    sqrt(ᾱ_{t−1}).
    """
    changes = {
        "diffusion.sampler": "ddpm",
        "diffusion.t_start": 4,
        "diffusion.steps": 2,
        "diffusion.timesteps": 4,
    }
    network = build_network(tiny(**changes, **{"model.use_hfah": False, "diffusion.beta_end": 0.5})).eval()
    levels = []

    def silent(noisy: Any, level: Any) -> Any:
        levels.append(float(level[0]))
        return torch.zeros_like(noisy), [noisy]

    monkeypatch.setattr(network.unet, "forward", silent)
    conditioned = torch.rand(1, 5, 32, 32)
    noise = torch.randn(1, network.noise_channels, 32, 32)
    assert network.noise_channels == 5 * 4
    _, found, _ = network.refine(conditioned[:, :3], conditioned, noise)
    bars = [float(value) for value in network.schedule.alpha_bar[:5]]
    draws = noise.split(5, dim=1)
    expected = conditioned + (1 / bars[4] - 1) ** 0.5 * draws[0]
    for draw, t in zip(draws[1:], (4, 3, 2), strict=True):
        variance = (1 - bars[t - 1]) / (1 - bars[t]) * (1 - bars[t] / bars[t - 1])
        expected = expected + (variance / bars[t - 1]) ** 0.5 * draw
    torch.testing.assert_close(found, expected)
    assert levels == pytest.approx([bars[t] ** 0.5 for t in (4, 3, 2, 1)])


def test_ancestral_sampling_feeds_hfah_and_trains() -> None:
    torch.manual_seed(0)
    network = build_network(
        tiny(**{"diffusion.sampler": "ddpm", "diffusion.t_start": 3, "diffusion.steps": 2})
    )
    infrared, visible, *masks, _ = inputs(1, 64, 64)
    loss, _ = TrainingObjective(network, 2, True)(infrared, visible, *masks, torch.Generator().manual_seed(0))
    loss.backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in network.hfah.parameters())


def test_luma_mode_keeps_the_visible_chroma() -> None:
    torch.manual_seed(0)
    network = build_network(tiny()).eval()
    infrared, visible, mask_ir, mask_vi, noise = inputs(1, 64, 64)
    with torch.no_grad():
        fused = network.run(infrared, visible, mask_ir, mask_vi, noise).fused
    torch.testing.assert_close(fused - rgb_to_luma(fused), visible - rgb_to_luma(visible), atol=1e-5, rtol=0)


@pytest.mark.slow
def test_overfits_one_pair_in_thirty_steps() -> None:
    """The preset without treatment: with it the image is close to its target from the first step."""
    torch.manual_seed(0)
    changes = {"loss.vif": 0.0, "loss.qabf": 0.0, "loss.scd": 0.0, "loss.noise": 0.0, "model.base": "none"}
    config = apply_overrides(load_config("quality"), {**TINY, **changes})
    network = build_network(config)
    objective = TrainingObjective(network, 2, finetune_stage1=True)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    smooth = torch.nn.functional.interpolate
    infrared, visible, mask_ir, mask_vi, _ = inputs(1, 8, 8)
    batch = [
        smooth(t, size=(64, 64), mode="bicubic").clamp(0, 1) for t in (infrared, visible, mask_ir, mask_vi)
    ]
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss, _ = objective(*batch, torch.Generator().manual_seed(0))
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.slow
def test_default_exports() -> None:
    network = build_network(load_config("default")).eval()
    given_inputs = inputs(1, 64, 96)
    program = torch.export.export(network, given_inputs)
    with torch.no_grad():
        torch.testing.assert_close(
            program.module()(*given_inputs), network(*given_inputs), atol=1e-5, rtol=1e-4
        )


def test_budgets() -> None:
    with torch.device("meta"):
        default, paper = build_network(load_config("default")), build_network(load_config("paper"))
        given_inputs = [torch.empty(1, channels, 480, 640) for channels in (1, 3, 1, 1, 5)]
        with FlopCounterMode(display=False) as counter:
            default(*given_inputs)
    assert counter.get_total_flops() / 2 <= 60e9  # multiply-accumulates of one pair
    assert count_parameters(default) <= 8e6
    assert 45e6 < count_parameters(paper) < 65e6
    assert dataclasses.asdict(load_config("paper").loss)["mask_floor"] == 0
