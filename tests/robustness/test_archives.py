"""Archives and weight files that say less than they hold, or more: refused early, whole, by name."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fusionbench.contracts.artifact import Artifact
from fusionbench.errors import InputError
from fusionbench.files import artifacts
from fusionbench.files.archives import extract_archive, is_unpacked
from fusionbench.plugins import catalog


def bomb_header(kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo("zeros")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def gzipped(path: Path, header: bytes, zeros: int) -> Path:
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header)
        for _ in range(zeros >> 20):
            file.write(bytes(1 << 20))
    return path


@pytest.mark.parametrize(
    "kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME]
)
def test_what_declares_8_gb_stops_before_it_is_unpacked(tmp_path: Path, kind: bytes) -> None:
    path = gzipped(tmp_path / "a.tar.gz", bomb_header(kind, 8 << 30), 64 << 20)
    begun = time.monotonic()
    with pytest.raises(InputError, match=r"bomb|damaged|neither"):
        extract_archive(path, tmp_path / "out")
    assert time.monotonic() - begun < 2
    assert [p.name for p in tmp_path.iterdir()] == ["a.tar.gz"]


def test_a_zip_that_lies_about_its_sizes_stops(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("zeros", bytes(8 << 20))
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02") + 24  # the size in the directory
    data[at : at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"bomb|damaged"):
        extract_archive(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_unpacked_means_whole(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as bundle:
            bundle.writestr("ir/a.png", b"123")
    else:
        with tarfile.open(path, "w") as tar:
            info = tarfile.TarInfo("ir/a.png")
            info.size = 3
            tar.addfile(info, io.BytesIO(b"123"))
    folder = tmp_path / "out"
    assert not is_unpacked(path, folder)
    extract_archive(path, folder)
    assert is_unpacked(path, folder)
    (folder / "ir/a.png").write_bytes(b"1")
    assert not is_unpacked(path, folder)


def test_fetching_data_twice_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Callable[..., Any]
) -> None:
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))
    archive = tmp_path / "cache" / "downloads" / "a.zip"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("ir/a.png", b"123")
    artifact = Artifact(
        name="a",
        filename="a.zip",
        sha256=artifacts.file_hashes(archive)[0],
        urls=("http://127.0.0.1:9/a.zip",),
        unpack=True,
    )
    spec = catalog.datasets.get("msrs").model_copy(update={"name": "fetched", "artifacts": (artifact,)})
    monkeypatch.setitem(catalog.datasets.all(), "fetched", spec)
    assert "unpacking" in cli("data", "fetch", "fetched").out
    again = cli("data", "fetch", "fetched")
    assert again.code == 0
    assert "is unpacked already" in again.out
