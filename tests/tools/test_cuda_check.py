"""The CUDA check's own parts, on a CPU. The whole rehearsal is a command: python tools/cuda_check.py --rehearse --out FOLDER."""

import json
import time
from pathlib import Path

import cuda_check
import pytest
import torch

from fusionbench.methods.sgdfuse.checkpoint import save_weights
from fusionbench.methods.sgdfuse.config import apply_overrides, load_config
from fusionbench.methods.sgdfuse.network.network import build_network

TINY = {
    "model.width": 8, "model.blocks": 1, "model.heads": 2, "model.detail": 4, "model.unet_width": 8,
    "model.unet_multipliers": [1, 1, 2, 2], "model.hfah_width": 4, "model.hfah_hidden": [8, 8],
}  # fmt: skip


def test_a_part_that_fails_is_written_down_and_stops_nothing(tmp_path: Path) -> None:
    check = cuda_check.Check(tmp_path, "cpu", 60, rehearse=True)

    def broken(until: float) -> None:
        raise RuntimeError("no kernel image")

    check.part("speed", broken)
    check.part("metrics", lambda until: {"table": "one"})
    report = json.loads((tmp_path / "report.json").read_text())
    assert "no kernel image" in report["speed"]["error"]
    assert report["metrics"] == {"table": "one"}
    assert set(report["seconds"]) == {"speed", "metrics"}


def test_speed_has_a_row_per_precision_and_batch(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = apply_overrides(load_config("default"), TINY)
    save_weights(tmp_path / "w.safetensors", build_network(config).state_dict(), config, {})
    found = cuda_check.sgdfuse_speed(tmp_path / "w.safetensors", "cpu", True, time.monotonic() + 60)
    assert [(row["precision"], row["batch"]) for row in found["rows"]] == [
        ("fp32", 1), ("fp32", 2), ("bf16", 1), ("bf16", 2),
    ]  # fmt: skip
    assert found["rows"][0]["largest_difference_from_fp32"] == 0
    assert found["rows"][1]["pairs_per_second"] > 0
    late = cuda_check.sgdfuse_speed(tmp_path / "w.safetensors", "cpu", True, time.monotonic() - 1)
    assert all("skipped" in row for row in late["rows"])


def test_without_cuda_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    assert cuda_check.main(["--out", str(tmp_path)]) == 2
    assert "--rehearse" in capsys.readouterr().err
