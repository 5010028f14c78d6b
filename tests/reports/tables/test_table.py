"""Tables: exact text of small ones, marks, footnotes, escapes, published rows, conventions kept apart."""

from __future__ import annotations

import math
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from fusionbench.contracts.method import MethodSpec
from fusionbench.reports.scores.labels import format_value, slug
from fusionbench.reports.spec import SPECS
from fusionbench.reports.tables.latex import escape, latex_document, latex_table
from fusionbench.reports.tables.notes import contamination
from fusionbench.reports.tables.result_table import mark_best, tables
from fusionbench.reports.tables.table import build, csv_table, markdown_table, terminal_tables
from tests.support.report_rows import frame, quality_rows, report_input, row

SPEC = next(s for s in SPECS if s.name == "table")


def small() -> list[dict[str, object]]:
    return [
        row("visible", "EN", 9.0),
        row("a_b", "EN", 1.0),
        row("max", "EN", 3.0),
        row("dwt", "EN", 2.0),
        row("visible", "Latency", 0.1),
        row("a_b", "Latency", 5.0),
        row("max", "Latency", 5.0),
        row("dwt", "Latency", math.nan, reason="too large"),
    ]


def test_latex_is_exactly_this() -> None:
    (table,) = tables(report_input(frame(small())))
    body = latex_table(table).split("\n", 3)[3]
    assert body == (
        "\\begin{table*}[t]\n\\centering\n"
        "\\caption{Quality on DEMO (test, n = 1 pairs), convention cddfuse. fusionbench commit abc1234. "
        "Best in \\best{bold red}, second best \\second{blue and underlined}.}\n"
        "\\label{tab:demo-test-quality-cddfuse}\n"
        "\\begin{tabular}{lrr}\n\\toprule\n"
        "Method & EN$\\uparrow$ & Latency$\\downarrow$ \\\\\n\\midrule\n"
        "visible & 9.00 & 0.10 \\\\\n\\midrule\n"
        "a\\_b & 1.00 & 5.00 \\\\\n"
        "max & \\best{3.00} & 5.00 \\\\\n"
        "dwt & \\second{2.00} & -- \\\\\n"
        "\\bottomrule\n\\end{tabular}\n"
        "\\par{\\footnotesize dwt, Latency: 1 left out of 1: too large}\n"
        "\\end{table*}\n"
    )


def test_csv_is_exactly_this() -> None:
    (table,) = tables(report_input(frame(small())))
    assert csv_table(table) == (
        "method,kind,convention,EN,Latency\n"
        "visible,reference,cddfuse,9.0,0.1\n"
        "a_b,measured,cddfuse,1.0,5.0\n"
        "max,measured,cddfuse,3.0,5.0\n"
        "dwt,measured,cddfuse,2.0,\n"
    )


def test_markdown_is_exactly_this() -> None:
    (table,) = tables(report_input(frame(small()[:4])))
    assert markdown_table(table) == (
        "**Quality on DEMO (test, n = 1 pairs), convention cddfuse. fusionbench commit abc1234.**\n\n"
        "| Method   |       EN ↑ |\n"
        "|:---------|-----------:|\n"
        "| visible  |       9.00 |\n"
        "| a\\_b     |       1.00 |\n"
        "| max      |   **3.00** |\n"
        "| dwt      | <u>2.00</u> |\n".replace("|       9.00 |", "|        9.00 |")
        .replace("|       1.00 |", "|        1.00 |")
        .replace("|   **3.00** |", "|    **3.00** |")
        .replace("|       EN ↑ |", "|        EN ↑ |")
        .replace("|-----------:|", "|------------:|")
    )


@pytest.mark.parametrize(
    ("values", "direction", "expected"),
    [
        ([1.0, 3.0, 2.0], "higher", ["", "best", "second"]),
        ([1.0, 3.0, 2.0], "lower", ["best", "", "second"]),
        ([3.0, 3.0, 2.0], "higher", ["best", "best", ""]),
        ([3.0, 2.0, 2.0], "higher", ["best", "second", "second"]),
        ([3.001, 3.002, 2.0], "higher", ["best", "best", ""]),
        ([3.0, 2.0], "higher", ["best", ""]),
        ([2.0, 2.0, 2.0], "higher", ["", "", ""]),
        ([3.0], "higher", [""]),
        ([1.0, math.nan, 2.0], "higher", ["", "", "best"]),
        ([1.0, 3.0, 2.0], "none", ["", "", ""]),
    ],
)
def test_marks(values: list[float], direction: str, expected: list[str]) -> None:
    cells = [format_value(v, 2) for v in values]
    assert mark_best(cells, values, [True] * len(values), direction) == expected


