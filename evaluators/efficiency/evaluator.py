"""Measures a method: builds it, fuses random scenes of each size, counts, times."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence

import torch

from fusionbench.contracts.evaluator import EvaluatorSettings, EvaluatorSpec, Value
from fusionbench.contracts.method import Method, MethodContext, MethodSpec
from fusionbench.execution.fusing import build_method
from fusionbench.plugins.guard import guarded

from . import memory
from .condition import Condition, device_label
from .counting import count_flops, count_parameters, networks_of, weight_bytes
from .scenes import SceneFuser
from .timing import LONG_S, ReferenceConvolution, Times, time_once, time_warm

LATENCY_BUDGET_S = 2.0
THROUGHPUT_BUDGET_S = 1.0

_TIMED = {"Latency", "LatencyIQR", "LatencyRuns", "RelativeLatency", "Throughput"}

Results = dict[str, float | str]
"""Metric → number, or text: the reason why there is none."""


class EfficiencyEvaluator:
    """Evaluator of scope ``method``. ``settings.options``: ``precision``, ``batch_size`` (0: 1 on a CPU, 8 on
    CUDA).
    """

    def __init__(self, spec: EvaluatorSpec, settings: EvaluatorSettings) -> None:
        self._metrics = settings.metrics or spec.default_metrics
        self._seed = settings.seed
        self._device = torch.device(settings.device)
        self._precision = str(settings.options.get("precision") or "fp32")
        default_batch = 8 if self._device.type == "cuda" else 1
        self._batch = int(settings.options.get("batch_size") or default_batch)

    def score(
        self, spec: MethodSpec, context: MethodContext, sizes: Sequence[tuple[int, int]]
    ) -> list[Value]:
        """Build the method and measure it at each (height, width).

        A size at which it fails gets NaN with the reason; failing to build (missing weights) raises. The
        method is built without a cache folder, so that what it would compute once and keep (masks) is part of
        its latency.
        """
        if spec.family == "precomputed" or not spec.factory:
            reason = "the fused images were computed elsewhere; there is no method to measure"
            return [v for size in sizes for v in self._values(dict.fromkeys(self._metrics, reason), size)]
        fresh = dataclasses.replace(context, cache_dir=None)
        method = build_method(spec, fresh, str(self._device), self._precision)
        values: list[Value] = []
        for size in sizes:
            try:
                with guarded(spec.name):
                    values += self._score_size(spec, method, size)
            except Exception as error:  # a method may raise anything; it must not take the other sizes along
                text = str(error).strip().partition("\n")[0]
                failed: Results = dict.fromkeys(self._metrics, f"{type(error).__name__}: {text}")
                values += self._values(failed, size)
        return values

    def _score_size(self, spec: MethodSpec, method: Method, size: tuple[int, int]) -> list[Value]:
        fuse = SceneFuser(spec, method, size, self._device, self._precision, self._seed)
        flops, first, growth = self._first_run(fuse)
        results = self._counted(method, flops, growth)
        batch = self._batch if spec.batchable else 1
        if _TIMED & set(self._metrics):
            times, reference = self._latency(fuse, first)
            results |= _latency_results(times, reference)
            if "Throughput" in self._metrics:
                batch, results["Throughput"] = self._throughput(fuse, times, batch)
        return self._values(results, size, batch)

    def _first_run(self, fuse: SceneFuser) -> tuple[int, float, float | None]:
        """FLOPs, seconds, and bytes by which memory grew (None where unknown)."""
        flops, first = 0, 0.0

        def count() -> None:
            nonlocal flops
            flops = count_flops(fuse.count)

        def counted() -> None:
            nonlocal first
            first = time_once(count, self._device)

        growth = memory.peak_growth(counted, self._device)
        if first <= LONG_S and "PeakMemory" in self._metrics:
            # The first run also loads kernels and libraries; only a second one tells what a run itself needs.
            fuse.prepare()
            growth = memory.peak_growth(fuse, self._device)
        return flops, first, growth

    def _counted(self, method: Method, flops: int, growth: float | None) -> Results:
        networks = networks_of(method)
        hidden = ""
        if flops and not networks:
            hidden = "it convolves or multiplies matrices, but its adapter has no attribute `network`"
        peak: float | str = hidden or weight_bytes(networks) / memory.MIB + (growth or 0.0) / memory.MIB
        if growth is None:
            peak = f"peak memory can't be measured on {self._device.type} here"
        return {
            "Params": hidden or count_parameters(networks) / 1e6,
            "MACs": flops / 2e9,
            "FLOPs": flops / 1e9,
            "PeakMemory": peak,
        }

    def _latency(self, fuse: SceneFuser, first: float) -> tuple[Times, float]:
        """Times at batch 1, and the reference convolution's median (s) right before and after."""
        reference = ReferenceConvolution(self._device)
        reference.sample()
        times = time_warm(fuse, self._device, first=first, budget=LATENCY_BUDGET_S, prepare=fuse.prepare)
        reference.sample()
        return times, reference.median

    def _throughput(self, fuse: SceneFuser, times: Times, batch: int) -> tuple[int, float]:
        """The batch size used and pairs per second; the batch is halved while it takes too long or doesn't
        fit.
        """
        while (
            batch > 1 and 2 * batch * times.median > 4 * THROUGHPUT_BUDGET_S
        ):  # one run to warm up, one timed
            batch //= 2
        while batch > 1:
            prepare = functools.partial(fuse.prepare, batch)
            try:
                prepare()
                first = time_once(fuse, self._device)
                runs = time_warm(
                    fuse, self._device, first=first, budget=THROUGHPUT_BUDGET_S, min_runs=1, prepare=prepare
                )
                return batch, batch * len(runs.seconds) / sum(runs.seconds)
            except (RuntimeError, MemoryError):  # out of memory
                if self._device.type == "cuda":
                    torch.cuda.empty_cache()
                batch //= 2
        return 1, len(times.seconds) / sum(times.seconds)

    def _values(
        self, results: Mapping[str, float | str], size: tuple[int, int], batch: int = 0
    ) -> list[Value]:
        """One value a metric, under the condition of its measurement."""
        height, width = size
        condition = str(
            Condition(device_label(self._device), height, width, self._precision, batch or self._batch)
        )
        values = []
        for metric in self._metrics:
            result = results[metric]
            number, reason = (math.nan, result) if isinstance(result, str) else (float(result), "")
            values.append(Value(metric, number, reason=reason, convention=condition))
        return values


def _latency_results(times: Times, reference: float) -> Results:
    spread: float | str = 1e3 * times.interquartile_range
    if len(times.seconds) < 3:
        spread = f"{len(times.seconds)} run; one takes too long for more"
    return {
        "Latency": 1e3 * times.median,
        "LatencyIQR": spread,
        "LatencyRuns": float(times.warm_runs),
        "RelativeLatency": times.median / reference,
    }


def build(spec: EvaluatorSpec, settings: EvaluatorSettings) -> EfficiencyEvaluator:
    """The factory of the evaluator's spec."""
    return EfficiencyEvaluator(spec, settings)
