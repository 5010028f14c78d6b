"""The tool that writes docs/results/robustness.md, on a small run of demo scenes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from fusionbench.execution.runner import execute
from fusionbench.planning.config import RunConfig

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("robustness_tool", ROOT / "tools" / "robustness.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    return module


def test_the_page_says_command_pairs_and_severities(tool: ModuleType, tmp_path: Path) -> None:
    config = RunConfig(
        method=["average", "max"],
        dataset=["demo"],
        dataset_options={"demo": {"size": "96x80"}},
        task=["quality"],
        metrics=["Qabf"],
        limit=2,
        corrupt=["fog:1", "ir-gone"],
        out=tmp_path / "runs",
        device="cpu",
        jobs=2,
    )
    folder = execute(config, quiet=True).folder
    assert tool.main([str(folder)]) == 0
    page = (tmp_path / "robustness.md").read_text()
    assert "    fusionbench run --method average,max --dataset demo" in page
    assert "--corrupt fog:1,ir-gone" in page
    assert "2 pairs of demo (test), 2 corruptions, severities 1, 5" in page
    assert "too few for an interval" in page
    assert page.count("](robustness-Qabf.png)") == 1
    assert (tmp_path / "robustness-Qabf.png").stat().st_size > 5000
