"""Going through frames: line by line, and table by table.

pandas' types give a cell the union of all that a cell can hold, and a group's key any hashable. What a column
holds is said where rows are made (`fusionbench.contracts.rows`), so it is not asked again here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pandas as pd

TableKey = tuple[str, str, str, str]
"""The values of ``TABLE_KEY``."""
TABLE_KEY = ["dataset", "split", "evaluator", "convention"]
"""What one table is about: its numbers may stand in one column."""


def lines_of(frame: pd.DataFrame) -> Iterator[Any]:
    """The frame's lines as named tuples."""
    return cast("Iterator[Any]", frame.itertuples())


def tables_of(frame: pd.DataFrame) -> Iterator[tuple[TableKey, pd.DataFrame]]:
    """The lines of one table each, in the order in which the tables begin."""
    return cast("Iterator[tuple[TableKey, pd.DataFrame]]", iter(frame.groupby(TABLE_KEY, sort=False)))


def groups_of(frame: pd.DataFrame, columns: list[str]) -> Iterator[tuple[Any, pd.DataFrame]]:
    """The lines that have the same values in some columns, and these values, in the order in which they begin."""
    return cast("Iterator[tuple[Any, pd.DataFrame]]", iter(frame.groupby(columns, sort=False)))
