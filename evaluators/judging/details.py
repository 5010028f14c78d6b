"""What a judged unit leaves for reports, in the form that both tasks share: Parquet tables, bootstrap draws,
``about.json``."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusionbench.files.atomic import write_atomic


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as Parquet, atomically; equal tables give equal bytes. Raises ``StoreError``."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, compression="zstd")
    write_atomic(path, buffer.getvalue())


def draws_table(results: Mapping[tuple[str, str], npt.NDArray[np.float64]]) -> pd.DataFrame:
    """(metric, class or "") → values by draw, as one row per figure and draw: metric, class_name, draw,
    value.
    """
    frames = [
        pd.DataFrame(
            {"metric": metric, "class_name": name, "draw": np.arange(len(v), dtype=np.int32), "value": v}
        )
        for (metric, name), v in results.items()
    ]
    return pd.concat(frames, ignore_index=True)


def write_about(folder: Path, about: Mapping[str, Any]) -> None:
    """Write ``about.json``: protocol, judge and its checksum, what it was trained on, recipe, classes,
    images, what was left out.
    """
    text = json.dumps(about, indent=1, ensure_ascii=False, sort_keys=True)
    write_atomic(folder / "about.json", text.encode())
