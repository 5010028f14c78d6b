"""The folders that ``score`` is given: what in them is named like what, and what to do where nothing is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..contracts.dataset import Pair
from ..contracts.method import MethodSpec
from ..errors import InputError, MissingDataError
from ..external.folder import FolderFuser, folder_method, methods_inside, suggested_pattern
from ..images.codec import EXTENSIONS
from ..images.file_names import images_below, likely_patterns


@dataclass(frozen=True)
class FolderOptions:
    """How the files of the folders are named (patterns, see ``images.file_names.parse_pattern``) and read
    (``bits`` of the sources, ``fused_bits``, ``max_pixels``, see ``images.reading``)."""

    ir_pattern: str = ""
    vi_pattern: str = ""
    fused_pattern: str = ""
    bits: str = ""
    fused_bits: str = ""
    max_pixels: int = 0

    def sources(self, infrared: Path, visible: Path) -> dict[str, Any]:
        """The options of the dataset of folders that these sources are."""
        patterns = {"ir_pattern": self.ir_pattern, "vi_pattern": self.vi_pattern}
        return {"ir": str(infrared), "vi": str(visible), **patterns, **self._reading(self.bits)}

    @property
    def fused(self) -> dict[str, Any]:
        """The options of a folder of fused images."""
        return {"pattern": self.fused_pattern, **self._reading(self.fused_bits)}

    def _reading(self, bits: str) -> dict[str, Any]:
        given = {"bits": bits, "max_pixels": self.max_pixels}
        return {name: value for name, value in given.items() if value}


NAMED_ALONE = FolderOptions()
"""Files are named like their pair, and read as they are."""


def check_sources(role: str, folder: Path, pattern: str) -> None:
    """Raise ``InputError`` that names the argument unless the folder is there and has images (in it, or
    deeper, if a pattern says what they are called)."""
    if folder.is_file():
        raise InputError(
            f"{role}: {folder} is a file; score takes folders of images (in Python, fusionbench.score takes "
            "files)"
        )
    if not folder.is_dir():
        raise MissingDataError(f"{role}: there is no folder {folder}")
    if pattern or any(path.suffix.lower() in EXTENSIONS for path in folder.iterdir()):
        return
    deeper = images_below(folder)
    hint = ""
    if deeper:
        flag = "--ir-pattern" if role == "IR" else "--vi-pattern"
        head, _, last = deeper.rpartition("/")
        form = "/".join(part for part in ("{folder}" if head else "", last, "{name}") if part)
        hint = f". Images lie deeper, in {deeper}: give {flag} '{form}', or that folder itself"
    raise MissingDataError(f"{role}: {folder} holds no images (png, jpg, bmp, tif, webp){hint}")


def check_partners(pairs: Sequence[Pair], infrared: Path, visible: Path) -> None:
    """Raise ``InputError`` with the likely patterns if no infrared image has a visible one of its name."""
    if any(pair.infrared is not None and pair.visible is not None for pair in pairs):
        return
    one = [pair.name for pair in pairs if pair.infrared is not None]
    other = [pair.name for pair in pairs if pair.visible is not None]
    fit = likely_patterns(one, other)
    hint = f" Is it --ir-pattern '{fit[0]}' --vi-pattern '{fit[1]}'?" if fit else ""
    raise InputError(
        f"IR and VIS share no names: {infrared} holds {_some(one)}, {visible} holds {_some(other)}; pairs "
        "are matched by "
        f"file name without its ending, or by --ir-pattern and --vi-pattern.{hint}"
    )


def fused_methods(folder: str | Path, names: Collection[str], options: FolderOptions) -> list[str]:
    """The ``dir:`` methods that a folder of fused images stands for: itself, or, where its pattern holds
    ``{method}`` and no label says which one is meant, one for each method that has images of the pairs
    ``names`` in it.

    Raises ``InputError`` if it isn't there.
    """
    spec, path = folder_method(f"dir:{folder}", f"FUSED {folder}", options.fused)
    if "{method}" in options.fused_pattern and spec.title == path.resolve().name:  # no label given
        inside = methods_inside(path, options.fused_pattern, names)
        if inside:
            return [f"dir:{path}:{method}" for method in inside]
    return [f"dir:{folder}"]


def check_fused_names(said: str, spec: MethodSpec, folder: Path, names: Sequence[str]) -> None:
    """Raise ``InputError`` with the likely pattern if no image of a folder is named like one of the pairs
    ``names``."""
    found = FolderFuser(spec, folder).names
    if {n.casefold() for n in names} & {n.casefold() for n in found}:
        return
    pattern = spec.options.get("pattern")
    hint = "" if pattern else suggested_pattern(found, names)
    holds = f"holds {_some(found)}" if found else "holds no images"
    by = f" by the pattern {pattern!r}" if pattern else ""
    raise InputError(
        f"{said}: no image in it is named like a pair: it {holds}{by}; the pairs are {_some(names)}{hint}"
    )


def _some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:3])}{' …' if len(names) > 3 else ''}"
