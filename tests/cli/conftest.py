"""Every command of the command line is tested in this process, in an empty folder with an empty cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder with an empty cache."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FUSIONBENCH_DATA", raising=False)
    monkeypatch.delenv("FUSIONBENCH_WEIGHTS", raising=False)


@pytest.fixture
def run(cli: Cli, pairs: Path) -> Cli:
    """``run("--method", …)``: quality (EN, SD) of the pair folder, with the table report."""

    def call(*arguments: object) -> Any:
        return cli(
            "run",
            "--dataset",
            "folder",
            "--data-root",
            f"folder={pairs}",
            "--task",
            "quality",
            "--metrics",
            "EN,SD",
            "--report",
            "table",
            "--device",
            "cpu",
            *arguments,
        )

    return call
