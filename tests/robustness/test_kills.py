"""A few kills at random moments; ``make attack`` does a hundred. See ``kills.py``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "count"), [("one process", 4), ("score", 2)])
def test_kills(scenario: str, count: int, seed: int) -> None:
    script = Path(__file__).with_name("kills.py")
    command = [sys.executable, str(script), "--count", str(count), "--only", scenario, "--seed", str(seed)]
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 faults" in result.stdout
