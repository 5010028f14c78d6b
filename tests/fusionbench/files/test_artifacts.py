"""The artifact store: finding, checking, downloading and unpacking files, against a local server that
misbehaves on request."""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import os
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fusionbench.contracts.artifact import Artifact
from fusionbench.errors import DownloadError, InputError, MissingWeightsError, StoreError
from fusionbench.files import artifacts, downloads
from fusionbench.files.archives import extract_archive

CONTENT = bytes(range(256)) * 4096  # 1 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT. ``cuts``: after how many bytes to hang up, one per request; ``requests``: (path, Range
    header) seen."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.cuts: list[int] = []
        self.errors: list[int] = []
        self.ranges = True
        self.etag = '"v1"'
        self.content = CONTENT
        self.requests: list[tuple[str, str | None]] = []

    def url(self, name: str = "file.bin") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        wanted = self.headers.get("Range")
        server.requests.append((self.path, wanted))
        if self.path == "/gone":
            self.send_error(404)
            return
        if server.errors:
            self.send_error(server.errors.pop(0))
            return
        start = 0
        fresh = self.headers.get("If-Range") in (None, server.etag)
        if wanted and server.ranges and fresh:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(server.content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(server.content)}")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header(
                "Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}"
            )
        else:
            self.send_response(200)
        body = server.content[start:]
        self.send_header("Content-Length", str(len(body)))
        if server.etag:
            self.send_header("ETag", server.etag)
        self.end_headers()
        if server.cuts:
            body = body[: server.cuts.pop(0)]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Any]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FUSIONBENCH_WEIGHTS", raising=False)
    monkeypatch.delenv("FUSIONBENCH_DATA", raising=False)
    monkeypatch.setattr(downloads, "BACKOFF_S", 0.001)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


def artifact(*urls: str, **fields: Any) -> Artifact:
    return Artifact(**{"name": "thing", "filename": "file.bin", "sha256": SHA256, "urls": urls, **fields})


def test_plain_download_reports_progress_and_leaves_only_the_file(server: Any, cache: Any) -> None:
    seen = []
    path = artifacts.fetch(artifact(server.url()), lambda done, total: seen.append((done, total)))
    assert path == cache / "weights" / "file.bin"
    assert path.read_bytes() == CONTENT
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert {p.name for p in path.parent.iterdir()} == {"file.bin", "file.bin.lock"}
    artifacts.fetch(artifact(server.url()))
    assert len(server.requests) == 1  # the second time it is already there


def test_a_cut_connection_is_resumed(server: Any) -> None:
    server.cuts = [300_000, 200_000]
    assert artifacts.fetch(artifact(server.url())).read_bytes() == CONTENT
    assert [r for _, r in server.requests] == [None, "bytes=300000-", "bytes=500000-"]


def test_a_later_call_resumes_what_an_earlier_one_began(server: Any, cache: Any) -> None:
    server.cuts = [400_000] + [0] * 10
    with pytest.raises(DownloadError, match="400,000"):
        artifacts.fetch(artifact(server.url()))
    assert (cache / "weights" / "file.bin.part").stat().st_size == 400_000
    assert not (cache / "weights" / "file.bin").exists()
    server.cuts = []
    assert artifacts.fetch(artifact(server.url())).read_bytes() == CONTENT
    assert server.requests[-1][1] == "bytes=400000-"


def test_a_changed_file_is_fetched_from_the_start(server: Any) -> None:
    old, server.content = server.content, CONTENT[::-1]
    server.cuts = [1000] + [0] * 10
    with pytest.raises(DownloadError):
        artifacts.fetch(artifact(server.url()))
    server.cuts, server.content, server.etag = [], old, '"v2"'
    assert artifacts.fetch(artifact(server.url())).read_bytes() == CONTENT


def test_a_stale_beginning_without_validator_is_found_by_its_checksum(server: Any) -> None:
    old, server.content, server.etag = server.content, CONTENT[::-1], ""
    server.cuts = [1000] + [0] * 10
    with pytest.raises(DownloadError):
        artifacts.fetch(artifact(server.url()))
    server.cuts, server.content = [], old
    assert artifacts.fetch(artifact(server.url())).read_bytes() == CONTENT
    assert [r for _, r in server.requests[-2:]] == ["bytes=1000-", None]


