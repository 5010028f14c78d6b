"""Runs over four small pairs, in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fusionbench.execution.runner import RunResult, execute
from fusionbench.planning.config import RunConfig

Runner = Callable[..., RunResult]

BLEND = """
class M:
    def __init__(self, spec, context): self.a = float(context.options.get("a", 0.5))
    def load(self, device, precision): pass
    def fuse(self, ir, vi): return self.a * ir + (1 - self.a) * vi
"""


@pytest.fixture
def run(pairs: Path, tmp_path: Path) -> Runner:
    """``run(metrics=…)``: ``max`` over the pair folder into ``tmp_path/runs/folder``."""

    def call(**settings: Any) -> RunResult:
        values: dict[str, Any] = {
            "method": ["max"],
            "dataset": ["folder"],
            "task": ["quality"],
            "metrics": ["EN"],
            "jobs": 2,
            "data_root": {"folder": pairs},
            "out": tmp_path / "runs",
            "device": "cpu",
            **settings,
        }
        return execute(RunConfig(**values), quiet=True)

    return call


@pytest.fixture
def blend(tmp_path: Path) -> str:
    """A user's method with one option, ``a``: the weight of infrared."""
    file = tmp_path / "blend.py"
    file.write_text(BLEND)
    return f"{file}:M"
