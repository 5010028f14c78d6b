"""Every convention against values of the original implementations on our own demo scenes, which are committed here.

These tests fail, and don't skip, where the goldens are missing.
"""

import csv
import math
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from fusionbench.evaluators.quality.conventions.scoring import metric_value
from fusionbench.evaluators.quality.conventions.table import FORMULAS
from fusionbench.evaluators.quality.inputs.triple import Triple
from fusionbench.evaluators.quality.metrics import ssim, vif
from fusionbench.evaluators.quality.spec import SPEC
from fusionbench.images.codec import read_image

GOLDENS = Path(__file__).resolve().parents[2] / "goldens/metrics"
NAMES = {"MS_SSIM": "MS-SSIM", "FMI_w": "FMI_wavelet", "FMI_none": "FMI_pixel"}
CONVENTIONS = {"niqe-utlive": "utlive", "brisque-live": "utlive", "ivif-zoo-f64": "ivif-zoo"}
MENDED = {
    "linfeng": "corrected",
    "vifb": "vifb-corrected",
    "niqe-utlive": "utlive-corrected",
    "brisque-live": "utlive-corrected",
}
NOT_OFFERED = {
    ("mefb", "Qp"),
    ("mefb", "Qc"),
    ("ivif-zoo", "Qcb"),
    ("ivif-zoo", "Qy"),
    ("ivif-zoo", "TE"),
    ("utlive", "flat_pixels"),
}
FLOAT32 = {"AG", "CC", "MSE", "PSNR", "Qabf", "SCD", "SD", "SF"}
"""Metrics that `cddfuse` sums in float32."""


def tolerance(convention, metric):
    """The relative difference that the original's arithmetic allows (README.md of the goldens)."""
    if convention == "cddfuse":
        return 1e-6 if metric in FLOAT32 else 1e-9
    if convention == "ivif-zoo":
        if metric in ("MI", "Nabf"):
            return 1e-9
        return 2e-4 if metric in ("SSIM", "MS-SSIM", "VIF") else 1e-6
    if convention == "ivif-zoo-f64" and metric in ("SSIM", "MS-SSIM"):
        return 5e-5  # the original's window is float32
    return 1e-9


@cache
def goldens():
    with (GOLDENS / "metrics.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@cache
def triple(name, method, grey):
    folders = GOLDENS / "images/ir", GOLDENS / "images/vi", GOLDENS / "images/fused" / method
    whole = Triple.of(*(read_image(folder / f"{name}.png") for folder in folders))
    if not grey:
        return whole
    levels = whole.grey("matlab")
    return Triple.of(levels.infrared, levels.visible, levels.fused)


def ours(row):
    """Our convention, metric, and whether the original was given grey images."""
    names = MENDED if row["variant"] == "corrected" else CONVENTIONS
    convention = names.get(row["convention"], row["convention"])
    grey = row["convention"] == "mefb" and row["variant"].split(" ")[0] != "rgb"
    return convention, NAMES.get(row["metric"], row["metric"]), grey


def test_all_goldens_are_here():
    assert len(goldens()) == 1575
    assert len(list((GOLDENS / "images").rglob("*.png"))) == 15


@pytest.fixture
def parameters(monkeypatch, request):
    """Lets NIQE and BRISQUE find their parameters where FUSIONBENCH_TEST_DATA has them."""
    import os

    root = Path(os.environ.get("FUSIONBENCH_TEST_DATA", Path(__file__).parents[3].parent / "shared"))
    monkeypatch.setenv(
        "FUSIONBENCH_WEIGHTS", f"{root / 'weights'}{os.pathsep}{os.environ.get('FUSIONBENCH_WEIGHTS', '')}"
    )


ORIGINALS = [
    "cddfuse",
    "cddfuse-f64",
    "linfeng",
    "linfeng-legacy",
    "vifb",
    "mefb",
    "ivif-zoo",
    "ivif-zoo-f64",
    "niqe-utlive",
    "brisque-live",
    "corrected",
]


@pytest.mark.parametrize("convention", ORIGINALS)
def test_convention_gives_the_originals_values(convention, parameters):
    worst, compared = defaultdict(float), set()
    for row in goldens():
        if row["convention"] != convention or row["variant"] in ("ill-conditioned", "degenerate"):
            continue
        of, metric, grey = ours(row)
        if (of, metric) in NOT_OFFERED:
            continue
        value = metric_value(FORMULAS[of][metric], triple(row["name"], row["method"], grey))
        if value.reason and "parameters" in value.reason:
            pytest.skip("NIQE's and BRISQUE's parameters aren't here")
        assert value.reason is None, (row["metric"], value.reason)
        wanted = float(row["value"])
        key = row["metric"], row["variant"]
        worst[key] = max(worst[key], abs(value.value - wanted) / abs(wanted) / tolerance(convention, metric))
        compared.add(key)
    assert compared
    assert {key: ratio for key, ratio in worst.items() if not ratio <= 1.0} == {}


def test_every_metric_that_an_original_has_is_compared():
    """What a convention offers, of those whose original is in the goldens, is in them; the rest is named here."""
    covered = {ours(row)[:2] for row in goldens()}
    offered = {(c, m) for c, table in FORMULAS.items() for m in table}
    missing = {
        (c, m) for c, m in offered - covered if c not in ("corrected", "utlive-corrected", "vifb-corrected")
    }
    assert missing == {("ivif-zoo", "Labf")}


@pytest.mark.parametrize(
    ("library", "metric", "allowed"),
    [
        ("sewar", "vifp", 1e-9),
        ("torchmetrics", "VIF", 1e-9),
        ("piq", "vif_p", 5e-5),  # float32 windows, in the next one too
        ("skimage", "SSIM_gauss", 1e-9),
        ("pytorch_msssim", "SSIM", 5e-6),
    ],
)
def test_libraries_agree_per_source(library, metric, allowed):
    for row in goldens():
        if row["convention"] != library or not row["metric"].startswith(f"{metric}_"):
            continue
        of = triple(row["name"], row["method"], False).grey("matlab")
        images = of.infrared, of.visible, of.fused
        pair = ssim.ssim(*images) if "SSIM" in metric else vif.vif(vif.information(*images))
        value = pair[0 if row["metric"].endswith("_ir") else 1]
        assert value == pytest.approx(float(row["value"]), rel=allowed)


def test_specs_say_what_is_compared():
    assert {c.name for c in SPEC.conventions} == set(FORMULAS)
    assert not math.isnan(sum(float(row["value"]) for row in goldens()))
