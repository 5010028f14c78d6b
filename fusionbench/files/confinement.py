"""Takes rights away from this process for good: time, memory, file sizes, and what Python itself could start.

Weight files are read with ``torch.load(weights_only=True)`` or safetensors, which run nothing that a file
holds. This is the second line: a process that reads such files has limits from the operating system, and
Python's own calls to the network, to other programs and to files elsewhere are refused. It is no sandbox
against native code.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CPU_SECONDS = 600
MEMORY_BYTES = 4 << 30
"""Beyond what the process holds when the limits begin, and beyond four times the files' size."""
FILE_BYTES = 1 << 30
"""Of one written file, beyond twice the files' size."""

_REFUSED = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "os.fork",
    "os.kill",
    "ftplib.",
    "http.client.",
    "urllib.",
    "smtplib.",
)
_CHANGES = frozenset(
    {
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.mkdir",
        "os.link",
        "os.symlink",
        "os.chmod",
        "os.chown",
        "os.truncate",
    }
)
"""Events whose paths must lie in the folder that may be written."""


def confine(folder: Path, read_bytes: int) -> bool:
    """Limit this process from now on; only files directly in ``folder`` may be written. ``read_bytes`` is the
    size of the files that it is to read. Call it when everything is imported.

    Returns False where the system knows no limits (Windows): then only Python's own calls are refused.
    """
    limited = _limit(read_bytes)
    sys.addaudithook(_hook(os.path.realpath(folder)))
    return limited


def _limit(read_bytes: int) -> bool:
    try:
        import resource
    except ImportError:
        return False
    limits = {
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_AS: _memory_now() + MEMORY_BYTES + 4 * read_bytes,
        resource.RLIMIT_FSIZE: FILE_BYTES + 2 * read_bytes,
        resource.RLIMIT_CORE: 0,
    }
    for kind, wanted in limits.items():
        soft, hard = resource.getrlimit(kind)
        known = [limit for limit in (soft, hard, wanted) if limit != resource.RLIM_INFINITY]
        with contextlib.suppress(OSError, ValueError):  # macOS takes no RLIMIT_AS
            resource.setrlimit(kind, (min(known), min(known)))
    return True


def _memory_now() -> int:
    """The bytes of address space that this process holds (libraries included)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 16 << 30


def _hook(folder: str) -> Any:
    def watch(event: str, arguments: Sequence[Any]) -> None:
        if event.startswith(_REFUSED):
            raise PermissionError(f"this process may not do that ({event})")
        if event == "open" and _writes(arguments) and not isinstance(arguments[0], int):
            _check(arguments[0], folder)
        elif event in _CHANGES:
            for path in arguments[:2]:
                if isinstance(path, str | bytes | os.PathLike):
                    _check(path, folder)

    return watch


def _writes(arguments: Sequence[Any]) -> bool:
    mode, flags = arguments[1], arguments[2]
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool(isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _check(path: Any, folder: str) -> None:
    found = os.path.realpath(os.fsdecode(path))
    if os.path.dirname(found) != folder and found != os.devnull:
        raise PermissionError(f"this process may not change {found}")