def test_single_sensors_compete_in_tasks_only() -> None:
    rows = [
        row(m, "mIoU", v, image="", evaluator=e)
        for e in ("segmentation", "quality")
        for m, v in (("infrared", 0.9), ("a", 0.5), ("b", 0.6))
    ]
    task, quality = tables(report_input(frame(rows)))
    assert [line.marks[0] for line in task.lines] == ["best", "", "second"]
    assert [line.marks[0] for line in quality.lines] == ["", "", "best"]


def test_two_conventions_never_share_a_table_and_each_is_named() -> None:
    rows = frame(
        [
            row("a", "VIF", 1.0),
            row("a", "VIF", 2.0, convention="vifb"),
            row("b", "VIF", 3.0, convention="vifb"),
        ]
    )
    first, second = tables(report_input(rows))
    assert "convention cddfuse" in first.caption
    assert "convention vifb" in second.caption
    assert [line.values for line in first.lines] == [(1.0,)]
    assert [line.values for line in second.lines] == [(2.0,), (3.0,)]


def test_published_rows_appear_only_when_asked_for_and_marked() -> None:
    rows = frame([row("max", m, 1.0, dataset="msrs") for m in ("EN", "VIF")])
    (plain,) = tables(report_input(rows))
    assert [line.kind for line in plain.lines] == ["measured"]
    (table,) = tables(report_input(rows, published=True))
    published = [line for line in table.lines if line.kind == "published"]
    assert len(published) == 14
    assert all(line.label.endswith("(published)") and not any(line.marks) for line in published)
    assert published[-1].cells == ("6.81", "1.08")
    assert any("Zhang et al., SGDFuse, Table 1" in note for note in table.footnotes)
    assert any("Table 3 gives 1.06" in note for note in table.footnotes)
    assert "published" in csv_table(table).splitlines()[-1]
    (other,) = tables(report_input(rows.assign(convention="vifb"), published=True))
    assert [line.kind for line in other.lines] == ["measured"]


def test_class_columns_stand_in_the_papers_order_with_their_mean_last() -> None:
    names = ["bike", "car", "background", "color_cone", "person", "curve", "bump"]
    rows = [row("a", "IoU", 0.5, class_name=c, image="", evaluator="segmentation") for c in names]
    rows += [row("a", "mIoU", 0.6, image="", evaluator="segmentation")]
    (table,) = tables(report_input(frame(rows)))
    assert [c.heading for c in table.columns] == [
        "Background",
        "Car",
        "Person",
        "Curve",
        "Color Cone",
        "Bike",
        "Bump",
        "mIoU",
    ]


def test_seeds_show_their_interval() -> None:
    rows = [
        row("a", "mIoU", v, image="", evaluator="segmentation", seed=s)
        for s, v in enumerate([0.7, 0.72, 0.74])
    ]
    (table,) = tables(report_input(frame(rows)))
    assert table.lines[0].texts == ("0.72±0.05",)
    assert "mean of 3 seeds" in table.caption


@pytest.mark.parametrize(
    ("trained_on", "mark"),
    [
        (("msrs:test",), "†"),
        (("msrs",), "†"),
        (("msrs:train", "llvip"), "‡"),
        (("llvip:test",), ""),
        ((), ""),
    ],
)
def test_contamination_is_marked(trained_on: tuple[str, ...], mark: str) -> None:
    spec = MethodSpec(name="m", title="M", trained_on=trained_on)
    assert contamination(spec, "msrs", "test")[0] == mark
    rows = frame([row("m", "EN", 1.0, dataset="msrs")])
    (table,) = tables(report_input(rows, methods={"m": spec}))
    assert table.lines[0].label == f"M{mark}"
    assert len(table.footnotes) == bool(mark)


