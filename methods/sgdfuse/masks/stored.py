"""Objectness maps that somebody else computed: read from a folder."""

import hashlib
import re
from pathlib import Path

import numpy as np

from fusionbench.errors import ImageError, InputError
from fusionbench.images.codec import EXTENSIONS, read_grey
from fusionbench.images.reading import Reading

from .provider import (
    Image,
    Objectness,
    ProviderUnavailableError,
    check_image,
    file_sha256,
    image_hash,
    make_fingerprint,
)


class StoredMasks:
    """Maps from ``folder``, found by name or by image hash.

    A map is a grey 8- or 16-bit image (0 = none, full = 1) or an ``.npy`` array of floats in [0,1], as large
    as its image. For the image called ``ir/00001D`` the files ``ir/00001D.<ending>`` and then ``<image
    hash>.<ending>`` are looked for under ``folder``; without a name only the latter
    (``fusionbench.methods.sgdfuse.masks.image_hash``). ``missing``: ``error`` or ``zero``, what to do where
    there is no map. The fingerprint holds the files' content, so that changed maps are never taken for the
    old ones; ``version`` is a free text in it.
    """

    name = "file"

    def __init__(self, folder: str | Path, missing: str = "error", version: str = "") -> None:
        self._folder = Path(folder).expanduser()
        if missing not in {"error", "zero"}:
            raise InputError(f"mask provider 'file': missing is `error` or `zero`, not {missing!r}")
        if not self._folder.is_dir():
            raise ProviderUnavailableError(f"mask provider 'file': there is no folder {self._folder}")
        self._missing = missing
        options = {
            "folder": str(self._folder.resolve()),
            "missing": missing,
            "version": version,
            "files": _content(self._folder),
        }
        self.fingerprint = make_fingerprint(self.name, options)

    def objectness(self, image: Image, name: str | None = None) -> Objectness:
        """The stored map, float32 H×W in [0,1]; ``ImageError`` when it is missing, unreadable or of another
        size."""
        image = check_image(image)
        stems = [image_hash(image)]
        if name is not None:
            if not re.fullmatch(r"[^/\\]+(/[^/\\]+)*", name) or ".." in name.split("/"):
                raise InputError(f"mask provider 'file': {name!r} is not a name below a folder")
            stems.insert(0, name)
        for stem in stems:
            for ending in (".npy", *EXTENSIONS):
                path = self._folder / f"{stem}{ending}"
                if path.is_file():
                    return _read_map(path, (image.shape[0], image.shape[1]))
        if self._missing == "zero":
            return np.zeros(image.shape[:2], dtype=np.float32)
        raise ImageError(
            f"no mask for {name or 'the image'} in {self._folder}: looked for {' and '.join(stems)} with the "
            f"endings .npy {' '.join(EXTENSIONS)}; add it, or pass missing=zero"
        )


def _content(folder: Path) -> str:
    """16 hex digits that hash the names and the content of all files below a folder."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder)).encode(errors="surrogateescape")
        digest.update(name + b"\0" + file_sha256(path).encode() + b"\n")
    return digest.hexdigest()[:16]


def _read_map(path: Path, shape: tuple[int, int]) -> Objectness:
    if path.suffix == ".npy":
        try:
            values = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise ImageError(f"{path} can't be read as a numpy array ({error}); write it again") from error
        if not np.issubdtype(values.dtype, np.floating) or not np.all((values >= 0) & (values <= 1)):
            raise ImageError(f"{path} must hold floats in [0,1]")
        objectness: Objectness = values.astype(np.float32)
    else:
        full_range = Reading(bits="16")  # a map may be low everywhere
        objectness = read_grey(path, full_range).astype(np.float32) / np.float32(255)
    if objectness.shape != shape:
        raise ImageError(f"the mask {path} is {objectness.shape}, but its image is {shape} (height, width)")
    return objectness
