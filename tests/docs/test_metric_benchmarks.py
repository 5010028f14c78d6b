"""The metric benchmark's code paths that need no clock: batches on a device, tried on the CPU, and a machine
without CUDA.
"""

import sys
from pathlib import Path

import pytest
import torch

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import metrics_cuda


def test_a_batch_on_the_cpu_agrees_with_the_cpu(monkeypatch):
    monkeypatch.setattr(metrics_cuda, "_batch", lambda size: [metrics_cuda.synthetic(64, 96)] * size)
    table = metrics_cuda.on_device("cpu", batch=2, repeats=1)
    rows = [line.split("|") for line in table.splitlines() if line.startswith(("| float64", "| float32"))]
    assert [row[-2].strip() for row in rows] == ["pass", "pass"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_says_that_there_is_no_cuda_device():
    assert "No CUDA device" in metrics_cuda.on_device("cuda")
