"""The evaluator on methods of known cost."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fusionbench.contracts.evaluator import EvaluatorSettings
from fusionbench.contracts.method import MethodContext, MethodSpec
from fusionbench.errors import InputError
from fusionbench.evaluators.efficiency.spec import SPEC
from fusionbench.plugins.catalog import build

ALL = {metric.name for metric in SPEC.metrics}


def test_parameters_macs_and_flops_are_exact(measure: Any) -> None:
    values = measure("NetworkMethod", [(32, 48), (8, 8)])
    large, small = "cpu-1t 48x32 fp32 b1", "cpu-1t 8x8 fp32 b1"
    assert values["Params", large].value == pytest.approx(225e-6)
    assert values["MACs", large].value == pytest.approx(216 * 32 * 48 / 1e9)
    assert values["FLOPs", large].value == pytest.approx(2 * 216 * 32 * 48 / 1e9)
    assert values["MACs", small].value == pytest.approx(216 * 64 / 1e9)
    assert {convention for _, convention in values} == {large, small}
    assert {metric for metric, _ in values} == ALL
    assert all(v.value >= 0 and not v.reason for v in values.values())
    assert 3 <= values["LatencyRuns", large].value <= 30
    assert values["Latency", large].value > 0
    assert values["Throughput", large].value > 0


def test_the_padded_size_is_what_counts(measure: Any, network_method: Any) -> None:
    values = measure("NetworkMethod", [(30, 47)], fields={"size_multiple": 16, "input": "rgb"})
    assert values["MACs", "cpu-1t 47x30 fp32 b1"].value == pytest.approx(216 * 32 * 48 / 1e9)
    assert {shape for shape, _ in network_method.last.seen} == {(1, 3, 32, 48)}


def test_every_run_sees_other_pixels_and_no_cache(measure: Any, network_method: Any, tmp_path: Path) -> None:
    measure("NetworkMethod", [(16, 64)], context=MethodContext(cache_dir=tmp_path))
    sums = [total for _, total in network_method.last.seen]
    assert len(set(sums)) == len(sums)
    assert network_method.last.context.cache_dir is None


def test_throughput_uses_the_batch_size_of_the_convention(measure: Any, network_method: Any) -> None:
    values = measure("NetworkMethod", [(16, 16)], batch_size=4)
    assert values["Throughput", "cpu-1t 16x16 fp32 b4"].value > 0
    assert (4, 1, 16, 16) in {shape for shape, _ in network_method.last.seen}


def test_a_method_that_can_not_batch_is_measured_one_by_one(measure: Any, network_method: Any) -> None:
    values = measure("NetworkMethod", [(16, 16)], batch_size=4, fields={"batchable": False})
    assert ("Throughput", "cpu-1t 16x16 fp32 b1") in values
    assert {shape[0] for shape, _ in network_method.last.seen} == {1}


def test_a_method_that_ends_the_process_gives_the_reason(measure: Any) -> None:
    values = measure("LeavingMethod", [(16, 16)])
    assert all(math.isnan(v.value) and "tried to end the process" in v.reason for v in values.values())


def test_mixed_precision_is_named_and_counts_the_same(measure: Any) -> None:
    values = measure("NetworkMethod", [(16, 16)], precision="bf16", metrics=("MACs", "Params"))
    assert values["MACs", "cpu-1t 16x16 bf16 b1"].value == pytest.approx(216 * 256 / 1e9)
    with pytest.raises(InputError, match="fp8"):
        measure("NetworkMethod", [(16, 16)], precision="fp8")


def test_only_the_metrics_asked_for(measure: Any) -> None:
    assert {metric for metric, _ in measure("NetworkMethod", [(16, 16)], metrics=("Params",))} == {"Params"}


def test_no_network_no_parameters(measure: Any) -> None:
    values = measure("MeanMethod", [(16, 16)])
    convention = "cpu-1t 16x16 fp32 b1"
    assert [values[metric, convention].value for metric in ("Params", "MACs", "FLOPs")] == [0, 0, 0]


def test_a_hidden_network_is_not_reported_as_none(measure: Any) -> None:
    value = measure("HiddenNetworkMethod", [(16, 16)])["Params", "cpu-1t 16x16 fp32 b1"]
    assert math.isnan(value.value)
    assert "`network`" in value.reason


def test_a_size_that_fails_leaves_the_others_intact(measure: Any) -> None:
    values = measure("MeanMethod", [(16, 128), (16, 16)])
    failed = values["Latency", "cpu-1t 128x16 fp32 b1"]
    assert math.isnan(failed.value)
    assert failed.reason == "RuntimeError: too wide for me"
    assert values["Latency", "cpu-1t 16x16 fp32 b1"].value > 0


@pytest.mark.skipif(sys.platform != "linux", reason="CPU memory is measured through Linux's /proc")
def test_peak_memory_finds_what_a_method_needs_on_top(measure: Any) -> None:
    plain = measure("MeanMethod", [(64, 64)], metrics=("PeakMemory",))[
        "PeakMemory", "cpu-1t 64x64 fp32 b1"
    ].value
    hungry = measure("HungryMethod", [(64, 64)], metrics=("PeakMemory",))[
        "PeakMemory", "cpu-1t 64x64 fp32 b1"
    ]
    assert plain < 4
    assert hungry.value == pytest.approx(48, abs=4)


def test_images_fused_elsewhere_have_no_method_to_measure() -> None:
    evaluator = build(SPEC.factory)(SPEC, EvaluatorSettings())
    spec = MethodSpec(name="theirs", title="Theirs", family="precomputed")
    values = evaluator.score(spec, MethodContext(), [(480, 640)])
    assert {v.metric for v in values} == ALL
    assert all(math.isnan(v.value) and "no method to measure" in v.reason for v in values)


def test_the_spec_is_cheap_to_import() -> None:
    code = (
        "import sys, fusionbench.evaluators.efficiency.spec; "
        "print([m for m in ('torch', 'numpy', 'cv2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
