"""Neutral training images: every rule occurs, the sensors stay in place, and the draw decides all."""

from __future__ import annotations

import numpy as np
import pytest

from fusionbench.evaluators.judging.neutral import FIXED, RULES, fixed_blend, neutral_image, stacked


@pytest.fixture
def sensors() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.integers(0, 256, (16, 24)).astype(np.uint8), rng.integers(0, 256, (16, 24, 3)).astype(np.uint8)


def test_one_draw_gives_one_image(sensors: tuple[np.ndarray, np.ndarray]) -> None:
    both = stacked(*sensors)
    assert both.shape == (16, 24, 4)
    images = [neutral_image(both, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert images[0].shape == (16, 24, 3)
    assert images[0].dtype == np.uint8
    assert (images[0] == images[1]).all()
    assert (images[0] != images[2]).any()


def test_no_sensor_is_favoured() -> None:
    """Over many draws a bright infrared over a dark visible image comes out as bright as the reverse."""
    bright, dark = np.full((4, 4), 200, np.uint8), np.full((4, 4), 60, np.uint8)
    generator = np.random.default_rng(0)
    means = [
        np.mean([neutral_image(stacked(ir, np.dstack([vi] * 3)), generator).mean() for _ in range(1500)])
        for ir, vi in ((bright, dark), (dark, bright))
    ]
    assert means[0] == pytest.approx(means[1], abs=6)
    assert sum(RULES.values()) == pytest.approx(1)


def test_fixed_blends_by_hand() -> None:
    infrared, visible = np.array([[200]], np.uint8), np.array([[[100, 100, 100]]], np.uint8)
    values = {name: int(fixed_blend(infrared, visible, name)[0, 0, 0]) for name in FIXED}
    assert values == {
        "infrared": 200,
        "visible": 100,
        "blend-0.25": 125,
        "blend-0.5": 150,
        "blend-0.75": 175,
        "maximum": 200,
        "minimum": 100,
    }


def test_the_chroma_is_that_of_the_visible_image() -> None:
    visible = np.array([[[90, 60, 30]]], np.uint8)
    luma = 0.299 * 90 + 0.587 * 60 + 0.114 * 30
    blended = fixed_blend(np.array([[160]], np.uint8), visible, "maximum")[0, 0]
    assert blended == pytest.approx(visible[0, 0] + 160 - luma, abs=0.51)
