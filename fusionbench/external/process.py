"""Runs a command under a supervisor, with a time limit and its output in a log file, and never leaves a part
of it running: not even where this process is killed."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from . import supervisor

POLL_SECONDS = 0.1
GRACE_SECONDS = 5.0
"""Between the request to end and the kill."""
TAIL_BYTES = 1500
"""How much of the log an error message shows."""
LOG_BYTES = 32 << 20
"""A log grows no further; of what a call prints beyond, only the end is kept."""
LAST_BYTES = 64 << 10

_LEFT_OUT = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "GIT_DIR", "GIT_WORK_TREE")
"""Variables of this process that would lead another environment's interpreter astray."""


def run_logged(
    command: Sequence[str],
    *,
    directory: Path,
    environment: Mapping[str, str],
    log: Path,
    time_limit: float,
    watch: Callable[[], None] = lambda: None,
) -> str:
    """Run a command to its end; what it prints is appended to ``log`` (see ``LOG_BYTES``).

    Returns "" or why it failed, with the end of the log.

    ``watch`` is called about every two seconds. On Ctrl-C (or any exception) the command and all it started
    are ended first.
    """
    variables = {k: v for k, v in os.environ.items() if k not in _LEFT_OUT}
    variables.update({"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", **environment})
    program = shutil.which(command[0], path=variables.get("PATH"))
    if program is None:
        return f"{command[0]} can't be started (no such program)"
    with log.open("ab") as out:
        out.write(f"\n$ {shlex.join(command)}\n".encode())
        out.flush()
        start = out.tell()
        process = subprocess.Popen(
            # Isolated and without site packages: it starts in a few milliseconds, whatever the environment.
            [sys.executable, "-I", "-S", supervisor.__file__, str(GRACE_SECONDS), *command],
            cwd=directory,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert process.stdout is not None
        copier = threading.Thread(target=_copy, args=(process.stdout, out, start), daemon=True)
        copier.start()
        late = False
        try:
            late = not _wait(process, time_limit, watch)
        finally:
            _end(process)
            copier.join(GRACE_SECONDS)
    if late:
        reason = f"it was stopped after {time_limit:,.0f} s (option time_limit=SECONDS allows more)"
    elif process.returncode < 0:
        name = signal.Signals(-process.returncode).name
        memory = "; memory may have run out" if name == "SIGKILL" else ""
        reason = f"it was ended by {name}{memory}"
    elif process.returncode:
        reason = f"it ended with exit status {process.returncode}"
    else:
        return ""
    return f"{reason}; log: {log}{_tail(log, start)}"


def _wait(process: subprocess.Popen[bytes], time_limit: float, watch: Callable[[], None]) -> bool:
    """Wait for the end; False if the time is over."""
    begun = time.monotonic()
    watched = begun
    while process.poll() is None:
        now = time.monotonic()
        if now - begun > time_limit:
            return False
        if now - watched > 2:
            watched = now
            watch()
        time.sleep(POLL_SECONDS)
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """Have the supervisor end the command and all that it started: first asked, then killed."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_SECONDS + 5)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _copy(source: IO[bytes], log: IO[bytes], size: int) -> None:
    """Copy what a command prints into the log, which holds ``size`` bytes: what fits, and the end."""
    left_out, last = 0, bytearray()
    with contextlib.suppress(OSError, ValueError):  # a full disk, or a log closed meanwhile, doesn't stop it
        while piece := os.read(source.fileno(), 1 << 16):
            fits = piece[: max(0, LOG_BYTES - size)]
            size += len(fits)
            log.write(fits)
            log.flush()
            last += piece[len(fits) :]
            if len(last) > 2 * LAST_BYTES:
                left_out += len(last) - LAST_BYTES
                del last[:-LAST_BYTES]
        if last:
            log.write(f"\n[{left_out:,} bytes left out: a log holds {LOG_BYTES:,}]\n".encode() + last)
            log.flush()


def _tail(log: Path, start: int) -> str:
    """The last lines of the log since ``start``, indented, or nothing."""
    with log.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(start, end - TAIL_BYTES))
        text = file.read().decode(errors="replace").strip()
    lines = "".join(f"\n    {line}" for line in text.splitlines()[-12:])
    return f"; its last lines:{lines}" if lines else "; it printed nothing"
