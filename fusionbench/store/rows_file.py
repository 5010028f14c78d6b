"""A unit's rows as a Parquet file, checked against the unit's manifest whenever they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..contracts.rows import COLUMNS
from ..errors import StoreError
from ..files.atomic import write_atomic
from .journal import Entry
from .manifest import Manifest
from .unit_id import UnitId

_SCHEMA = pa.schema(
    [
        (name, {"seed": pa.int64(), "value": pa.float64()}.get(name, pa.string()))
        for name in COLUMNS
        if name != "run"
    ]
    + [("digest", pa.string())]
)


def rows_path(folder: Path, stem: str) -> Path:
    """Where a unit's rows lie in a run folder."""
    return folder / "rows" / f"{stem}.parquet"


def rows_bytes(unit: UnitId, entries: Iterable[Entry]) -> bytes:
    """A unit's entries as a Parquet file, in the order given."""
    columns: dict[str, list[Any]] = {name: [] for name in _SCHEMA.names}
    for entry in entries:
        for value in entry.values:
            record = {
                "method": unit.method,
                "dataset": unit.dataset,
                "split": unit.split,
                "image": entry.image,
                "evaluator": unit.evaluator,
                "convention": unit.convention if value.convention is None else value.convention,
                "metric": value.metric,
                "class_name": value.class_name,
                "seed": unit.seed,
                "value": value.value,
                "reason": value.reason,
                "digest": entry.digest,
            }
            for name, column in columns.items():
                column.append(record[name])
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, schema=_SCHEMA), sink, compression="zstd")
    data: bytes = sink.getvalue().to_pybytes()
    return data


def write_rows(folder: Path, unit: UnitId, entries: Iterable[Entry]) -> str:
    """Write a unit's rows atomically; returns the file's sha256. Raises ``StoreError``."""
    data = rows_bytes(unit, entries)
    write_atomic(rows_path(folder, unit.stem), data)
    return hashlib.sha256(data).hexdigest()


def read_rows(folder: Path, manifest: Manifest) -> pd.DataFrame:
    """The rows of a finished unit, with their ``digest``.

    Raises ``StoreError`` if the file can't be read, isn't the one that the manifest names, or holds rows of
    another unit, image or digest.
    """
    path = rows_path(folder, manifest.unit.stem)
    todo = f"delete it and units/{manifest.unit.stem}.json, then run again to compute it again"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: can't be read ({error.strerror or error}); {todo}") from error
    expected = manifest.facts.get("rows_sha256")
    if expected is not None and hashlib.sha256(data).hexdigest() != expected:
        raise StoreError(
            f"{path}: can't be read as the rows of its unit: it was changed after it was written; {todo}"
        )
    frame = _decoded(data, path, todo)
    if stranger := _stranger(frame, manifest):
        raise StoreError(f"{path}: holds rows that don't belong to its unit ({stranger}); {todo}")
    return frame


def read_rows_alone(folder: Path, unit: UnitId) -> pd.DataFrame:
    """The rows of a unit whose manifest is older than they are. Raises ``StoreError`` if they can't be
    read."""
    path = rows_path(folder, unit.stem)
    try:
        frame = _decoded(path.read_bytes(), path, "delete it")
    except OSError as error:
        raise StoreError(f"{path}: can't be read ({error.strerror or error}); delete it") from error
    images = dict(zip(frame["image"], frame["digest"], strict=True))
    if stranger := _stranger(frame, Manifest(unit, images)):
        raise StoreError(f"{path}: holds rows that don't belong to its unit ({stranger}); delete it")
    return frame


def _decoded(data: bytes, path: Path, todo: str) -> pd.DataFrame:
    """A Parquet file's rows in the columns and types of a unit's rows. Raises ``StoreError``."""
    try:
        table = pq.read_table(pa.BufferReader(data))
        frame: pd.DataFrame = table.select(_SCHEMA.names).cast(_SCHEMA).to_pandas()
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        NotImplementedError,
        MemoryError,
        pa.ArrowException,
    ) as error:
        raise StoreError(f"{path}: can't be read ({str(error).splitlines()[0]}); {todo}") from error
    return frame


def _stranger(frame: pd.DataFrame, manifest: Manifest) -> str:
    """What in a unit's rows isn't the unit's; "" if all is."""
    unit = manifest.unit
    texts = [name for name in _SCHEMA.names if name not in {"seed", "value"}]
    for name in texts:
        if frame[name].isna().any():
            return f"{name} is empty"
    for name in ("method", "dataset", "split", "evaluator", "seed"):
        others = set(frame[name]) - {getattr(unit, name)}
        if others:
            return f"{name} {sorted(others)[0]!r} instead of {getattr(unit, name)!r}"
    pairs = dict.fromkeys(zip(frame["image"], frame["digest"], strict=True))
    for image, digest in pairs:
        if manifest.images.get(image) != digest:
            return f"image {image!r} with another digest" if image in manifest.images else f"image {image!r}"
    return ""


def dtype_of(column: str) -> str:
    """The pandas type of a column of rows."""
    return {"seed": "int64", "value": "float64"}.get(column, "object")
