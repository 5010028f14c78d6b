"""The metric benchmark's code paths that need no clock: batches on a device, tried on the CPU, and a machine
without CUDA.
"""

import metrics_cuda
import metrics_measure
import pytest
import torch


def test_a_batch_on_the_cpu_agrees_with_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_cuda, "_batch", lambda size: [metrics_measure.synthetic(64, 96)] * size)
    table = metrics_cuda.on_device("cpu", batch=2, repeats=1)
    rows = [line.split("|") for line in table.splitlines() if line.startswith(("| float64", "| float32"))]
    assert [row[-2].strip() for row in rows] == ["pass", "pass"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_says_that_there_is_no_cuda_device() -> None:
    assert "No CUDA device" in metrics_cuda.on_device("cuda")
