"""Unpacks zip and tar archives without trusting them."""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Self

from ..errors import InputError, StoreError

MAX_BYTES = 200 * 2**30
"""No dataset of the field unpacks to more; an archive that does is refused."""
MAX_RATIO = 200
"""Images hardly compress; above this ratio (and 1 GiB unpacked) an archive is taken for a bomb."""
MAX_MEMBERS = 2_000_000
MAX_HEADER = 1 << 20
"""Bytes of a tar member's extra headers."""
_HEADER_TYPES = frozenset(
    {
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    }
)
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
)
_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    is_folder: bool
    open: Callable[[], IO[bytes] | None]


def extract_archive(path: Path, folder: Path, max_bytes: int = MAX_BYTES) -> int:
    """Unpack a zip or tar archive (plain, gz, bz2, xz) into a new or empty folder; returns the number of
    files.

    All names are checked before anything is written: absolute paths, ``..``, links, devices and encrypted
    members are refused, and so is an archive that unpacks to more than ``max_bytes``, to an implausible
    multiple of its size, or to more than the disk has room for. It is unpacked beside ``folder`` and moved
    there when it is whole. Raises ``InputError`` for a bad archive, ``StoreError`` if the folder can't be
    written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            f"{folder}: already holds something; delete it first, or choose another folder, "
            f"to unpack {path.name}"
        )
    staging = folder.with_name(folder.name + ".unpacking")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(staging, ignore_errors=True)
        with _members(path, max_bytes) as members:
            limit = _checked_limit(path, members, folder.parent, max_bytes)
            staging.mkdir()
            count = _write_all(path, members, staging, limit)
        if folder.exists():
            folder.rmdir()
        os.replace(staging, folder)
    except _DAMAGED as error:
        raise _damaged(path, error) from error
    except OSError as error:
        raise StoreError(
            f"{path}: can't be unpacked to {folder} ({error.strerror or error}); free space or choose "
            f"another folder"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return count


@contextmanager
def _members(path: Path, max_bytes: int) -> Iterator[list[_Member]]:
    """The archive's members, opened. Raises ``InputError`` for links, devices, encryption and bad names."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as bundle:
            yield [_zip_member(path, bundle, info) for info in bundle.infolist()]
        return
    try:
        tar = tarfile.open(path, tarinfo=_SmallHeaders)  # noqa: SIM115
    except tarfile.ReadError:
        raise InputError(
            f"{path}: is neither a zip nor a tar archive; download it again, or unpack it yourself"
        ) from None
    with tar:
        yield list(_tar_members(path, tar, max_bytes))


class _SmallHeaders(tarfile.TarInfo):
    """A member whose extra headers (long names, pax records) are small: they are read into memory whole."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str | None, errors: str) -> Self:
        info = super().frombuf(buf, encoding or "utf-8", errors)
        if info.type in _HEADER_TYPES and info.size > MAX_HEADER:
            raise tarfile.ReadError(f"a header of {info.size:,} bytes")
        return info


def _tar_members(path: Path, tar: tarfile.TarFile, max_bytes: int) -> Iterator[_Member]:
    """The members, with what they declare summed as they come: reading on would unpack what was declared."""
    packed, total = path.stat().st_size, 0
    for count, info in enumerate(tar, 1):
        total += info.size
        _check_size(path, packed, total, count, max_bytes)
        yield _tar_member(path, tar, info)


def _zip_member(path: Path, bundle: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Member:
    mode = info.external_attr >> 16
    if info.flag_bits & 1:
        raise InputError(f"{path}: {info.filename!r} is encrypted; unpack it yourself with its password")
    if stat.S_ISLNK(mode):
        raise InputError(f"{path}: {info.filename!r} is a link; archives with links are refused")
    _check_name(path, info.filename)
    return _Member(info.filename, info.file_size, info.is_dir(), lambda: bundle.open(info))


def _tar_member(path: Path, tar: tarfile.TarFile, info: tarfile.TarInfo) -> _Member:
    if not (info.isfile() or info.isdir()):
        kind = "a link" if info.issym() or info.islnk() else "a device or pipe"
        raise InputError(f"{path}: {info.name!r} is {kind}; archives with such members are refused")
    _check_name(path, info.name)
    return _Member(info.name, info.size, info.isdir(), lambda: tar.extractfile(info))


def _check_name(path: Path, name: str) -> None:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    drive = bool(parts) and len(parts[0]) >= 2 and parts[0][1] == ":"
    if name.startswith(("/", "\\")) or drive or ".." in parts or "\0" in name:
        raise InputError(
            f"{path}: the member {name!r} would be written outside the folder; the archive is refused"
        )


def _checked_limit(path: Path, members: list[_Member], parent: Path, max_bytes: int) -> int:
    """The bytes that may be written. Raises ``InputError`` if the members' own sizes already exceed what is
    allowed."""
    total, packed = sum(m.size for m in members), path.stat().st_size
    _check_size(path, packed, total, len(members), max_bytes)
    free = shutil.disk_usage(parent).free
    if total > free:
        raise StoreError(
            f"{path}: unpacks to {total:,} bytes, but {parent} has {free:,} left; free space "
            f"or set FUSIONBENCH_CACHE"
        )
    return min(max_bytes, max(total, 1))


def _check_size(path: Path, packed: int, total: int, count: int, max_bytes: int) -> None:
    """Raise ``InputError`` if that many members of ``total`` bytes together are more than is allowed."""
    if count > MAX_MEMBERS:
        raise InputError(f"{path}: has more than {MAX_MEMBERS:,} members; refused as an archive bomb")
    if total > max_bytes or (total > 2**30 and total > MAX_RATIO * packed):
        raise InputError(f"{path}: unpacks from {packed:,} to {total:,} bytes; refused as an archive bomb")


def is_unpacked(path: Path, folder: Path, max_bytes: int = MAX_BYTES) -> bool:
    """Whether a folder holds all files of an archive, by name and size. Raises as ``extract_archive`` does
    for a bad archive."""
    if not folder.is_dir():
        return False
    try:
        with _members(path, max_bytes) as members:
            files = [m for m in members if not m.is_folder]
            return bool(files) and all(_has(folder.joinpath(*_parts(m.name)), m.size) for m in files)
    except _DAMAGED as error:
        raise _damaged(path, error) from error


def _has(file: Path, size: int) -> bool:
    return file.is_file() and file.stat().st_size == size


def _parts(name: str) -> tuple[str, ...]:
    return PurePosixPath(name.replace("\\", "/")).parts


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: the archive is damaged or of an unknown kind ({error}); download it again")


def _write_all(path: Path, members: list[_Member], staging: Path, limit: int) -> int:
    """Write all members below ``staging``, counting bytes as they come: the sizes that an archive declares
    may lie."""
    count, written = 0, 0
    for member in members:
        target = staging.joinpath(*_parts(member.name))
        if member.is_folder:
            target.mkdir(parents=True, exist_ok=True)
            continue
        source = member.open()
        if source is None:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with source, target.open("wb") as file:
            while chunk := source.read(_CHUNK):
                written += len(chunk)
                if written > limit:
                    raise InputError(f"{path}: unpacks to more than it declares; refused as an archive bomb")
                file.write(chunk)
        count += 1
    return count
