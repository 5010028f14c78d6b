"""The run store: a folder that holds everything a run produced, written so that a kill at any moment loses at most one image.

On disk, below the run's folder::

    run.json                                   schema version, configurations, provenance
    units/<unit>.json                          a unit's identity, key, images and failures
    rows/<unit>.parquet                        the unit's rows, once it is done
    fused/<method>/<dataset>/<split>/*.png     fused images
    journal/<unit>[.<worker>].jsonl            a unit in progress: one line an image, appended whole
    details/<unit>/                            tables and masks that an evaluator of whole sets left for reports
    report/                                    what the reports wrote

While a unit runs, each finished image is one line in its journal (a torn last line is dropped when it is read). When it ends,
the lines become a Parquet file, sorted, without times or paths, so that a run that was killed and resumed leaves the same bytes as an
undisturbed one. Stores of several machines merge by copying ``units/``, ``rows/`` and ``fused/``.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..contracts.evaluator import Value
from ..contracts.rows import COLUMNS, details_frame
from ..errors import StoreError
from ..files.atomic import write_atomic
from .journal import Entry, Journal
from .unit_id import UnitId

SCHEMA_VERSION = 1


_SCHEMA = pa.schema(
    [
        (name, pa.int64() if name == "seed" else pa.float64() if name == "value" else pa.string())
        for name in COLUMNS
        if name != "run"
    ]
    + [("digest", pa.string())]
)


class RunStore:
    """A run's folder. Use ``RunStore.open`` to write and ``RunStore.read_only`` to read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: IO[bytes] | None = None

    @classmethod
    def open(cls, folder: Path) -> RunStore:
        """Create or open a run for writing and lock it. Raises ``StoreError`` if another process writes to it, or its schema is another."""
        store = cls(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            store._lock = (folder / ".lock").open("ab")
            fcntl.flock(store._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"{folder}: another fusionbench process is writing to this run; wait for it, or choose another --name"
            ) from None
        except OSError as error:
            raise StoreError(
                f"{folder}: can't be used as a run folder ({error.strerror or error}); choose another --out"
            ) from error
        for leftover in list(folder.glob("**/.*.part")):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)
        store.info()
        return store

    @classmethod
    def read_only(cls, folder: Path) -> RunStore:
        """Open an existing run for reading. Raises ``StoreError`` if there is none."""
        if not (folder / "run.json").is_file():
            raise StoreError(
                f"{folder}: is not a run (it has no run.json); `fusionbench run` makes one, by default below runs/"
            )
        store = cls(folder)
        store.info()
        return store

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def info(self) -> dict[str, Any]:
        """The content of run.json ({} if there is none yet). Raises ``StoreError`` if it is damaged or of another schema."""
        path = self.folder / "run.json"
        if not path.exists():
            return {}
        try:
            content: dict[str, Any] = json.loads(path.read_text())
        except ValueError as error:
            raise StoreError(
                f"{path}: is damaged ({error}); move it away, and the run's units are read from units/"
            ) from error
        if content.get("schema_version") != SCHEMA_VERSION:
            raise StoreError(
                f"{path}: has schema version {content.get('schema_version')}, this fusionbench reads {SCHEMA_VERSION}; "
                f"use the version that made it, or choose another --name"
            )
        return content

    def write_info(self, content: Mapping[str, Any]) -> None:
        """Write run.json atomically."""
        text = json.dumps(
            {"schema_version": SCHEMA_VERSION, **content}, indent=1, ensure_ascii=False, default=str
        )
        write_atomic(self.folder / "run.json", text.encode())

    # Fused images

    def fused_path(self, method: str, dataset: str, split: str, image: str) -> Path:
        return self.folder / "fused" / method / dataset / split / f"{image}.png"

    # Units

    def journal(self, unit: UnitId, worker: str = "") -> Journal:
        """The journal to append a unit's results to; ``worker`` tells several processes' files apart."""
        suffix = f".{worker}" if worker else ""
        return Journal(self.folder / "journal" / f"{unit.stem}{suffix}.jsonl")

    def entries(self, unit: UnitId) -> dict[str, Entry]:
        """All results of a unit so far by image, finished or in progress.

        Of two results of one image the later one counts, joined by what only the earlier one has if both are of the same bytes.
        """
        found: dict[str, Entry] = {}
        manifest = self._manifest(unit.stem)
        if manifest is not None:
            if unit.evaluator == "fuse":
                found = {image: Entry(image, digest) for image, digest in manifest["images"].items()}
            else:
                found = self._entries_from_rows(unit.stem, manifest)
        for path in sorted((self.folder / "journal").glob(f"{_escape(unit.stem)}*.jsonl")):
            for entry in Journal.read(path):
                found[entry.image] = _merge(found.get(entry.image), entry, unit.convention)
        return found

    def discard(self, unit: UnitId) -> None:
        """Forget a unit's results (``--overwrite always``)."""
        for path in (
            self.folder / "units" / f"{unit.stem}.json",
            self.folder / "rows" / f"{unit.stem}.parquet",
        ):
            path.unlink(missing_ok=True)
        for path in (self.folder / "journal").glob(f"{_escape(unit.stem)}*.jsonl"):
            path.unlink()
        shutil.rmtree(self.details_path(unit), ignore_errors=True)

    def details_path(self, unit: UnitId, *, temporary: bool = False) -> Path:
        """Where a unit's tables and masks lie, or lie until the unit is done."""
        return self.folder / "details" / (f".{unit.stem}.part" if temporary else unit.stem)

    def begin_details(self, unit: UnitId) -> Path:
        """An empty folder for a unit's tables and masks. Raises ``StoreError`` if it can't be made."""
        folder = self.details_path(unit, temporary=True)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise StoreError(
                f"{folder}: can't be made ({error.strerror or error}); free space, or choose another --out"
            ) from error
        return folder

    def keep_details(self, unit: UnitId) -> None:
        """Put what was left in the folder of ``begin_details`` in place of the unit's older details; nothing left, nothing kept."""
        folder, target = self.details_path(unit, temporary=True), self.details_path(unit)
        shutil.rmtree(target, ignore_errors=True)
        if not folder.is_dir():
            return
        if any(folder.iterdir()):
            folder.replace(target)
        else:
            folder.rmdir()

    def details(self, keys: Iterable[str] | None = None) -> pd.DataFrame:
        """The finished units (all, or those of these keys) that left tables or masks, with ``DETAIL_COLUMNS``."""
        wanted = None if keys is None else set(keys)
        found = []
        for manifest in self.manifests():
            unit = UnitId(**{k: manifest[k] for k in UnitId.__dataclass_fields__})
            folder = self.details_path(unit)
            if (wanted is None or unit.key in wanted) and folder.is_dir():
                found.append({**asdict(unit), "protocol": unit.convention, "folder": folder})
        return details_frame(found)

    def finish(self, unit: UnitId, entries: Iterable[Entry], extra: Mapping[str, Any]) -> None:
        """Turn a unit's results into its manifest and Parquet file (sorted by image), and remove its journals."""
        ordered = sorted(entries, key=lambda e: e.image)
        if unit.evaluator != "fuse":
            self._write_rows(unit, ordered)
        manifest = {
            "schema_version": SCHEMA_VERSION,
            **asdict(unit),
            "images": {e.image: e.digest for e in ordered},
            **extra,
        }
        text = json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True)
        write_atomic(self.folder / "units" / f"{unit.stem}.json", text.encode())
        for path in (self.folder / "journal").glob(f"{_escape(unit.stem)}*.jsonl"):
            path.unlink()

    def manifest_of(self, unit: UnitId) -> dict[str, Any]:
        """A unit's manifest; {} if it isn't finished."""
        return self._manifest(unit.stem) or {}

    def manifests(self) -> list[dict[str, Any]]:
        """The manifests of all finished units, sorted by file name."""
        found = [self._manifest(path.stem) for path in sorted((self.folder / "units").glob("*.json"))]
        return [m for m in found if m is not None]

    def rows(self, keys: Mapping[str, set[str] | None] | None = None) -> pd.DataFrame:
        """The rows of finished units as a frame with ``COLUMNS``.

        ``keys`` restricts to units by key, each to a set of image names (None: all its images).
        """
        frames = []
        for manifest in self.manifests():
            if manifest["evaluator"] == "fuse" or (keys is not None and manifest["key"] not in keys):
                continue
            stem = UnitId(**{k: manifest[k] for k in UnitId.__dataclass_fields__}).stem
            frame = self._read_rows(stem)
            images = None if keys is None else keys[manifest["key"]]
            frames.append(frame if images is None else frame[frame["image"].isin(images | {""})])
        frames = [f for f in frames if len(f)]
        if not frames:
            return pd.DataFrame({name: pd.Series(dtype=_dtype(name)) for name in COLUMNS})
        joined = pd.concat(frames, ignore_index=True).drop(columns="digest")
        joined.insert(0, "run", self.folder.name)
        return joined

    def _manifest(self, stem: str) -> dict[str, Any] | None:
        path = self.folder / "units" / f"{stem}.json"
        try:
            content: dict[str, Any] = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return content if content.get("schema_version") == SCHEMA_VERSION else None

    def _read_rows(self, stem: str) -> pd.DataFrame:
        path = self.folder / "rows" / f"{stem}.parquet"
        try:
            frame: pd.DataFrame = pq.read_table(path).to_pandas()
        except (OSError, pa.ArrowInvalid) as error:
            raise StoreError(
                f"{path}: can't be read ({error}); delete it and units/{stem}.json, then run again to compute it anew"
            ) from error
        return frame

    def _entries_from_rows(self, stem: str, manifest: Mapping[str, Any]) -> dict[str, Entry]:
        try:
            frame = self._read_rows(stem)
        except StoreError:
            return {}
        found = {image: Entry(image, digest) for image, digest in manifest["images"].items()}
        columns = [
            frame[n].tolist() for n in ("image", "metric", "value", "class_name", "reason", "convention")
        ]
        for image, *value in zip(*columns, strict=True):
            if image in found:
                found[image].values.append(Value(*value))
        return found

    def _write_rows(self, unit: UnitId, entries: Iterable[Entry]) -> None:
        columns: dict[str, list[Any]] = {name: [] for name in _SCHEMA.names}
        for entry in entries:
            for value in entry.values:
                record = {
                    "method": unit.method, "dataset": unit.dataset, "split": unit.split, "image": entry.image,
                    "evaluator": unit.evaluator, "convention": unit.convention if value.convention is None else value.convention,
                    "metric": value.metric, "class_name": value.class_name, "seed": unit.seed, "value": value.value,
                    "reason": value.reason, "digest": entry.digest,
                }  # fmt: skip
                for name, column in columns.items():
                    column.append(record[name])
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(columns, schema=_SCHEMA), sink, compression="zstd")
        write_atomic(self.folder / "rows" / f"{unit.stem}.parquet", sink.getvalue().to_pybytes())


def _merge(old: Entry | None, new: Entry, convention: str) -> Entry:
    if old is None or old.digest != new.digest:
        return new

    def meaning(value: Value) -> tuple[str, str, str]:
        # A row always names its convention; a value fresh from the evaluator leaves the unit's own unsaid.
        return value.metric, convention if value.convention is None else value.convention, value.class_name

    have = {meaning(v) for v in new.values}
    return Entry(new.image, new.digest, new.values + [v for v in old.values if meaning(v) not in have])


def _dtype(column: str) -> str:
    return {"seed": "int64", "value": "float64"}.get(column, "object")


def _escape(text: str) -> str:
    return text.replace("[", "[[]")
