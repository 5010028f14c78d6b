"""Reads whole files, and only files: a FIFO, a device or a socket would keep a run waiting for ever, or
never end."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import InputError

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}


def read_regular(path: Path, limit: int, error: type[InputError] = InputError) -> bytes:
    """The bytes of a regular file of at most ``limit`` bytes (links are followed).

    Raises ``error`` naming the file if it is missing, unreadable, larger, or no regular file.
    """
    try:
        # Without O_NONBLOCK, opening a FIFO waits until somebody writes to it.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise error(f"{path}: no such file") from None
    except (OSError, ValueError) as reason:
        raise error(
            f"{path}: can't be read ({getattr(reason, 'strerror', None) or reason}); check its permissions"
        ) from reason
    try:
        status = os.fstat(handle)
        _check(path, status.st_mode, error)
        if status.st_size > limit:
            raise error(
                f"{path}: is {status.st_size / 2**20:.0f} MiB large; at most {limit / 2**20:.0f} MiB are read"
            )
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read()
    except OSError as reason:
        raise error(f"{path}: can't be read ({reason.strerror or reason})") from reason
    finally:
        os.close(handle)


def check_regular(path: Path, error: type[InputError] = InputError) -> None:
    """Raise ``error`` naming the path if something else than a regular file is there (or nothing)."""
    try:
        mode = path.stat().st_mode
    except OSError as reason:
        raise error(f"{path}: can't be read ({reason.strerror or reason})") from reason
    _check(path, mode, error)


def _check(path: Path, mode: int, error: type[InputError]) -> None:
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "no regular file")
        raise error(f"{path}: can't be read: it is {kind}, not a file; remove it")
