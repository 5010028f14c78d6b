"""The tables and figures as one LaTeX document, and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tabulate import tabulate

from ..scores.labels import MISSING
from ..tables.latex import escape
from .tables import PaperLine, PaperTable

NOTE = (
    "Lines marked “published” are printed in the paper and were not measured here; the others were. Best and second "
    "best are marked among the published and among the measured lines apart."
)
CAPTIONS = {
    9: "Cost against quality on MSRS: FLOPs, parameters and a score (the paper's Fig. 9).",
    11: "Average precision by class on MSRS (the paper's Fig. 11).",
    12: "Detections on MSRS (the paper's Fig. 12).",
    13: "Segmentations on MSRS (the paper's Fig. 13).",
}
_HEADINGS = {"Qabf": r"$Q^{abf}$"}


def latex(tables: Sequence[PaperTable], figures: Mapping[int, Sequence[str]], missing: Sequence[str]) -> str:
    """A whole document for ``pdflatex``; ``figures`` are PDF files beside it, by number."""
    parts = [
        r"\documentclass[a4paper]{article}",
        r"\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}",
        r"\usepackage[margin=12mm,landscape]{geometry}",
        r"\usepackage{booktabs,graphicx}",
        r"\usepackage[table]{xcolor}",
        r"\newcommand{\best}[1]{\textcolor{red}{\textbf{#1}}}",
        r"\newcommand{\second}[1]{\textcolor{blue}{\underline{#1}}}",
        r"\begin{document}",
        *(_table(table, last=n + 1 == len(tables)) for n, table in enumerate(tables)),
        *(_figure(number, name) for number, names in figures.items() for name in names),
        r"\clearpage\section*{What is missing}",
        r"\begin{itemize}\setlength{\itemsep}{1pt}",
        *(rf"\item {_flags(escape(text))}" for text in missing or ["Nothing."]),
        r"\end{itemize}",
        r"\end{document}",
    ]
    return "\n".join(parts) + "\n"


def _flags(text: str) -> str:
    """Two hyphens stay two: LaTeX would make a dash of the flag ``--task``."""
    return text.replace("--", "-{}-")


def markdown(
    tables: Sequence[PaperTable], figures: Mapping[int, Sequence[str]], missing: Sequence[str]
) -> str:
    """The same as Markdown, figures by their names."""
    parts = []
    for table in tables:
        spans = [title for title, count in table.groups for _ in range(count)]
        several = len(table.groups) > 1
        heads = [
            f"{title.partition(' ')[0]} {heading}" if several else heading
            for title, heading in zip(spans, table.headings, strict=True)
        ]
        body = [[line.label, *_markdown_cells(line)] for line in table.lines]
        align = ["left"] + ["right"] * len(heads)
        grid = tabulate(body, ["Method", *heads], tablefmt="pipe", colalign=align, disable_numparse=True)
        told = "; ".join(title for title, _ in table.groups)
        parts.append(f"**Table {table.number}. {table.caption}** {told}\n\n{grid}")
        parts += [f"- {note}" for note in table.notes]
    parts += [f"**Fig. {n}.** {CAPTIONS[n]} {', '.join(names)}" for n, names in figures.items() if names]
    parts.append("**What is missing**\n\n" + "\n".join(f"- {text}" for text in missing or ["Nothing."]))
    return "\n\n".join([*parts, NOTE]) + "\n"


def _table(table: PaperTable, *, last: bool) -> str:
    rows = []
    for i, line in enumerate(table.lines):
        if i and line.kind == "published" and table.lines[i - 1].kind == "measured":
            rows.append(r"\addlinespace[2pt]")
        rows.append(_line(line))
    spans, rules, start = [], [], 2
    for title, count in table.groups:
        spans.append(rf"\multicolumn{{{count}}}{{c}}{{{escape(title)}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + count - 1}}}")
        start += count
    notes = " ".join([NOTE, *table.notes]) if table.number == 1 or table.notes else ""
    heads = " & ".join(["Method", *(_HEADINGS.get(h, escape(h)) for h in table.headings)])
    return "\n".join(
        [
            r"\begin{table}[p]\centering\footnotesize",
            rf"\setcounter{{table}}{{{table.number - 1}}}",
            rf"\caption{{{escape(table.caption)} Red: best, blue: second best.}}",
            rf"\begin{{tabular}}{{l{'r' * len(table.headings)}}}",
            r"\toprule",
            " & ".join(["", *spans]) + r" \\",
            " ".join(rules),
            heads + r" \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            *([rf"\par\smallskip{{\footnotesize {escape(notes)}}}"] if notes else []),
            r"\end{table}" + (r"\clearpage" if last else ""),
        ]
    )


def _line(line: PaperLine) -> str:
    label = escape(line.label)
    cells = [rf"\textit{{{label}}}" if line.kind == "published" else label]
    for cell, mark in zip(line.cells, line.marks, strict=True):
        text = "--" if cell == MISSING else escape(cell)
        cells.append(rf"\{mark}{{{text}}}" if mark else text)
    return " & ".join(cells) + r" \\"


def _markdown_cells(line: PaperLine) -> list[str]:
    around = {"best": ("**", "**"), "second": ("<u>", "</u>"), "": ("", "")}
    return [f"{around[m][0]}{c}{around[m][1]}" for c, m in zip(line.cells, line.marks, strict=True)]


def _figure(number: int, name: str) -> str:
    return "\n".join(
        [
            r"\begin{figure}[p]\centering",
            rf"\setcounter{{figure}}{{{number - 1}}}",
            rf"\includegraphics[width=\linewidth,height=.82\textheight,keepaspectratio]{{{name}}}",
            rf"\caption{{{escape(CAPTIONS[number])}}}",
            r"\end{figure}",
        ]
    )
