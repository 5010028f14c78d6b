"""Paired comparison of methods with a baseline: terminal table, CSV and LaTeX, from
``fusionbench.statistics.comparison.compare``.
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

from fusionbench.contracts.report import Rendered
from fusionbench.contracts.rows import SCORE_KEY
from fusionbench.files.atomic import write_atomic
from fusionbench.files.csv_text import csv_text
from fusionbench.statistics.comparison import compare, entrant_names
from fusionbench.statistics.paired import holm

from ..scores.details import Detail, by_table, details_of, is_dev_only
from ..scores.frames import TABLE_KEY, lines_of, tables_of
from ..scores.labels import ARROWS, COMPETING_REFERENCES, format_value, ordered_entrants, slug
from ..scores.summary import direction_of
from ..tables.latex import latex_grid
from .task_comparison import HEADINGS as TASK_HEADINGS
from .task_comparison import NOTE as TASK_NOTE
from .task_comparison import compare_draws, interval, signed, task_cells, task_verdicts

if TYPE_CHECKING:
    from fusionbench.contracts.evaluator import MetricSpec
    from fusionbench.contracts.report import ReportInput, ReportSpec

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
    """Built by the spec's factory; see ``fusionbench.contracts.report.Report``. The baseline is the option
    ``baseline``, or the first method.
    """

    spec: ReportSpec

    def tables(self, data: ReportInput) -> Rendered:
        """The comparison (see ``comparison_tables``) with the option ``baseline``, of the option ``methods``;
        nothing for fewer than two methods.
        """
        baseline = _baseline(data)
        if baseline is None:
            return Rendered()
        return comparison_tables(data, baseline, methods=data.options.get("methods"))

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write the texts of ``tables`` into a folder."""
        return _write(self.tables(data), folder)


def build(spec: ReportSpec) -> CompareReport:
    """The factory of ``spec.py``."""
    return CompareReport(spec)


def _baseline(data: ReportInput) -> str | None:
    if not len(data.rows):
        return None
    rows = data.rows.assign(entrant=entrant_names(data.rows))
    names = [entrant for entrant, _ in ordered_entrants(rows, data.methods)]
    return str(data.options.get("baseline") or names[0]) if len(names) > 1 else None


def comparison_tables(data: ReportInput, baseline: str, *, methods: Sequence[str] | None = None) -> Rendered:
    """Compare methods with a baseline: what to print, and the texts of the files.

    ``data.rows`` may hold several runs (methods are then called ``name@run`` where one name stands in
    several; see ``statistics.entrant_names``). ``methods`` are the others (all, if None). ``data.metrics``
    gives directions and decimals; without it, no verdict is given. Scores of downstream tasks whose units
    left bootstrap draws are compared draw by draw (see ``task_comparison``), all others image by image. The
    texts are ``compare.csv`` and ``compare-tasks.csv`` at full precision and one ``compare-….tex`` for each
    dataset, split, evaluator and convention. Raises ``InputError`` naming a method that has no rows.
    """
    rows, metrics = data.rows, data.metrics
    frame = compare(rows, baseline, methods)
    left = details_of(data)
    tasks = compare_draws(rows.assign(entrant=entrant_names(rows)), left, baseline, methods)
    frame = _without(frame, rows, tasks)
    frame = frame.assign(verdict=verdicts(frame, metrics))
    tasks = tasks.assign(verdict=task_verdicts(tasks, metrics))
    groups = by_table(left)
    parts = [_drawn(data, key, part, groups[key]) for key, part in tables_of(tasks)]
    single = (frame["unit"] == "seed") & (frame["n"] == 1) & frame["evaluator"].isin(COMPETING_REFERENCES)
    paired = frame[~single]  # one number against one number: in the CSV alone
    parts += [_paired(key, part, metrics) for key, part in tables_of(paired)]
    shown = Group(*(part.terminal() for part in parts))
    named = {"compare.csv": frame, "compare-tasks.csv": tasks}
    texts = {n: csv_text(f) for n, f in named.items() if len(f)}
    texts |= {f"{part.name}.tex": part.latex() for part in parts}
    return Rendered((shown,), lambda: texts)


def _write(rendered: Rendered, folder: Path) -> list[Path]:
    for name, text in rendered.texts.items():
        write_atomic(folder / name, text.encode())
    return [folder / name for name in rendered.texts]


