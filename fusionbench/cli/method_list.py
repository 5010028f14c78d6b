"""``list methods``: which methods are meant, and a table that fits the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, get_args

from ..contracts.method import MethodSpec, MethodStatus
from ..errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

FAMILIES: tuple[str, ...] = get_args(MethodSpec.model_fields["family"].annotation)
STATUSES: tuple[str, ...] = get_args(MethodStatus)
FOLDED = ("title", "venue", "trained on")
"""Columns that wrap where the terminal is narrow."""


@dataclass(frozen=True)
class MethodFilter:
    """Which methods to list; empty fields don't restrict. ``years`` is the first and the last year, both
    included."""

    families: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    years: tuple[int, int] | None = None

    @classmethod
    def parse(cls, family: str | None, status: str | None, year: str | None) -> MethodFilter:
        """From the options' text. Raises ``InputError`` for an unknown name or a year that can't be read."""
        return cls(_chosen("family", family, FAMILIES), _chosen("status", status, STATUSES), _years(year))

    def takes(self, spec: MethodSpec) -> bool:
        """Whether a method is to be listed; one without a year is never in a range of years."""
        return (
            (not self.families or spec.family in self.families)
            and (not self.statuses or spec.status in self.statuses)
            and (
                self.years is None or (spec.year is not None and self.years[0] <= spec.year <= self.years[1])
            )
        )


def _chosen(option: str, text: str | None, known: Sequence[str]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",")) if text else ()
    for name in names:
        if name not in known:
            raise InputError(f"--{option} {name!r}: there are {', '.join(known)}")
    return names


def _years(text: str | None) -> tuple[int, int] | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d{4})?(-)?(\d{4})?", text.replace(" ", ""))
    if not found or not (found[1] or found[3]):
        raise InputError(f"--year {text!r}: give a year or a range, e.g. 2024, 2022-2025, 2024- or -2020")
    first, last = int(found[1] or 0), int(found[3] or 9999)
    return (first, last) if found[2] else (first, first)


def method_rows(specs: Iterable[MethodSpec], wanted: MethodFilter) -> list[dict[str, Any]]:
    """One row per method that the filter takes: by family, by status, the newest first."""
    chosen = [spec for spec in specs if wanted.takes(spec)]
    chosen.sort(
        key=lambda s: (FAMILIES.index(s.family), STATUSES.index(s.status), -(s.year or 0), s.name),
    )
    return [
        {
            "name": spec.name,
            "title": spec.title,
            "family": spec.family,
            "status": spec.status,
            "year": spec.year,
            "venue": spec.venue,
            "licence": spec.licence,
            "trained on": ", ".join(spec.trained_on),
        }
        for spec in chosen
    ]


def grouped_tables(rows: Sequence[dict[str, Any]], width: int) -> list[RenderableType]:
    """The rows under headings of family and status, ``width`` characters wide, with the same columns below
    each heading.

    Licences are cut to their first word and venues to their names; ``info method NAME`` has the rest.
    """
    from rich.table import Table
    from rich.text import Text

    short = [(row["family"], row["status"], _shortened(row)) for row in rows]
    columns = list(short[0][2]) if short else []
    widths = _fitted({c: max(len(c), *(len(cells[c]) for *_, cells in short)) for c in columns}, width)
    shown: list[RenderableType] = []
    for (family, status), group in groupby(short, key=lambda row: row[:2]):
        cells = [row for *_, row in group]
        table = Table(box=None, show_header=not shown, header_style="bold", padding=(0, 1, 0, 0))
        for column in columns:
            table.add_column(
                column, width=widths[column], overflow="fold", justify="right" if column == "year" else "left"
            )
        for row in cells:
            table.add_row(*row.values())
        if shown:
            shown.append("")
        heading = Text(f"{family}, {status} ({len(cells)})", style="bold cyan")
        shown += [heading, table]
    return shown


def _shortened(row: dict[str, Any]) -> dict[str, str]:
    return {
        "name": row["name"],
        "title": row["title"],
        "year": str(row["year"] or ""),
        "venue": re.sub(r" \d[\d()–-]*$", "", row["venue"]),
        "licence": re.split(r"[ :(]", row["licence"], maxsplit=1)[0],
        "trained on": row["trained on"],
    }


def _fitted(widths: dict[str, int], available: int) -> dict[str, int]:
    """Column widths that take no more than ``available`` characters, a space after each; the widest
    foldable ones give way."""
    widths = dict(widths)
    while sum(widths.values()) + len(widths) > available:
        widest = max(FOLDED, key=lambda column: widths.get(column, 0))
        if widths.get(widest, 0) <= len(widest):
            break
        widths[widest] -= 1
    return widths
