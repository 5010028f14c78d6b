"""Robustness heat maps: methods against corruptions, each cell the score relative to the clean images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fusionbench.contracts.rows import SCORE_KEY

from ..robustness.relative import over_severities, relative_scores
from ..robustness.sets import comparable, units_of
from ..robustness.tables import shown_scores
from ..scores.frames import groups_of, lines_of
from ..scores.labels import MISSING, entrant_title, format_value

if TYPE_CHECKING:
    from fusionbench.contracts.report import ReportInput

    from .boards import Board

Condition = tuple[str, int]
"""A corruption and its severity: ``("fog", 3)``; severity ``MEAN`` is the mean over all of them."""
MEAN = 0
MOST = 24
"""With more columns than these, a corruption is one column: the mean over its severities."""
FULL = 0.5
"""A loss (or gain) of this share has the strongest shade."""


@dataclass(frozen=True)
class HeatLine:
    """One method: its title, and per condition its share of the clean score (None where unknown) and its text."""

    title: str
    cells: tuple[tuple[float | None, str], ...]


@dataclass(frozen=True)
class HeatMap:
    """One score of one leaderboard under corruption. ``board`` is the leaderboard's plain name."""

    board: str
    title: str
    conditions: tuple[Condition, ...]
    lines: tuple[HeatLine, ...]

    @property
    def groups(self) -> list[tuple[str, list[str]]]:
        """Corruption → its severities in words, in the order of the columns."""
        found: dict[str, list[str]] = {}
        for name, level in self.conditions:
            found.setdefault(name, []).append(_level(level))
        return list(found.items())

    @property
    def columns(self) -> list[str]:
        """The columns in words: ``fog, severity 3``."""
        return [f"{name}, severity {_level(level)}" for name, level in self.conditions]

    @staticmethod
    def shade(share: float) -> float:
        """How strong a cell is coloured, 0 to 1: by its distance from 1."""
        return min(abs(share - 1) / FULL, 1.0)

    @staticmethod
    def side(share: float | None) -> str:
        """Whether a cell is a ``loss`` or a ``gain``; "" where nothing is known."""
        if share is None:
            return ""
        return "loss" if share < 1 else "gain"


def heat_map(
    board: str, title: str, shares: Mapping[str, Mapping[Condition, float]], order: Sequence[str] = ()
) -> HeatMap:
    """A heat map of relative scores: method's title → condition → share of the clean score.

    Rows stand in ``order``, then as given. Columns are sorted by corruption as first met, then by severity.
    """
    names = list(dict.fromkeys(name for line in shares.values() for name, _ in line))
    met = {condition for line in shares.values() for condition in line}
    conditions = tuple(sorted(met, key=lambda c: (names.index(c[0]), c[1])))
    rank = {title: i for i, title in enumerate(order)}
    lines = []
    for method in sorted(shares, key=lambda m: rank.get(m, len(rank))):
        given = [shares[method].get(condition, math.nan) for condition in conditions]
        cells = tuple((v, format_value(v, 2)) if math.isfinite(v) else (None, MISSING) for v in given)
        lines.append(HeatLine(method, cells))
    return HeatMap(board, title, conditions, tuple(lines))


def _level(severity: int) -> str:
    return "mean" if severity == MEAN else str(severity)


def heat_maps(data: ReportInput, found: Sequence[Board]) -> list[HeatMap]:
    """One map per score of a leaderboard that was also taken on corrupted pairs; none for a run without such."""
    if not len(data.corrupted):
        return []
    corrupted = comparable(data.corrupted, units_of(data), data.notes)
    scores = shown_scores(relative_scores(data.rows, corrupted, data.metrics))
    if len(scores[["corruption", "severity"]].drop_duplicates()) > MOST:
        scores = over_severities(scores).assign(severity=MEAN)
    boards = {(b.dataset, b.split, b.evaluator, b.convention): b for b in found}
    maps = []
    for key, part in groups_of(scores, SCORE_KEY):
        *place, metric, _ = map(str, key)
        board = boards.get((place[0], place[1], place[2], place[3]))
        if board is None:
            continue
        shares: dict[str, dict[Condition, float]] = {}
        for line in lines_of(part):
            title = entrant_title(str(line.method), str(line.method), data.methods)
            shares.setdefault(title, {})[str(line.corruption), int(str(line.severity))] = float(line.relative)
        order = [entrant_title(e.method, e.method, data.methods) for e in board.entries if e.method]
        maps.append(heat_map(board.name, f"{metric}, {board.place} · {board.protocol}", shares, order))
    return maps
