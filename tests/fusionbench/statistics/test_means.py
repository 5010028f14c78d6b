"""Means of rows as plain data."""

from __future__ import annotations

import json
import math

import pandas as pd

from fusionbench.statistics.means import means


def rows(*values: tuple[str, str, float, str]) -> pd.DataFrame:
    columns = ["metric", "image", "value", "reason"]
    return pd.DataFrame(values, columns=columns).assign(seed=0)


def test_left_out_values_are_named_and_none_is_null() -> None:
    found = means(
        rows(
            ("VIF", "a", 1.0, ""),
            ("VIF", "b", math.nan, "flat"),
            ("VIF", "c", 3.0, ""),
            ("VIF", "d", math.inf, ""),
            ("CC", "a", math.nan, "flat"),
            ("CC", "b", math.nan, ""),
        ),
        ["metric"],
    )
    assert found == [
        {
            "metric": "VIF",
            "mean": 2.0,
            "count": 2,
            "excluded": [{"image": "b", "reason": "flat"}, {"image": "d", "reason": "infinite"}],
        },
        {
            "metric": "CC",
            "mean": None,
            "count": 0,
            "reason": "flat; no reason given",
            "excluded": [{"image": "a", "reason": "flat"}, {"image": "b", "reason": "no reason given"}],
        },
    ]
    json.dumps(found, allow_nan=False)


def test_a_value_of_the_whole_set_is_the_score() -> None:
    found = means(rows(("mIoU", "", 0.5, ""), ("mIoU", "a", 0.1, "")), ["metric"])
    assert found == [{"metric": "mIoU", "mean": 0.5, "count": 1}]
    found = means(rows(("Params", "", math.nan, "no network")), ["metric"])
    assert found[0]["excluded"] == [{"seed": 0, "reason": "no network"}]


def test_no_rows() -> None:
    assert means(rows(), ["metric"]) == []
