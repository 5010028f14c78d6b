"""Timing with a clock that doesn't depend on the machine, and the condition's string form."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from fusionbench.evaluators.efficiency import timing
from fusionbench.evaluators.efficiency.condition import Condition, device_label

CPU = torch.device("cpu")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A clock that stands still unless a call advances it."""

    class Clock:
        now = 0.0

        def advance(self, seconds: Any) -> None:
            self.now += seconds

    clock = Clock()
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock.now)
    return clock


@pytest.mark.parametrize(
    ("seconds", "runs", "warm"),
    [(0.001, 30, 30), (0.25, 8, 8), (1.5, 3, 3), (5.0, 3, 3), (7.0, 1, 1), (60.0, 1, 0)],
)
def test_how_often_a_call_is_run(clock: Any, seconds: Any, runs: Any, warm: Any) -> None:
    times = timing.time_warm(lambda: clock.advance(seconds), CPU, first=seconds, budget=2.0)
    assert len(times.seconds) == runs
    assert times.warm_runs == warm
    assert times.median == pytest.approx(seconds)


def test_preparation_is_not_timed(clock: Any) -> None:
    times = timing.time_warm(
        lambda: clock.advance(0.5), CPU, first=0.5, budget=2.0, prepare=lambda: clock.advance(9.0)
    )
    assert times.seconds == pytest.approx((0.5,) * 4)


def test_median_and_quartiles() -> None:
    times = timing.Times((4.0, 1.0, 2.0, 3.0, 10.0), 5)
    assert times.median == 3.0
    assert times.interquartile_range == 2.0
    assert math.isnan(timing.Times((1.0,), 1).interquartile_range)


def test_the_reference_is_timed_when_asked() -> None:
    reference = timing.ReferenceConvolution(CPU)
    assert reference.seconds == []
    reference.sample(2)
    assert len(reference.seconds) == 2
    assert reference.median > 0


def test_a_condition_reads_back() -> None:
    condition = Condition(device_label(CPU), 480, 640, "fp32", 4)
    assert str(condition) == f"cpu-{torch.get_num_threads()}t 640x480 fp32 b4"
    assert Condition.parse(str(condition)) == condition
    gpu = Condition("nvidia-h100-80gb-hbm3", 1024, 1280, "bf16", 8)
    assert Condition.parse(str(gpu)) == gpu
    with pytest.raises(ValueError, match="cpu-2t 640x480 fp32 b1"):
        Condition.parse("cddfuse")
