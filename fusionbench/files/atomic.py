"""Files written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ..errors import StoreError


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all: temporary file beside it, fsync, rename.

    Raises ``StoreError`` with the reason; the temporary file is removed.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise StoreError(
            f"{path}: can't be written ({error.strerror or error}); free space or choose another place, then run the same "
            f"command again: what is finished is kept"
        ) from error
