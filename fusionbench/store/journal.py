"""The append-only journal of a unit that runs: one line per image."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ..contracts.evaluator import Value
from ..errors import StoreError


@dataclass
class Entry:
    """One image's result in a unit: ``digest`` says what it was computed from, ``values`` its numbers (none for ``fuse``)."""

    image: str
    digest: str
    values: list[Value] = field(default_factory=list)

    def to_json(self) -> str:
        values = [
            [v.metric, v.convention, v.class_name, None if math.isnan(v.value) else v.value, v.reason]
            for v in self.values
        ]
        return json.dumps([self.image, self.digest, values], ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> Entry:
        image, digest, values = json.loads(line)
        return cls(
            image, digest, [Value(m, math.nan if x is None else x, c, r, k) for m, k, c, x, r in values]
        )


class Journal:
    """An append-only file of entries. Each line is written by one ``write`` call, so a kill tears at most the last one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def append(self, entry: Entry) -> None:
        """Add an entry. Raises ``StoreError`` if the disk is full."""
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                torn = (
                    self.path.exists()
                    and not self.path.read_bytes().endswith(b"\n")
                    and self.path.stat().st_size > 0
                )
                self._file = self.path.open("ab", buffering=0)
                if torn:
                    self._file.write(b"\n")
            line = entry.to_json().encode() + b"\n"
            if self._file.write(line) != len(line):  # unbuffered: a disk that has just filled up takes a part
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise StoreError(
                f"{self.path}: can't be written ({error.strerror}); free space, then run the same command again: what is finished is kept"
            ) from error

    def close(self) -> None:
        if self._file is not None:
            # A file system that can't sync (some network mounts) still has what was written.
            with contextlib.suppress(OSError):
                os.fsync(self._file.fileno())
            self._file.close()
            self._file = None

    @staticmethod
    def read(path: Path) -> Iterator[Entry]:
        """The whole entries of a journal; torn or damaged lines are skipped (their images are simply done again)."""
        for line in path.read_bytes().split(b"\n"):
            if line:
                with contextlib.suppress(ValueError, TypeError):
                    yield Entry.from_json(line.decode())
