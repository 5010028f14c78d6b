"""Where weights, parameters and dataset archives lie on this machine, whether they are the right ones, and
how to get them.

A file is looked for as a package resource, in the cache (``FUSIONBENCH_CACHE``, else the platform's cache
folder) and in the folders of ``FUSIONBENCH_WEIGHTS`` (separated like ``PATH``), by its file name; it is used
only if its checksum agrees. Nothing is downloaded unasked: ``fetch`` is what the fetch commands call.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from ..contracts.artifact import Artifact
from ..errors import DownloadError, MissingWeightsError, WrongFileError
from .archives import extract_archive
from .downloads import Progress, download

__all__ = [
    "Progress",
    "cache_dir",
    "check_file",
    "data_folder",
    "data_root",
    "extract_archive",
    "fetch",
    "how_to_get",
    "locate",
    "search_folders",
    "target_path",
]

RECORD_SUFFIX = ".source.json"
"""Beside a converted file: its ``sha256``, and the checksums of its ``sources`` by artifact (``weights
convert`` writes it)."""

_CHUNK = 1 << 20
_hashes: dict[tuple[str, int, int], tuple[str, str]] = {}
"""(path, size, mtime) → (sha256, git blob hash), so that a file is read once a process."""


def cache_dir() -> Path:
    """The cache folder (not created): ``FUSIONBENCH_CACHE``, else the platform's own place for caches."""
    if chosen := os.environ.get("FUSIONBENCH_CACHE"):
        return Path(chosen).expanduser()
    return platformdirs.user_cache_path("fusionbench", appauthor=False)


def data_folder(dataset: str) -> Path:
    """Where ``data fetch`` unpacks a dataset: ``datasets/<name>`` in the cache."""
    return cache_dir() / "datasets" / dataset


def data_root(dataset: str) -> Path | None:
    """Where a dataset lies if nobody said so: ``FUSIONBENCH_DATA`` (the dataset's folder or the one above
    it), else the cache, else None."""
    if chosen := os.environ.get("FUSIONBENCH_DATA"):
        return Path(chosen).expanduser()
    folder = data_folder(dataset)
    return folder if folder.is_dir() else None


def search_folders() -> list[Path]:
    """The folders that are searched for artifacts, in order: the cache's ``weights``, then those of
    ``FUSIONBENCH_WEIGHTS``."""
    extra = os.environ.get("FUSIONBENCH_WEIGHTS", "")
    return [cache_dir() / "weights", *(Path(p).expanduser() for p in extra.split(os.pathsep) if p)]


def target_path(artifact: Artifact) -> Path:
    """Where ``fetch`` puts an artifact: ``weights/<filename>`` in the cache, archives
    ``downloads/<filename>``."""
    return cache_dir() / ("downloads" if artifact.unpack else "weights") / artifact.filename


def locate(artifact: Artifact, *, official: bool = False) -> Path:
    """The verified local path of an artifact: a conversion of it where there is one, else the file itself
    (``official``: the file itself alone). Raises ``MissingWeightsError`` with what to do if none is there or
    has the right checksum."""
    if not official:
        if converted := _converted(artifact):
            return converted
        for alternative in artifact.alternatives:
            for path in _candidates(alternative):
                if not check_file(path, alternative):
                    return path
    wrong: list[str] = []
    for path in _candidates(artifact):
        reason = check_file(path, artifact)
        if not reason:
            return path
        wrong.append(f"{path} {reason}")
    if wrong:
        raise WrongFileError(
            f"{artifact.name}: found, but not the right file: {'; '.join(wrong)}. Delete or replace it. "
            f"{how_to_get(artifact)}"
        )
    looked = ", ".join(str(f) for f in search_folders())
    raise MissingWeightsError(
        f"{artifact.name}: {artifact.filename} is not in {looked}. {how_to_get(artifact)}"
    )


def absence(artifact: Artifact) -> MissingWeightsError | None:
    """Why an artifact isn't available, as ``locate`` would say it; None if it is."""
    try:
        locate(artifact)
    except MissingWeightsError as error:
        return error
    return None


def _converted(artifact: Artifact) -> Path | None:
    """The file that ``weights convert`` made of the artifact, if there is one and neither has changed
    since."""
    checksum = artifact.sha256 or artifact.git_blob
    if not checksum:
        return None
    for folder in search_folders():
        for record_path in sorted(folder.glob(f"*{RECORD_SUFFIX}")):
            path = record_path.with_name(record_path.name.removesuffix(RECORD_SUFFIX))
            try:
                record = json.loads(record_path.read_text())
                if (
                    record["sources"].get(artifact.name) == checksum
                    and path.is_file()
                    and file_hashes(path)[0] == record["sha256"]
                ):
                    return path
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                continue
    return None


