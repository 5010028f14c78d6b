"""Runs a command in its own process group, with a time limit and its output in a log file, and never
leaves a part of it running."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

POLL_SECONDS = 0.1
GRACE_SECONDS = 5.0
"""Between the request to end and the kill."""
TAIL_BYTES = 1500
"""How much of the log an error message shows."""

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
    """Run a command to its end; what it prints is appended to ``log``. Returns "" or why it failed, with the
    end of the log.

    ``watch`` is called about every two seconds. On Ctrl-C (or any exception) the command and all it started
    are ended first.
    """
    variables = {k: v for k, v in os.environ.items() if k not in _LEFT_OUT}
    variables.update({"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", **environment})
    with log.open("ab") as out:
        out.write(f"\n$ {shlex.join(command)}\n".encode())
        out.flush()
        start = out.tell()
        try:
            process = subprocess.Popen(
                list(command),
                cwd=directory,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return f"{command[0]} can't be started ({error.strerror or error})"
        late = False
        try:
            late = not _wait(process, time_limit, watch)
        finally:
            _end_group(process)
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


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End whatever is left of the command's process group: first asked, then killed."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)  # also what it started and left behind
    process.wait()


def _tail(log: Path, start: int) -> str:
    """The last lines of the log since ``start``, indented, or nothing."""
    with log.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(start, end - TAIL_BYTES))
        text = file.read().decode(errors="replace").strip()
    lines = "".join(f"\n    {line}" for line in text.splitlines()[-12:])
    return f"; its last lines:{lines}" if lines else "; it printed nothing"
