"""Where files lie on workers: at the same path, in object storage, or sent to them.

Datasets, pairs and methods hold paths of the driver's machine. They travel pickled, and each path is turned into
that of the machine that reads it.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import pickle
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Any

import ray

from ...errors import InputError
from ...files import artifacts
from ...files.atomic import write_atomic
from ...files.remote import fetch_file, mirror_folder

SENT_BYTES = 512 << 20
"""Files that workers don't see are sent to them up to this size together."""
_HELD = 16


@dataclass(frozen=True)
class Place:
    """A folder of the driver that workers don't see: its files come from ``url``, or were sent (``files`` is a
    reference to {relative path: bytes}, ``key`` hashes them)."""

    root: str
    url: str = ""
    key: str = ""
    files: Any = None

    def local(self) -> Path:
        """The folder on this machine; what was sent lies there."""
        if self.url:
            return mirror_folder(self.url)
        folder = artifacts.cache_dir() / "sent" / self.key
        if not folder.with_suffix(".complete").exists():
            folder.mkdir(parents=True, exist_ok=True)
            with folder.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not folder.with_suffix(".complete").exists():
                    for name, data in ray.get(self.files).items():
                        write_atomic(folder / name, data)
                    folder.with_suffix(".complete").touch()
        return folder


def send_files(root: Path, paths: Iterable[Path]) -> Place:
    """A place whose files are sent. Raises ``InputError`` if one can't be read."""
    files: dict[str, bytes] = {}
    digest = hashlib.sha256()
    for path in sorted(set(paths)):
        name = str(path.relative_to(root))
        try:
            files[name] = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: can't be read ({error.strerror})") from error
        digest.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
    return Place(str(root), key=digest.hexdigest()[:32], files=ray.put(files))


class _Pickler(pickle.Pickler):
    """Writes paths by name, absolute; and read-only mappings, which pickle doesn't know."""

    def persistent_id(self, value: Any) -> str | None:
        return os.path.abspath(value) if isinstance(value, PurePath) else None

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, MappingProxyType):
            return _read_only, (dict(value),)
        return NotImplemented


def _read_only(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(content)


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, places: Sequence[Place]) -> None:
        super().__init__(io.BytesIO(data))
        inner_first = sorted(places, key=lambda place: -len(place.root))
        self._roots = {place.root: str(place.local()) for place in inner_first}

    def persistent_load(self, path: Any) -> Path:
        for root, local in self._roots.items():
            if path == root or path.startswith(f"{root}/"):
                return Path(local + path[len(root) :])
        return Path(path)


@dataclass(frozen=True)
class Packed:
    """Something pickled, with the places that its paths lie in."""

    data: bytes
    places: tuple[Place, ...] = ()

    @classmethod
    def of(cls, value: Any, places: Iterable[Place], what: str) -> Packed:
        """Pack a value. Raises ``InputError`` that names ``what`` if it can't be pickled."""
        sink = io.BytesIO()
        try:
            _Pickler(sink, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            raise InputError(f"{what}: can't be sent to workers ({error}); use --engine local") from error
        return cls(sink.getvalue(), tuple(places))

    def open(self) -> Any:
        """The value, with the paths of this machine."""
        return _Unpickler(self.data, self.places).load()


@dataclass(frozen=True)
class Sent:
    """A reference to something packed that many tasks read; a process opens it once."""

    key: str
    packed: Any

    @classmethod
    def of(cls, packed: Packed) -> Sent:
        """Put it where workers find it."""
        return cls(hashlib.sha256(packed.data).hexdigest(), ray.put(packed))

    def open(self) -> Any:
        """The value; the latest ones stay open."""
        if self.key not in _opened:
            while len(_opened) >= _HELD:
                del _opened[next(iter(_opened))]
            _opened[self.key] = ray.get(self.packed).open()
        return _opened[self.key]


_opened: dict[str, Any] = {}


def fetch_missing(paths: Iterable[Path | None], places: Iterable[Place]) -> None:
    """Bring the files of places in object storage that this machine lacks. Raises ``InputError``."""
    for place in places:
        if place.url:
            folder = mirror_folder(place.url)
            for path in paths:
                if path is not None and path.is_relative_to(folder) and not path.exists():
                    fetch_file(place.url, path)
