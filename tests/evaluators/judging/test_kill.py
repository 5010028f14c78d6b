"""kill -9 during a judge's training: the resumed training ends with the same bytes, and leaves nothing
behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMON = (
    "--set",
    "batch_size=2",
    "--set",
    "crop=[32,32]",
    "--set",
    "encoder_weights=none",
    "--set",
    "decoder_channels=16",
)
ARGUMENTS = {
    "segmentation": (
        *COMMON,
        "--set",
        "dataset.train_count=4",
        "--set",
        "epochs=27",
        "--set",
        "dataset.size=64x64",
    ),
    "detection": ("--set", "train_count=8", "--set", "batch=2", "--set", "image_size=64", "--epochs", "7"),
}
STATES = {"segmentation": "training.pt", "detection": "last.ckpt"}
WEIGHTS = {"segmentation": "segmenter.safetensors", "detection": "judge.safetensors"}


def start(task: str, out: Path, *more: str) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "fusionbench",
        "train",
        task,
        "--dataset",
        "demo",
        "--out",
        str(out),
        *ARGUMENTS[task],
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*command, *more], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


@pytest.mark.slow
@pytest.mark.parametrize("task", ["segmentation", "detection"])
def test_a_killed_training_ends_with_the_same_bytes(task: str, tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = start(task, killed)
    state = killed / STATES[task]
    for _ in range(2400):
        if state.is_file() or process.poll() is not None:
            break
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert state.is_file()
    assert not (killed / WEIGHTS[task]).exists()
    assert start(task, killed, "--resume").wait() == 0
    assert start(task, whole).wait() == 0
    assert (killed / WEIGHTS[task]).read_bytes() == (whole / WEIGHTS[task]).read_bytes()
    assert {p.name for p in killed.iterdir()} == {p.name for p in whole.iterdir()}
