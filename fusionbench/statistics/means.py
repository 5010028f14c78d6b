"""Means of rows as plain data, for JSON: what isn't a number is null with its reason, and what was left
out is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd


def means(rows: pd.DataFrame, keys: Sequence[str]) -> list[dict[str, Any]]:
    """One record for each combination of the columns ``keys``, in the order of the rows.

    Besides the keys it has ``mean`` (None where no value is finite), ``count`` (values in it), and, only
    where values were left out, ``excluded``: [{``image`` or ``seed``, ``reason``}, …], and ``reason`` where
    all were. Where a score has values of the whole set (``image`` empty) those are the score, as in the
    tables.
    """
    records: list[dict[str, Any]] = []
    if not len(rows):
        return records
    for key, group in rows.groupby(list(keys), sort=False):
        named: dict[str, Any] = dict(zip(keys, key, strict=True))
        whole = group["image"] == ""
        own = group[whole] if whole.any() else group
        finite = np.isfinite(own["value"].to_numpy(np.float64))
        record = named | {
            "mean": float(own["value"][finite].mean()) if finite.any() else None,
            "count": int(finite.sum()),
        }
        if not finite.all():
            left_out = [_exclusion(line) for line in own[~finite].to_dict("records")]
            if not finite.any():
                record["reason"] = "; ".join(dict.fromkeys(str(e["reason"]) for e in left_out))
            record["excluded"] = left_out
        records.append(record)
    return records


def _exclusion(line: dict[Any, Any]) -> dict[str, Any]:
    reason = line["reason"] or ("no reason given" if np.isnan(line["value"]) else "infinite")
    return ({"image": line["image"]} if line["image"] else {"seed": int(line["seed"])}) | {"reason": reason}
