"""What is checked of a PyTorch file before torch reads it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ..errors import InputError


def check_stored(path: Path) -> None:
    """Refuse a PyTorch file whose members are compressed: torch writes none, and a few bytes of one may stand
    for more than fits into memory. Raises ``InputError``."""
    try:
        with zipfile.ZipFile(path) as bundle:
            members = bundle.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return  # another format: whoever reads it says what is wrong with it
    declared = sum(member.file_size for member in members)
    if any(m.compress_type != zipfile.ZIP_STORED for m in members) or declared > path.stat().st_size:
        raise InputError(
            f"{path}: holds compressed members ({declared:,} bytes from {path.stat().st_size:,}), which no "
            "weight file of PyTorch has; refused as a bomb"
        )
