"""The scorer: names, conventions, reasons, properties, and arbitrary input."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fusionbench.contracts.dataset import PairImages
from fusionbench.contracts.evaluator import EvaluatorSettings
from fusionbench.errors import FusionBenchError, InputError, UnknownNameError
from fusionbench.evaluators.quality.conventions.scoring import score_arrays
from fusionbench.evaluators.quality.conventions.table import FORMULAS
from fusionbench.evaluators.quality.evaluator import build
from fusionbench.evaluators.quality.spec import DEFAULT_METRICS, SPEC
from tests.support.synthetic_scene import scene


def values(triple: Any, **options: Any) -> Any:
    return {name: score.value for name, score in score_arrays(*triple, **options).items()}


# Names, conventions, data


def test_spec_and_table_name_the_same_metrics_and_conventions() -> None:
    described = {(metric.name, convention) for metric in SPEC.metrics for convention in metric.conventions}
    computed = {(metric, convention) for convention, formulas in FORMULAS.items() for metric in formulas}
    assert described == computed
    assert [c.name for c in SPEC.conventions] == list(FORMULAS)
    assert set(DEFAULT_METRICS) <= set(FORMULAS[SPEC.default_convention])


def test_names_in_any_spelling_and_suggestions() -> None:
    triple = scene()
    assert list(score_arrays(*triple, metrics=["en", "QABF"])) == ["EN", "Qabf"]
    assert list(score_arrays(*triple, metrics=["ms_ssim"], convention="linfeng")) == ["MS-SSIM"]
    with pytest.raises(UnknownNameError, match="did you mean 'Qabf'"):
        score_arrays(*triple, metrics=["Qabd"])
    with pytest.raises(UnknownNameError, match=r"there are: .*linfeng"):
        score_arrays(*triple, convention="linfen")


def test_metric_outside_the_convention_says_where_it_is() -> None:
    score = score_arrays(*scene(), metrics=["Qcb"])["Qcb"]
    assert math.isnan(score.value)
    assert score.reason is not None
    assert "corrected" in score.reason


@pytest.mark.parametrize("convention", list(FORMULAS))
def test_every_metric_of_every_convention_has_a_value_on_a_plain_scene(convention: str) -> None:
    triple = scene(176, 192, colour=convention in ("vifb", "vifb-corrected", "mefb"))
    for name, score in score_arrays(
        *triple, metrics=list(FORMULAS[convention]), convention=convention
    ).items():
        if score.reason is not None and "parameters" in score.reason:
            continue  # NIQE and BRISQUE without their fetched models
        assert math.isfinite(score.value), (name, score.reason)
        assert score.reason is None, name


# Closed forms


def test_closed_forms_on_a_ramp() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
    result = values((ramp, ramp[:, ::-1], ramp), metrics=["EN", "SD", "SF", "AG", "CC", "MSE"])
    assert result["EN"] == pytest.approx(8, rel=1e-14)
    assert result["SD"] == pytest.approx(math.sqrt((256**2 - 1) / 12), rel=1e-14)
    assert result["SF"] == pytest.approx(1, rel=1e-14)
    assert result["AG"] == pytest.approx(math.sqrt(0.5), rel=1e-14)
    assert result["CC"] == pytest.approx(0, abs=1e-15)
    assert result["MSE"] == pytest.approx(np.mean((2 * np.arange(256.0) - 255) ** 2) / 2, rel=1e-14)


def test_numpy_says_the_same() -> None:
    a, b, f = (image.astype(float) for image in scene(61, 83, seed=4))
    result = values(scene(61, 83, seed=4), metrics=["SD", "SF", "AG", "SCD", "CC", "MSE", "PSNR"])
    gy, gx = np.gradient(f)

    def r(x: Any, y: Any) -> Any:
        return np.corrcoef(x.ravel(), y.ravel())[0, 1]

    assert result["SD"] == pytest.approx(f.std(), rel=1e-12)
    assert result["SF"] == pytest.approx(
        np.sqrt(np.mean(np.diff(f, axis=0) ** 2) + np.mean(np.diff(f, axis=1) ** 2)), rel=1e-12
    )
    assert result["AG"] == pytest.approx(np.mean(np.sqrt((gx**2 + gy**2) / 2)), rel=1e-12)
    assert result["SCD"] == pytest.approx(r(f - b, a) + r(f - a, b), rel=1e-10)
    assert result["CC"] == pytest.approx((r(a, f) + r(b, f)) / 2, rel=1e-10)
    mse = (np.mean((a - f) ** 2) + np.mean((b - f) ** 2)) / 2
    assert result["MSE"] == pytest.approx(mse, rel=1e-12)
    assert result["PSNR"] == pytest.approx(10 * np.log10(f.max() ** 2 / mse), rel=1e-12)


# Properties: see also test_properties.py


def test_relabelling_levels_keeps_information() -> None:
    a, b, f = scene(64, 64, seed=7)
    table = np.random.default_rng(1).permutation(256).astype(np.uint8)
    assert values((a, b, f), metrics=["EN", "MI"]) == pytest.approx(
        values((table[a], table[b], table[f]), metrics=["EN", "MI"]), rel=1e-12
    )


# Shapes, types, reasons


def test_reasons() -> None:
    a, b, f = scene()
    small = score_arrays(a[:40, :40], b[:40, :40], f[:40, :40])
    assert math.isnan(small["VIF"].value)
    assert small["VIF"].reason == "VIF and VIFF need at least 41×41 px, got 40×40"
    assert math.isfinite(small["Qabf"].value)
    flat = score_arrays(np.full_like(a, 9), b, f)
    assert flat["CC"].reason == "the infrared image is constant: CC is 0/0"
    assert "constant infrared" in (flat["VIF"].reason or "")
    assert "SCD" in (score_arrays(a, b, b)["SCD"].reason or "")
    black = np.zeros_like(a)
    assert "Qabf" in (score_arrays(black, black, f)["Qabf"].reason or "")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a[:-1], "one size"),
        (lambda a: a / 255.0, "quantise"),
        (lambda a: np.dstack([a] * 4), "alpha"),
        (lambda a: a.astype(np.uint16) * 257, "quantise"),
        (lambda a: a.astype(complex), "8-bit"),
        (lambda a: a[0], "H×W"),
        (lambda a: np.full(a.shape, np.nan), "quantise"),
    ],
)
def test_unusable_images_are_named(change: Any, message: str) -> None:
    a, b, f = scene()
    with pytest.raises(InputError, match=message):
        score_arrays(a, b, change(f))


sides = st.integers(1, 48)
images = st.tuples(sides, sides).flatmap(
    lambda shape: st.tuples(
        *(
            st.one_of(
                hnp.arrays(np.uint8, shape),
                hnp.arrays(np.uint8, shape, elements=st.sampled_from([0, 254, 255])),
                hnp.arrays(np.uint8, (*shape, 3)),
            )
            for _ in range(3)
        )
    )
)


@settings(max_examples=60, deadline=None)
@given(triple=images, convention=st.sampled_from(list(FORMULAS)))
def test_never_a_silent_nan(triple: Any, convention: str) -> None:
    try:
        scores = score_arrays(*triple, metrics=list(FORMULAS[convention]), convention=convention)
    except FusionBenchError as error:
        pytest.fail(f"valid images were refused: {error}")
    for name, score in scores.items():
        assert math.isfinite(score.value) == (score.reason is None), (name, score)


def _patchwork(seed: Any, height: Any, width: Any, colour: Any) -> Any:
    """An image of flat, saturated, ramp, checker and noise tiles: what breaks ratios and logarithms."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    image = np.full((height, width), int(rng.integers(0, 256)))
    for _ in range(int(rng.integers(0, 9))):
        top, left = int(rng.integers(0, height)), int(rng.integers(0, width))
        part = np.s_[top : top + int(rng.integers(1, height)), left : left + int(rng.integers(1, width))]
        image[part] = (
            np.zeros_like(x),
            np.full_like(x, 255),
            x % 256,
            (x + y) % 2 * 255,
            rng.integers(0, 256, x.shape),
            np.full_like(x, 1),
        )[int(rng.integers(0, 6))][part]
    image = image.astype(np.uint8)
    return np.dstack([image, image[::-1], 255 - image]) if colour else image


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(
    seeds=st.tuples(*[st.integers(0, 2**32 - 1)] * 3),
    colour=st.tuples(*[st.booleans()] * 3),
    height=st.integers(161, 200),
    width=st.integers(161, 200),
)
def test_never_a_silent_nan_at_sizes_that_every_metric_takes(
    seeds: Any, colour: Any, height: Any, width: Any
) -> None:
    triple = [_patchwork(seed, height, width, c) for seed, c in zip(seeds, colour, strict=True)]
    for convention, formulas in FORMULAS.items():
        for name, score in score_arrays(*triple, metrics=list(formulas), convention=convention).items():
            assert math.isfinite(score.value) == (score.reason is None), (convention, name, score)
            assert score.reason is None or len(score.reason) > 10


# The adapter


def test_evaluator_leaves_out_what_its_convention_lacks() -> None:
    a, b, f = scene(colour=True)
    pair = PairImages(a, b)
    values_ = build(SPEC, EvaluatorSettings(("EN", "Qcb"), "cddfuse")).score(f, pair)
    assert [(v.metric, v.convention) for v in values_] == [("EN", "cddfuse")]
    (alone,) = build(SPEC, EvaluatorSettings(("Qcb",), "cddfuse")).score(f, pair)
    assert math.isnan(alone.value)
    assert "corrected" in alone.reason
    everything = build(SPEC, EvaluatorSettings(("EN",), "all")).score(f, pair)
    assert [v.convention for v in everything if not v.reason] == [c for c in FORMULAS if "EN" in FORMULAS[c]]
    assert {v.metric for v in build(SPEC, EvaluatorSettings()).score(f, pair)} == set(DEFAULT_METRICS)
