"""Leaderboards: one per dataset, split, evaluator and convention, with intervals, ties and marks.

Everything here is plain data for the templates and for the browser.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fusionbench.statistics.comparison import entrant_names

from ..scores.details import Detail, by_table, details_of, protocol_of
from ..scores.frames import TABLE_KEY
from ..scores.labels import ARROWS, COMPETING_REFERENCES, REFERENCE_METHODS, format_value, ordered_entrants
from ..scores.summary import summary
from ..tables.notes import contamination
from ..tables.result_table import Column, Line, ResultTable, tables
from .names import plain, plain_of
from .ties import SetDraws, image_ties

if TYPE_CHECKING:
    import pandas as pd

    from fusionbench.contracts.report import ReportInput

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""What a box plot shows: the ends of the middle 90 %, of the middle half, and the median."""


@dataclass(frozen=True)
class Cell:
    """One number: the printed text, the value (None where there is none), its 95 % interval (as numbers and
    as text), and how it compares.

    ``tie``: the paired 95 % interval of the difference from the best method reaches 0, so the two are
    indistinguishable. ``count`` is the number of images or seeds behind the value.
    """

    text: str
    value: float | None
    low: float | None = None
    high: float | None = None
    interval: str = ""
    count: int = 0
    best: bool = False
    tie: bool = False


@dataclass(frozen=True)
class Entry:
    """One row of a leaderboard: a method with its options, or a published row."""

    entrant: str
    method: str
    run: str
    title: str
    kind: str
    page: str
    family: str
    year: int | None
    licence: str
    contaminated: bool
    cells: tuple[Cell, ...]

    @property
    def words(self) -> str:
        """What the filter looks at, in small letters."""
        return " ".join((self.title, self.family, str(self.year or ""), self.licence, self.run)).lower()


