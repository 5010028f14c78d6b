"""Times calls on a device, within a budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

MIN_RUNS, MAX_RUNS = 3, 30
LONG_S, VERY_LONG_S = 5.0, 15.0
"""A call longer than LONG_S is run once when warm; one longer than VERY_LONG_S isn't run again at all: its
first run counts, as what warming up costs, some 0.1 s, is then below one per cent."""


@dataclass(frozen=True)
class Times:
    """Seconds of every run, and how many of them were warm."""

    seconds: tuple[float, ...]
    warm_runs: int

    @property
    def median(self) -> float:
        """Median in seconds."""
        return float(torch.tensor(self.seconds, dtype=torch.float64).quantile(0.5))

    @property
    def interquartile_range(self) -> float:
        """75th minus 25th percentile in seconds; NaN for fewer than three runs."""
        if len(self.seconds) < 3:
            return float("nan")
        low, high = torch.tensor(self.seconds, dtype=torch.float64).quantile(
            torch.tensor([0.25, 0.75], dtype=torch.float64)
        )
        return float(high - low)


def synchronise(device: torch.device) -> None:
    """Wait until the device has done all that was queued."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def time_once(run: Callable[[], object], device: torch.device) -> float:
    """Seconds of one call, synchronised before and after."""
    synchronise(device)
    start = time.perf_counter()
    run()
    synchronise(device)
    return time.perf_counter() - start


def time_warm(
    run: Callable[[], object],
    device: torch.device,
    *,
    first: float,
    budget: float,
    min_runs: int = MIN_RUNS,
    prepare: Callable[[], object] = lambda: None,
) -> Times:
    """Time a call that has run before and took ``first`` s. ``prepare`` runs untimed.

    As many runs as fit into ``budget`` s, at least ``min_runs`` and at most 30; one if a call takes over
    5 s, none over 15 s.
    """
    if first > VERY_LONG_S:
        return Times((first,), 0)
    at_least = min_runs if first <= LONG_S else 1
    seconds: list[float] = []
    while len(seconds) < at_least or (sum(seconds) < budget and len(seconds) < MAX_RUNS):
        prepare()
        seconds.append(time_once(run, device))
    return Times(tuple(seconds), len(seconds))


class ReferenceConvolution:
    """The yardstick of ``RelativeLatency``: a 3×3 convolution, 64 → 64 channels, 320×240, fp32 (2.83 GMACs),
    timed when asked.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        generator = torch.Generator().manual_seed(0)
        self._image = torch.randn(1, 64, 240, 320, generator=generator).to(device)
        self._weight = torch.randn(64, 64, 3, 3, generator=generator).to(device)
        self.seconds: list[float] = []
        with torch.inference_mode():
            time_once(self._run, device)

    def _run(self) -> torch.Tensor:
        return torch.nn.functional.conv2d(self._image, self._weight, padding=1)

    def sample(self, runs: int = MIN_RUNS) -> None:
        """Time it a few times."""
        with torch.inference_mode(), torch.autocast(self._device.type, enabled=False):
            self.seconds += [time_once(self._run, self._device) for _ in range(runs)]

    @property
    def median(self) -> float:
        """Median in seconds of all samples."""
        return Times(tuple(self.seconds), len(self.seconds)).median
