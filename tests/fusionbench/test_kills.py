"""Real kills: a run that was killed at any moment and started again leaves the bytes of an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fusionbench.store.journal import Journal

COUNT = 60
METHODS = ("max", "laplacian")


def start(out: Path, device: str = "cpu") -> subprocess.Popen[str]:
    """Start a run of two methods over ``COUNT`` demo pairs in a process (group) of its own."""
    command = [
        sys.executable,
        "-m",
        "fusionbench",
        "run",
        "--method",
        ",".join(METHODS),
        "--dataset",
        "demo",
        "--option",
        f"demo.count={COUNT}",
        "--option",
        "demo.size=96x80",
        "--task",
        "quality",
        "--metrics",
        "EN,SD,AG",
        "--report",
        "per-image",
        "--jobs",
        "2",
        "--device",
        device,
        "--out",
        str(out),
        "--name",
        "run",
        "--quiet",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
        preexec_fn=hear_interrupts,  # noqa: PLW1509 (it only sets a signal handler)
    )


def hear_interrupts() -> None:
    """Undo what a shell does to its background jobs, whose children would ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(process: subprocess.Popen[str]) -> str:
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return errors


def count_images(out: Path) -> int:
    folders = [out / "run" / "fused" / method / "demo" / "test" for method in METHODS]
    return sum(name.endswith(".png") for folder in folders if folder.is_dir() for name in os.listdir(folder))


def wait_for_images(out: Path, count: int, process: subprocess.Popen[str]) -> None:
    while process.poll() is None and count_images(out) < count:
        time.sleep(0.001)


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, results_of: Callable[[Path], dict[str, bytes]]
) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("undisturbed")
    finish(start(out))
    results = results_of(out / "run")
    assert len(results) == COUNT * len(METHODS) + len(METHODS)
    return results


@pytest.mark.slow
def test_stopped_at_random_moments(
    tmp_path: Path, undisturbed: dict[str, bytes], results_of: Callable[[Path], dict[str, bytes]]
) -> None:
    """SIGKILL twice, Ctrl-C and SIGTERM once each: nothing that was finished is made again, and the end is
    the same.
    """
    seed = int(os.environ.get("FUSIONBENCH_TEST_SEED", random.randrange(10_000)))
    print(f"FUSIONBENCH_TEST_SEED={seed}")  # pytest shows it where the test fails
    moment = random.Random(seed)
    kept: dict[Path, int] = {}
    for number in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL, signal.SIGTERM):
        process = start(tmp_path)
        more = moment.randrange(8, 16)
        wait_for_images(tmp_path, count_images(tmp_path) + more, process)
        time.sleep(moment.random() * 0.02)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        if number == signal.SIGKILL:
            assert process.returncode == -signal.SIGKILL
        else:
            assert process.returncode == 130, errors
            assert "interrupted; what is finished is kept, run the same command again" in errors
            assert "Traceback" not in errors
        for path, modified in kept.items():
            assert path.stat().st_mtime_ns == modified, f"{path.name} was finished before, and made again"
        kept = finished_images(tmp_path / "run")
        assert kept
    finish(start(tmp_path))
    assert results_of(tmp_path / "run") == undisturbed
    assert not list((tmp_path / "run").glob("**/*.part"))
    assert not list((tmp_path / "run" / "journal").iterdir())
    for path, modified in kept.items():
        assert path.stat().st_mtime_ns == modified


def finished_images(run: Path) -> dict[Path, int]:
    """The images that journals and manifests hold as finished, with their modification times."""
    import json

    found: dict[Path, int] = {}
    for method in METHODS:
        names: set[str] = set()
        for journal in (run / "journal").glob(f"fuse--{method}--*"):
            names |= {entry.image for entry in Journal.read(journal)}
        for manifest in (run / "units").glob(f"fuse--{method}--*"):
            names |= set(json.loads(manifest.read_text())["images"])
        for name in names:
            path = run / "fused" / method / "demo" / "test" / f"{name}.png"
            found[path] = path.stat().st_mtime_ns
    return found


@pytest.mark.slow
def test_two_processes_give_the_bytes_of_one(
    tmp_path: Path, undisturbed: dict[str, bytes], results_of: Callable[[Path], dict[str, bytes]]
) -> None:
    process = start(tmp_path, "cpu,cpu")
    wait_for_images(tmp_path, 10, process)
    process.kill()  # the parent alone: its workers must end by themselves
    process.communicate()
    deadline = time.monotonic() + 20
    while group_lives(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not group_lives(process.pid), "workers outlive the process that started them"
    finish(start(tmp_path, "cpu,cpu"))
    assert results_of(tmp_path / "run") == undisturbed


def group_lives(group: int) -> bool:
    """Whether a process of this group (one session a run) is still there, zombies aside."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            return True
    return False
