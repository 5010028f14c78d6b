"""Downloads over http(s): resumed where the server allows it, retried, verified before they appear under
their name."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any

from ..errors import DownloadError
from ..version import __version__

Progress = Callable[[int, int | None], None]
"""``progress(done bytes, total bytes or None)``."""

TIMEOUT_S = 30.0
"""How long a connection may stay silent."""
ATTEMPTS = 4
"""Failures in a row, without a byte of progress, before the next URL is tried."""
BACKOFF_S = 0.5
"""Pause before the first retry; doubled at each further one."""
MAX_BYTES = 200 * 2**30
"""No file whose size nobody knows beforehand is received beyond this."""
SLOW_S, SLOW_BYTES = 60.0, 32 * 1024
"""A transfer that brings fewer bytes than this in so many seconds counts as broken."""
_CHUNK = 1 << 18
_RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


class _Broken(Exception):
    """A transfer that failed in a way that trying again may mend."""


class _Slow(_Broken):
    """A transfer that goes on too slowly to be called progress."""


class _Refused(Exception):
    """A transfer that trying again won't mend: another URL may."""


def download(
    urls: Sequence[str],
    target: Path,
    check: Callable[[Path], str],
    progress: Progress | None = None,
    expected_bytes: int | None = None,
) -> Path:
    """Download the first URL that works to ``target`` and return it.

    ``check(path)`` says what is wrong with the finished file (``""``: nothing). What was received lies in
    ``<target>.part`` until it is whole and right, and is resumed by the next call. A lock file keeps two
    processes from writing one target. Raises ``DownloadError`` with what each URL said.
    """
    said: list[str] = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _lock(target.with_name(target.name + ".lock")):
            if target.is_file() and not check(target):
                return target  # another process was faster
            for url in urls:
                try:
                    return _from_url(url, target, check, progress, expected_bytes)
                except _Refused as error:
                    said.append(f"{url}: {error}")
    except OSError as error:
        raise DownloadError(
            f"{target}: can't be written ({error.strerror or error}); free space or set FUSIONBENCH_CACHE "
            f"to another folder, then try "
            f"again: what was received is kept"
        ) from error
    raise DownloadError(
        f"{target.name} could not be downloaded. {'; '.join(said)}. Check the network or proxy and try again"
    )


def _from_url(
    url: str,
    target: Path,
    check: Callable[[Path], str],
    progress: Progress | None,
    expected_bytes: int | None,
) -> Path:
    if not url.lower().startswith(("http://", "https://")):
        raise _Refused("only http and https are supported")
    part = target.with_name(target.name + ".part")
    failures, restarted = 0, False
    most = _size(part)
    while True:
        resumed = _size(part) > 0 and _resumable(part, url)
        try:
            _transfer(url, part, progress, expected_bytes)
        except _Broken as error:
            # Only what no attempt before had counts as progress: a server may begin again for ever.
            received = _size(part)
            failures = 0 if received > most and not isinstance(error, _Slow) else failures + 1
            most = max(most, received)
            if failures >= ATTEMPTS:
                raise _Refused(f"{error} ({ATTEMPTS} attempts)") from error
            time.sleep(BACKOFF_S * 2**failures)
            continue
        reason = check(part)
        if not reason:
            os.replace(part, target)
            _note_path(part).unlink(missing_ok=True)
            return target
        _forget(part)
        if not resumed or restarted:
            raise _Refused(f"what was received {reason}")
        restarted = True
        # The beginning came from an earlier download, perhaps of another version: once more from the start.


