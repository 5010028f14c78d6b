"""What a report calls things: labels of entrants, marks of columns, formats of values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from fusionbench.contracts.method import MethodSpec


REFERENCE_METHODS = ("infrared", "visible")
"""The single sensors: always printed first."""


COSTS = "efficiency"
"""The evaluator whose numbers don't depend on what a method was trained on."""


COMPETING_REFERENCES = frozenset({"detection", "segmentation"})
"""Evaluators in which a single sensor may be marked best: the downstream tasks, where beating it is the
point. A quality metric compares an image with the sources, so that a source scores absurdly well by being
one.
"""


ARROWS = {"higher": "↑", "lower": "↓", "none": ""}


MISSING = "–"


def slug(text: str) -> str:
    """A plain file name of letters, digits, ``-``, ``_`` and ``.``."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in text)
    return "-".join(part for part in kept.split("-") if part.strip(".")).strip(".") or "unnamed"


def format_value(value: float, digits: int) -> str:
    """The one way a table prints a number: fixed decimals, ``–`` for a missing one, never ``-0.000``."""
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if not any(c in "123456789" for c in text) else text


def ordered_entrants(lines: pd.DataFrame, methods: Mapping[str, MethodSpec]) -> list[tuple[str, str]]:
    """(entrant, method) pairs of a summary: in the order of ``methods``, then of the rows."""
    rank = {name: i for i, name in enumerate(methods)}
    pairs = dict.fromkeys(lines[["entrant", "method"]].itertuples(index=False, name=None))
    return sorted(pairs, key=lambda pair: rank.get(pair[1], len(rank)))


def entrant_title(entrant: str, method: str, methods: Mapping[str, MethodSpec]) -> str:
    """How a method is called in tables and figures: its title, with ``@run`` where several runs hold it."""
    title = methods[method].title if method in methods else method
    return title if entrant == method else f"{title}{entrant.removeprefix(method)}"


def fewer_images(count: float, most: float) -> str:
    """What to add to an entrant's name in a figure that is about more images than it has."""
    return f" (n = {count:.0f})" if count < most else ""
