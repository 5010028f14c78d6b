"""Every fast version equals its definition: random, flat, saturated, tiny and odd-sized images."""

import importlib
import math
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench.evaluators.quality.fast import swift
from fusionbench.evaluators.quality.fast.registry import FAST
from fusionbench.evaluators.quality.metrics import (
    features,
    fmi,
    fmi_features,
    information,
    piella,
    qabf,
    qp,
    ssim,
    vif,
)
from fusionbench.evaluators.quality.undefined import Undefined

CASES = [
    (qabf.qabf, {}),
    (qabf.qabf, {"wrapped": True, "equal_gain": 0.0}),
    (qabf.qabf, {"equal_gain": 255.0}),
    (vif.information, {}),
    (vif.information, {"saturating": True}),
    (ssim.ssim, {}),
    (ssim.ssim, {"replicate": True}),
    (ssim.ssim, {"window": "box7", "dynamic_range": 2.0}),
    (ssim.ms_ssim, {"zero_borders": True}),
    (piella.weighted, {}),
    (piella.weighted_of_edges, {}),
    *((fmi.fmi, {"feature": feature}) for feature in ("none", "gradient", "edge")),
    (qp.qp, {}),
]
"""Definitions of (infrared, visible, fused), with the options that conventions use."""


def image(kind: Any, seed: Any, height: Any, width: Any) -> Any:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    made = {
        "random": rng.integers(0, 256, (height, width)),
        "flat": np.full((height, width), int(rng.integers(0, 256))),
        "saturated": np.where((x // 7 + y // 5) % 3 == 0, 255, rng.integers(0, 256, (height, width))),
        "steps": (x // 4 * 30 + y // 6 * 20) % 256,
        "smooth": 120 + 90 * np.sin(x / 9 + seed) * np.cos(y / 7),
    }
    return made[kind].astype(np.uint8)


kinds = st.sampled_from(["random", "flat", "saturated", "steps", "smooth"])
sides = st.one_of(st.integers(1, 14), st.integers(41, 60), st.sampled_from([161, 167]))


def outcome(function: Any, images: Any, options: Any) -> Any:
    """All numbers that come out, or the reason why none does."""
    try:
        value = function(*images, **options)
    except Undefined as why:
        return str(why)
    flat = []

    def collect(part: Any) -> None:
        if isinstance(part, list | tuple):
            for inner in part:
                collect(inner)
        else:
            flat.append(float(part))

    collect(value)
    return flat


@settings(max_examples=40, deadline=None)
@given(st.tuples(kinds, kinds, kinds), st.integers(0, 2**16), sides, sides)
def test_equals_the_definition(three: Any, seed: Any, height: Any, width: Any) -> None:
    images = [image(kind, seed + k, height, width) for k, kind in enumerate(three)]
    for definition, options in CASES:
        wanted, found = (
            outcome(definition, images, options),
            outcome(swift(cast("Any", definition)), images, options),
        )
        if isinstance(wanted, str):
            assert found == wanted
            continue
        # With L = 1 or 2, rounding noise of flat windows shows beside tiny constants; so it does in VIF's
        # logarithms.
        noisy = definition is vif.information or "dynamic_range" in options
        for ours, theirs in zip(found, wanted, strict=True):
            assert math.isnan(ours) == math.isnan(theirs), definition
            assert ours == pytest.approx(theirs, rel=1e-6 if noisy else 1e-10, abs=1e-9, nan_ok=True), (
                definition,
                options,
            )


@settings(max_examples=30, deadline=None)
@given(kinds, kinds, st.integers(0, 2**16), st.integers(1, 40), st.integers(1, 40))
def test_pixels_equal_their_definitions(first: Any, second: Any, seed: Any, height: Any, width: Any) -> None:
    a, b = image(first, seed, height, width), image(second, seed + 1, height, width)
    joint = information.joint_histogram
    assert (swift(joint)(a, b) == joint(a, b)).all()
    for of in (a, b):
        wanted = outcome(features.average_gradient, [of], {})
        found = outcome(swift(features.average_gradient), [of], {})
        assert found == (wanted if isinstance(wanted, str) else pytest.approx(wanted, rel=1e-12))


@pytest.mark.parametrize("shape", [(3, 5), (47, 60), (161, 102)])
def test_transformed_features(shape: tuple[int, int]) -> None:
    """Of images without flat areas, where coefficients are no rounding noise; the bands to the last bit."""
    images = [image("random", seed, *shape) for seed in range(3)]
    for one in images:
        bands = swift(fmi.fmi).keywords["features"]["wavelet"](one)
        assert (bands == fmi_features.wavelet_bands(one)).all()
    for feature in ("dct", "wavelet"):
        wanted, found = (f(*images, feature=feature) for f in (fmi.fmi, swift(fmi.fmi)))
        assert found == pytest.approx(wanted, rel=1e-9)


def test_every_fast_version_is_compared() -> None:
    compared = {f"{d.__module__.rpartition('.')[2]}:{d.__name__}" for d, _ in CASES}
    assert compared | {"information:joint_histogram", "features:average_gradient"} == set(FAST)


def test_every_name_in_the_registry_exists() -> None:
    for definition, fast in FAST.items():
        for room, name in (("metrics", definition), ("fast", fast)):
            module, _, function = name.partition(":")
            assert hasattr(
                importlib.import_module(f"fusionbench.evaluators.quality.{room}.{module}"), function
            )
