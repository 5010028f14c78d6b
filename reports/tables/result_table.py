"""Tables as data: which methods and metrics, in which order, formatted how, marked how, under which caption.

Every table a report writes, in the terminal, in Markdown, CSV or LaTeX, is one of these ``ResultTable``
objects, so that all of them say the same. One table holds one dataset, split, evaluator and convention (or
protocol): two conventions never share a column.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast

import pandas as pd

from ..published import published_beside
from ..scores.details import Detail, by_table, details_of, protocol_of
from ..scores.frames import TableKey, tables_of
from ..scores.labels import (
    ARROWS,
    COMPETING_REFERENCES,
    COSTS,
    REFERENCE_METHODS,
    entrant_title,
    format_value,
    ordered_entrants,
    slug,
)
from ..scores.summary import direction_of, refuse_mixture, summary
from .notes import (
    caption,
    contamination,
    exclusion_notes,
    missing_notes,
    published_notes,
    scored_images,
    task_notes,
)

if TYPE_CHECKING:
    from fusionbench.contracts.evaluator import MetricSpec
    from fusionbench.contracts.report import ReportInput


CLASS_COLUMNS = {"detection": ("mAP", "mAP50"), "segmentation": ("IoU",)}
"""Scores shown class by class in a task's table; those of other scores stand in summary.csv alone."""

CLASS_ORDER = ("background", "unlabelled", "car", "person", "curve", "color_cone", "bike")
"""Class columns in the order of the paper's Table 4; other classes follow in the order of the rows."""

METRIC_ORDER = ("EN", "SD", "SF", "MI", "SCD", "VIF", "Qabf")
"""Metrics in the order of the paper's Tables 1 to 3; others follow in the order of their specs."""

Mark = Literal["", "best", "second"]


@dataclass(frozen=True)
class Column:
    """One score: its metric and class, the heading, the direction, and the decimals to print."""

    metric: str
    class_name: str
    heading: str
    direction: str
    digits: int

    @property
    def titled(self) -> str:
        """The heading with its arrow: ``EN ↑``."""
        return f"{self.heading} {ARROWS[self.direction]}".strip()


