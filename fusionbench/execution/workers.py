"""Worker processes, one per device: they take tasks from a queue and send typed messages to the process
that started them."""

from __future__ import annotations

import multiprocessing
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..errors import FusionBenchError, StoreError
from ..planning.config import RunConfig
from ..planning.plan import Plan, make_plan
from ..store.run_store import RunStore
from ..terminal.progress import ProgressDisplay
from .devices import thread_count

# What a worker says. All are sent through a queue, so they hold plain data.


@dataclass(frozen=True)
class Started:
    """A piece of work begins: so many units, ``done`` of them already there."""

    label: str
    total: int
    done: int


@dataclass(frozen=True)
class Advanced:
    """So many units more are done."""

    label: str
    count: int


@dataclass(frozen=True)
class Updated:
    """How far a piece of work is that only this worker does."""

    label: str
    done: int
    total: int


@dataclass(frozen=True)
class Said:
    """A text for the user."""

    text: str


@dataclass(frozen=True)
class Finished:
    """A task, by its number, and what came out."""

    task: int
    result: Any


@dataclass(frozen=True)
class Failed:
    """A task, by its number, and what went wrong."""

    task: int
    error: FusionBenchError


@dataclass(frozen=True)
class Ended:
    """A worker that has nothing more to do."""

    worker: int


Message = Started | Advanced | Updated | Said | Finished | Failed | Ended


@dataclass(frozen=True)
class WorkerContext:
    """What a worker's tasks are done with."""

    plan: Plan
    store: RunStore
    device: str
    progress: ProgressDisplay


TaskFunction = Callable[[WorkerContext, Any], Any]
"""Does one task. A function of a module: workers import it by name."""


def run_tasks(
    function: TaskFunction,
    tasks: Sequence[Any],
    config: RunConfig,
    folder: Path,
    devices: Sequence[str],
    progress: ProgressDisplay,
    say: Callable[[str], None],
    *,
    one_each: bool = False,
) -> Iterator[tuple[int, Any]]:
    """Do tasks in one spawned process per device; yields (task number, result or ``FusionBenchError``) as
    they finish.

    A worker takes the next task as soon as it is free; with ``one_each`` task i belongs to device i. ``say``
    gets the workers' texts. Raises ``FusionBenchError`` if a worker dies, ``StoreError`` if one can't write
    its results.
    """
    context = multiprocessing.get_context("spawn")
    events: multiprocessing.Queue[Message] = context.Queue()
    devices = devices[: len(tasks)]
    shared: Any = context.Queue()
    queues = [context.Queue() if one_each else shared for _ in devices]
    for number, task in enumerate(tasks):
        queues[number % len(queues)].put((number, task))
    for own in queues:
        own.put(None)
    settings = config.model_dump(mode="json")
    workers = [
        context.Process(
            target=_work,
            args=(function, settings, str(folder), device, index, len(devices), queues[index], events),
            daemon=True,
        )
        for index, device in enumerate(devices)
    ]
    for worker in workers:
        worker.start()
    waiting, ended = set(range(len(tasks))), set[int]()
    relay = Relay(progress)
    try:
        while waiting:
            try:
                message = events.get(timeout=1.0)
            except queue.Empty:
                _check_alive(workers, devices, ended)
                continue
            match message:
                case Finished(task, result):
                    waiting.discard(task)
                    yield task, result
                case Failed(task, StoreError() as error):
                    raise error
                case Failed(task, error):
                    waiting.discard(task)
                    yield task, error
                case Said(text):
                    say(text)
                case Ended(worker_index):
                    ended.add(worker_index)
                case _:
                    relay.show(message)
    finally:
        for worker in workers:
            if waiting and worker.is_alive():
                worker.terminate()
            worker.join()


def _check_alive(workers: Sequence[Any], devices: Sequence[str], ended: set[int]) -> None:
    """Raise ``FusionBenchError`` if a process is gone that hasn't said that it has nothing more to do."""
    for index, worker in enumerate(workers):
        if worker.exitcode is not None and (index not in ended or worker.exitcode != 0):
            raise FusionBenchError(
                f"the process for device {devices[index]} ended with code {worker.exitcode}; "
                "run the same command again: what is finished is kept"
            )


class Relay:
    """Joins what several workers say of one piece of work, and shows it."""

    def __init__(self, progress: ProgressDisplay) -> None:
        self._progress = progress
        self._totals: dict[str, tuple[int, int]] = {}

    def show(self, message: Started | Advanced | Updated) -> None:
        done, total = self._totals.get(message.label, (0, 0))
        match message:
            case Started():
                done, total = done + message.done, total + message.total
            case Advanced():
                done += message.count
            case Updated():
                done, total = message.done, message.total
        self._totals[message.label] = done, total
        self._progress.update(message.label, done, total)


class WorkerProgress:
    """A worker's ``ProgressDisplay``: sends everything to the process that started it."""

    def __init__(self, send: Callable[[Message], None]) -> None:
        self._send = send

    def start(self, label: str, total: int, done: int = 0) -> None:
        self._send(Started(label, total, done))

    def advance(self, label: str, count: int = 1) -> None:
        self._send(Advanced(label, count))

    def update(self, label: str, done: int, total: int) -> None:
        self._send(Updated(label, done, total))

    def message(self, text: str) -> None:
        self._send(Said(text))

    def finish(self, label: str) -> None:
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def _work(
    function: TaskFunction,
    settings: dict[str, Any],
    folder: str,
    device: str,
    index: int,
    count: int,
    tasks: Any,
    events: Any,
) -> None:
    """The main function of a spawned process: takes tasks until there are no more."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    number = -1
    try:
        context = _make_context(settings, folder, device, count, WorkerProgress(events.put))
        while (given := tasks.get()) is not None:
            number, task = given
            try:
                events.put(Finished(number, function(context, task)))
            except SystemExit as error:
                events.put(Failed(number, FusionBenchError(f"a plugin called sys.exit({error.code!r})")))
            except Exception as error:
                events.put(Failed(number, portable(error)))
        events.put(Ended(index))
    except KeyboardInterrupt:
        os._exit(130)
    except Exception as error:
        text = str(error) if isinstance(error, FusionBenchError) else f"{type(error).__name__}: {error}"
        events.put(Failed(number, StoreError(f"the process for device {device} can't work: {text}")))


def _make_context(
    settings: dict[str, Any], folder: str, device: str, count: int, progress: ProgressDisplay
) -> WorkerContext:
    import torch

    config = RunConfig.model_validate(settings)
    threads = max(1, thread_count(config.jobs) // count)
    torch.set_num_threads(threads)
    plan = make_plan(config.model_copy(update={"jobs": threads}))
    return WorkerContext(plan, RunStore(Path(folder)), device, progress)


def portable(error: Exception) -> FusionBenchError:
    """The error as one that travels between processes, whatever it holds."""
    if isinstance(error, StoreError):
        return StoreError(str(error))
    if isinstance(error, FusionBenchError):
        return FusionBenchError(str(error))
    return FusionBenchError(f"{type(error).__name__}: {error}")


def end_with_parent() -> None:
    """End this process when the one that started it is gone.

    Killed outright, it can't stop its workers, and the same command started again must not meet them writing.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
