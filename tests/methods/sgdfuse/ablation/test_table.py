"""The ablation's table: bold, groups, published values, escaping, in three formats."""

import csv
import io

from fusionbench.methods.sgdfuse.ablation.table import (
    TableRow,
    csv_table,
    difference_table,
    latex_table,
    latex_text,
    markdown_table,
)

ROWS = [
    TableRow(
        "I. Masks & more",
        "w/o SAM",
        {"EN": {"a": 6.4320, "b": 6.4322}, "SD": {"a": 40.0}},
        {"EN": 6.43, "SD": 43.27},
    ),
    TableRow("I. Masks & more", "w/o IR", {}, {"EN": 6.68, "SD": 44.73}),
    TableRow("", "Ours", {"EN": {"a": 6.4, "b": 6.6}, "SD": {"a": 39.9996}}, {"EN": 6.81, "SD": 45.28}),
]


def test_latex_marks_the_best_of_each_side_and_ties_as_printed() -> None:
    text = latex_table(ROWS, [("EN", "EN"), ("SD", "SD")], "What it is.", "paper, Table 3")
    lines = [line.strip() for line in text.splitlines()]
    assert "w/o SAM & 6.432 & \\textbf{40.000} & 6.43 & 43.27 \\\\" in lines
    assert "w/o IR & -- & -- & 6.68 & 44.73 \\\\" in lines
    assert "Ours & \\textbf{6.500} & \\textbf{40.000} & \\textbf{6.81} & \\textbf{45.28} \\\\" in lines
    assert "\\multicolumn{5}{l}{\\textit{I. Masks \\& more}} \\\\" in lines
    assert "published (paper, Table 3)" in text
    assert text.count("\\toprule") == text.count("\\bottomrule") == 1
    assert text.count("{") == text.count("}")
    for line in lines:
        if line.startswith(("w/o", "Ours", "Variant")):
            assert line.count(" & ") == 4


def test_csv_keeps_sources_apart() -> None:
    table = list(
        csv.DictReader(io.StringIO(csv_table(ROWS, ["EN", "SD"], {"steps1": 10, "masks": "saliency"})))
    )
    assert [(row["variant"], row["source"]) for row in table] == [
        ("w/o SAM", "measured"),
        ("w/o SAM", "published"),
        ("w/o IR", "published"),
        ("Ours", "measured"),
        ("Ours", "published"),
    ]
    assert (table[0]["EN"], table[0]["steps1"], table[1]["steps1"]) == ("6.4321", "10", "")


def test_markdown_says_what_is_published() -> None:
    text = markdown_table(ROWS, ["EN", "SD"], "Caption.", "paper")
    assert "| Ours | **6.500** | **40.000** |" in text
    assert "| *published (paper)* | *6.81* | *45.28* |" in text
    assert "| w/o IR | – | – |" in text


def test_differences_are_paired_by_image() -> None:
    rows = [
        TableRow("", "less", {"EN": {"a": 5.0, "b": 7.0, "c": 9.0}, "SD": {"a": 1.0}}, {}),
        TableRow("", "base", {"EN": {"c": 10.0, "b": 8.0, "a": 4.0}, "SD": {"a": 1.0}}, {}),
    ]
    text = difference_table(rows, ["EN", "SD"])
    # Differences +1, -1, -1: mean -1/3, standard deviation 2/sqrt(3), standard error 2/3.
    assert "| less | −0.333±0.667 | – |" in text
    assert "| base" not in text


def test_latex_text_escapes() -> None:
    assert latex_text("50 % of a_b & {c} #1 ~ ^ \\") == (
        "50 \\% of a\\_b \\& \\{c\\} \\#1 \\textasciitilde{} \\textasciicircum{} \\textbackslash{}"
    )
