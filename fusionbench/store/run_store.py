"""The run store: a folder that holds everything a run produced, written so that a kill at any moment loses at
most one image.

On disk, below the run's folder::

    run.json                                   schema version, configurations, provenance
    units/<unit>.json                          a unit's identity, key, images and failures
    rows/<unit>.parquet                        the unit's rows, once it is done
    fused/<method>/<dataset>/<split>/*.png     fused images
    journal/<unit>[.<worker>].jsonl            a unit in progress: one line an image, appended whole
    details/<unit>/                            what an evaluator of whole sets left for reports
    report/                                    what the reports wrote
    .lock                                      held by the process that writes

While a unit runs, each finished image is one line in its journal (a torn last line is dropped when it is
read). When it ends, the lines become a Parquet file, sorted, without times or paths, so that a run that was
killed and resumed leaves the same bytes as an undisturbed one. ``merging`` joins the stores of several
machines; ``reading`` is what reports see of a store.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import pandas as pd

from ..contracts.evaluator import Value
from ..errors import StoreError
from ..files.atomic import write_atomic
from . import run_file
from .entrants import Entrants, read_settings
from .fused import fused_path
from .journal import Entry, Journal
from .leftovers import remove_leftovers
from .manifest import (
    SCHEMA_VERSION,
    Manifest,
    NewerSchemaError,
    manifest_path,
    read_manifest,
    write_manifest,
)
from .rows_file import read_rows, read_rows_alone, rows_path, write_rows
from .unit_id import UnitId

__all__ = ["SCHEMA_VERSION", "RunStore"]

_WORKER = re.compile(r"(?P<stem>.+)\.w(?P<index>\d+)")


class RunStore:
    """A run's folder. Use ``RunStore.open`` to write and ``RunStore.read_only`` to read.

    ``notes`` says what was found damaged and is done again; a run shows it.
    """

    def __init__(self, folder: Path, *, keeps_images: bool = True) -> None:
        self.folder = folder
        self.notes: list[str] = []
        self.keeps_images = keeps_images
        """False for a store that only passes numbers on: what is fused is scored and forgotten."""
        self._lock: IO[bytes] | None = None
        self._place = _place_of(folder)

    @classmethod
    def open(cls, folder: Path, *, keeps_images: bool = True) -> RunStore:
        """Create or open a run for writing and lock it. Raises ``StoreError`` if another process writes to
        it, or its schema is another."""
        store = cls(folder, keeps_images=keeps_images)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            store._lock = (folder / ".lock").open("ab")
            fcntl.flock(store._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            store._place = _place_of(folder)
            remove_leftovers(folder)
        except BlockingIOError:
            raise StoreError(
                f"{folder}: another fusionbench process is writing to this run; wait for it, or choose "
                "another --name"
            ) from None
        except OSError as error:
            raise StoreError(
                f"{folder}: can't be used as a run folder ({error.strerror or error}); choose another --out"
            ) from error
        try:
            store._heal_run_file()
            store._fold_journals()
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def read_only(cls, folder: Path) -> RunStore:
        """Open an existing run for reading. Raises ``StoreError`` if there is none."""
        if not (folder / run_file.RUN_FILE).exists():
            if (folder / "units").is_dir():
                raise StoreError(
                    f"{folder}: has units but no run.json; run the same command again: the file is written "
                    "again, and all "
                    "results are kept"
                )
            raise StoreError(
                f"{folder}: is not a run (it has no run.json); `fusionbench run` makes one, by default below "
                "runs/"
            )
        store = cls(folder)
        store.info()
        return store

    def close(self) -> None:
        """Unlock the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def check_in_place(self) -> None:
        """Raise ``StoreError`` if the folder was deleted or replaced since it was opened."""
        if _place_of(self.folder) != self._place:
            raise StoreError(
                f"{self.folder}: was deleted or replaced while the run was writing to it, and what it held "
                "is lost; "
                "run the same command again"
            )

    # run.json

    def info(self) -> dict[str, Any]:
        """The content of run.json ({} if there is none yet). Raises ``StoreError`` if it is damaged or of
        another schema."""
        return run_file.read_run_file(self.folder)

    def write_info(self, content: Mapping[str, Any]) -> None:
        """Write run.json atomically."""
        self.check_in_place()
        run_file.write_run_file(self.folder, content)

    def _heal_run_file(self) -> None:
        try:
            self.info()
        except NewerSchemaError:
            raise
        except StoreError:
            self._note(run_file.set_aside(self.folder))

    def entrants(self, table: str) -> Entrants:
        """The names of the ``methods`` or ``datasets`` of this run folder, with the settings that tell
        variants apart."""
        column, facts = {"methods": ("method", "settings"), "datasets": ("dataset", "dataset_settings")}[
            table
        ]
        known: dict[str, Any] = {}
        try:
            for name, about in self.info().get(table, {}).items():
                known[name] = read_settings(about.get("settings"))
        except StoreError:
            pass  # opening the store says it
        for manifest in self.manifests(pattern="fuse--*.json"):
            name = getattr(manifest.unit, column)
            settings = read_settings(manifest.facts.get(facts))
            known[name] = known.get(name) if settings is None else settings
        return Entrants(known)

    # Fused images

    def fused_path(self, method: str, dataset: str, split: str, image: str) -> Path:
        """Where a fused image lies; ``method`` and ``dataset`` are names within this run folder."""
        return fused_path(self.folder, method, dataset, split, image)

    # Units

    def journal(self, unit: UnitId, worker: str = "") -> Journal:
        """The journal to append a unit's results to; ``worker`` tells several processes' files apart."""
        suffix = f".{worker}" if worker else ""
        return Journal(self.folder / "journal" / f"{unit.stem}{suffix}.jsonl")

    def entries(self, unit: UnitId) -> dict[str, Entry]:
        """All results of a unit so far by image, finished or in progress.

        Of two results of one image the later one counts, joined by what only the earlier one has if both are
        of the same bytes.
        """
        found: dict[str, Entry] = {}
        manifest = self._manifest(unit.stem)
        if manifest is not None:
            if unit.is_fusing:
                found = {image: Entry(image, digest) for image, digest in manifest.images.items()}
            else:
                found = self._entries_from_rows(manifest)
        for path in self.journals(unit.stem):
            try:
                for entry in Journal.read(path):
                    found[entry.image] = _merge(found.get(entry.image), entry, unit.convention)
            except OSError as error:
                self._note(f"{path}: can't be read ({error.strerror or error}); what it held is done again")
        return found

    def journals(self, stem: str) -> list[Path]:
        """The journals of a unit, oldest first."""
        paths = [p for p in (self.folder / "journal").glob(f"{_escape(stem)}*.jsonl") if not p.is_dir()]
        return sorted(paths, key=lambda p: (_modified(p), _WORKER.fullmatch(p.stem) is not None, p.name))

    def journal_facts(self, unit: UnitId) -> dict[str, Any]:
        """What the method of a unit in progress said of itself."""
        facts: dict[str, Any] = {}
        for path in self.journals(unit.stem):
            try:
                facts.update(Journal.read_facts(path))
            except OSError:
                continue
        return facts

    def _fold_journals(self) -> None:
        """Join the journals that several processes left into one per unit, so that what follows counts as
        newer."""
        stems = {
            match["stem"]
            for p in (self.folder / "journal").glob("*.jsonl")
            if (match := _WORKER.fullmatch(p.stem))
        }
        for stem in sorted(stems):
            paths, target = self.journals(stem), self.folder / "journal" / f"{stem}.jsonl"
            try:
                parts = [path.read_bytes() for path in paths]
            except OSError:
                continue  # reading the entries says it
            write_atomic(
                target, b"".join(part if part.endswith(b"\n") else part + b"\n" for part in parts if part)
            )
            for path in paths:
                if path != target:
                    path.unlink()

    def discard(self, unit: UnitId) -> None:
        """Forget a unit's results (``--overwrite always``, or results that newer ones replace)."""
        for path in (
            manifest_path(self.folder, unit.stem),
            rows_path(self.folder, unit.stem),
            *self.journals(unit.stem),
        ):
            _remove(path)
        shutil.rmtree(self.details_path(unit), ignore_errors=True)

    def finish(self, unit: UnitId, entries: Iterable[Entry], facts: Mapping[str, Any]) -> None:
        """Turn a unit's results into its manifest and Parquet file (sorted by image), and remove its
        journals."""
        self.check_in_place()
        ordered = sorted(entries, key=lambda e: e.image)
        if not unit.is_fusing:
            facts = {**facts, "rows_sha256": write_rows(self.folder, unit, ordered)}
        write_manifest(self.folder, Manifest(unit, {e.image: e.digest for e in ordered}, facts))
        for path in self.journals(unit.stem):
            path.unlink()

    def manifest_of(self, unit: UnitId) -> dict[str, Any]:
        """What a unit's manifest says beside its images; {} if it isn't finished."""
        manifest = self._manifest(unit.stem)
        return dict(manifest.facts) if manifest is not None else {}

    def manifests(self, pattern: str = "*.json") -> list[Manifest]:
        """The readable manifests of finished units, sorted by file name; ``reading`` also names the
        others."""
        found = []
        for path in sorted((self.folder / "units").glob(pattern)):
            try:
                found.append(read_manifest(path))
            except (StoreError, FileNotFoundError):
                continue
        return found

    def rows(
        self, keys: Mapping[str, set[str] | None] | None = None, problems: list[str] | None = None
    ) -> pd.DataFrame:
        """The rows of finished units as a frame with ``COLUMNS``; see ``reading.read_rows_of``."""
        from .reading import read_rows_of

        return read_rows_of(self, keys, problems)

    # Details

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
        """Put what was left in the folder of ``begin_details`` in place of the unit's older details;
        nothing left, nothing kept."""
        folder, target = self.details_path(unit, temporary=True), self.details_path(unit)
        shutil.rmtree(target, ignore_errors=True)
        if not folder.is_dir():
            return
        if any(folder.iterdir()):
            folder.replace(target)
        else:
            folder.rmdir()

    def details(self, keys: Iterable[str] | None = None) -> pd.DataFrame:
        """The finished units (all, or those of these keys) that left tables or masks, with
        ``DETAIL_COLUMNS``."""
        from .reading import read_details

        return read_details(self, keys)

    # What is read

    def _manifest(self, stem: str) -> Manifest | None:
        """A unit's manifest; None if there is none or (with a note) a damaged one. Raises
        ``NewerSchemaError``."""
        try:
            return read_manifest(manifest_path(self.folder, stem))
        except FileNotFoundError:
            return None
        except NewerSchemaError:
            raise
        except StoreError as error:
            self._note(f"{str(error).partition(';')[0]}; the unit is done again")
            return None

    def _entries_from_rows(self, manifest: Manifest) -> dict[str, Entry]:
        stem = manifest.unit.stem
        images = dict(manifest.images)
        frame: pd.DataFrame | None
        try:
            frame = read_rows(self.folder, manifest)
        except StoreError as error:
            try:
                # A run that was killed while it finished this unit has written the rows and not yet the
                # manifest.
                frame = read_rows_alone(self.folder, manifest.unit) if self.journals(stem) else None
            except StoreError:
                frame = None
            if frame is None:
                self._note(f"{str(error).partition(';')[0]}; the unit is scored again")
                return {}
            images |= dict(zip(frame["image"], frame["digest"], strict=True))
        found = {image: Entry(image, digest) for image, digest in images.items()}
        columns = [
            frame[n].tolist() for n in ("image", "metric", "value", "class_name", "reason", "convention")
        ]
        for image, *value in zip(*columns, strict=True):
            found[image].values.append(Value(*value))
        return found

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _merge(old: Entry | None, new: Entry, convention: str) -> Entry:
    if old is None or old.digest != new.digest:
        return new

    def meaning(value: Value) -> tuple[str, str, str]:
        # A row always names its convention; a value fresh from the evaluator leaves the unit's own unsaid.
        return value.metric, convention if value.convention is None else value.convention, value.class_name

    have = {meaning(v) for v in new.values}
    return Entry(new.image, new.digest, new.values + [v for v in old.values if meaning(v) not in have])


def _place_of(folder: Path) -> tuple[int, int] | None:
    """What tells a folder from another one of the same name; None if there is none."""
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _escape(text: str) -> str:
    return text.replace("[", "[[]")
