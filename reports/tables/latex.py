"""LaTeX tables in the form of the paper's: booktabs, best in bold red, second best blue and underlined."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from ..scores.labels import ARROWS, MISSING
from .result_table import Column, Line, ResultTable

WIDTH = 115
"""Characters that fit a page's width at ten points; wider tables continue below, in the same float."""

SMALL_WIDTH = 150
"""The same at eight points, which tables with ± are set in."""

PAGE_LINES = 34
"""Lines of a table that fit a landscape page of A4 below its caption."""

PREAMBLE = r"""% Needs in the preamble: \usepackage{booktabs} \usepackage[table]{xcolor}
\providecommand{\best}[1]{\textcolor{red}{\textbf{#1}}}
\providecommand{\second}[1]{\textcolor{blue}{\underline{#1}}}
"""

_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "†": r"\textsuperscript{$\dagger$}",
    "‡": r"\textsuperscript{$\ddagger$}", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "∞": r"$\infty$",
    "−": r"$-$", "±": r"$\pm$", "×": r"$\times$", "µ": r"$\mu$", "≤": r"$\le$", "≥": r"$\ge$", "τ": r"$\tau$", "ρ": r"$\rho$", "²": r"\textsuperscript{2}",
    "³": r"\textsuperscript{3}", "–": "--", "—": "---", "’": "'", "“": "``", "”": "''", "…": r"\dots{}",
}  # fmt: skip


def escape(text: str) -> str:
    """Text as LaTeX prints it. Letters outside Latin-1 lose their accents or become ``?``, so that any name
    compiles. A hyphen before a number becomes a minus sign.
    """
    text = re.sub(r"(?<![\w-])-(?=[\d.])", "−", text)
    return "".join(_ESCAPES.get(c) or (c if ord(c) < 256 else _plain(c)) for c in text if c.isprintable())


def _plain(character: str) -> str:
    decomposed = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return "".join(_ESCAPES.get(c, c) for c in decomposed) or "?"


def latex_table(table: ResultTable) -> str:
    """A ``table*`` float that compiles on its own preamble lines (given as a comment at its head)."""
    small = any(any(line.halves) for line in table.lines)  # ± makes columns wide
    tabulars = "\n\\par\\medskip\n".join(
        _tabular(chunk)
        for chunk in table.chunks_within(SMALL_WIDTH if small else WIDTH, gap=2, wrapped=False)
    )
    if small:
        tabulars = f"\\footnotesize\n{tabulars}"
    many = len(table.footnotes) > 3
    spoken = [". ".join(note.rstrip(".") for note in table.footnotes)] if many else table.footnotes
    notes = "".join(f"\n\\par{{\\footnotesize {escape(note)}}}" for note in spoken)
    marks = (
        r" Best in \best{bold red}, second best \second{blue and underlined}." if _is_marked(table) else ""
    )
    return (
        f"{PREAMBLE}\\begin{{table*}}[t]\n\\centering\n\\caption{{{escape(table.caption)}{marks}}}\n"
        f"\\label{{tab:{table.name}}}\n{tabulars}{notes}\n\\end{{table*}}\n"
    )


def _is_marked(table: ResultTable) -> bool:
    return any(any(line.marks) for line in table.lines)


def _tabular(table: ResultTable) -> str:
    head = " & ".join(["Method", *(_heading(c) for c in table.columns)])
    body: list[str] = []
    for i, line in enumerate(table.lines):
        if i and line.kind != table.lines[i - 1].kind:
            body.append(r"\midrule")
        body.append(_line(line))
    return "\n".join(
        [
            f"\\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
            r"\toprule",
            f"{head} \\\\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _heading(column: Column) -> str:
    return f"{escape(column.heading)}{escape(ARROWS[column.direction])}"


def _line(line: Line) -> str:
    label = escape(line.label)
    if line.kind == "published":
        label = rf"\textit{{{label}}}"
    cells = [label]
    for cell, mark in zip(line.texts, line.marks, strict=True):
        text = "--" if cell == MISSING else escape(cell)
        cells.append(rf"\{mark}{{{text}}}" if mark else text)
    return " & ".join(cells) + r" \\"


def latex_document(tables: Sequence[ResultTable]) -> str:
    """A whole document with every table, to compile as it is (``pdflatex``)."""
    parts = [
        r"\documentclass[a4paper]{article}",
        r"\usepackage[T1]{fontenc}",
        r"\usepackage[utf8]{inputenc}",
        r"\usepackage[margin=10mm,landscape]{geometry}",
        r"\usepackage{booktabs}",
        r"\usepackage[table]{xcolor}",
        r"\begin{document}",
        *(latex_table(table) for table in tables),
        r"\end{document}",
    ]
    return "\n".join(parts) + "\n"


def latex_grid(
    headings: Sequence[str], body: Sequence[Sequence[str]], *, caption: str, label: str, left: int = 1
) -> str:
    """Plain cells as booktabs ``table*`` floats (comparisons, matrices): text in, escaped here; the first ``left``
    columns are set left, the others right. More lines than a page holds continue in another float.
    """
    parts = [body[start : start + PAGE_LINES] for start in range(0, len(body), PAGE_LINES)]
    floats = [r"% Needs in the preamble: \usepackage{booktabs}"]
    for number, part in enumerate(parts):
        text = escape(caption) if number == 0 else f"(continued from Table~\\ref{{tab:{label}}})"
        floats += [
            r"\begin{table*}[t]",
            r"\centering",
            f"\\caption{{{text}}}",
            *([f"\\label{{tab:{label}}}"] if number == 0 else []),
            r"\footnotesize",
            f"\\begin{{tabular}}{{{'l' * left}{'r' * (len(headings) - left)}}}",
            r"\toprule",
            " & ".join(escape(h) for h in headings) + r" \\",
            r"\midrule",
            *(" & ".join(escape(c) for c in cells) + r" \\" for cells in part),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table*}",
        ]
    return "\n".join([*floats, ""])
