"""Runs one command and ends everything that it started, whatever happens to the process that asked for it.

Started as a plain file by ``process.run_logged``; standard input is the line of life: where it ends, whoever
asked is gone (or has had enough). On Linux the supervisor adopts orphans, so that children of children that
have left the process group are found too.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time

POLL_SECONDS = 0.05
ROUNDS = 40
"""Looks for what is left to kill; each finds what the one before had missed."""
NOT_STARTED = 127
_DEATH_SIGNAL, _SUBREAPER = 1, 36  # of Linux's prctl


def main(arguments: list[str]) -> int:
    """``GRACE COMMAND...``: run it. Returns its exit status, minus the signal that ended it."""
    grace, command = float(arguments[0]), arguments[1:]
    signal.signal(signal.SIGTERM, lambda *_: None)  # meant for the command, which is in the same group
    _prctl(_SUBREAPER, 1)
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_end_with_supervisor)  # noqa: PLW1509
    except OSError as error:
        print(f"{command[0]} can't be started ({error.strerror or error})", flush=True)
        return NOT_STARTED
    while process.poll() is None:
        if select.select([0], [], [], POLL_SECONDS)[0] and not os.read(0, 1):
            os.killpg(0, signal.SIGTERM)
            end = time.monotonic() + grace
            while process.poll() is None and time.monotonic() < end:
                time.sleep(POLL_SECONDS)
            break
    status = process.poll()
    _kill_descendants()
    return process.wait() if status is None else status


def _end_with_supervisor() -> None:
    _prctl(_DEATH_SIGNAL, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _kill_descendants() -> None:
    for _ in range(ROUNDS):
        found = _descendants()
        if not found:
            return
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        time.sleep(0.01)


def _descendants() -> list[int]:
    """The living descendants of this process; none where the system has no ``/proc``."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    state, parent = file.read().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state != "Z":
                parents[int(name)] = int(parent)
    found, here = [], {os.getpid()}
    while here:
        here = {pid for pid, parent in parents.items() if parent in here}
        found += sorted(here)
    return found


if __name__ == "__main__":
    code = main(sys.argv[1:])
    if code < 0:  # end as the command did, so that whoever asked sees the same
        if -code == signal.SIGTERM:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)
