"""What ends the command line: exceptions that no command meant, as sentences; SIGTERM as Ctrl-C."""

from __future__ import annotations

import contextlib
import errno
import os
import signal

from ..errors import EXIT_INTERRUPTED, printable

_MEMORY_SAID = (
    "cannot allocate memory",
    "can't allocate memory",
    "failed to map segment",
    "can't start new thread",
)


class Termination:
    """SIGTERM ends the process as Ctrl-C does. ``requested`` stays true if a library swallows that.

    While no command is ``active`` (modules load, the process ends), nobody would catch an exception: the
    process ends at once, with the same exit code.
    """

    def __init__(self) -> None:
        self.requested = False
        self.active = False

    def install(self) -> None:
        with contextlib.suppress(ValueError):  # not the main thread: the caller's business
            signal.signal(signal.SIGTERM, self._handle)

    def _handle(self, signum: int, frame: object) -> None:
        if not self.active:
            os._exit(EXIT_INTERRUPTED)
        self.requested = True
        raise KeyboardInterrupt


def sentence(error: BaseException) -> str | None:
    """What to say of an exception that the machine or a plugin causes; None for those that are our fault."""
    if isinstance(error, SystemExit):
        return (
            f"a plugin ended the process (sys.exit({error.code!r})); nothing more was done. "
            "Plugins return results or raise an error"
        )
    if _is_lack_of_memory(error):
        return (
            "memory ran out; free some, raise the limit (`ulimit -v`), or use fewer --jobs and smaller "
            "images, "
            "then run the same command again: what is finished is kept"
        )
    if isinstance(error, OSError) and error.errno is not None:
        where = printable(str(error.filename)) if error.filename else "a file"
        return (
            f"{where}: {(error.strerror or str(error)).lower()}; check permissions, space and paths, then "
            "run "
            "the same command again: what is finished is kept"
        )
    return None


def _is_lack_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    text = str(error).lower()
    return isinstance(error, ImportError | RuntimeError | OSError) and any(s in text for s in _MEMORY_SAID)
