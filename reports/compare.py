"""Paired comparison of methods with a baseline: terminal table, CSV and LaTeX, from
``fusionbench.statistics.compare``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from fusionbench.images import write_atomic
from fusionbench.statistics import compare, entrant_names

from .latex import escape
from .layout import ARROWS, format_value, ordered_entrants, slug
from .summary import TABLE_KEY, direction_of

if TYPE_CHECKING:
    from fusionbench.contracts import MetricSpec, ReportInput, ReportSpec

LEVEL = 0.05
"""Significance level of the Holm-corrected Wilcoxon test."""

HEADINGS = (
    "Metric",
    "Method",
    "n",
    "Baseline",
    "Method",
    "Difference",
    "95 % interval",
    "p (Holm)",
    "Effect",
    "Verdict",
)


@dataclass(frozen=True)
class CompareReport:
    """Built by the spec's factory; see ``fusionbench.contracts.Report``. The baseline is the option
    ``baseline``, or the first method.
    """

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write the files of ``render_comparison``; nothing for fewer than two methods."""
        baseline = _baseline(data)
        if baseline is None:
            return []
        return render_comparison(data.rows, baseline, folder, metrics=data.metrics)[1]


def build(spec: ReportSpec) -> CompareReport:
    """The factory of ``spec.py``."""
    return CompareReport(spec)


def _baseline(data: ReportInput) -> str | None:
    if not len(data.rows):
        return None
    rows = data.rows.assign(entrant=entrant_names(data.rows))
    names = [entrant for entrant, _ in ordered_entrants(rows, data.methods)]
    return str(data.options.get("baseline") or names[0]) if len(names) > 1 else None


def render_comparison(
    rows: pd.DataFrame,
    baseline: str,
    folder: Path | None,
    *,
    methods: Sequence[str] | None = None,
    metrics: Mapping[str, MetricSpec] | None = None,
) -> tuple[Group, list[Path]]:
    """Compare methods with a baseline: what to print, and the files written.

    ``rows`` may hold several runs (methods are then called ``name@run`` where one name stands in several; see
    ``statistics.entrant_names``). ``methods`` are the others (all, if None). ``metrics`` gives directions and
    decimals; without it, no verdict is given. Into ``folder`` (None: nothing is written) go ``compare.csv``
    at full precision and one ``compare-….tex`` for each dataset, split, evaluator and convention. Raises
    ``InputError`` naming a method that has no rows.
    """
    frame = compare(rows, baseline, methods)
    frame = frame.assign(verdict=verdicts(frame, metrics or {}))
    groups = [(key, part) for key, part in frame.groupby(TABLE_KEY, sort=False)]
    shown = Group(*(_terminal_table(key, part, metrics or {}) for key, part in groups))
    files: list[Path] = []
    if folder is not None and len(frame):
        texts = {"compare.csv": frame.to_csv(index=False, lineterminator="\n")}
        for key, part in groups:
            texts[f"{slug('compare-' + '-'.join(key))}.tex"] = latex_comparison(key, part, metrics or {})
        for name, text in texts.items():
            write_atomic(folder / name, text.encode())
            files.append(folder / name)
    return shown, files


def verdicts(frame: pd.DataFrame, metrics: Mapping[str, MetricSpec]) -> list[str]:
    """``better`` or ``worse`` than the baseline, or ``inconclusive``, by the corrected test and the metric's
    direction.

    Empty where the metric has no direction, or too few pairs exist for any test to reach the level.
    """
    found = []
    for line in frame.itertuples():
        direction = direction_of(line.metric, metrics)
        if direction == "none" or not _testable(line.n):
            found.append("")
        elif line.p_holm >= LEVEL:
            found.append("inconclusive")
        else:
            found.append("better" if (line.difference > 0) == (direction == "higher") else "worse")
    return found


def _testable(pairs: int) -> bool:
    """Whether Wilcoxon's test of so many pairs can reach ``LEVEL`` at all (six can: p ≥ 2/2^n)."""
    return bool(2.0**-pairs <= LEVEL / 2)


def _cells(part: pd.DataFrame, metrics: Mapping[str, MetricSpec]) -> Iterable[list[str]]:
    for line in part.itertuples():
        digits = metrics[line.metric].digits + 1 if line.metric in metrics else 4
        arrow = ARROWS[direction_of(line.metric, metrics)]
        yield [
            " ".join(t for t in (line.metric, line.class_name.replace("_", " "), arrow) if t),
            line.b,
            f"{line.n}" + ("" if line.unit == "image" else " seeds"),
            format_value(line.mean_a, digits),
            format_value(line.mean_b, digits),
            f"{'+' if line.difference > 0 else ''}{format_value(line.difference, digits)}",
            f"[{format_value(line.low, digits)}, {format_value(line.high, digits)}]",
            format_p(line.p_holm if _testable(line.n) else math.nan),
            format_value(line.effect, 2),
            line.verdict,
        ]


def format_p(p: float) -> str:
    """A p-value: three decimals, ``<0.001`` below them, ``–`` for none."""
    return "<0.001" if p < 0.001 else format_value(p, 3)


def _title(key: Sequence[Any], part: pd.DataFrame) -> str:
    dataset, split, evaluator, convention = key
    return f"{evaluator.capitalize()} on {dataset} ({split}), {convention}: against {part['a'].iloc[0]}"


_NOTE = (
    "Difference: mean over pairs, method less baseline, with its bootstrap interval (Student's over seeds). "
    "p: Wilcoxon signed-rank, Holm-corrected over this table. "
    "Effect: matched-pairs rank-biserial correlation."
)


def _terminal_table(key: Sequence[Any], part: pd.DataFrame, metrics: Mapping[str, MetricSpec]) -> Table:
    shown = Table(
        title=Text(_title(key, part)),
        caption=_NOTE,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
    )
    for heading in HEADINGS:
        shown.add_column(heading, justify="left" if heading in {"Metric", "Verdict"} else "right")
    styles = {"better": "green", "worse": "red"}
    for cells in _cells(part, metrics):
        shown.add_row(*(Text(c) for c in cells[:-1]), Text(cells[-1], style=styles.get(cells[-1], "")))
    return shown


def latex_comparison(key: Sequence[Any], part: pd.DataFrame, metrics: Mapping[str, MetricSpec]) -> str:
    """The comparison as a booktabs table."""
    body = [" & ".join(escape(c) for c in cells) + r" \\" for cells in _cells(part, metrics)]
    return "\n".join(
        [
            r"% Needs in the preamble: \usepackage{booktabs}",
            r"\begin{table*}[t]",
            r"\centering",
            f"\\caption{{{escape(_title(key, part))}. {escape(_NOTE)}}}",
            f"\\label{{tab:{slug('compare-' + '-'.join(key))}}}",
            r"\begin{tabular}{llrrrrrrrl}",
            r"\toprule",
            " & ".join(escape(h) for h in HEADINGS) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table*}",
            "",
        ]
    )
