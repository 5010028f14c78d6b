"""What holds for every metric whatever the images: identity, symmetry, noise, invariances, shapes and types,
reasons.

Each table below names all metrics or says why one is missing, so that a new metric can't be forgotten.
"""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusionbench.evaluators.quality.conventions.scoring import score_arrays
from fusionbench.evaluators.quality.conventions.table import FORMULAS
from fusionbench.evaluators.quality.spec import SPEC
from fusionbench.images.codec import write_png
from fusionbench.scoring.folders import score_folders
from fusionbench.statistics.means import means
from tests.support.synthetic_scene import scene

METRICS = {metric.name: metric for metric in SPEC.metrics}
CORRECTED = list(FORMULAS["corrected"])
NEEDS_PARAMETERS = {"NIQE", "BRISQUE"}  # their properties: test_no_reference.py
OF_THE_FUSED_IMAGE = {"EN", "SD", "SF", "AG", "EI", "NIQE", "BRISQUE"}
FMI = {name for name in METRICS if name.startswith("FMI_")}


def values(triple: Any, convention: Any = "corrected") -> Any:
    scores = score_arrays(*triple, metrics=list(FORMULAS[convention]), convention=convention)
    return {name: score.value for name, score in scores.items()}


def test_corrected_defines_every_metric() -> None:
    assert set(CORRECTED) == set(METRICS)


# Identity

IDENTITY = {
    **dict.fromkeys(["CE", "MSE", "RMSE", "Qcv", "Nabf", "Nabf_petrovic"], 0.0),
    **dict.fromkeys(
        [
            "SSIM",
            "MS-SSIM",
            "MEF-SSIM",
            "MEF-MS-SSIM",
            "CC",
            "Qs",
            "Qw",
            "Qe",
            "Qc",
            "Qy",
            "Qp",
            "Qcb",
            "VIFF",
            *FMI,
        ],
        1.0,
    ),
    **dict.fromkeys(["NMI", "VIF"], 2.0),
    "Qabf": 0.9994 / (1 + math.exp(-7.5)) * 0.9879 / (1 + math.exp(-4.4)),
}
"""Where infrared, visible and fused image are one and the same."""
NO_IDENTITY = {"PSNR", "SCD"}  # infinite, 0/0
IDENTITY_IN_TERMS_OF_OTHERS = {"MI", "Qncie", "TE", "Labf", "Qabf_petrovic"}


def test_identity() -> None:
    image = scene(176, 180)[1]
    found = values((image, image, image))
    for name, value in IDENTITY.items():
        assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-12), name
    assert all(math.isnan(found[name]) for name in NO_IDENTITY)
    assert found["MI"] == pytest.approx(2 * found["EN"], rel=1e-12)
    assert found["Labf"] + found["Qabf_petrovic"] == pytest.approx(1, rel=1e-12)
    p = np.bincount(image.ravel()) / image.size
    assert found["TE"] == pytest.approx(2 * (1 - np.sum(p[p > 0] ** 0.15)) / (1 - 1.85), rel=1e-12)
    ncc = found["EN"] / 8
    shares = np.array([1 + 2 * ncc, 1 - ncc, 1 - ncc]) / 3
    assert found["Qncie"] == pytest.approx(1 + np.sum(shares * np.log2(shares)) / 8, rel=1e-12)
    covered = {*IDENTITY, *NO_IDENTITY, *IDENTITY_IN_TERMS_OF_OTHERS, *OF_THE_FUSED_IMAGE}
    assert covered == set(METRICS)


# Symmetry


@pytest.mark.parametrize("convention", FORMULAS)
def test_the_sources_are_interchangeable(convention: str) -> None:
    a, b, f = scene(176, 180, seed=2)
    first, second = values((a, b, f), convention), values((b, a, f), convention)
    if convention == "linfeng":  # publishes Nabf with its arguments in the wrong order
        assert first.pop("Nabf") != pytest.approx(second.pop("Nabf"), rel=1e-3)
    assert first == pytest.approx(second, rel=1e-10, nan_ok=True)


def test_metrics_of_the_fused_image_do_not_see_the_sources() -> None:
    a, b, f = scene(176, 180, seed=3)
    first, second = values((a, b, f)), values((b, 255 - b, f))
    same = {name for name in METRICS if first[name] == second[name]}
    assert same - NEEDS_PARAMETERS == OF_THE_FUSED_IMAGE - NEEDS_PARAMETERS


# Noise

DECEIVED_BY_NOISE = {"EN", "SD", "SF", "AG", "EI"}
NOT_MONOTONE = {"CE", "Labf"}  # noise fills empty bins; it hides that edges were lost


def test_noise_makes_every_other_metric_worse() -> None:
    a, b, f = scene(176, 184, seed=8)
    noise = np.random.default_rng(1).normal(0, 1, f.shape)
    rows = [
        values((a, b, np.clip(np.rint(f + sigma * noise), 0, 255).astype(np.uint8))) for sigma in (0, 8, 25)
    ]
    for name in set(METRICS) - NOT_MONOTONE - NEEDS_PARAMETERS:
        series = [row[name] for row in rows]
        rises = (METRICS[name].direction == "lower") != (name in DECEIVED_BY_NOISE)
        assert series == sorted(series, reverse=not rises), (name, series)
        assert len(set(series)) == 3, name


# Invariances

