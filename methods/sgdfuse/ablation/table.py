"""The ablation's table in the form of the paper's Table 3, as LaTeX (booktabs), CSV and Markdown."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MISSING = "–"

Scores = Mapping[str, Mapping[str, float]]
"""{metric: {image: value}}."""


@dataclass(frozen=True)
class TableRow:
    """One variant: its ``scores`` and the ``published`` values by metric; empty where there are none."""

    group: str
    label: str
    scores: Scores
    published: Mapping[str, float]

    @property
    def measured(self) -> dict[str, float]:
        """The mean of each metric over the pairs."""
        return {name: statistics.fmean(values.values()) for name, values in self.scores.items() if values}


def best_values(
    rows: Sequence[TableRow], metric: str, digits: tuple[int, int]
) -> tuple[float | None, float | None]:
    """Largest measured and largest published value of a metric, as printed (rounded to ``digits``); None
    without any.
    """
    measured = [round(row.measured[metric], digits[0]) for row in rows if metric in row.measured]
    published = [round(row.published[metric], digits[1]) for row in rows if metric in row.published]
    return max(measured, default=None), max(published, default=None)


def latex_table(
    rows: Sequence[TableRow],
    metrics: Sequence[tuple[str, str]],
    caption: str,
    published_from: str,
    digits: tuple[int, int] = (3, 2),
) -> str:
    """A booktabs ``table*``: groups as sub-headings, our values left, the published ones (marked so) right,
    best in bold.

    ``metrics`` are (name, LaTeX heading) pairs, all higher-is-better; ``digits`` the decimals of ours and of
    the published.
    """
    count = len(metrics)
    headings = " & ".join(title for _, title in metrics)
    lines = [
        "% Written by `fusionbench ablate sgdfuse`; needs \\usepackage{booktabs}.",
        "\\begin{table*}[t]",
        "  \\centering",
        f"  \\caption{{{caption}}}",
        "  \\label{tab:sgdfuse-ablation}",
        "  \\setlength{\\tabcolsep}{3.5pt}",
        f"  \\begin{{tabular}}{{l{'r' * count}@{{\\hspace{{14pt}}}}{'r' * count}}}",
        "    \\toprule",
        (
            f"    & \\multicolumn{{{count}}}{{c}}{{measured (ours)}} "
            f"& \\multicolumn{{{count}}}{{c}}{{published ({published_from})}} \\\\"
        ),
        f"    \\cmidrule(r){{2-{count + 1}}} \\cmidrule(l){{{count + 2}-{2 * count + 1}}}",
        f"    Variant & {headings} & {headings} \\\\",
    ]
    group = None
    for row in rows:
        if row.group != group:
            group = row.group
            lines += ["    \\midrule"]
            if group:
                lines += [
                    f"    \\multicolumn{{{2 * count + 1}}}{{l}}{{\\textit{{{latex_text(group)}}}}} \\\\"
                ]
        cells = [
            _cell(row.measured.get(name), best_values(rows, name, digits)[0], digits[0], "\\textbf{%s}", "--")
            for name, _ in metrics
        ] + [
            _cell(
                row.published.get(name), best_values(rows, name, digits)[1], digits[1], "\\textbf{%s}", "--"
            )
            for name, _ in metrics
        ]
        lines.append(f"    {latex_text(row.label)} & {' & '.join(cells)} \\\\")
    lines += ["    \\bottomrule", "  \\end{tabular}", "\\end{table*}", ""]
    return "\n".join(lines)


def csv_table(rows: Sequence[TableRow], metrics: Sequence[str], facts: Mapping[str, object]) -> str:
    """One line a variant and source (``measured`` or ``published``), unrounded, with the budget's ``facts``
    in every line.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["group", "variant", "source", *metrics, *facts])
    for row in rows:
        for source, values in (("measured", row.measured), ("published", row.published)):
            if values:
                numbers = [f"{values[name]:.6g}" if name in values else "" for name in metrics]
                known = list(facts.values()) if source == "measured" else [""] * len(facts)
                writer.writerow([row.group, row.label, source, *numbers, *known])
    return buffer.getvalue()


def markdown_table(
    rows: Sequence[TableRow],
    metrics: Sequence[str],
    caption: str,
    published_from: str,
    digits: tuple[int, int] = (3, 2),
) -> str:
    """The same as Markdown: a line a variant, and below it in italics the published values."""
    lines = [caption, "", "| variant | " + " | ".join(metrics) + " |", "|---|" + "---:|" * len(metrics)]
    group = None
    for row in rows:
        if row.group and row.group != group:
            lines.append(f"| **{row.group}** |" + " |" * len(metrics))
        group = row.group
        ours = [
            _cell(row.measured.get(name), best_values(rows, name, digits)[0], digits[0], "**%s**", MISSING)
            for name in metrics
        ]
        lines.append(f"| {row.label} | {' | '.join(ours)} |")
        if row.published:
            theirs = [_cell(row.published.get(name), None, digits[1], "%s", MISSING) for name in metrics]
            lines.append(
                f"| *published ({published_from})* | " + " | ".join(f"*{cell}*" for cell in theirs) + " |"
            )
    return "\n".join([*lines, ""])


def difference_table(rows: Sequence[TableRow], metrics: Sequence[str]) -> str:
    """Markdown: each variant minus the last row, mean over the pairs ± standard error of that mean.

    The error is that of the choice of pairs alone; how much another training seed would change is not in it.
    """
    own = rows[-1].scores
    lines = [
        (
            f'Differences from "{rows[-1].label}", mean over the pairs ± its standard error (pairs only, one'
            " training seed):"
        ),
        "",
        "| variant | " + " | ".join(metrics) + " |",
        "|---|" + "---:|" * len(metrics),
    ]
    for row in rows[:-1]:
        cells = []
        for name in metrics:
            values, base = row.scores.get(name, {}), own.get(name, {})
            pairs = [values[image] - base[image] for image in values if image in base]
            if len(pairs) < 2:
                cells.append(MISSING)
                continue
            error = statistics.stdev(pairs) / len(pairs) ** 0.5
            cells.append(f"{statistics.fmean(pairs):+.3f}±{error:.3f}".replace("-", "−"))
        lines.append(f"| {row.label} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def latex_text(text: str) -> str:
    """Plain text with LaTeX's special characters escaped."""
    special = {"\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}"}
    return "".join(special.get(letter, f"\\{letter}" if letter in "&%$#_{}" else letter) for letter in text)


def _cell(value: float | None, best: float | None, digits: int, bold: str, missing: str) -> str:
    if value is None:
        return missing
    text = f"{value:.{digits}f}"
    return bold % text if best is not None and round(value, digits) == best else text