def test_a_server_without_ranges_starts_over(server: Any) -> None:
    server.ranges = False
    server.cuts = [300_000]
    assert artifacts.fetch(artifact(server.url())).read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_whole_part_file_needs_no_further_byte(server: Any, cache: Any) -> None:
    server.cuts = [len(CONTENT) - 1] + [0] * 10
    with pytest.raises(DownloadError):
        artifacts.fetch(artifact(server.url()))
    with (cache / "weights" / "file.bin.part").open("ab") as part:
        part.write(CONTENT[-1:])
    server.cuts = []
    assert artifacts.fetch(artifact(server.url())).read_bytes() == CONTENT


def test_a_wrong_checksum_never_reaches_the_cache(server: Any, cache: Any) -> None:
    server.content = b"something else"
    with pytest.raises(DownloadError, match="has sha256"):
        artifacts.fetch(artifact(server.url()))
    assert [p.name for p in (cache / "weights").iterdir()] == ["file.bin.lock"]


def test_more_bytes_than_declared_are_cut_short(server: Any) -> None:
    with pytest.raises(DownloadError, match="should have 10 bytes"):
        artifacts.fetch(artifact(server.url(), bytes=10))


def test_mirrors_are_tried_in_turn_and_all_failures_named(server: Any) -> None:
    assert artifacts.fetch(artifact(server.url("gone"), server.url())).read_bytes() == CONTENT
    assert [p for p, _ in server.requests] == ["/gone", "/file.bin"]
    with pytest.raises(DownloadError, match=r"404.*only http") as caught:
        artifacts.fetch(artifact(server.url("gone"), "ftp://x/y", filename="other.bin"))
    assert "other.bin" in str(caught.value)


def test_server_errors_are_retried_and_dead_hosts_reported(server: Any) -> None:
    server.errors = [503, 500]
    assert artifacts.fetch(artifact(server.url())).read_bytes() == CONTENT
    with pytest.raises(DownloadError, match="no connection"):
        artifacts.fetch(artifact("http://127.0.0.1:9/x", filename="y.bin"))


def test_without_a_checksum_nothing_is_downloaded_unless_the_user_vouches(server: Any) -> None:
    unknown = artifact(server.url(), sha256=None)
    with pytest.raises(DownloadError, match="no checksum"):
        artifacts.fetch(unknown)
    assert server.requests == []
    assert artifacts.fetch(unknown, sha256=SHA256.upper()).read_bytes() == CONTENT


def test_without_a_url_the_instructions_are_printed() -> None:
    with pytest.raises(DownloadError, match="Ask the authors"):
        artifacts.fetch(artifact(instructions="Ask the authors."))


def _fetch_in_process(url: str) -> None:
    artifacts.fetch(artifact(url))


def test_two_processes_download_once(server: Any) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_fetch_in_process, args=(server.url(),)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
        assert worker.exitcode == 0
    assert len(server.requests) == 1


def test_locate_checks_and_explains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Any) -> None:
    with pytest.raises(MissingWeightsError) as caught:
        artifacts.locate(artifact("http://x/y"))
    assert all(
        part in str(caught.value)
        for part in ("weights fetch thing", str(cache), SHA256, "FUSIONBENCH_WEIGHTS")
    )
    wrong, right = tmp_path / "wrong", tmp_path / "right" / "method"
    for folder, content in ((wrong, b"x"), (right, CONTENT)):
        folder.mkdir(parents=True)
        (folder / "file.bin").write_bytes(content)
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(wrong))
    with pytest.raises(MissingWeightsError, match="not the right file"):
        artifacts.locate(artifact())
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", os.pathsep.join([str(wrong), str(tmp_path / "right")]))
    assert artifacts.locate(artifact()) == right / "file.bin"  # told apart by checksum, one folder deeper
    assert (
        artifacts.locate(artifact(sha256=None)) == wrong / "file.bin"
    )  # no checksum is known: what the user put there