EDGE_BALANCE = {"Nabf", "Labf", "Nabf_petrovic", "Qabf_petrovic"}
HISTOGRAMS = {"EN", "CE", "MI", "TE", "NMI", "Qncie"}
HALVED = {"MS-SSIM", "MEF-MS-SSIM"}  # halving starts in the upper left corner
FLIPPED = set(METRICS) - HALVED - FMI - {"Qcv"} - NEEDS_PARAMETERS  # Qcv's grid starts there too
# FMI reads windows column by column; where there is no gradient the angle of the edge metrics is one axis.
TRANSPOSED = set(METRICS) - FMI - EDGE_BALANCE - {"Qabf"} - NEEDS_PARAMETERS
BRIGHTER = (
    HISTOGRAMS
    | EDGE_BALANCE
    | {
        "SD",
        "SF",
        "AG",
        "EI",
        "CC",
        "SCD",
        "MSE",
        "RMSE",
        "PSNR",
        "VIF",
        "VIFF",
        "MEF-SSIM",
        "MEF-MS-SSIM",
        "Qp",
        "Qcb",
        "Qcv",
        "FMI_pixel",
        "FMI_gradient",
        "FMI_edge",
    }
)
DOUBLED = HISTOGRAMS | FMI | {"Qabf", "CC", "SCD", "Qc", "Qy", "Qcb", "Qcv"}  # contrast: all levels times two

CHANGES = {
    "upside down": (FLIPPED, lambda image: image[::-1].copy()),
    "left and right exchanged": (FLIPPED, lambda image: image[:, ::-1].copy()),
    "transposed": (TRANSPOSED, lambda image: image.T.copy()),
    "brighter": (BRIGHTER, lambda image: image + np.uint8(15)),
    "doubled": (DOUBLED, lambda image: image * np.uint8(2)),
}


@pytest.fixture(scope="module")
def dim() -> Any:
    """A scene whose levels are 20…120, and its values."""
    triple = [np.clip(image, 20, 120) for image in scene(177, 193, seed=9)]
    return triple, values(triple)


@pytest.mark.parametrize("change", CHANGES)
def test_invariances(dim: Any, change: Any) -> None:
    names, applied = CHANGES[change]
    triple, before = dim
    after = values([applied(image) for image in triple])
    for name in names:
        assert after[name] == pytest.approx(before[name], rel=1e-9), name


def test_every_metric_has_an_invariance() -> None:
    assert set(METRICS) - NEEDS_PARAMETERS == FLIPPED | TRANSPOSED | BRIGHTER | DOUBLED


# Ranges


def _ends(value_range: Any) -> Any:
    """Lowest and highest value that a spec's range (that of `corrected` stands first) names."""
    low, high = re.match(r"([−\d.]+)…(∞|[\d.]+)", value_range).groups()
    return float(low.replace("−", "-")), math.inf if high == "∞" else float(high)


@pytest.mark.parametrize("seed", range(3))
def test_values_lie_in_their_ranges(seed: Any) -> None:
    rng = np.random.default_rng(seed)
    a, b, f = scene(164, 170, seed=seed)
    odd = [
        f,
        255 - f,
        rng.integers(0, 256, f.shape).astype(np.uint8),
        np.where(a > 128, 255, 0).astype(np.uint8),
    ]
    for fused in odd[seed:][:2]:
        for name, value in values((a, b, fused)).items():
            if math.isfinite(value) and "about" not in METRICS[name].value_range:
                low, high = _ends(METRICS[name].value_range)
                assert low - 1e-9 <= value <= high + 1e-9, name


# Shapes and types


@pytest.mark.parametrize("convention", FORMULAS)
def test_equivalent_shapes_and_types_give_the_same(convention: str) -> None:
    a, b, f = scene(176, 180)
    expected = values((a, b, f), convention)
    wide = np.repeat(f, 2, axis=1)[:, ::2]
    assert not wide.flags.c_contiguous
    same = values((a[..., None], np.asfortranarray(b.astype(np.int64)), wide.astype(np.float32)), convention)
    assert same == pytest.approx(expected, rel=0, abs=0, nan_ok=True)
    channels = values((np.dstack([a] * 3), np.dstack([b] * 3), np.dstack([f] * 3)), convention)
    if convention == "vifb":  # counts the seams between the channels
        assert channels.pop("SF") > expected.pop("SF")
    assert channels == pytest.approx(expected, rel=1e-13, nan_ok=True)


# Reasons


def test_a_nan_of_any_metric_comes_with_its_reason_and_is_excluded_by_name(tmp_path: Path) -> None:
    images = dict(zip(("ir", "vi", "fused"), scene(176, 180), strict=True))
    for name in ("good", "flat", "small"):
        for role, image in images.items():
            shown = np.full_like(image, 90) if name == "flat" else image[:1, :1] if name == "small" else image
            write_png(tmp_path / role / f"{name}.png", shown)
    folders = (tmp_path / "ir", tmp_path / "vi", [tmp_path / "fused"])
    scores = score_folders(*folders, metrics=["all"], conventions=["all"], jobs=1)
    assert scores.failures == {}
    assert (scores.rows["value"].isna() == (scores.rows["reason"] != "")).all()
    undefined = scores.rows[scores.rows["value"].isna()]
    for record in means(scores.rows, ["convention", "metric"]):
        own = undefined[
            [
                tuple(pair) == (record["convention"], record["metric"])
                for pair in undefined[["convention", "metric"]].to_numpy()
            ]
        ]
        named = {line["image"]: line["reason"] for line in record.get("excluded", [])}
        assert named == dict(zip(own["image"], own["reason"], strict=True))
        assert record["count"] == 3 - len(named)
        assert (record["mean"] is None) == (len(named) == 3)
    without_value = set(undefined["metric"])
    assert without_value >= set(METRICS) - OF_THE_FUSED_IMAGE - {
        "CE",
        "MI",
        "MSE",
        "RMSE",
        "Qabf",
        "FMI_wavelet",  # these have a value of any images
    }
