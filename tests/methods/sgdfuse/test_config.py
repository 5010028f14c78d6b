"""Presets, overrides and their errors."""

from typing import Any

import pytest

from fusionbench.errors import InputError
from fusionbench.methods.sgdfuse.config import apply_overrides, config_from_dict, load_config, preset_names


def test_presets_load_and_round_trip() -> None:
    assert preset_names() == ["default", "paper", "quality"]
    for name in preset_names():
        config = load_config(name)
        assert config.preset == name
        assert config_from_dict(config.to_dict()) == config


def test_paper_preset_is_the_paper() -> None:
    config = load_config("paper")
    assert (config.train.crop, config.train.batch_size, config.train.lr, config.train.epochs2) == (
        160,
        24,
        1e-4,
        200,
    )
    assert (config.loss.intensity2, config.loss.gradient2, config.loss.mask_floor) == (1.5, 1.0, 0.0)
    assert (config.loss.intensity_target, config.loss.gradient_target) == ("ir", "visible")
    assert not config.treatment.used
    assert not any(
        (
            config.loss.vif,
            config.loss.qabf,
            config.loss.scd,
            config.loss.sf,
            config.loss.sd,
            config.loss.range,
        )
    )
    assert (config.model.blocks, config.model.unet_width, config.diffusion.timesteps) == (3, 64, 1000)


def test_overrides_are_cast() -> None:
    config = apply_overrides(
        load_config(),
        {"train.lr": "2e-4", "model.unet_multipliers": "[1, 2, 2, 4]", "model.use_hfah": "false"},
    )
    assert config.train.lr == 2e-4
    assert config.model.unet_multipliers == (1, 2, 2, 4)
    assert config.model.use_hfah is False


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        ({"loss.vife": 1}, "vife"),
        ({"lose.vif": 1}, "sections"),
        ({"loss.vif": "much"}, "float"),
        ({"model.use_hfah": 3}, "true or false"),
        ({"model.norm": "batch"}, "group, layer, none"),
    ],
)
def test_bad_overrides_are_named(overrides: Any, text: Any) -> None:
    with pytest.raises(InputError, match=text):
        apply_overrides(load_config(), overrides)


def test_unknown_preset() -> None:
    with pytest.raises(InputError, match="default, paper"):
        load_config("large")
