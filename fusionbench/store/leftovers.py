"""What a killed run leaves half written, and removing exactly that: never a file that the suite didn't
make."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..files.atomic import is_leftover

FOLDERS = ("units", "rows", "fused", "journal", "details", "report", "external", "cache")
"""The sub-folders of a run folder that the suite writes to."""


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of ``write_atomic`` and the unfinished details below a run folder.

    Links are not followed, and a file that can't be removed stays.
    """
    for path in _temporary_files(folder):
        path.unlink(missing_ok=True)
    details = folder / "details"
    if details.is_dir() and not details.is_symlink():
        for path in details.iterdir():
            if is_unfinished_details(path):
                shutil.rmtree(path, ignore_errors=True)


def is_unfinished_details(path: Path) -> bool:
    """Whether a folder is where a unit's details were being written."""
    return (
        path.name.startswith(".")
        and path.name.endswith(".part")
        and "--" in path.name
        and path.is_dir()
        and not path.is_symlink()
    )


def _temporary_files(folder: Path) -> Iterator[Path]:
    yield from (p for p in folder.iterdir() if is_leftover(p))
    for name in FOLDERS:
        for root, _, files in os.walk(folder / name):
            yield from (path for file in files if is_leftover(path := Path(root) / file))
