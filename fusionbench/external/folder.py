"""Images fused elsewhere, as a method: ``--method dir:/path[:label]``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..contracts.dataset import Pair, PairImages
from ..contracts.method import MethodSpec
from ..contracts.names import plain_name
from ..errors import ImageError, InputError, printable
from ..files.regular import check_regular, read_regular
from ..images.codec import EXTENSIONS, UInt8Array, decode_image
from ..images.file_names import NamePattern, likely_patterns, named_files, parse_pattern, same_name
from ..images.header import read_header
from ..images.reading import READING_OPTIONS, reading_of

OPTIONS: Mapping[str, Any] = {"pattern": "", **READING_OPTIONS}
"""What a folder of fused images may be told: how its files are named (``{name}_{method}``) and are to be
read."""


class FolderFuser:
    """Images fused elsewhere, read from a folder by the pair's name (``--method dir:/path[:label]``). The
    spec's options may say how files are named and read (see ``OPTIONS``)."""

    def __init__(self, spec: MethodSpec, folder: Path) -> None:
        self.spec = spec
        self.folder = folder
        self.reading = reading_of(spec.options, spec.name)
        self.warnings: list[str] = []
        self._files: dict[str, list[Path]] = {}
        files = named_files(folder, EXTENSIONS, fused_pattern(spec.options, spec.title))
        for name, found in files.items():
            self._files[name] = [path for _, path in found]

    def provenance(self) -> dict[str, Any]:
        return {"folder": str(self.folder.resolve())}

    @property
    def names(self) -> list[str]:
        """The names (stems) that the folder has images of, sorted."""
        return sorted(self._files)

    def file(self, pair: Pair) -> Path:
        """The file of a pair. Raises ``ImageError`` if there is none, or more than one with that stem."""
        name = same_name(pair.name, self._files)
        if name is None:
            like = next((f[0].name for stem, f in self._files.items() if pair.name in stem), "")
            hint = (
                f"; there is {like}: name fused images like their sources, or give a pattern" if like else ""
            )
            raise ImageError(
                f"{self.folder}: no fused image named {pair.name} (png, jpg, bmp, tif, webp){hint}"
            )
        files = self._files[name]
        if len(files) > 1:
            raise ImageError(
                f"{self.folder}: {' and '.join(f.name for f in files)} are both named {pair.name}; remove one"
            )
        check_regular(files[0], ImageError)
        return files[0]

    def content(self, pair: Pair) -> bytes:
        """The bytes of a pair's file. Raises ``ImageError`` if there is none, or if it is no regular file."""
        return read_regular(self.file(pair), self.reading.max_bytes, ImageError)

    def fuse(self, pairs: Sequence[Pair], images: Sequence[PairImages]) -> list[UInt8Array]:
        results = []
        for pair, source in zip(pairs, images, strict=True):
            path, data = self.file(pair), self.content(pair)
            height, width = source.infrared.shape[:2]
            found = read_header(data, str(path), self.reading).size  # before anything is decoded
            if found != (height, width):
                raise ImageError(
                    f"{path}: is {found[1]}×{found[0]}, its sources are {width}×{height}; "
                    f"metrics compare pixel by pixel, so save it at the sources' size"
                )
            results.append(decode_image(data, str(path), self.reading))
        return results


def fused_pattern(options: Mapping[str, Any], method: str = "") -> NamePattern | None:
    """The pattern of fused images that the options give; ``method`` is what ``{method}`` stands for, where
    known."""
    text = str(options.get("pattern") or "")
    return parse_pattern(text, "the pattern of fused images", method) if text else None


def folder_method(
    text: str, said: str = "", options: Mapping[str, Any] | None = None
) -> tuple[MethodSpec, Path]:
    """Read ``dir:/path[:label]`` into a spec and the folder.

    Raises ``InputError`` if there is no such folder, or for an option that a folder doesn't take; ``said`` is
    how the user gave it, where that wasn't by ``--method``.
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
    for key in options or {}:
        if key not in OPTIONS:
            raise InputError(
                f"{said or text}: a folder of fused images has no option {key!r}; it has {', '.join(OPTIONS)}"
            )
    name = printable(label or folder.resolve().name, keep="")
    return MethodSpec(
        name=label_name(name),
        title=name,
        family="precomputed",
        status="external",
        summary=printable(f"images fused elsewhere: {folder}", keep=""),
        options={**OPTIONS, **(options or {})},
    ), folder


_SAME_IN_A_NAME = re.compile(r"[\s()\[\],:-]+")


def label_name(label: str) -> str:
    """A label as the name of folders and rows. Spaces and brackets become ``-``; a label that loses
    anything else (``TarDAL*``) gets four digits of its hash, so that it stays apart from ``TarDAL``."""
    kept = _SAME_IN_A_NAME.sub("-", label)
    try:
        name = plain_name(kept)
    except InputError:
        name = "label"
    lost = any(not (c.isalnum() or c in "+-_.") for c in kept)
    return (
        f"{name}-{hashlib.sha256(label.encode(errors='surrogateescape')).hexdigest()[:4]}" if lost else name
    )


def methods_inside(folder: Path, pattern: str, names: Collection[str]) -> list[str]:
    """The methods whose images lie in one folder, by a pattern with ``{method}`` (VIFB's
    ``{name}_{method}``), sorted; only files of the pairs ``names`` count."""
    form = parse_pattern(pattern, "the pattern of fused images", names=names)
    files = named_files(folder, EXTENSIONS, form).values()
    return sorted({method for found in files for method, _ in found if method})


def suggested_pattern(found: Sequence[str], names: Collection[str]) -> str:
    """A sentence that offers the pattern by which the files of a folder name the pairs; ``""`` if none
    does."""
    fit = likely_patterns(found, sorted(names))
    if fit is not None and fit[1] == "{name}" and fit[0] != "{name}":
        return f"; is it --fused-pattern '{fit[0]}'?"
    for separator in "_-":
        heads = {stem.rpartition(separator)[0] for stem in found}
        if heads & set(names):
            return f"; is it --fused-pattern '{{name}}{separator}{{method}}'?"
    return ""
