"""Describes official weight files as artifacts. Pure data: imported by ``spec.py`` files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from fusionbench.contracts.artifact import Artifact

NO_LICENCE = "none: all rights reserved"
FACTORY = "fusionbench.methods.porting.adapter:create"
TensorflowLayout = tuple[tuple[str, tuple[int, ...], int], ...]


def official_file(
    name: str,
    repository: str,
    commit: str,
    path: str,
    *,
    git_blob: str,
    sha256: str | None = None,
    size: int | None = None,
    converted: Mapping[str, str] | None = None,
    licence: str = NO_LICENCE,
    instructions: str = "",
    saved_as: str = "",
) -> Artifact:
    """A weight file in the history of a GitHub repository, at a pinned commit.

    ``converted`` maps file names to sha256 of safetensors conversions (official tensor names) that do as
    well. ``saved_as`` is the name in the cache where several methods call their file alike; in a folder of
    its own the file keeps its name.
    """
    filename = path.rsplit("/", 1)[-1]
    where = f"It is {path} in https://github.com/{repository}/tree/{commit}"
    alternatives = conversions(converted or {}, licence)
    if saved_as:
        where += f"; save it as {saved_as}, or as {filename} in a folder of its own"
        official = Artifact(
            name=filename, filename=filename, sha256=sha256, git_blob=git_blob, licence=licence
        )
        alternatives = (official, *alternatives)
    return Artifact(
        name=name,
        filename=saved_as or filename,
        sha256=sha256,
        git_blob=git_blob,
        bytes=size,
        urls=(f"https://raw.githubusercontent.com/{repository}/{commit}/{quote(path)}",),
        instructions=instructions or f"{where}.",
        licence=licence,
        alternatives=alternatives,
    )


def conversions(converted: Mapping[str, str], licence: str) -> tuple[Artifact, ...]:
    """safetensors conversions as artifacts, by file name and sha256."""
    return tuple(
        Artifact(name=filename, filename=filename, sha256=sha256, licence=licence)
        for filename, sha256 in converted.items()
    )


def packed_layout(variables: Sequence[tuple[str, tuple[int, ...]]]) -> TensorflowLayout:
    """(name, shape, byte offset) of float32 variables that lie one behind the other in a TensorFlow data
    file.
    """
    layout, offset = [], 0
    for name, shape in variables:
        layout.append((name, shape, offset))
        count = 1
        for side in shape:
            count *= side
        offset += 4 * count
    return tuple(layout)
