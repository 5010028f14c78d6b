"""What a plugin's code may do to the process that it runs in: undone, or turned into an error that names it.

A method of somebody else's may call ``sys.exit``, fork, change the folder or the signal handlers. None of it
may end a run with exit code 0, write an image twice or move results elsewhere. This keeps accidents apart; it
is no sandbox.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import FusionBenchError

_END_WITH_PARENT = 1
"""``PR_SET_PDEATHSIG`` of Linux's prctl."""
_CAME_BACK = 70
"""Exit status of a forked copy that came back into our code."""


class _Watch:
    """Which thread runs a plugin's code, and how often such code has forked this process."""

    def __init__(self) -> None:
        self.thread: int | None = None
        self.forks = 0

    @property
    def here(self) -> bool:
        return self.thread == threading.get_ident()


_watch = _Watch()


class EndedByPlugin(FusionBenchError):
    """A plugin's code tried to end the process."""


@contextlib.contextmanager
def guarded(name: str, warn: Callable[[str], None] = lambda text: None) -> Iterator[None]:
    """Run a plugin's code within the block; ``warn`` is told what had to be undone.

    Raises ``EndedByPlugin`` where the code calls ``sys.exit``, ``os._exit`` or raises anything else that
    isn't an ``Exception`` (Ctrl-C stays what it is). A forked copy that comes back is ended.
    """
    if _watch.here:  # within another block: that one watches
        yield
        return
    process, forks, state = os.getpid(), _watch.forks, _State()
    real_exit = os._exit
    previous, _watch.thread = _watch.thread, threading.get_ident()

    def exit_of_plugin(status: int = 0) -> None:
        if os.getpid() != process or not _watch.here:
            real_exit(status)
        raise EndedByPlugin(_ended(name, f"os._exit({status})"))

    os._exit = exit_of_plugin  # type: ignore[assignment]
    try:
        yield
    except (Exception, KeyboardInterrupt):
        raise
    except SystemExit as error:
        raise EndedByPlugin(
            _ended(name, f"sys.exit({'' if error.code is None else repr(error.code)})")
        ) from error
    except BaseException as error:
        raise EndedByPlugin(_ended(name, type(error).__name__)) from error
    finally:
        if os.getpid() != process:
            real_exit(_CAME_BACK)
        os._exit, _watch.thread = real_exit, previous
        for text in state.restore():
            warn(f"{name} {text}")
        if _watch.forks != forks:
            warn(f"{name} forks this process; copies that come back from it are ended")


def _ended(name: str, how: str) -> str:
    return f"{name} tried to end the process ({how}); plugins return results or raise an error"


class _State:
    """What of the process plugins may not change for others."""

    def __init__(self) -> None:
        self.folder = _folder()
        self.handlers = _handlers()
        self.torch: Any = sys.modules.get("torch")
        if self.torch is not None:
            self.dtype, self.gradients = self.torch.get_default_dtype(), self.torch.is_grad_enabled()

    def restore(self) -> Iterator[str]:
        """Undo changes; yields what was changed."""
        if self.folder is not None and _folder() != self.folder:
            os.chdir(self.folder)
            yield "changes the working folder; it was changed back"
        if self.handlers != _handlers():
            for number, handler in self.handlers.items():
                signal.signal(number, handler)
            yield "replaces the handlers of SIGINT or SIGTERM; they were put back"
        if self.torch is None:
            return
        if self.torch.get_default_dtype() != self.dtype:
            self.torch.set_default_dtype(self.dtype)
            yield "changes torch's default dtype; it was changed back"
        if self.torch.is_grad_enabled() != self.gradients:
            self.torch.set_grad_enabled(self.gradients)


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None


def _handlers() -> dict[int, Any]:
    """The handlers of the signals that end a run; none off the main thread, where they can't be set."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}


def _forked() -> None:
    """In a forked copy: end it when the process that it was copied from ends."""
    if _watch.here and sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL, 0, 0, 0)


def _count_fork() -> None:
    if _watch.here:
        _watch.forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked, after_in_parent=_count_fork)
