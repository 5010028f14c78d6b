"""What workers print, C libraries included, by unit in the run folder: ``logs/<unit>.log``."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ...errors import StoreError
from ...files import artifacts

TAIL_BYTES = 20_000


def worker_log() -> Path:
    """The file that this process prints to while it works."""
    return artifacts.cache_dir() / "worker-logs" / f"{os.getpid()}.log"


@contextlib.contextmanager
def captured() -> Iterator[Path]:
    """Send standard output and error of this process to its ``worker_log`` within the block."""
    path = worker_log()
    path.parent.mkdir(parents=True, exist_ok=True)
    saved = [os.dup(1), os.dup(2)]
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(file, number)
    streams = sys.stdout, sys.stderr
    with os.fdopen(file, "a", closefd=True) as sink:
        sys.stdout = sys.stderr = sink
        try:
            yield path
        finally:
            sink.flush()
            sys.stdout, sys.stderr = streams
            for number, old in zip((1, 2), saved, strict=True):
                os.dup2(old, number)
                os.close(old)


def tail(path: Path) -> str:
    """The end of a log; "" if there is none."""
    try:
        return path.read_bytes()[-TAIL_BYTES:].decode(errors="replace")
    except OSError:
        return ""


def keep_log(folder: Path, stem: str, where: str, text: str) -> None:
    """Add what a worker printed to a unit's log. Raises ``StoreError``."""
    if not text.strip():
        return
    path = folder / "logs" / f"{stem}.log"
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"--- {time.strftime('%Y-%m-%dT%H:%M:%S%z')} {where}\n{text.rstrip()}\n")
    except OSError as error:
        raise StoreError(f"{path}: can't be written ({error.strerror}); free space") from error
