"""The fused images of a group: where they lie, how they are written, and that what is read is what was
written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Protocol

from ..errors import ImageError
from ..files.atomic import write_atomic
from ..images.codec import UInt8Array, encode_png
from ..planning.units import Group
from ..store.fused import fused_digest, is_unchanged, read_fused
from ..store.journal import Entry
from ..store.run_store import RunStore


class FusedImages(Protocol):
    """Where the flow of images puts what is fused. A digest names an image's sources and its bytes."""

    def save(self, name: str, fused: UInt8Array, source: str, record: Callable[[str], None]) -> str:
        """Keep a fused image (uint8 H×W or H×W×3 RGB) that was made from ``source``; returns its digest.

        ``record`` is called with the digest just before the image appears: an image that is there is
        recorded.
        """
        ...

    def read(self, name: str, digest: str) -> UInt8Array:
        """A kept image. Raises ``ImageError`` if it isn't the one of that digest."""
        ...

    def unchanged(
        self, entries: Mapping[str, Entry], names: Collection[str]
    ) -> tuple[set[str], dict[str, Path]]:
        """Those of the names whose image is the one that was fused; and the files, by name, that are there
        and aren't."""
        ...


class SavedImages:
    """A group's images as PNG files in the run folder; see ``FusedImages``."""

    def __init__(self, path_of: Callable[[str], Path]) -> None:
        self._path_of = path_of

    def save(self, name: str, fused: UInt8Array, source: str, record: Callable[[str], None]) -> str:
        data = encode_png(fused)
        digest = fused_digest(source, data)
        write_atomic(self._path_of(name), data, before=lambda: record(digest))
        return digest

    def read(self, name: str, digest: str) -> UInt8Array:
        return read_fused(self._path_of(name), digest)

    def unchanged(
        self, entries: Mapping[str, Entry], names: Collection[str]
    ) -> tuple[set[str], dict[str, Path]]:
        unchanged: set[str] = set()
        changed: dict[str, Path] = {}
        for name in names:
            path = self._path_of(name)
            if name in entries and is_unchanged(path, entries[name].digest):
                unchanged.add(name)
            elif name in entries and path.exists():
                changed[name] = path
        return unchanged, changed


class UnsavedImages:
    """Images that are scored and forgotten; see ``FusedImages``."""

    def save(self, name: str, fused: UInt8Array, source: str, record: Callable[[str], None]) -> str:
        digest = fused_digest(source, fused.tobytes())
        record(digest)
        return digest

    def read(self, name: str, digest: str) -> UInt8Array:
        raise ImageError(f"{name}: its fused image was not kept")

    def unchanged(
        self, entries: Mapping[str, Entry], names: Collection[str]
    ) -> tuple[set[str], dict[str, Path]]:
        return set(), {}


def images_of(store: RunStore, group: Group) -> FusedImages:
    """The fused images of a group in a store."""
    if not store.keeps_images:
        return UnsavedImages()
    return SavedImages(lambda name: fused_path(store, group, name))


def fused_path(store: RunStore, group: Group, image: str) -> Path:
    """Where a group's fused image lies."""
    return store.fused_path(group.method.name, group.dataset.name, group.dataset.split, image)


def fused_reader(store: RunStore, group: Group) -> Callable[[str], UInt8Array]:
    """A function that decodes a group's fused image by name, for evaluators of whole sets.

    It raises ``ImageError`` for a file that isn't the image that was fused.
    """
    entries = store.entries(group.fuse)

    def read(name: str) -> UInt8Array:
        return read_fused(fused_path(store, group, name), entries[name].digest)

    return read
