"""CSV as every table is written: no cell starts a formula in a spreadsheet."""

from __future__ import annotations

from typing import Any

import pandas as pd

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_text(frame: pd.DataFrame) -> str:
    """A frame as CSV, without its index. Text that a spreadsheet would take for a formula (``=1+1``,
    ``@SUM``, ``-name``) gets an apostrophe in front, as spreadsheets themselves write such text; numbers
    stay as they are."""
    safe = frame.copy()
    for position in range(safe.shape[1]):
        column = safe.iloc[:, position]
        if not pd.api.types.is_numeric_dtype(column):
            safe.isetitem(position, column.map(_cell).to_numpy(object))
    safe.columns = [_cell(name) for name in safe.columns]
    return str(safe.to_csv(index=False, lineterminator="\n"))


def _cell(value: Any) -> Any:
    if not isinstance(value, str) or not value.lstrip(" ").startswith(_STARTS):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
