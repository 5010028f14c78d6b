"""Every convention against values of the original implementations on our own demo scenes, which are committed
here.

These tests fail, and don't skip, where the goldens are missing.
"""

import math
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import metric_parity as parity
import pytest

from fusionbench.evaluators.quality.conventions.scoring import metric_value
from fusionbench.evaluators.quality.conventions.table import FORMULAS
from fusionbench.evaluators.quality.metrics import ssim, vif
from fusionbench.evaluators.quality.spec import SPEC

GOLDENS = Path(__file__).resolve().parents[2] / "goldens/metrics"
NOT_OFFERED = {
    ("mefb", "Qp"),
    ("mefb", "Qc"),
    ("ivif-zoo", "Qcb"),
    ("ivif-zoo", "Qy"),
    ("ivif-zoo", "TE"),
    ("utlive", "flat_pixels"),
}


@cache
def goldens() -> Any:
    return parity.read_demo()


@cache
def triple(golden: Any) -> Any:
    return parity.load_triple(GOLDENS, *golden)


def images_of(golden: Any) -> Any:
    return triple((golden.dataset, golden.name, golden.method, golden.grey))


def test_all_goldens_are_here() -> None:
    assert len(goldens()) == 1575 - 9 - 4  # ill-conditioned and degenerate
    assert len(list((GOLDENS / "images").rglob("*.png"))) == 15


@pytest.fixture
def parameters(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
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
def test_convention_gives_the_originals_values(convention: str, parameters: Any) -> None:
    worst: defaultdict[Any, float] = defaultdict(float)
    for golden in goldens():
        if golden.convention != convention or golden.ours in NOT_OFFERED:
            continue
        of, metric = golden.ours
        value = metric_value(FORMULAS[of][metric], images_of(golden))
        if value.reason and "parameters" in value.reason:
            pytest.skip("NIQE's and BRISQUE's parameters aren't here")
        assert value.reason is None, (golden.metric, value.reason)
        key = golden.metric, golden.variant
        relative = abs(value.value - golden.value) / abs(golden.value)
        worst[key] = max(worst[key], relative / parity.target(convention, metric))
    assert worst
    assert {key: ratio for key, ratio in worst.items() if not ratio <= 1.0} == {}


def test_every_metric_that_an_original_has_is_compared() -> None:
    """What a convention offers, of those whose original is in the goldens, is in them; the rest is named
    here.
    """
    covered = {golden.ours for golden in goldens()}
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
def test_libraries_agree_per_source(library: Any, metric: str, allowed: Any) -> None:
    for golden in goldens():
        if golden.convention != library or not golden.metric.startswith(f"{metric}_"):
            continue
        of = images_of(golden).grey("matlab")
        images = of.infrared, of.visible, of.fused
        pair = ssim.ssim(*images) if "SSIM" in metric else vif.vif(vif.information(*images))
        value = pair[0 if golden.metric.endswith("_ir") else 1]
        assert value == pytest.approx(golden.value, rel=allowed)


def test_specs_say_what_is_compared() -> None:
    assert {c.name for c in SPEC.conventions} == set(FORMULAS)
    assert not math.isnan(sum(golden.value for golden in goldens()))