def _without(frame: pd.DataFrame, rows: pd.DataFrame, tasks: pd.DataFrame) -> pd.DataFrame:
    """A comparison less the scores compared draw by draw, and less means over images of scores that have a
    value of the whole set; corrected for what is left.
    """
    whole = rows.loc[rows["image"] == "", SCORE_KEY].drop_duplicates()
    by_image = (frame["unit"] == "image").to_numpy()
    doubled = _among(frame, whole).to_numpy() & by_image
    kept = frame[~doubled & ~_among(frame, tasks).to_numpy()]
    if len(kept) in (0, len(frame)):
        return kept
    family = kept.groupby(TABLE_KEY, sort=False)["p"]
    return kept.assign(p_holm=family.transform(lambda p: holm(p.to_numpy())))


def _among(frame: pd.DataFrame, scores: pd.DataFrame) -> pd.Series[bool]:
    """Which lines are about one of these scores."""
    names = set(scores[SCORE_KEY].itertuples(index=False, name=None))
    return pd.Series(
        [key in names for key in frame[SCORE_KEY].itertuples(index=False, name=None)], dtype=bool
    )


@dataclass(frozen=True)
class _Part:
    """One table of a comparison, ready to be printed or written."""

    name: str
    title: str
    note: str
    headings: tuple[str, ...]
    cells: list[list[str]]

    def terminal(self) -> Group:
        shown = Table(box=box.SIMPLE_HEAD)
        for heading in self.headings:
            shown.add_column(heading, justify="left" if heading in {"Metric", "Verdict"} else "right")
        for cells in self.cells:
            style = {"better": "green", "worse": "red"}.get(cells[-1].partition(" ")[0], "")
            shown.add_row(*(Text(c) for c in cells[:-1]), Text(cells[-1], style=style))
        return Group(Text(self.title, style="italic"), shown, Text(f"  {self.note}", style="dim italic"), "")

    def latex(self) -> str:
        return latex_grid(
            self.headings, self.cells, caption=f"{self.title}. {self.note}", label=self.name, left=2
        )


def _paired(key: Sequence[Any], part: pd.DataFrame, metrics: Mapping[str, MetricSpec]) -> _Part:
    name = slug("compare-" + "-".join(key))
    return _Part(name, _title(key, part), _NOTE, HEADINGS, list(_cells(part, metrics)))


def _drawn(data: ReportInput, key: Sequence[Any], part: pd.DataFrame, details: list[Detail]) -> _Part:
    """Scores over all classes; those of single classes stand in the CSV."""
    overall = part[part["class_name"] == ""]
    title = _title(key, part)
    if is_dev_only(str(key[3]), details):
        title = f"Development only, not the standard protocol: {title}"
    name = slug("compare-sets-" + "-".join(key))
    cells = task_cells(overall if len(overall) else part, data.metrics)
    return _Part(name, title, TASK_NOTE, TASK_HEADINGS, cells)


def verdicts(frame: pd.DataFrame, metrics: Mapping[str, MetricSpec]) -> list[str]:
    """``better`` or ``worse`` than the baseline, or ``inconclusive``, by the corrected test and the metric's
    direction.

    Empty where the metric has no direction, or too few pairs exist for any test to reach the level.
    """
    found = []
    for line in lines_of(frame):
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
    for line in lines_of(part):
        digits = metrics[line.metric].digits + 1 if line.metric in metrics else 4
        arrow = ARROWS[direction_of(line.metric, metrics)]
        yield [
            " ".join(t for t in (line.metric, line.class_name.replace("_", " "), arrow) if t),
            line.b,
            f"{line.n}" + ("" if line.unit == "image" else f" seed{'s' * (line.n != 1)}"),
            format_value(line.mean_a, digits),
            format_value(line.mean_b, digits),
            signed(line.difference, digits),
            interval(line.low, line.high, digits),
            format_p(line.p_holm if _testable(line.n) else math.nan),
            format_value(line.effect, 2),
            line.verdict,
        ]


def format_p(p: float) -> str:
    """A p-value: three decimals, ``<0.001`` below them, ``–`` for none."""
    return "<0.001" if p < 0.001 else format_value(p, 3)


def _title(key: Sequence[Any], part: pd.DataFrame) -> str:
    dataset, split, evaluator, convention = key
    named = f"convention {convention}" if evaluator == "quality" else convention
    return f"{evaluator.capitalize()} on {dataset} ({split}), {named}: against {part['a'].iloc[0]}"


_NOTE = (
    "Difference: mean over pairs, method less baseline, with its bootstrap interval (Student's over seeds). "
    "p: Wilcoxon signed-rank, Holm-corrected over this table. "
    "Effect: matched-pairs rank-biserial correlation."
)
