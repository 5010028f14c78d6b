"""The report that says what the methods are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from fusionbench.contracts.artifact import Artifact
from fusionbench.contracts.method import MethodSpec
from fusionbench.plugins.catalog import build as resolve
from fusionbench.plugins.catalog import reports
from tests.support.report_rows import quality_rows, report_input


def test_says_licence_training_and_weights(tmp_path: Path) -> None:
    spec = MethodSpec(
        name="max",
        title="Max|Net",
        paper="A: Max",
        year=2024,
        venue="CVPR",
        licence="MIT",
        code_url="https://example.org/max",
        commit="f" * 40,
        trained_on=("demo:train",),
        status="verified",
        artifacts=(Artifact(name="w", filename="w.pth", git_blob="0" * 40),),
    )
    rows = quality_rows(("average", "max"))
    report = reports.get("methods")
    files = resolve(report.factory)(report).render(report_input(rows, methods={"max": spec}), tmp_path)
    assert [f.name for f in files] == ["methods.csv", "methods.md"]
    table = pd.read_csv(files[0], keep_default_na=False).set_index("method")
    assert list(table.index) == ["average", "Max|Net‡"]
    assert table.loc["Max|Net‡", "licence"] == "MIT"
    assert table.loc["Max|Net‡", "weights"] == "git blob " + "0" * 40
    text = files[1].read_text()
    assert "Max\\|Net‡" in text
    assert "CVPR 2024" in text
    assert "https://example.org/max@ffffffffffff" in text
    assert "average" not in text  # it has no paper and no code to tell of


def test_methods_without_papers_need_no_page(tmp_path: Path) -> None:
    report = reports.get("methods")
    built = resolve(report.factory)(report)
    assert [f.name for f in built.render(report_input(quality_rows()), tmp_path)] == ["methods.csv"]
    assert built.render(report_input(quality_rows().iloc[:0]), tmp_path) == []
