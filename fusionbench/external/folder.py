"""Images fused elsewhere, as a method: ``--method dir:/path[:label]``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..contracts.dataset import Pair, PairImages
from ..contracts.method import MethodSpec
from ..contracts.names import plain_name
from ..errors import ImageError, InputError
from ..images.codec import EXTENSIONS, UInt8Array, read_image


class FolderFuser:
    """Images fused elsewhere, read from a folder by the pair's name (``--method dir:/path[:label]``)."""

    def __init__(self, spec: MethodSpec, folder: Path) -> None:
        self.spec = spec
        self.folder = folder
        self._files: dict[str, list[Path]] = {}
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in EXTENSIONS:
                self._files.setdefault(path.stem, []).append(path)

    def provenance(self) -> dict[str, Any]:
        return {"folder": str(self.folder.resolve())}

    @property
    def names(self) -> list[str]:
        """The names (stems) that the folder has images of, sorted."""
        return sorted(self._files)

    def file(self, pair: Pair) -> Path:
        """The file of a pair. Raises ``ImageError`` if there is none, or more than one with that stem."""
        files = self._files.get(pair.name, [])
        if not files:
            like = next((f[0].name for stem, f in self._files.items() if pair.name in stem), "")
            hint = f"; there is {like}: name fused images like their sources" if like else ""
            raise ImageError(
                f"{self.folder}: no fused image named {pair.name} (png, jpg, bmp, tif, webp){hint}"
            )
        if len(files) > 1:
            raise ImageError(
                f"{self.folder}: {' and '.join(f.name for f in files)} are both named {pair.name}; remove one"
            )
        return files[0]

    def fuse(self, pairs: Sequence[Pair], images: Sequence[PairImages]) -> list[UInt8Array]:
        results = []
        for pair, source in zip(pairs, images, strict=True):
            path = self.file(pair)
            fused = read_image(path)
            if fused.shape[:2] != source.infrared.shape[:2]:
                raise ImageError(
                    f"{path}: is {fused.shape[1]}×{fused.shape[0]}, its sources are {source.infrared.shape[1]}×{source.infrared.shape[0]}; "
                    f"metrics compare pixel by pixel, so save it at the sources' size"
                )
            results.append(fused)
        return results


def folder_method(text: str, said: str = "") -> tuple[MethodSpec, Path]:
    """Read ``dir:/path[:label]`` into a spec and the folder.

    Raises ``InputError`` if there is no such folder; ``said`` is how the user gave it, where that wasn't by ``--method``.
    """
    rest = text.removeprefix("dir:")
    folder, label = Path(rest), ""
    if not folder.is_dir() and ":" in rest:
        head, _, label = rest.rpartition(":")
        folder = Path(head)
    folder = folder.expanduser()
    if not folder.is_dir():
        what = f"{folder} is a file, not a folder" if folder.is_file() else f"there is no folder {folder}"
        raise InputError(f"{said or f'--method {text}'}: {what}")
    name = label or folder.resolve().name
    return MethodSpec(
        name=plain_name(name),
        title=name,
        family="precomputed",
        status="external",
        summary=f"images fused elsewhere: {folder}",
    ), folder