def test_left_out_images_are_named_and_many_are_counted() -> None:
    rows = [row("m", "VIF", 1.0, image="good")]
    rows += [row("m", "VIF", math.nan, image=f"bad{i}", reason="constant image") for i in range(5)]
    (table,) = tables(report_input(frame(rows)))
    assert table.footnotes == (
        "m, VIF: 5 left out of 6: bad0, bad1, bad2 and 2 more (see the CSV): constant image",
    )


def test_what_is_left_out_of_several_methods_alike_is_said_once() -> None:
    rows = [
        row(m, "NIQE", math.nan, image=i, reason="no parameters; fetch them") for m in "abc" for i in "xy"
    ]
    (table,) = tables(report_input(frame(rows)))
    assert table.footnotes == ("a, b and c, NIQE: 2 left out of 2: no parameters; fetch them",)


def test_a_mean_over_fewer_images_than_the_others_says_so() -> None:
    rows = [row(m, "EN", 1.0, image=i) for m, images in (("a", "wxyz"), ("b", "wy")) for i in images]
    (table,) = tables(report_input(frame(rows)))
    assert table.footnotes == ("b: only 2 of 4 pairs, without x, z",)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1.23456, 3, "1.235"),
        (-0.0001, 2, "0.00"),
        (-1.5, 1, "-1.5"),
        (math.nan, 2, "–"),
        (math.inf, 2, "∞"),
        (42, 0, "42"),
    ],
)
def test_numbers(value: float, digits: int, text: str) -> None:
    assert format_value(value, digits) == text


def test_escapes() -> None:
    assert escape("50% & a_b #1 {x} <é>") == r"50\% \& a\_b \#1 \{x\} \textless{}é\textgreater{}"
    assert escape("~ ^ \\") == r"\textasciitilde{} \textasciicircum{} \textbackslash{}"
    assert escape("ő↑深") == r"ő$\uparrow$\anyletter{深}{U+6DF1}"
    assert escape("[-0.5, 1] det-7") == r"[$-$0.5, 1] det-7"
    assert slug("../cuda:0 480×640") == "cuda-0-480-640"


@given(st.text())
def test_slugs_are_plain_file_names(text: str) -> None:
    name = slug(text)
    assert name
    assert not set(name) & set("/\\: \n\0")
    assert name.strip(".")


def test_no_rows_no_files(tmp_path: Path) -> None:
    data = report_input(frame([]))
    assert build(SPEC).render(data, tmp_path / "report") == []
    assert build(SPEC).tables(data).shown == ()
    assert not (tmp_path / "report").exists()


def test_files_and_terminal(tmp_path: Path) -> None:
    data = report_input(quality_rows())
    files = build(SPEC).render(data, tmp_path)
    assert {f.name for f in files} == {
        "summary.csv",
        "leaderboard.csv",
        "tables.md",
        "tables.tex",
        "table-demo-test-quality-cddfuse.csv",
        "table-demo-test-quality-cddfuse.md",
        "table-demo-test-quality-cddfuse.tex",
    }
    assert all(f.is_file() for f in files)
    console = Console(width=100, record=True)
    for shown in terminal_tables(data):
        console.print(shown)
    text = console.export_text()
    assert "convention cddfuse" in text
    assert "laplacian" in text
    assert "…" not in text


def test_wide_tables_continue_below() -> None:
    data = report_input(quality_rows(metrics=[f"Metric{i}" for i in range(30)], images=2))
    console = Console(width=100, record=True)
    for shown in terminal_tables(data, 100):
        console.print(shown)
    assert "…" not in console.export_text()
    (whole,) = terminal_tables(data)  # no terminal here: nothing is cut
    assert [len(part.columns) for part in whole.renderables if isinstance(part, Table)] == [31]
    (table,) = tables(data)
    assert latex_table(table).count(r"\begin{tabular}") == 4
    assert sum(len(chunk.columns) for chunk in table.chunks(7)) == 30


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(tmp_path: Path) -> None:
    rows = [*small(), row("50%_{#}&~^\\$", "EN", 1.5), row("深ő†", "Q^{ab}_f", math.inf)]
    found = tables(
        report_input(
            frame([*rows, *[row("max", m, 1.0, dataset="msrs") for m in ("EN", "SD")]]), published=True
        )
    )
    (tmp_path / "tables.tex").write_text(latex_document(found))
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "LaTeX Warning" not in done.stdout.replace("LaTeX Warning: Label(s) may have changed", "")
