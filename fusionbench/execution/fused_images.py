"""The fused images of a group on disk: where they lie, how they are written, and that what is read is what was written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from ..files.atomic import write_atomic
from ..images.codec import UInt8Array, encode_png
from ..planning.units import Group
from ..store.fused import fused_digest, is_unchanged, read_fused
from ..store.journal import Entry
from ..store.run_store import RunStore


def fused_path(store: RunStore, group: Group, image: str) -> Path:
    """Where a group's fused image lies."""
    return store.fused_path(group.method.name, group.dataset.name, group.dataset.split, image)


def save_fused(path: Path, fused: UInt8Array, source: str, record: Callable[[str], None]) -> str:
    """Write a fused image (uint8 H×W or H×W×3 RGB) as PNG, atomically. Returns its digest: ``source``, and the hash of the file.

    ``record`` is called with the digest just before the image appears under its name: an image that is there is recorded.
    """
    data = encode_png(fused)
    digest = fused_digest(source, data)
    write_atomic(path, data, before=lambda: record(digest))
    return digest


def unchanged_images(
    store: RunStore, group: Group, entries: Mapping[str, Entry], names: Collection[str]
) -> tuple[set[str], list[str]]:
    """Those of the images whose file is the one that was fused; and the names of files that are there and aren't."""
    unchanged: set[str] = set()
    changed: list[str] = []
    for name in names:
        path = fused_path(store, group, name)
        if name in entries and is_unchanged(path, entries[name].digest):
            unchanged.add(name)
        elif name in entries and path.exists():
            changed.append(name)
    return unchanged, changed


def fused_reader(store: RunStore, group: Group) -> Callable[[str], UInt8Array]:
    """A function that decodes a group's fused image by name, for evaluators of whole sets.

    It raises ``ImageError`` for a file that isn't the image that was fused.
    """
    entries = store.entries(group.fuse)

    def read(name: str) -> UInt8Array:
        return read_fused(fused_path(store, group, name), entries[name].digest)

    return read
