"""The eight metrics in batches on a device: pairs a second, and how far the values are from the CPU's."""

from __future__ import annotations

import math
import statistics
import time

import torch
from metrics_measure import EIGHT, Images, maximum, pairs, synthetic
from tabulate import tabulate

from fusionbench.contracts.dataset import PairImages
from fusionbench.evaluators.quality.cpu_evaluator import QualityEvaluator
from fusionbench.evaluators.quality.on_device.evaluator import BatchedQualityEvaluator
from fusionbench.images.codec import read_image

TARGET = 1000.0
"""Pairs a second on an H200-class GPU."""
TOLERANCES = {torch.float64: 1e-9, torch.float32: 1e-4}


def _batch(size: int) -> list[Images]:
    files = pairs()
    if not files:
        return [synthetic(480, 640)] * size
    batch = []
    for i in range(size):
        infrared, visible = (read_image(path) for path in files[i * len(files) // size])
        batch.append((infrared, visible, maximum(infrared, visible)))
    return batch


def _difference(ours: float, wanted: float) -> float:
    return abs(ours - wanted) / max(abs(wanted), 1e-12) if math.isfinite(wanted) else 0.0


def on_device(device: str, batch: int = 32, repeats: int = 5) -> str:
    """A table for the device ("cuda", or "cpu" to try the code), or a line that says that there is no such
    device.
    """
    if device.startswith("cuda") and not torch.cuda.is_available():
        return "No CUDA device here: neither the speed (target 1,000 pairs/s) nor the agreement was measured."
    images = _batch(batch)
    sources = [PairImages(infrared, visible) for infrared, visible, _ in images]
    fused = [image for _, _, image in images]
    exact = QualityEvaluator(EIGHT, ["cddfuse"])
    wanted = [[v.value for v in exact.score(f, s)] for f, s in zip(fused, sources, strict=True)]
    rows = []
    for dtype, tolerance in TOLERANCES.items():
        evaluator = BatchedQualityEvaluator(EIGHT, ["cddfuse"], device, dtype)
        values = evaluator.score_batch(fused, sources)
        worst = max(
            _difference(v.value, w)
            for got, want in zip(values, wanted, strict=True)
            for v, w in zip(got, want, strict=True)
        )
        times = []
        for _ in range(repeats):
            begun = time.perf_counter()
            evaluator.score_batch(fused, sources)  # brings the values back, so the device has finished
            times.append(time.perf_counter() - begun)
        speed = batch / statistics.median(times)
        rows.append(
            [
                str(dtype).removeprefix("torch."),
                speed,
                "pass" if speed >= TARGET else "fail",
                f"{worst:.1e}",
                f"{tolerance:.0e}",
                "pass" if worst <= tolerance else "fail",
            ]
        )
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else device
    head = [
        "type",
        "pairs/s",
        "1,000 pairs/s",
        "largest relative difference from the CPU",
        "allowed",
        "agreement",
    ]
    table = tabulate(rows, headers=head, floatfmt=".0f", tablefmt="github", disable_numparse=[3, 4])
    return f"{name}, batches of {batch} pairs of 640×480, upload included.\n\n{table}"