@dataclass(frozen=True)
class Board:
    """One leaderboard. ``values`` maps a column's key to entrant → values in the order of ``images``.

    Scores of whole sets have no values of single images: ``draws`` holds how they spread over bootstrap draws
    of the images, as column's key → entrant → the five ``QUANTILES``.
    """

    name: str
    dataset: str
    split: str
    evaluator: str
    convention: str
    title: str
    columns: tuple[Column, ...]
    entries: tuple[Entry, ...]
    notes: tuple[str, ...]
    images: tuple[str, ...] = ()
    values: dict[str, dict[str, list[float | None]]] = field(default_factory=dict)
    draws: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Dataset and split: ``msrs · test``."""
        return " · ".join(part for part in (self.dataset, self.split) if part) or "all datasets"

    @property
    def protocol(self) -> str:
        """The convention's or protocol's plain name."""
        return protocol_of(self.convention)


def column_key(column: Column) -> str:
    """What names a column in the browser: metric, and class where there is one."""
    return f"{column.metric}/{column.class_name}" if column.class_name else column.metric


def boards(data: ReportInput) -> list[Board]:
    """All leaderboards of the rows, in the order of the tables."""
    if not len(data.rows):
        return []
    rows = data.rows.assign(entrant=entrant_names(data.rows))
    scores = summary(data.rows)
    left = by_table(details_of(data))
    found = []
    for table in tables(data):
        key = (table.dataset, table.split, table.evaluator, table.convention)
        own = rows[(rows[TABLE_KEY] == list(key)).all(axis=1)]
        lines = scores[(scores[TABLE_KEY] == list(key)).all(axis=1)]
        found.append(_board(data, table, own, lines, left.get(key, [])))
    return found


def _board(
    data: ReportInput, table: ResultTable, rows: pd.DataFrame, lines: pd.DataFrame, details: list[Detail]
) -> Board:
    order = sorted(range(len(table.columns)), key=lambda i: bool(table.columns[i].class_name))
    columns = tuple(table.columns[i] for i in order)  # a set's overall score before its classes
    measured = [line for line in table.lines if line.kind != "published"]
    entrants = _entrants(data, table, lines)
    images = tuple(sorted({str(image) for image in rows["image"] if image}))
    values = {column_key(column): _per_image(rows, column, images) for column in table.columns}
    draws = SetDraws(details)
    ties = {
        column_key(column): _ties(
            column,
            [
                (line.values[i], entrant)
                for line, (entrant, _) in zip(measured, entrants, strict=True)
                if line.kind == "measured" or table.evaluator in COMPETING_REFERENCES
            ],
            values[column_key(column)],
            draws,
        )
        for i, column in enumerate(table.columns)
    }
    entries = []
    owners = {id(line): pair for line, pair in zip(measured, entrants, strict=True)}
    for line in table.lines:
        entrant, method = owners.get(id(line), (line.label, ""))
        spec = data.methods.get(method)
        own = lines[lines["entrant"] == entrant].set_index(["metric", "class_name"])
        cells = tuple(_cell(line, i, entrant, table.columns[i], own, ties, draws) for i in order)
        sign = contamination(spec, table.dataset, table.split)[0] if spec else ""
        entries.append(
            Entry(
                entrant=entrant,
                method=method,
                run=str(own["run"].iloc[0]) if len(own) else "",
                title=line.label,
                kind=line.kind,
                page=plain(method) if method else "",
                family=spec.family if spec else "published",
                year=spec.year if spec else None,
                licence=spec.licence if spec else "",
                contaminated=bool(sign),
                cells=cells,
            )
        )
    return Board(
        name=plain_of(table.dataset, table.split, table.evaluator, table.convention),
        dataset=table.dataset,
        split=table.split,
        evaluator=table.evaluator,
        convention=table.convention,
        title=table.caption,
        columns=columns,
        entries=tuple(entries),
        notes=table.footnotes,
        images=images,
        values={name: found for name, found in values.items() if found},
        draws={} if not details else _draws(columns, values, [entrant for entrant, _ in entrants], draws),
    )


def _entrants(data: ReportInput, table: ResultTable, lines: pd.DataFrame) -> list[tuple[str, str]]:
    """(entrant, method) of every measured line of a table, in its order; two methods may share a title."""
    columns = {(c.metric, c.class_name) for c in table.columns}
    shown = lines.set_index(["metric", "class_name"]).index.isin(columns)
    found = ordered_entrants(lines[shown], data.methods)
    return sorted(found, key=lambda pair: pair[1] not in REFERENCE_METHODS)


def _cell(
    line: Line,
    index: int,
    entrant: str,
    column: Column,
    own: pd.DataFrame,
    ties: dict[str, set[str]],
    draws: SetDraws,
) -> Cell:
    value = line.values[index]
    place = (column.metric, column.class_name)
    score: Any = own.loc[place] if place in own.index else {}
    low, high = float(score.get("low", math.nan)), float(score.get("high", math.nan))
    if math.isnan(low) and math.isfinite(value):  # a whole set's score by one seed: the interval over images
        low, high = draws.interval(place, entrant)
    known = math.isfinite(low) and math.isfinite(high)
    return Cell(
        text=line.texts[index],
        value=_finite(value),
        low=_finite(low),
        high=_finite(high),
        interval=f"{format_value(low, column.digits)}…{format_value(high, column.digits)}" if known else "",
        count=int(score.get("n", 0)),
        best=line.marks[index] == "best",
        tie=entrant in ties[column_key(column)],
    )


def _draws(
    columns: Sequence[Column], values: Mapping[str, object], entrants: Sequence[str], draws: SetDraws
) -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = {}
    for column in columns:
        if values.get(column_key(column)):
            continue
        for entrant in entrants:
            quantiles = draws.quantiles((column.metric, column.class_name), entrant, QUANTILES)
            if quantiles:
                found.setdefault(column_key(column), {})[entrant] = quantiles
    return found


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _per_image(rows: pd.DataFrame, column: Column, images: tuple[str, ...]) -> dict[str, list[float | None]]:
    """Entrant → its values in the order of ``images``, seeds averaged; empty where the score is of the whole
    set.
    """
    own = rows[(rows["metric"] == column.metric) & (rows["class_name"] == column.class_name)]
    own = own[own["image"] != ""]
    if not len(own):
        return {}
    wide = own.groupby(["entrant", "image"])["value"].mean().unstack("image").reindex(columns=list(images))
    return {
        str(name): [_finite(float(v)) for v in line]
        for name, line in zip(wide.index, wide.to_numpy(), strict=True)
    }


def _ties(
    column: Column,
    scores: Sequence[tuple[float, str]],
    values: dict[str, list[float | None]],
    draws: SetDraws,
) -> set[str]:
    """The entrants that are indistinguishable from the best one of a column; ``scores`` are (value, entrant)."""
    competing = [(value, name) for value, name in scores if math.isfinite(value)]
    if column.direction == "none" or len(competing) < 2:
        return set()
    best = (max if column.direction == "higher" else min)(competing)[1]
    others = [name for _, name in competing if name != best]
    if values.get(best):
        return image_ties(values, best, others)
    return draws.ties((column.metric, column.class_name), best, others)


def heading(column: Column) -> str:
    """A column's heading with the arrow of its direction."""
    return f"{column.heading} {ARROWS[column.direction]}".strip()
