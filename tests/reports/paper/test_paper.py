"""The paper's tables from rows made by hand, beside the published ones; the document compiles."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fusionbench.contracts.report import ReportInput
from fusionbench.contracts.rows import COLUMNS
from fusionbench.plugins import catalog
from fusionbench.reports.paper.document import latex, markdown
from fusionbench.reports.paper.missing import missing
from fusionbench.reports.paper.tables import paper_methods, paper_tables


def row(
    method: str, dataset: str, metric: str, value: float, image: str = "a", **more: Any
) -> dict[str, Any]:
    known = dict.fromkeys(COLUMNS, "")
    return {**known, "run": "r", "method": method, "dataset": dataset, "split": "test", "image": image} | {
        "evaluator": "quality",
        "convention": "cddfuse",
        "metric": metric,
        "seed": 0,
        "value": value,
        **more,
    }


def made() -> ReportInput:
    rows = []
    for image in "abc":
        rows += [row("u2fusion", "msrs", "EN", 5.0, image), row("max", "msrs", "EN", 6.0, image)]
        rows += [row("u2fusion", "llvip", "VIF", 0.5, image), row("visible", "msrs", "EN", 9.0, image)]
    rows.append(row("u2fusion", "msrs", "SD", 30.0, "a"))
    classes = ("unlabelled", "car", "person", "curve", "color_cone", "bike")
    rows += [
        row("max", "msrs", "IoU", 0.5, "", class_name=c, evaluator="segmentation", convention="seg-x/judge@1")
        for c in classes
    ]
    specs = {name: catalog.methods.get(name) for name in ("u2fusion", "max", "visible")}
    run = {
        "invocations": [
            {"skipped": ["piafusion: piafusion: net.pth is not in /a, /b. Fetch it", "m3fd: no folder given"]}
        ]
    }
    return ReportInput(
        rows=pd.DataFrame(rows, columns=list(COLUMNS)),
        run=run,
        methods=specs,
        metrics=catalog.metrics(),
        datasets={},
        fused_dir=Path("none"),
        load_pair=lambda *_: (_ for _ in ()).throw(AssertionError),
    )


def test_tables_have_the_papers_lines_and_ours_below() -> None:
    first, second, third, fourth = paper_tables(made())
    assert [t.number for t in (first, second, third, fourth)] == [1, 2, 3, 4]
    labels = [line.label for line in first.lines]
    assert labels[:3] == ["U2Fusion (published)", "U2Fusion (ours)", "TarDAL (published)"]
    assert labels[-1] == "Maximum (ours)"  # a method that isn't the paper's stands below
    assert not any("Visible" in label for label in labels)
    assert first.lines[0].cells[0] == "5.37"
    assert first.lines[1].cells[:2] == ("5.00", "30.00")
    assert first.groups == (("MSRS (3 pairs)", 7), ("M3FD (not measured)", 7))
    assert any("1 of 3 pairs" in note for note in first.notes)
    assert [line.label for line in second.lines][1] == "U2Fusion (ours)"
    assert "SGDFuse w/o SAM (published)" in [line.label for line in third.lines]
    ours = next(line for line in fourth.lines if line.label == "Maximum (ours)")
    assert ours.cells == ("0.500",) * 7
    assert any("can't be compared" in note for note in fourth.notes)


def test_published_marks_are_the_papers() -> None:
    first = paper_tables(made())[0]
    best = {line.label for line in first.lines if line.kind == "published" and line.marks[0] == "best"}
    assert best == {"SGDFuse (published)"}
    assert {line.label for line in first.lines if line.kind == "measured" and line.marks[0] == "best"} == {
        "Maximum (ours)"
    }


def test_what_is_missing_is_said_with_its_reason() -> None:
    data = made()
    lines = missing(data, paper_tables(data), {9: [], 10: [], 11: [], 12: [], 13: []})
    said = "\n".join(lines)
    assert "PIAFusion: not measured in Tables 1, 2, 4 (net.pth is not there)" in said
    assert "U2Fusion: not measured in Tables 3, 4" not in said
    assert "w/o HFAH: not measured in Table 3 (needs the trained variants" in said
    assert "Table 1: nothing measured on M3FD" in said
    assert "Fig. 10: needs the trained variants" in said
    assert sum(name in said for name in paper_methods()) >= 13


def test_markdown_holds_every_table() -> None:
    data = made()
    text = markdown(paper_tables(data), {9: ["x.pdf"]}, ["PIAFusion: not measured"])
    assert text.count("**Table") == 4
    assert "| U2Fusion (ours)" in text
    assert "- PIAFusion: not measured" in text
    assert "x.pdf" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_the_document_compiles(tmp_path: Path) -> None:
    (tmp_path / "paper.tex").write_text(latex(paper_tables(made()), {}, ["100 % of “it” & more_x"]))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    log = (tmp_path / "paper.log").read_text(errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert "Overfull \\hbox" not in log
