"""The one progress display: bars with ETA on a terminal, plain lines where output goes to a file, nothing
when quiet."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ..errors import printable

SECONDS_BETWEEN_LINES = 10.0


class ProgressDisplay(Protocol):
    """Shows how far each named piece of work has come."""

    def start(self, label: str, total: int, done: int = 0) -> None:
        """A piece of work begins: ``total`` units, ``done`` of them already there."""

    def advance(self, label: str, count: int = 1) -> None:
        """So many units more are done."""

    def update(self, label: str, done: int, total: int) -> None:
        """So many of so many units are done; begins the piece if it hasn't begun."""

    def message(self, text: str) -> None:
        """A text for the user."""

    def finish(self, label: str) -> None:
        """A piece of work ends."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class TerminalProgress:
    """Bars on a terminal; see ``ProgressDisplay``."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            console=console,
        )
        self._tasks: dict[str, int] = {}
        self._begun: dict[str, tuple[float, int]] = {}

    def start(self, label: str, total: int, done: int = 0) -> None:
        self._tasks[label] = int(self._progress.add_task(label, total=total, completed=done, rate=""))
        self._begun[label] = (time.monotonic(), done)

    def advance(self, label: str, count: int = 1) -> None:
        self._set(label, int(self._task(label).completed) + count)

    def update(self, label: str, done: int, total: int) -> None:
        if label not in self._tasks:
            self.start(label, total)
        self._progress.update(self._task(label).id, total=total)
        self._set(label, done)

    def _set(self, label: str, done: int) -> None:
        begun, first = self._begun[label]
        rate = (done - first) / max(time.monotonic() - begun, 1e-9)
        self._progress.update(
            self._task(label).id, completed=done, rate=f"{rate:.1f}/s" if done > first else ""
        )

    def _task(self, label: str):  # type: ignore[no-untyped-def]
        return self._progress.tasks[self._tasks[label]]

    def message(self, text: str) -> None:
        self._progress.console.print(printable(text), markup=False, highlight=False)

    def finish(self, label: str) -> None:
        self._progress.stop_task(self._task(label).id)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


class LineProgress:
    """Plain lines on standard error, for log files: at the start, every ten seconds, and at the end of
    each piece."""

    def __init__(self) -> None:
        self._state: dict[str, list[float]] = {}  # label: done, total, begun, done at begin, last printed

    def start(self, label: str, total: int, done: int = 0) -> None:
        now = time.monotonic()
        self._state[label] = [done, total, now, done, now]
        already = f", {done} already there" if done else ""
        self.message(
            f"{label}: {total} to do{already}"
            if not done
            else f"{label}: {total - done} of {total} to do{already}"
        )

    def advance(self, label: str, count: int = 1) -> None:
        self._set(label, int(self._state[label][0]) + count)

    def update(self, label: str, done: int, total: int) -> None:
        if label not in self._state:
            self.start(label, total)
        self._state[label][1] = total
        self._set(label, done)

    def _set(self, label: str, done: int) -> None:
        state = self._state[label]
        state[0] = done
        now = time.monotonic()
        if now - state[4] >= SECONDS_BETWEEN_LINES:
            state[4] = now
            rate = (done - state[3]) / max(now - state[2], 1e-9)
            left = (state[1] - done) / rate if rate else 0.0
            self.message(
                f"{label}: {done}/{int(state[1])} ({100 * done / max(state[1], 1):.0f} %), {rate:.2f}/s, ETA "
                f"{left:.0f} s"
            )

    def message(self, text: str) -> None:
        print(printable(text), file=sys.stderr, flush=True)

    def finish(self, label: str) -> None:
        done, total, begun, first, _ = self._state[label]
        seconds = time.monotonic() - begun
        if done > first:
            self.message(f"{label}: done, {int(done)}/{int(total)} in {seconds:.1f} s")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class QuietProgress(LineProgress):
    """Says nothing but messages (failures)."""

    def start(self, label: str, total: int, done: int = 0) -> None:
        now = time.monotonic()
        self._state[label] = [done, total, now, done, now + 1e12]

    def finish(self, label: str) -> None:
        return None


def make_progress(*, quiet: bool = False) -> ProgressDisplay:
    """The display that fits: quiet, a terminal, or a log file."""
    if quiet:
        return QuietProgress()
    console = Console(stderr=True)
    return TerminalProgress(console) if console.is_terminal else LineProgress()