def _candidates(artifact: Artifact) -> Iterator[Path]:
    """The files that may be the artifact, best first."""
    if artifact.resource:
        path = _resource_path(artifact.resource)
        if path is not None and path.is_file():
            yield path
    if artifact.unpack and target_path(artifact).is_file():
        yield target_path(artifact)
    for folder in search_folders():
        path = folder / artifact.filename
        if path.is_file():
            yield path
        # One level deeper only where a checksum tells equal names ("weights.safetensors") apart.
        if artifact.sha256 or artifact.git_blob:
            try:
                yield from sorted(p for p in folder.glob(f"*/{_escaped(artifact.filename)}") if p.is_file())
            except OSError:
                continue


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _resource_path(resource: str) -> Path | None:
    """The path of ``"package:path/inside"``; None if the package isn't installed (an extra may hold the
    file)."""
    package, _, inside = resource.partition(":")
    try:
        return Path(str(importlib.resources.files(package).joinpath(inside)))
    except ModuleNotFoundError:
        return None


def check_file(path: Path, artifact: Artifact, sha256: str | None = None) -> str:
    """Why a file is not the artifact (``""`` if it is, or if no checksum is known for it). Each file is read
    once a process.

    ``sha256`` is the user's own checksum, where the artifact carries none.
    """
    expected = artifact.sha256 or sha256
    try:
        size = path.stat().st_size
        if artifact.bytes is not None and size != artifact.bytes:
            return f"has {size:,} bytes, expected {artifact.bytes:,}"
        if not expected and not artifact.git_blob:
            return ""
        found_sha256, found_blob = file_hashes(path)
    except OSError as error:
        return f"can't be read ({error.strerror or error})"
    if expected:
        return (
            ""
            if found_sha256 == expected.lower()
            else f"has sha256 {found_sha256}, expected {expected.lower()}"
        )
    return (
        ""
        if found_blob == artifact.git_blob
        else f"has git blob hash {found_blob}, expected {artifact.git_blob}"
    )


def file_hashes(path: Path) -> tuple[str, str]:
    """sha256 and git blob hash (``git hash-object``) of a file, remembered by path, size and modification
    time."""
    status = path.stat()
    key = (str(path.resolve()), status.st_size, status.st_mtime_ns)
    if key not in _hashes:
        sha256 = hashlib.sha256()
        blob = hashlib.sha1(b"blob %d\0" % status.st_size, usedforsecurity=False)
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                sha256.update(chunk)
                blob.update(chunk)
        _hashes[key] = (sha256.hexdigest(), blob.hexdigest())
    return _hashes[key]


def how_to_get(artifact: Artifact) -> str:
    """What a user does to get an artifact: the fetch command or the pages, where to put the file, how it is
    checked."""
    steps: list[str] = []
    kind = "data" if artifact.unpack else "weights"
    if artifact.urls and (artifact.sha256 or artifact.git_blob):
        steps.append(f"Run `fusionbench {kind} fetch {artifact.name}`.")
    elif artifact.urls:
        steps.append(f"Get it from {' or '.join(artifact.urls)}.")
    if artifact.instructions:
        steps.append(artifact.instructions.rstrip())
    if not artifact.unpack:
        steps.append(f"Put it at {target_path(artifact)} (or in a folder named by FUSIONBENCH_WEIGHTS).")
    if artifact.sha256:
        steps.append(f"It is checked by sha256 {artifact.sha256}.")
    elif artifact.git_blob:
        steps.append(f"It is checked by `git hash-object`: {artifact.git_blob}.")
    return " ".join(steps)


def fetch(artifact: Artifact, progress: Progress | None = None, *, sha256: str | None = None) -> Path:
    """Download an artifact into the cache, unless a right copy is already there, and return its path.

    ``sha256`` is a checksum that the user vouches for, for artifacts that carry none: without any checksum
    nothing is downloaded. ``progress(done, total)`` is called with bytes; ``total`` is None where the server
    doesn't say. Several URLs are tried in turn, a broken download is resumed. Raises ``DownloadError``; a
    wrong file never reaches the cache.
    """
    wrong: list[str] = []
    for path in _candidates(artifact):
        if not (reason := check_file(path, artifact, sha256)):
            return path
        wrong.append(f"{path} {reason}")
    if not artifact.urls:
        raise DownloadError(f"{artifact.name}: has no direct source. {how_to_get(artifact)}")
    if not (artifact.sha256 or artifact.git_blob or sha256):
        raise DownloadError(
            f"{artifact.name}: no checksum is known for it, so it is not downloaded unasked. "
            f"{how_to_get(artifact)} Or pass the sha256 "
            f"that you expect."
        )
    target = target_path(artifact)
    return download(
        artifact.urls, target, lambda path: check_file(path, artifact, sha256), progress, artifact.bytes
    )
