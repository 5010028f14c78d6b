"""A folder that one process at a time writes to: the trainings'."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from ..errors import StoreError
from .atomic import remove_leftovers


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Create a folder, keep other processes out of it, and remove what a killed one left half written in it.

    Raises ``StoreError`` if another process has it, or if it can't be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("ab")
    except OSError as error:
        raise StoreError(
            f"{folder}: can't be written to ({error.strerror or error}); choose another folder"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"{folder}: another training is writing to it; wait for it, or choose another folder"
            ) from None
        except OSError:
            pass  # a file system without locks
        remove_leftovers(folder)
        yield
