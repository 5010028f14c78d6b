"""The append-only journal of a unit that runs: one line per image, and what the method says of itself."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ..contracts.evaluator import Value
from ..errors import StoreError


@dataclass
class Entry:
    """One image's result in a unit: ``digest`` says what it was computed from, ``values`` its numbers
    (none for ``fuse``)."""

    image: str
    digest: str
    values: list[Value] = field(default_factory=list)

    def to_json(self) -> str:
        """The entry as one line of a journal."""
        values = [
            [v.metric, v.convention, v.class_name, None if math.isnan(v.value) else v.value, v.reason]
            for v in self.values
        ]
        return json.dumps([self.image, self.digest, values], ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> Entry:
        """Read an entry. Raises ``ValueError`` or ``TypeError`` if a line isn't one."""
        image, digest, values = json.loads(line)
        if not isinstance(image, str) or not isinstance(digest, str):
            raise TypeError("image and digest are texts")
        return cls(image, digest, [_value(*value) for value in values])


def _value(metric: Any, convention: Any, class_name: Any, value: Any, reason: Any) -> Value:
    if not (isinstance(metric, str) and isinstance(class_name, str) and isinstance(reason, str)):
        raise TypeError("metric, class and reason are texts")
    if not isinstance(convention, str | None):
        raise TypeError("a convention is a text")
    return Value(metric, math.nan if value is None else float(value), class_name, reason, convention)


class Journal:
    """An append-only file of entries. Each line is written by one ``write`` call, so a kill tears at most the
    last one.

    A line ends with a checksum, so that a damaged number is never read as another one. Any thread may append.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()

    def append(self, entry: Entry) -> None:
        """Add an entry. Raises ``StoreError`` if the disk is full, or if the journal was deleted
        meanwhile."""
        self._write(entry.to_json())

    def note(self, facts: Mapping[str, Any]) -> None:
        """Add facts about the unit (its method's provenance). Raises as ``append`` does."""
        self._write(json.dumps(dict(facts), separators=(",", ":"), default=str))

    def _write(self, text: str) -> None:
        with self._lock:
            try:
                if self._file is None:
                    self._file = self._open()
                if os.fstat(self._file.fileno()).st_nlink == 0:
                    raise StoreError(
                        f"{self.path}: was deleted while the run was writing to it, and what it held is "
                        "lost; "
                        "run the same command again: it does what is missing"
                    )
                line = f"{text}\t{zlib.crc32(text.encode()):08x}\n".encode()
                # Unbuffered: a disk that has just filled up takes a part.
                if self._file.write(line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as error:
                raise StoreError(
                    f"{self.path}: can't be written ({error.strerror}); free space, then run the same "
                    "command again: "
                    "what is finished is kept"
                ) from error

    def _open(self) -> IO[bytes]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        torn = (
            self.path.exists() and self.path.stat().st_size > 0 and not self.path.read_bytes().endswith(b"\n")
        )
        file = self.path.open("ab", buffering=0)
        if torn:
            file.write(b"\n")
        return file

    def close(self) -> None:
        """Close the file, if it was opened."""
        with self._lock:
            if self._file is not None:
                # A file system that can't sync (some network mounts) still has what was written.
                with contextlib.suppress(OSError):
                    os.fsync(self._file.fileno())
                self._file.close()
                self._file = None

    @staticmethod
    def read(path: Path) -> Iterator[Entry]:
        """The whole entries of a journal; torn or damaged lines are skipped (their images are simply done
        again)."""
        for text in _lines(path):
            if text.startswith("["):
                with contextlib.suppress(ValueError, TypeError, RecursionError):
                    yield Entry.from_json(text)

    @staticmethod
    def read_facts(path: Path) -> dict[str, Any]:
        """What ``note`` added, the latest of each."""
        facts: dict[str, Any] = {}
        for text in _lines(path):
            if text.startswith("{"):
                with contextlib.suppress(ValueError, TypeError, RecursionError):
                    facts.update(json.loads(text))
        return facts


def _lines(path: Path) -> Iterator[str]:
    """The undamaged lines of a journal, without their checksums (those of version 0.1 have none)."""
    for line in path.read_bytes().split(b"\n"):
        body, tab, checksum = line.rpartition(b"\t")
        if tab and f"{zlib.crc32(body):08x}".encode() != checksum:
            continue
        with contextlib.suppress(UnicodeDecodeError):
            text = (body if tab else line).decode()
            if text:
                yield text
