"""The front page's example prints what README.md shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"
ROW = re.compile(r"^ *(Maximum|Laplacian pyramid) +([\d. ]+?) *$", re.MULTILINE)


def printed_rows(text: str) -> dict[str, list[float]]:
    """Method → the numbers of its row in a printed table."""
    return {name: [float(number) for number in numbers.split()] for name, numbers in ROW.findall(text)}


def test_the_example_prints_what_is_shown(tmp_path: Path) -> None:
    command = "run --method max,laplacian --dataset demo --limit 4 --task quality"
    text = README.read_text(encoding="utf-8")
    assert f"fusionbench {command}" in text
    done = subprocess.run(
        [sys.executable, "-m", "fusionbench", *command.split(), "--out", str(tmp_path)],
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=True,
    )
    shown, printed = printed_rows(text), printed_rows(done.stdout)
    assert set(shown) == set(printed) == {"Maximum", "Laplacian pyramid"}
    for name, numbers in shown.items():
        assert printed[name] == pytest.approx(numbers, abs=0.0101)
