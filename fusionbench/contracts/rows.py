"""Rows: the columns of results that evaluators fill and reports read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

SCORE_KEY = ["dataset", "split", "evaluator", "convention", "metric", "class_name"]
"""What names one score of a method: numbers may be averaged or compared only where all of these agree."""


COLUMNS = (
    "run",
    "method",
    "dataset",
    "split",
    "image",
    "evaluator",
    "convention",
    "metric",
    "class_name",
    "seed",
    "value",
    "reason",
)
"""The columns of the rows that reports read: strings, but int64 ``seed`` and float64 ``value``."""


DETAIL_COLUMNS = ("method", "dataset", "split", "evaluator", "protocol", "seed", "folder")
"""The columns of the list of units that left tables or masks: strings, but int64 ``seed`` and ``Path``
``folder``."""


CORRUPTION_COLUMNS = ("corruption", "severity", "variant")
"""What rows and details of corrupted pairs have beside theirs: the corruption's name, its severity (int64), and the
name of the corrupted dataset in the run folder. ``dataset`` is the clean one's name there."""


def details_frame(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Records of units that left details as a frame with ``DETAIL_COLUMNS``."""
    import pandas as pd

    rows = [{name: record[name] for name in DETAIL_COLUMNS} for record in records]
    return pd.DataFrame(rows, columns=list(DETAIL_COLUMNS)).astype({"seed": "int64"})
