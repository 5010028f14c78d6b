"""What is said about each metric, in its spec and in its function's docstring: that nothing is missing, and
that it is so.
"""

import inspect
import math
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusionbench.evaluators.quality.conventions.scoring import score_arrays
from fusionbench.evaluators.quality.conventions.table import FORMULAS
from fusionbench.evaluators.quality.metrics import (
    brisque,
    chen,
    correlation,
    cvejic_yang,
    features,
    fmi,
    information,
    mef,
    nabf,
    niqe,
    piella,
    qabf,
    qp,
    ssim,
    vif,
)
from fusionbench.evaluators.quality.on_device import metrics as batched
from fusionbench.evaluators.quality.spec import SPEC
from tests.support.synthetic_scene import scene

METRICS = {metric.name: metric for metric in SPEC.metrics}

FUNCTIONS = {
    "EN": information.entropy,
    "CE": information.cross_entropy,
    "MI": information.mutual_information,
    "NMI": information.hossny_normalised,
    "Qncie": information.nonlinear_correlation,
    "TE": information.tsallis,
    "SD": features.standard_deviation,
    "SF": features.spatial_frequency,
    "AG": features.average_gradient,
    "EI": features.edge_intensity,
    "Qabf": qabf.qabf,
    "Nabf": nabf.nabf,
    "Labf": nabf.labf,
    "Nabf_petrovic": nabf.nabf_petrovic,
    "Qabf_petrovic": nabf.qabf_petrovic,
    "Qp": qp.qp,
    "SSIM": ssim.ssim,
    "MS-SSIM": ssim.ms_ssim,
    "MEF-SSIM": mef.mef_ssim,
    "MEF-MS-SSIM": mef.mef_ms_ssim,
    "Qs": piella.qs,
    "Qw": piella.qw,
    "Qe": piella.qe,
    "Qc": cvejic_yang.qc,
    "Qy": cvejic_yang.qy,
    "CC": correlation.correlation_coefficient,
    "SCD": correlation.sum_of_correlations_of_differences,
    "MSE": correlation.mean_squared_error,
    "RMSE": correlation.root_mean_squared_error,
    "PSNR": correlation.peak_signal_to_noise_ratio,
    "VIF": vif.vif,
    "VIFF": vif.viff,
    "Qcb": chen.qcb,
    "Qcv": chen.qcv,
    "NIQE": niqe.niqe,
    "BRISQUE": brisque.brisque,
    **{name: fmi.fmi for name in METRICS if name.startswith("FMI_")},
}
"""The public function of each metric."""

LEVEL = 90
CASES = {"fused image": "f", "one source": "a b", "both sources": "ab", "all three, equal": "abf"}


@pytest.mark.parametrize("name", METRICS)
def test_a_spec_says_everything(name: str) -> None:
    metric = METRICS[name]
    for part in (metric.title, metric.family, metric.value_range, metric.formula, metric.source):
        assert len(part) > 2, part
    assert metric.direction in ("higher", "lower")
    assert set(metric.conventions) <= set(FORMULAS)
    assert all(metric.conventions.values())
    assert list(metric.constant) == list(CASES)
    assert all(re.match(r"finite|no value: .|\d", said) for said in metric.constant.values())
    assert all(len(pitfall) > 10 for pitfall in metric.pitfalls)
    assert metric.pitfalls


@pytest.mark.parametrize("name", METRICS)
def test_a_docstring_says_everything(name: str) -> None:
    metric = METRICS[name]
    text = re.sub(r"\s+", " ", inspect.getdoc(FUNCTIONS[name]) or "").replace("*", "")
    assert "=" in text, "the formula"
    assert re.search(r"Range (about )?[−\d]", text)
    assert f"{metric.direction} is better" in text
    assert re.search(rf"Minimum size ([^.]*\b)?{metric.minimum_size}×", text)  # "3×3 (wavelet 1×1)"
    assert "Constant images: " in text
    assert re.search(r"Source: .*\d{4}", text)


def test_every_metric_has_its_function() -> None:
    assert set(FUNCTIONS) == set(METRICS)


@pytest.fixture(scope="module")
def of_constants() -> Any:
    """The values in convention `corrected` by case; where one source is constant, of either."""
    shared = Path(os.environ.get("FUSIONBENCH_TEST_DATA", Path(__file__).parents[4].parent / "shared"))
    with pytest.MonkeyPatch.context() as patch:
        if shared.is_dir():
            patch.setenv("FUSIONBENCH_WEIGHTS", str(shared / "weights"))
        return {case: [_scores(constant) for constant in roles.split()] for case, roles in CASES.items()}


def _scores(constant: Any) -> Any:
    """Of a scene in which the images named (a, b, f) are constant."""
    images = dict(zip("abf", scene(176, 192), strict=True))
    images |= {role: np.full_like(images[role], LEVEL) for role in constant}
    return score_arrays(*images.values(), metrics=list(FORMULAS["corrected"]), convention="corrected")


@pytest.mark.parametrize("name", METRICS)
def test_constant_images_give_what_the_spec_says(of_constants: Any, name: str) -> None:
    for case, said in METRICS[name].constant.items():
        for scores in of_constants[case]:
            score = scores[name]
            if "parameters" in (score.reason or ""):
                pytest.skip("its parameters aren't here")
            if said.startswith("no value"):
                assert math.isnan(score.value), case
                assert score.reason, case
            elif said.startswith("finite"):
                assert math.isfinite(score.value), (case, score.reason)
            else:
                assert score.value == pytest.approx(float(said.split()[0]), abs=1e-6), case


@pytest.mark.parametrize(
    "name", [name for name in METRICS if name not in ("NIQE", "BRISQUE")]
)  # these need parameters
def test_the_minimum_size_is_the_minimum_size(name: str) -> None:
    size = METRICS[name].minimum_size
    rng = np.random.default_rng(0)
    triple = [rng.integers(0, 256, (max(size, 2), max(size, 2))).astype(np.uint8) for _ in range(3)]
    convention = "vifb" if name == "SSIM" else "corrected"  # the other conventions' SSIM takes smaller images
    at = score_arrays(*triple, metrics=[name], convention=convention)[name]
    assert math.isfinite(at.value) or not re.search("needs? at least", at.reason or ""), at.reason
    if size > 1:
        below = [image[: size - 1] for image in triple]
        reason = score_arrays(*below, metrics=[name], convention=convention)[name].reason
        assert re.search(f"needs? .*at least {size}×{size}\\b", reason or ""), reason


def test_what_is_called_differentiable_has_a_torch_version_with_a_gradient() -> None:
    said = {name for name, metric in METRICS.items() if metric.differentiable}
    assert said == batched.DIFFERENTIABLE  # test_batched.py checks each one's gradient
    assert set(batched.METRICS) - said == {"EN", "MI"}  # these count levels
