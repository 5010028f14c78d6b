"""The fused images of a group on disk: where they lie, how they are written, and that what is read is what was written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from ..errors import ImageError
from ..files.atomic import write_atomic
from ..images.codec import UInt8Array, decode_image, encode_png, read_image
from ..planning.units import Group
from ..store.run_store import RunStore


def fused_path(store: RunStore, group: Group, image: str) -> Path:
    """Where a group's fused image lies."""
    return store.fused_path(group.method.spec.name, group.dataset.spec.name, group.dataset.split, image)


def save_fused(path: Path, fused: UInt8Array, source: str) -> str:
    """Write a fused image (uint8 H×W or H×W×3 RGB) as PNG, atomically. Returns its digest: ``source``, and the hash of the file."""
    data = encode_png(fused)
    write_atomic(path, data)
    return f"{source}:{hashlib.sha256(data).hexdigest()[:32]}"


def read_saved(path: Path, digest: str) -> UInt8Array:
    """Read a fused image whose digest is known. Raises ``ImageError`` if the file is another one."""
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest()[:32] != digest.partition(":")[2]:
        raise ImageError(f"{path}: was changed after it was fused; delete it and run again to fuse it again")
    return decode_image(data, str(path))


def fused_reader(store: RunStore, group: Group) -> Callable[[str], UInt8Array]:
    """A function that decodes a group's fused image by name, for evaluators of whole sets."""

    def read(name: str) -> UInt8Array:
        return read_image(fused_path(store, group, name))

    return read
