"""Training: resume after kill -9, two processes, stages, errors. Runs on procedurally made pairs."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusionbench.errors import InputError
from fusionbench.images.codec import write_png
from fusionbench.methods.sgdfuse.checkpoint import load_checkpoint, load_weights
from fusionbench.methods.sgdfuse.config import TrainConfig
from fusionbench.methods.sgdfuse.training.train import learning_rate, train

SETTINGS = {
    "model.width": 8,
    "model.blocks": 1,
    "model.heads": 2,
    "model.detail": 4,
    "model.unet_width": 8,
    "model.unet_multipliers": [1, 1, 1, 1],
    "model.hfah_width": 4,
    "model.hfah_hidden": [8, 8],
    "train.log_every": 1,
    "train.checkpoint_every": 2,
    "train.validate_every": 100,
    "train.validation_pairs": 1,
}
COMMON: dict[str, Any] = {"masks": ("none",), "batch_size": 2, "crop": 64, "device": "cpu", "seed": 3}

SCRIPT = """
import json, sys, torch
from fusionbench.methods.sgdfuse.training.train import train
if __name__ == "__main__":
    torch.set_num_threads(1)
    train(**json.loads(sys.argv[1]))
"""


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    for kind in ("ir", "vi"):
        (tmp_path / "pairs" / kind).mkdir(parents=True)
    for index in range(5):
        base = np.kron(generator.integers(0, 255, (9, 10, 3)), np.ones((8, 8, 1))).astype(np.uint8)
        write_png(tmp_path / "pairs" / "vi" / f"{index}.png", base)
        write_png(tmp_path / "pairs" / "ir" / f"{index}.png", np.ascontiguousarray(255 - base[..., 0]))
    return tmp_path / "pairs"


def curve(out: Path) -> list[tuple[int, int, float]]:
    lines = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    return [(line["stage"], line["step"], line["loss"]) for line in lines if "loss" in line]


def test_both_stages_then_weights_load(pairs: Path, tmp_path: Path) -> None:
    weights = train(out=tmp_path / "run", datasets=[("folder", pairs)], steps=2, overrides=SETTINGS, **COMMON)
    assert [line[:2] for line in curve(tmp_path / "run")] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    network, facts = load_weights(weights)
    assert facts["mask_providers"] == ["none"]
    assert network.config.model.width == 8
    assert list((tmp_path / "run" / "samples").glob("*.png"))
    assert list((tmp_path / "run" / "tensorboard").iterdir())
    with pytest.raises(InputError, match="--resume"):
        train(out=tmp_path / "run", datasets=[("folder", pairs)], steps=2, overrides=SETTINGS, **COMMON)


@pytest.mark.slow
def test_resume_after_kill_repeats_the_loss_curve(pairs: Path, tmp_path: Path) -> None:
    script = tmp_path / "go.py"
    script.write_text(SCRIPT)

    def call(out: str, **more: Any) -> list[str]:
        settings = {
            "out": str(tmp_path / out),
            "datasets": [["folder", str(pairs)]],
            "steps": 8,
            "overrides": SETTINGS,
            **COMMON,
            **more,
        }
        return [sys.executable, str(script), json.dumps(settings)]

    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(call("whole"), check=True, env=environment, capture_output=True)
    process = subprocess.Popen(
        call("killed"), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    checkpoint, deadline = tmp_path / "killed" / "last.ckpt", time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run(call("killed", resume=True), check=True, env=environment, capture_output=True)
    whole, resumed = curve(tmp_path / "whole"), curve(tmp_path / "killed")
    assert [line[:2] for line in resumed] == [line[:2] for line in whole]
    assert [line[2] for line in resumed] == pytest.approx([line[2] for line in whole], rel=1e-4)


@pytest.mark.slow
def test_two_processes_agree(pairs: Path, tmp_path: Path) -> None:
    """Two CPU processes over gloo, under torchrun: they finish, and average their losses."""
    script = tmp_path / "go.py"
    script.write_text(SCRIPT)
    settings = {
        "out": str(tmp_path / "two"),
        "datasets": [["folder", str(pairs)]],
        "steps": 2,
        "devices": 2,
        "overrides": SETTINGS,
    }
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        str(script),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, json.dumps({**settings, **COMMON})],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    state = load_checkpoint(tmp_path / "two" / "last.ckpt")
    assert (state["stage"], state["step"]) == (2, 2)
    # Data parallel with half the batch each is the same step as one process with the whole batch, for the
    # same crops.
    train(
        out=tmp_path / "one",
        datasets=[("folder", pairs)],
        steps=2,
        overrides=SETTINGS,
        **{**COMMON, "batch_size": 4},
        stage=1,
    )
    first = [loss for stage, _, loss in curve(tmp_path / "two") if stage == 1]
    assert first == pytest.approx([loss for _, _, loss in curve(tmp_path / "one")], rel=1e-3)


def test_resume_refuses_another_shape(pairs: Path, tmp_path: Path) -> None:
    train(out=tmp_path / "run", datasets=[("folder", pairs)], steps=1, stage=1, overrides=SETTINGS, **COMMON)
    other = {**SETTINGS, "model.width": 4}
    with pytest.raises(InputError, match="shape"):
        train(
            out=tmp_path / "run",
            datasets=[("folder", pairs)],
            steps=1,
            resume=True,
            overrides=other,
            **COMMON,
        )


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"stage": "3"}, "--stage"),
        ({"precision": "8"}, "--precision"),
        ({"datasets": ()}, "--dataset"),
        ({"preset": "large"}, "preset"),
        ({"stage": "2"}, "--stage 1"),
    ],
)
def test_bad_settings_are_named(tmp_path: Path, settings: Any, text: Any) -> None:
    with pytest.raises(InputError, match=text):
        train(**{"out": tmp_path / "run", "datasets": [("folder", tmp_path)], "device": "cpu", **settings})


def test_foreign_checkpoints_are_refused(tmp_path: Path) -> None:
    (tmp_path / "last.ckpt").write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="can't be read"):
        load_checkpoint(tmp_path / "last.ckpt")


def test_learning_rate() -> None:
    settings = TrainConfig(lr=1.0, lr_schedule="cosine", warmup=10)
    assert learning_rate(0, 110, settings) == pytest.approx(0.1)
    assert learning_rate(60, 110, settings) == pytest.approx(0.51)  # half way: (1 + 0.02) / 2
    assert learning_rate(110, 110, settings) == pytest.approx(0.02)
    assert learning_rate(20, 110, settings, elapsed=0.5) == learning_rate(
        60, 110, settings
    )  # late by the clock
    assert learning_rate(110, 110, settings, elapsed=0.5) == learning_rate(110, 110, settings)
    assert learning_rate(50, 110, TrainConfig(lr=1.0)) == 1.0


def test_stops_when_the_time_is_over_and_goes_on(pairs: Path, tmp_path: Path) -> None:
    arguments: dict[str, Any] = {
        "out": tmp_path / "run",
        "datasets": [("folder", pairs)],
        "steps": 3,
        "overrides": SETTINGS,
        **COMMON,
    }
    train(minutes=0, **arguments)
    state = load_checkpoint(tmp_path / "run" / "last.ckpt")
    assert (state["stage"], state["step"]) == (1, 1)
    train(resume=True, **arguments)
    state = load_checkpoint(tmp_path / "run" / "last.ckpt")
    assert (state["stage"], state["step"]) == (2, 3)


def test_paths_of_the_machine_stay_out_of_the_weights(pairs: Path, tmp_path: Path) -> None:
    start = train(out=tmp_path / "a", datasets=[("folder", pairs)], steps=1, overrides=SETTINGS, **COMMON)
    settings = {**SETTINGS, "train.init": str(start), "train.boxes": {"folder": str(pairs)}}
    weights = train(out=tmp_path / "b", datasets=[("folder", pairs)], steps=1, overrides=settings, **COMMON)
    network, _ = load_weights(weights)
    assert network.config.train.init == start.name
    assert network.config.train.boxes == {}
