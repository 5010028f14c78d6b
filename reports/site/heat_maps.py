"""Robustness heat maps: methods against corruptions, each cell the score relative to the clean images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..scores.labels import MISSING, format_value

Condition = tuple[str, int]
"""A corruption and its severity: ``("fog", 3)``."""
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
    def groups(self) -> list[tuple[str, list[int]]]:
        """Corruption → its severities, in the order of the columns."""
        found: dict[str, list[int]] = {}
        for name, level in self.conditions:
            found.setdefault(name, []).append(level)
        return list(found.items())

    @property
    def columns(self) -> list[str]:
        """The columns in words: ``fog, severity 3``."""
        return [f"{name}, severity {level}" for name, level in self.conditions]

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
