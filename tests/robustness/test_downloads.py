"""Servers that answer wrongly, slowly or without end: every download ends, with a reason."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fusionbench.contracts.artifact import Artifact
from fusionbench.errors import DownloadError
from fusionbench.files import artifacts, downloads

CONTENT = bytes(range(256)) * 64
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.requests.append(self.headers.get("Range"))
        self.close_connection = True
        with contextlib.suppress(OSError):  # where the client has hung up
            self.server.answer(self, self.headers.get("Range"))

    def head(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


Answer = Callable[[Handler, str | None], None]
Serve = Callable[[Answer], Any]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(downloads, "BACKOFF_S", 0.001)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    servers = []

    def start(answer: Answer) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.answer, server.requests = answer, []
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def fetch(server: Any, **fields: Any) -> Path:
    url = f"http://127.0.0.1:{server.server_address[1]}/file.bin"
    return artifacts.fetch(Artifact(name="thing", filename="file.bin", sha256=SHA256, urls=(url,), **fields))


def cut_first(handler: Handler, wanted: str | None) -> None:
    """Half of the file, then the connection ends."""
    handler.head(200, Content_Length=len(CONTENT), ETag='"v"')
    handler.wfile.write(CONTENT[: len(CONTENT) // 2])


def another_range(handler: Handler, wanted: str | None) -> None:
    if wanted is None:
        return cut_first(handler, wanted)
    handler.head(206, Content_Range=f"bytes 7-99/{len(CONTENT)}", Content_Length=93)
    handler.wfile.write(CONTENT[7:100])
    return None


def right_header_wrong_bytes(handler: Handler, wanted: str | None) -> None:
    if wanted is None:
        return cut_first(handler, wanted)
    start = int(wanted.removeprefix("bytes=").rstrip("-"))
    rest = len(CONTENT) - start
    handler.head(206, Content_Range=f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}", Content_Length=rest)
    handler.wfile.write(bytes(rest))
    return None


def wrong_416(handler: Handler, wanted: str | None) -> None:
    if wanted is None:
        return cut_first(handler, wanted)
    handler.head(416, Content_Range="bytes */3", Content_Length=0)
    return None


def nonsense_range(handler: Handler, wanted: str | None) -> None:
    if wanted is None:
        return cut_first(handler, wanted)
    handler.head(206, Content_Range="bytes x-y/z", Content_Length=3)
    handler.wfile.write(b"abc")
    return None


@pytest.mark.parametrize("answer", [another_range, right_header_wrong_bytes, wrong_416, nonsense_range])
def test_wrong_ranges_end(serve: Serve, answer: Answer) -> None:
    server = serve(answer)
    with pytest.raises(DownloadError, match="could not be downloaded"):
        fetch(server)
    assert len(server.requests) <= 12


def test_one_byte_more_each_time_is_progress_that_ends(serve: Serve) -> None:
    """Resuming goes on for as long as there is something new."""

    def a_piece(handler: Handler, wanted: str | None) -> None:
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        piece = CONTENT[start : start + 4096]
        content_range = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        status = {"Content_Range": content_range} if wanted else {}
        handler.head(206 if wanted else 200, Content_Length=len(CONTENT) - start, ETag='"v"', **status)
        handler.wfile.write(piece)

    assert fetch(serve(a_piece)).read_bytes() == CONTENT


def endless(handler: Handler, wanted: str | None) -> None:
    handler.head(200)
    for _ in range(100_000):
        handler.wfile.write(bytes(65536))


def test_endless_streams_end_at_the_known_size(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="should have 16,384 bytes"):
        fetch(serve(endless), bytes=len(CONTENT))
    assert not list(tmp_path.rglob("*.part"))


def test_endless_streams_of_unknown_size_end(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "MAX_BYTES", 1 << 20)
    with pytest.raises(DownloadError, match="at most 1,048,576 are received"):
        fetch(serve(endless))


def test_too_large_offers_are_refused_at_once(serve: Serve) -> None:
    server = serve(lambda handler, wanted: handler.head(200, Content_Length=10**12))
    with pytest.raises(DownloadError, match="offers 1,000,000,000,000 bytes"):
        fetch(server)
    assert len(server.requests) == 1


def drip_body(handler: Handler, wanted: str | None) -> None:
    handler.head(200, Content_Length=len(CONTENT))
    for byte in CONTENT:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.02)


def drip_headers(handler: Handler, wanted: str | None) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(1000):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("answer", "said"), [(drip_body, "only .* bytes came in"), (drip_headers, "connection broke")]
)
def test_drip_feeds_end(serve: Serve, monkeypatch: pytest.MonkeyPatch, answer: Answer, said: str) -> None:
    monkeypatch.setattr(downloads, "SLOW_S", 0.2)
    monkeypatch.setattr(downloads, "TIMEOUT_S", 0.4)
    monkeypatch.setattr(downloads, "ATTEMPTS", 2)
    begun = time.monotonic()
    with pytest.raises(DownloadError, match=said):
        fetch(serve(answer))
    assert time.monotonic() - begun < 10
