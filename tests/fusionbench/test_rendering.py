"""Several runs as one."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from fusionbench.contracts.rows import DETAIL_COLUMNS
from fusionbench.rendering import _joined


def details(run: str, *keys: str) -> pd.DataFrame:
    """Units of one method and protocol, each with its own judge."""
    line = dict.fromkeys(DETAIL_COLUMNS, "") | {"method": "max", "protocol": "det-zeroshot", "seed": 0}
    return pd.DataFrame([line | {"folder": Path(run, "details", f"detection--max--{key}")} for key in keys])


def test_two_judges_of_one_protocol_both_count() -> None:
    first = details("a", "yolov5n", "yolov8n")
    assert len(_joined([first], apart=False)) == 2
    joined = _joined([first, details("b", "yolov8n", "yolov8s")], apart=False)
    assert [Path(f).parts[0] for f in joined["folder"]] == ["a", "a", "b"]
