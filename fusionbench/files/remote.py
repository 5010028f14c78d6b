"""Data sets in object storage (``s3://``, ``gs://`` and whatever else fsspec knows): copied below the cache when
they are read, and only where they changed."""

from __future__ import annotations

import hashlib
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import MissingDataError
from ..extras import require
from . import artifacts
from .atomic import write_atomic

_LIST = ".remote.json"
"""In a copy: relative path → what the storage said of the file when it was copied."""
_TOGETHER = 16
_STAMPS = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "created")


def is_url(root: object) -> bool:
    """Whether a data root lies in object storage."""
    return "://" in str(root)


def mirror_folder(url: str) -> Path:
    """The folder that files of a URL are copied to on this machine."""
    return artifacts.cache_dir() / "remote" / hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:16]


def url_of(path: Path) -> str:
    """The URL that a copy was made of; "" for a path that is none."""
    return next((url for url, folder in _mirrored.items() if path.is_relative_to(folder)), "")


_mirrored: dict[str, Path] = {}


def mirror(url: str) -> Path:
    """Copy what lies below a URL, as far as it is new, and return the folder. Once per process.

    Raises ``MissingDataError`` if the storage can't be read, ``MissingExtraError`` without fsspec.
    """
    if url in _mirrored:
        return _mirrored[url]
    folder = mirror_folder(url)
    storage, root = _storage(url)
    try:
        listed = storage.find(root, detail=True)
        if not listed:
            raise MissingDataError(f"{url}: holds no files; check the address and the region")
        stamps = {name[len(root) :].lstrip("/"): _stamp(about) for name, about in listed.items()}
        known = _read_list(folder)
        wanted = [
            n for n, stamp in stamps.items() if n and (known.get(n) != stamp or not (folder / n).is_file())
        ]
        if wanted:
            size = sum(listed[f"{root}/{n}"].get("size") or 0 for n in wanted)
            print(
                f"{url}: {len(wanted)} files ({size / 1e6:,.1f} MB) are copied to {folder}", file=sys.stderr
            )
        for name in known.keys() - stamps.keys():
            _inside(folder, name).unlink(missing_ok=True)
        for start in range(0, len(wanted), _TOGETHER):
            names = wanted[start : start + _TOGETHER]
            found = storage.cat([f"{root}/{n}" for n in names])
            for name, data in zip(names, (found[f"{root}/{n}"] for n in names), strict=True):
                write_atomic(_inside(folder, name), data)
                known[name] = stamps[name]
            _write_list(folder, {n: known[n] for n in stamps if n in known})
    except MissingDataError:
        raise
    except Exception as error:  # each storage has errors of its own
        raise MissingDataError(f"{url}: can't be read ({type(error).__name__}: {error})") from error
    _write_list(folder, {n: known[n] for n in stamps if n in known})
    _mirrored[url] = folder
    return folder


def fetch_file(url: str, path: Path) -> None:
    """Copy one file of a URL to ``path``, its place in ``mirror_folder``. Raises ``MissingDataError``."""
    storage, root = _storage(url)
    name = str(path.relative_to(mirror_folder(url)))
    try:
        data = storage.cat_file(f"{root}/{name}")
    except Exception as error:
        raise MissingDataError(f"{url}/{name}: can't be read ({type(error).__name__}: {error})") from error
    write_atomic(path, data)


@cache
def _storage(url: str) -> tuple[Any, str]:
    core = require("fsspec", url)
    try:
        storage, root = core.core.url_to_fs(url)
    except ImportError as error:
        scheme = url.partition("://")[0]
        package = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs"}.get(scheme, f"fsspec's package for {scheme}")
        raise MissingDataError(
            f"{url}: needs {package}, which is not installed: pip install {package}"
        ) from error
    except ValueError as error:
        raise MissingDataError(f"{url}: {error}") from error
    return storage, root.rstrip("/")


def _inside(folder: Path, name: str) -> Path:
    """A file of the copy. Raises ``MissingDataError`` for a name that leads out of it."""
    if ".." in Path(name).parts or Path(name).is_absolute():
        raise MissingDataError(f"{name}: leads out of the data set; rename it")
    return folder / name


def _stamp(about: dict[str, Any]) -> str:
    return ":".join(str(about.get(key)) for key in ("size", *_STAMPS) if about.get(key) is not None)


def _read_list(folder: Path) -> dict[str, str]:
    try:
        return dict(json.loads((folder / _LIST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _write_list(folder: Path, files: dict[str, str]) -> None:
    write_atomic(folder / _LIST, json.dumps(files, sort_keys=True).encode())
