"""Objectness maps on disk, so that a slow provider sees each image once."""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np

from fusionbench.files.atomic import write_atomic

from .provider import Image, MaskProvider, Objectness, check_image, image_hash


class MaskCache:
    """Maps under ``folder``, one file an image and provider, keyed by image hash + provider fingerprint.

    Stored as 8-bit (steps of 1/255) in compressed npz, whose checksum shows a damaged file; a damaged or
    foreign entry is computed again. Writing is atomic (temporary file, fsync, rename), so that several
    processes may share a folder. What comes back is rounded to 8 bits on the first call too: a warm cache
    changes no result.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def objectness(self, provider: MaskProvider, image: Image, name: str | None = None) -> Objectness:
        """``provider.objectness(image, name)``, float32 H×W in [0,1] in steps of 1/255, from the cache where
        it is there."""
        image = check_image(image)
        path = self.path(provider, image, name)
        stored = _read(path, provider.fingerprint, image.shape[:2])
        if stored is None:
            stored = np.rint(provider.objectness(image, name) * 255).astype(np.uint8)
            _write(path, stored, provider.fingerprint)
        return stored.astype(np.float32) / np.float32(255)

    def path(self, provider: MaskProvider, image: Image, name: str | None = None) -> Path:
        """Where the entry lies; the maps of ``file`` and ``…@ir`` depend on the name too."""
        key = f"{image_hash(image)}\n{provider.fingerprint}" + (f"\n{name}" if _uses_name(provider) else "")
        digest = hashlib.sha256(key.encode()).hexdigest()
        return self._folder / digest[:2] / f"{digest[2:40]}.npz"


def _uses_name(provider: MaskProvider) -> bool:
    return provider.name == "file" or "@" in provider.name


def _read(path: Path, fingerprint: str, shape: tuple[int, ...]) -> np.ndarray | None:
    """The stored uint8 map, or None when it is missing, damaged, or another image's or provider's."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            values, owner = archive["objectness"], str(archive["fingerprint"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    usable = owner == fingerprint and values.dtype == np.uint8 and values.shape == tuple(shape)
    return values if usable else None


def _write(path: Path, values: np.ndarray, fingerprint: str) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, objectness=values, fingerprint=np.array(fingerprint))
    write_atomic(path, buffer.getvalue())
