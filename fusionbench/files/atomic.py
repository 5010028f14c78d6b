"""Files written whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..errors import StoreError

_SUFFIX = ".fusionbench.part"
_LEFTOVER = re.compile(r"\..{1,40}\.[a-z0-9_]{8}\.fusionbench\.part")


def write_atomic(path: Path, data: bytes, *, before: Callable[[], None] | None = None) -> None:
    """Write a file so that it is there whole or not at all: temporary file beside it, fsync, rename.

    ``before`` is called when everything is on the disk, just before the rename: what it records can't get
    lost between the two. Raises ``StoreError`` with the reason; the temporary file is removed.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=_SUFFIX, dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        if before is not None:
            before()
        os.replace(temporary, path)
    except OSError as error:
        raise StoreError(
            f"{path}: can't be written ({error.strerror or error}); free space or choose another place, then "
            "run the same "
            f"command again: what is finished is kept"
        ) from error
    finally:
        if temporary:  # gone already after the rename
            Path(temporary).unlink(missing_ok=True)


def is_leftover(path: Path) -> bool:
    """Whether a file is what ``write_atomic`` leaves if it is killed: ``.NAME.XXXXXXXX.fusionbench.part``."""
    return _LEFTOVER.fullmatch(path.name) is not None and path.is_file() and not path.is_symlink()


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed ``write_atomic`` left in a folder (not below it). Nothing else is touched."""
    if folder.is_dir():
        for path in folder.iterdir():
            if is_leftover(path):
                path.unlink(missing_ok=True)
