"""Options as what results depend on: a file or folder that an option names counts by its content, not by
its path."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import artifacts
from ..store.entrants import file_setting

LARGEST_FOLDER = 4 << 30
"""Bytes. The files of a larger folder count by size and modification time."""

_FOLDER_KEYS = {"folder", "dir", "directory", "path", "root"}


def by_content(value: Any, key: str = "") -> Any:
    """An option's value with each file or folder that it names replaced by ``{name, sha256}``, at any depth.

    Raises ``InputError`` for a file that can't be read.
    """
    if isinstance(value, Mapping):
        return {str(k): by_content(v, str(k)) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [by_content(v, key) for v in value]
    if not isinstance(value, str | Path) or not str(value):
        return value
    try:
        path = Path(value).expanduser()
        if path.is_file():
            return file_setting(path, artifacts.file_hashes(path)[0])
        if path.is_dir() and (key in _FOLDER_KEYS or "/" in str(value)):
            return file_setting(path.resolve(), _folder_hash(path))
    except (OSError, RuntimeError) as error:
        raise InputError(f"option {key}={value}: can't be read ({error}); name a readable file") from error
    except ValueError:  # a text with a NUL names no file
        return value
    return value


def without_names(value: Any) -> Any:
    """The same for a unit's key: what a file is called doesn't change a result."""
    if isinstance(value, Mapping):
        if set(value) == {"name", "sha256"}:
            return {"sha256": value["sha256"]}
        return {k: without_names(v) for k, v in value.items()}
    return [without_names(v) for v in value] if isinstance(value, list) else value


def _folder_hash(folder: Path) -> str:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    sizes = [p.stat().st_size for p in files]
    digest = hashlib.sha256()
    for path, size in zip(files, sizes, strict=True):
        if sum(sizes) > LARGEST_FOLDER:
            content = f"{size}:{path.stat().st_mtime_ns}"
        else:
            content = artifacts.file_hashes(path)[0]
        digest.update(f"{path.relative_to(folder)}\0{content}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
