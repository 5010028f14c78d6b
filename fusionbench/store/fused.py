"""Fused images in a run folder: where they lie, and reading them only as the ones that were fused."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..errors import ImageError
from ..images.codec import UInt8Array, decode_image


class ChangedImageError(ImageError):
    """A fused image that isn't the one that was saved, or isn't there any more."""


def fused_path(folder: Path, method: str, dataset: str, split: str, image: str) -> Path:
    """Where a fused image lies in a run folder."""
    return folder / "fused" / method / dataset / split / f"{image}.png"


def fused_digest(source: str, data: bytes) -> str:
    """The digest of a fused image: that of its sources, and that of its file."""
    return f"{source}:{hashlib.sha256(data).hexdigest()[:32]}"


def is_unchanged(path: Path, digest: str) -> bool:
    """Whether a file is the fused image of that digest."""
    try:
        return _agrees(path.read_bytes(), digest)
    except OSError:
        return False


def read_fused(path: Path, digest: str) -> UInt8Array:
    """Decode the fused image of that digest. Raises ``ChangedImageError`` if the file is another one or
    missing."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ChangedImageError(
            f"{path}: can't be read ({error.strerror or error}); run the same command again to fuse it again"
        ) from error
    if not _agrees(data, digest):
        raise ChangedImageError(
            f"{path}: was changed after it was fused; run the same command again to fuse it again"
        )
    return decode_image(data, str(path))


def _agrees(data: bytes, digest: str) -> bool:
    return hashlib.sha256(data).hexdigest()[:32] == digest.partition(":")[2]