def _transfer(url: str, part: Path, progress: Progress | None, expected_bytes: int | None) -> None:
    """Receive a URL into ``part``, after what is already there if the server agrees. Raises ``_Broken`` or
    ``_Refused``."""
    start = part.stat().st_size if part.is_file() and _resumable(part, url) else 0
    request = urllib.request.Request(
        url, headers={"User-Agent": f"fusionbench/{__version__}", "Accept-Encoding": "identity"}
    )
    if start:
        request.add_header("Range", f"bytes={start}-")
        if validator := _note(part).get("validator"):
            request.add_header("If-Range", validator)
    patience = _Patience()
    try:
        with patience.open(request) as response:
            _receive(response, url, part, start, progress, expected_bytes)
    except urllib.error.HTTPError as error:
        error.close()
        if (
            error.code == 416
        ):  # nothing after what we have: either it is whole, or it is not what the server has
            if start and _total_of_range(error.headers.get("Content-Range", "")) == start:
                return
            _forget(part)
            raise _Broken("the server has no such range") from error
        if error.code in _RETRIED_STATUS:
            raise _Broken(f"HTTP {error.code} {error.reason}") from error
        raise _Refused(f"HTTP {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise _Broken(f"no connection ({error.reason})") from error
    except (HTTPException, TimeoutError, ConnectionError) as error:
        raise _Broken(f"the connection broke ({error or type(error).__name__})") from error


class _Patience:
    """Opens a URL, and hangs up on a server whose headers aren't there after ``TIMEOUT_S`` seconds: a byte
    now and then would satisfy the sockets' own limit for ever."""

    def __init__(self) -> None:
        self._connections: list[HTTPConnection] = []
        self._over = False

    def open(self, request: urllib.request.Request) -> Any:
        patience = self
        context = ssl.create_default_context()

        class Http(urllib.request.HTTPHandler):
            def http_open(self, request: urllib.request.Request) -> HTTPResponse:
                return self.do_open(patience._remembered(HTTPConnection), request)

        class Https(urllib.request.HTTPSHandler):
            def https_open(self, request: urllib.request.Request) -> HTTPResponse:
                return self.do_open(patience._remembered(HTTPSConnection), request, context=context)

        timer = threading.Timer(TIMEOUT_S, self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            response = urllib.request.build_opener(Http, Https).open(request, timeout=TIMEOUT_S)
            if self._over:  # what was cut off reads like an answer without a body
                response.close()
                raise TimeoutError(f"no whole answer within {TIMEOUT_S:.0f} s")
            return response
        finally:
            timer.cancel()

    def _remembered(self, kind: type[HTTPConnection]) -> Any:
        def make(host: str, **settings: Any) -> HTTPConnection:
            self._connections.append(kind(host, **settings))
            return self._connections[-1]

        return make

    def _hang_up(self) -> None:
        self._over = True
        for connection in self._connections:
            if connection.sock is not None:
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)


def _receive(
    response: HTTPResponse,
    url: str,
    part: Path,
    start: int,
    progress: Progress | None,
    expected_bytes: int | None,
) -> None:
    if response.status == 206:
        if _start_of_range(response.headers.get("Content-Range", "")) != start:
            _forget(part)
            raise _Broken("the server sent another range than asked for")
    else:
        start = 0  # a server without ranges, or the file has changed
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdigit() else None
    limit = MAX_BYTES if expected_bytes is None else expected_bytes
    if total is not None and total > limit:
        raise _Refused(f"offers {total:,} bytes, but {_allowed(expected_bytes)}")
    if start == 0:
        _forget(part)
        etag = response.headers.get("ETag", "")
        validator = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")
        _note_path(part).write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")
    done = start
    with part.open("ab" if start else "wb") as file:
        if progress:
            progress(done, total)
        since, before = time.monotonic(), done
        while chunk := response.read1(_CHUNK):  # what has come, without waiting for a whole chunk
            file.write(chunk)
            done += len(chunk)
            if progress:
                progress(done, total)
            if done > limit:
                break
            if time.monotonic() - since > SLOW_S:
                if done - before < SLOW_BYTES and done != total:
                    raise _Slow(f"only {done - before:,} bytes came in {SLOW_S:.0f} s")
                since, before = time.monotonic(), done
        file.flush()
        os.fsync(file.fileno())
    if done > limit:
        _forget(part)
        raise _Refused(f"sends more than {limit:,} bytes, but {_allowed(expected_bytes)}")
    if total is not None and done < total:
        raise _Broken(f"the connection ended after {done:,} of {total:,} bytes")


def _allowed(expected_bytes: int | None) -> str:
    if expected_bytes is None:
        return f"at most {MAX_BYTES:,} are received"
    return f"the file should have {expected_bytes:,} bytes"


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _note_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _note(part: Path) -> dict[str, str]:
    """What is known of a partial file: the URL it came from and the server's validator (ETag or date)."""
    try:
        note = json.loads(_note_path(part).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in note.items()} if isinstance(note, dict) else {}


def _resumable(part: Path, url: str) -> bool:
    return _note(part).get("url") == url


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note_path(part).unlink(missing_ok=True)


def _start_of_range(header: str) -> int:
    """The first byte of ``bytes 100-199/200``; -1 if it says none."""
    first = header.removeprefix("bytes").strip().split("-")[0]
    return int(first) if first.isdigit() else -1


def _total_of_range(header: str) -> int:
    """The total of ``bytes */200``; -1 if it says none."""
    total = header.rpartition("/")[2]
    return int(total) if total.isdigit() else -1


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a lock file for as long as the block runs, waiting for another process that holds it. Freed by the
    system if we die."""
    try:
        import fcntl
    except ImportError:  # Windows: the partial file's own sharing rules are the guard there
        yield
        return
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    # The file stays: removing it would let a third process lock a file that the second one no longer sees.