def test_git_blob_hash_is_gits_own(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(CONTENT)
    command = ["git", "hash-object", "--no-filters", str(path)]
    blob = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert artifacts.file_hashes(path) == (SHA256, blob)
    assert artifacts.check_file(path, artifact(sha256=None, git_blob=blob)) == ""
    assert "git blob" in artifacts.check_file(path, artifact(sha256=None, git_blob="0" * 40))


def test_a_file_is_read_once_until_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(CONTENT)
    assert artifacts.check_file(path, artifact()) == ""
    status = path.stat()
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert artifacts.check_file(path, artifact()) == ""  # same size and time: taken from memory
    os.utime(path, ns=(1, 1))
    assert "has sha256" in artifacts.check_file(path, artifact())


def test_resources_inside_packages(tmp_path: Path) -> None:
    import fusionbench.version

    digest = hashlib.sha256(Path(fusionbench.version.__file__).read_bytes()).hexdigest()
    shipped = artifact(resource="fusionbench:version.py", sha256=digest)
    assert artifacts.locate(shipped).name == "version.py"
    with pytest.raises(MissingWeightsError, match="is not in"):  # an extra may hold it
        artifacts.locate(artifact(resource="no_such_package_here:x"))


def test_data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Any) -> None:
    assert artifacts.data_root("msrs") is None
    artifacts.data_folder("msrs").mkdir(parents=True)
    assert artifacts.data_root("msrs") == cache / "datasets" / "msrs"
    monkeypatch.setenv("FUSIONBENCH_DATA", str(tmp_path))
    assert artifacts.data_root("msrs") == tmp_path


def zip_of(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in members.items():
            bundle.writestr(name, content)
    return path


def tar_of(path: Path, *infos: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as bundle:
        for info, content in infos:
            info.size = len(content)
            bundle.addfile(info, io.BytesIO(content))
    return path


def test_archives_are_unpacked_whole(tmp_path: Path) -> None:
    bundle = zip_of(tmp_path / "a.zip", {"top/ir/a.png": b"1", "top/vi/a.png": b"2", "top/empty/": b""})
    assert extract_archive(bundle, tmp_path / "z") == 2
    assert (tmp_path / "z/top/vi/a.png").read_bytes() == b"2"
    bundle = tar_of(tmp_path / "a.tgz", (tarfile.TarInfo("ir/a.png"), b"3"))
    assert extract_archive(bundle, tmp_path / "t") == 1
    assert (tmp_path / "t/ir/a.png").read_bytes() == b"3"
    with pytest.raises(InputError, match="already holds"):
        extract_archive(bundle, tmp_path / "t")


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "..\\evil", "C:/evil", "\\evil"])
def test_members_that_would_escape_are_refused(tmp_path: Path, name: str) -> None:
    for bundle in (
        zip_of(tmp_path / "a.zip", {"fine.txt": b"1", name: b"2"}),
        tar_of(tmp_path / "a.tgz", (tarfile.TarInfo("fine.txt"), b"1"), (tarfile.TarInfo(name), b"2")),
    ):
        with pytest.raises(InputError, match="outside the folder"):
            extract_archive(bundle, tmp_path / "in" / "out")
        assert not (tmp_path / "in" / "out").exists()
    assert not list(tmp_path.rglob("*evil"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: Any) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.linkname = kind, "/etc/passwd"
    with pytest.raises(InputError, match="refused"):
        extract_archive(tar_of(tmp_path / "a.tgz", (info, b"")), tmp_path / "out")


def test_zip_links_are_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        bundle.writestr(info, "/etc/passwd")
    with pytest.raises(InputError, match="link"):
        extract_archive(tmp_path / "a.zip", tmp_path / "out")


def test_bombs_and_damage_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = zip_of(tmp_path / "a.zip", {"zeros": bytes(2_000_000)})
    with pytest.raises(InputError, match="bomb"):
        extract_archive(bundle, tmp_path / "out", max_bytes=1_000_000)
    cut = tmp_path / "cut.tgz"
    cut.write_bytes(
        tar_of(tmp_path / "b.tgz", (tarfile.TarInfo("x"), os.urandom(50_000))).read_bytes()[:20_000]
    )
    with pytest.raises(InputError, match=r"damaged|neither"):
        extract_archive(cut, tmp_path / "out")
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(InputError, match="neither a zip nor a tar"):
        extract_archive(tmp_path / "text.zip", tmp_path / "out")
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(StoreError, match="left"):
        extract_archive(bundle, tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


def test_a_full_disk_keeps_what_was_received(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(source: Any, target: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no_room)
    with pytest.raises(DownloadError, match="No space left"):
        artifacts.fetch(artifact(server.url()))