@dataclass(frozen=True)
class Line:
    """One method: ``values`` (NaN where there is none), their text, half-widths and marks, column by column.

    A half-width is the text of ± the 95 % interval over seeds, "" for scores without repeated seeds.

    ``kind`` is ``reference`` (a single sensor), ``measured``, or ``published`` (printed by others, never
    measured here).
    """

    label: str
    kind: Literal["reference", "measured", "published"]
    values: tuple[float, ...]
    cells: tuple[str, ...]
    halves: tuple[str, ...]
    marks: tuple[Mark, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Cells with their half-widths: ``0.781±0.012``."""
        return tuple(f"{c}±{h}" if h else c for c, h in zip(self.cells, self.halves, strict=True))


@dataclass(frozen=True)
class ResultTable:
    """A finished table, to be rendered in any format."""

    dataset: str
    split: str
    evaluator: str
    convention: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    caption: str
    footnotes: tuple[str, ...]
    form: str = ""
    """Whose table it imitates (``paper-table4``); "" for the full table."""

    @property
    def name(self) -> str:
        """A plain file name stem: ``msrs-test-quality-cddfuse``."""
        return slug(f"{self.form}-{self.dataset}-{self.split}-{self.evaluator}-{self.convention}")

    @property
    def place(self) -> str:
        """What the table is about, in short: ``msrs test cddfuse``."""
        return " ".join(part for part in (self.dataset, self.split, self.convention) if part)

    def chunks_within(self, characters: int, *, gap: int, wrapped: bool) -> list[ResultTable]:
        """The same table in pieces that are at most so many characters wide (but hold at least two columns),
        with ``gap`` between columns; ``wrapped`` where headings may break at spaces.
        """
        label = max(len(line.label) for line in self.lines) + 2 * gap
        widths = []
        for i, column in enumerate(self.columns):
            texts = [
                *(column.titled.split() if wrapped else [column.titled]),
                *(x.texts[i] for x in self.lines),
            ]
            widths.append(max(map(len, texts)) + gap)
        count = len(widths)
        for size in range(count, 2, -1):
            if all(label + sum(widths[i : i + size]) <= characters for i in range(0, count, size)):
                return self.chunks(size)
        return self.chunks(2)

    def chunks(self, width: int) -> list[ResultTable]:
        """The same table in pieces of at most ``width`` columns, as even as can be."""
        pieces = max(1, math.ceil(len(self.columns) / width))
        size = math.ceil(len(self.columns) / pieces)
        return [self._columns(slice(start, start + size)) for start in range(0, len(self.columns), size)]

    def _columns(self, part: slice) -> ResultTable:
        lines = tuple(
            Line(x.label, x.kind, x.values[part], x.cells[part], x.halves[part], x.marks[part])
            for x in self.lines
        )
        return replace(self, columns=self.columns[part], lines=lines)


def mark_best(
    cells: Sequence[str], values: Sequence[float], competes: Sequence[bool], direction: str
) -> list[Mark]:
    """Mark the best and the second best of a column as the paper's tables do.

    What is printed alike is marked alike. Two or more that share the first place leave no second place.
    Nothing is marked without a direction, with fewer than two competitors, or where all are equal; no second
    with fewer than three.
    """
    marks: list[Mark] = ["" for _ in cells]
    field = [i for i, v in enumerate(values) if competes[i] and not math.isnan(v)]
    printed = {cells[i] for i in field}
    if direction == "none" or len(field) < 2 or len(printed) < 2:
        return marks
    sign = -1 if direction == "lower" else 1
    ordered = sorted(field, key=lambda i: -sign * values[i])
    first = [i for i in field if cells[i] == cells[ordered[0]]]
    for i in first:
        marks[i] = "best"
    rest = [i for i in ordered if i not in first]
    if len(first) == 1 and len(field) >= 3:
        for i in rest:
            if cells[i] == cells[rest[0]]:
                marks[i] = "second"
    return marks


def tables(data: ReportInput) -> list[ResultTable]:
    """All tables of the rows, one for each dataset, split, evaluator and convention, in the order of the
    rows, costs last.

    ``data.options["published"]`` adds the published rows that may stand beside them.
    """
    if not len(data.rows):
        return []
    lines = summary(data.rows)
    left = by_table(details_of(data))
    found = [result_table(data, key, part, left.get(key, [])) for key, part in tables_of(lines)]
    return sorted(
        found, key=lambda table: table.evaluator == COSTS
    )  # what a method does before what it costs


def result_table(
    data: ReportInput,
    key: TableKey,
    lines: pd.DataFrame,
    details: list[Detail],
    *,
    columns: Sequence[Column] | None = None,
    published: pd.DataFrame | None = None,
) -> ResultTable:
    """One table of summary ``lines``; ``key`` names its dataset, split, evaluator and convention.

    Raises ``InputError`` for lines of several.

    ``details`` are what its units left. ``columns`` and ``published`` rows are chosen by the house's rules,
    if None.
    """
    dataset, split, evaluator, convention = key
    refuse_mixture(lines)
    if columns is None:
        columns = _columns(lines, data.metrics, evaluator)
    shown = lines.set_index(["metric", "class_name"]).index.isin([(c.metric, c.class_name) for c in columns])
    lines = lines[shown]
    footnotes: list[str] = []
    found: list[Line] = []
    entrants = ordered_entrants(lines, data.methods)
    for entrant, method in entrants:
        spec = data.methods.get(method)
        own = lines[lines["entrant"] == entrant].set_index(["metric", "class_name"])
        sign, footnote = ("", "") if evaluator == COSTS else contamination(spec, dataset, split)
        if footnote and footnote not in footnotes:
            footnotes.append(footnote)
        label = entrant_title(entrant, method, data.methods)
        kind: Literal["reference", "measured"] = "reference" if method in REFERENCE_METHODS else "measured"
        found.append(_line(label + sign, kind, own, columns))
    found.sort(key=lambda line: line.kind != "reference")
    found = _marked(found, columns, evaluator in COMPETING_REFERENCES)
    footnotes += missing_notes(data, key, lines)
    footnotes += exclusion_notes(lines, data.methods)
    if evaluator in COMPETING_REFERENCES:
        footnotes += task_notes(details, lines, images=scored_images(data, key, details))
    if data.options.get("published"):
        if published is None:
            names = {s.published_as for _, m in entrants if (s := data.methods.get(m)) and s.published_as}
            published = published_beside(dataset, split, evaluator, protocol_of(convention), names)
        found += _published_lines(published, columns)
        footnotes += published_notes(published)
    return ResultTable(
        *key,
        columns=tuple(columns),
        lines=tuple(found),
        caption=caption(data, key, lines, details),
        footnotes=tuple(footnotes),
    )


def _line(
    label: str,
    kind: Literal["reference", "measured", "published"],
    own: pd.DataFrame,
    columns: Sequence[Column],
) -> Line:
    """A line from scores indexed by metric and class: ``mean`` and, over seeds, ``high``; or ``printed``
    text.
    """
    values: list[float] = []
    cells: list[str] = []
    halves: list[str] = []
    for column in columns:
        place = (column.metric, column.class_name)
        score: Mapping[str, Any] = cast("Any", own.loc[place]) if place in own.index else {}
        value = float(score.get("mean", math.nan))
        half = float(score.get("high", math.nan)) - value if score.get("unit") == "seed" else math.nan
        values.append(value)
        cells.append(score.get("printed") or format_value(value, column.digits))
        halves.append("" if math.isnan(half) else format_value(half, column.digits))
    unmarked: Mark = ""
    marks = (unmarked,) * len(columns)
    return Line(label, kind, tuple(values), tuple(cells), tuple(halves), marks)


def _marked(lines: list[Line], columns: Sequence[Column], references_compete: bool) -> list[Line]:
    competes = [line.kind == "measured" or references_compete for line in lines]
    by_column = [
        mark_best([x.cells[j] for x in lines], [x.values[j] for x in lines], competes, column.direction)
        for j, column in enumerate(columns)
    ]
    return [replace(line, marks=tuple(marks[i] for marks in by_column)) for i, line in enumerate(lines)]


def _columns(lines: pd.DataFrame, metrics: Mapping[str, MetricSpec], evaluator: str) -> tuple[Column, ...]:
    """Class scores first, metric by metric and followed by their mean, then the other scores, in the order of
    ``metrics``. A task's values of single images are no columns of it where it has values of the whole set.
    """
    costs = evaluator == COSTS
    if evaluator in COMPETING_REFERENCES and (lines["unit"] == "seed").any():
        lines = lines[lines["unit"] == "seed"]
    scores = list(dict.fromkeys(lines[["metric", "class_name"]].itertuples(index=False, name=None)))
    rank = {name: i for i, name in enumerate(dict.fromkeys([*METRIC_ORDER, *metrics]))}
    names = sorted(dict.fromkeys(m for m, _ in scores), key=lambda m: rank.get(m, len(rank)))
    by_class = [m for m in names if m in CLASS_COLUMNS.get(evaluator, names)]
    classes = {m: sorted((c for n, c in scores if n == m and c), key=_class_rank) for m in by_class}
    ordered: list[tuple[str, str]] = []
    for metric in by_class:
        ordered += [(metric, c) for c in classes[metric]]
        ordered += [(m, "") for m in (metric, f"m{metric}") if classes[metric] and (m, "") in scores]
    ordered += [(m, "") for m in names if (m, "") in scores]
    one_class_metric = sum(bool(c) for c in classes.values()) == 1
    found = []
    for metric, class_name in dict.fromkeys(ordered):
        readable = class_name.replace("_", " ").title()
        heading = metric if not class_name else readable if one_class_metric else f"{metric} {readable}"
        spec = metrics.get(metric)
        unit = f" ({spec.unit})" if spec and spec.unit and costs else ""  # only costs are compared by unit
        found.append(
            Column(
                metric, class_name, heading + unit, direction_of(metric, metrics), spec.digits if spec else 3
            )
        )
    return tuple(found)


def _class_rank(class_name: str) -> int:
    return CLASS_ORDER.index(class_name) if class_name in CLASS_ORDER else len(CLASS_ORDER)


def _published_lines(rows: pd.DataFrame, columns: Sequence[Column]) -> list[Line]:
    found = []
    for method, own in rows.groupby("method", sort=False):
        scores = own.set_index(["metric", "class_name"]).rename(columns={"value": "mean"})
        found.append(_line(f"{method} (published)", "published", scores, columns))
    return [line for line in found if not all(math.isnan(v) for v in line.values)]
