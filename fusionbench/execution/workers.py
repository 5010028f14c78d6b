"""Worker processes: one per device, their messages and progress."""

from __future__ import annotations

import multiprocessing
import os
import queue
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..errors import FusionBenchError, StoreError
from ..planning.config import RunConfig
from ..planning.plan import Plan, make_plan
from ..store.run_store import RunStore
from ..terminal.progress import ProgressDisplay
from .batches import Shard
from .engines import GroupDetails, _merge_details, run_images, thread_count


def run_workers(
    config: RunConfig, plan: Plan, store: RunStore, devices: list[str], progress: ProgressDisplay
) -> GroupDetails:
    """Run one spawned process a device, each on its share of the batches; their journals are merged afterwards."""
    context = multiprocessing.get_context("spawn")
    events: multiprocessing.Queue[tuple[Any, ...]] = context.Queue()
    workers = [
        context.Process(
            target=_worker,
            args=(config.model_dump(mode="json"), str(store.folder), device, i, len(devices), events),
            daemon=True,
        )
        for i, device in enumerate(devices)
    ]
    for worker in workers:
        worker.start()
    merged: GroupDetails = {
        g.fuse.key: {"failures": {}, "fused": 0, "scored": 0, "provenance": None} for g in plan.groups
    }
    totals: dict[str, list[int]] = {}
    waiting = set(range(len(workers)))
    try:
        while waiting:
            try:
                index, kind, *data = events.get(timeout=1.0)
            except queue.Empty:
                for i in list(waiting):
                    code = workers[i].exitcode
                    if code is not None and code != 0:
                        raise FusionBenchError(
                            f"the process for device {devices[i]} ended with code {code}; run the same command again: what is finished is kept"
                        ) from None
                continue
            if kind == "done":
                waiting.discard(index)
                _merge_details(merged, data[0])
            elif kind == "error":
                raise StoreError(data[0])
            elif kind == "message":
                progress.message(data[0])
            else:
                _relay(kind, data, totals, progress)
    finally:
        for worker in workers:
            if waiting and worker.is_alive():
                worker.terminate()
            worker.join()
    return merged


def _relay(kind: str, data: list[Any], totals: dict[str, list[int]], progress: ProgressDisplay) -> None:
    label = data[0]
    done_total = totals.setdefault(label, [0, 0])
    if kind == "start":
        done_total[1] += data[1]
        done_total[0] += data[2]
    else:
        done_total[0] += data[1]
    progress.update(label, *done_total)


class QueueProgress:
    """A worker's progress display: sends everything to the parent."""

    def __init__(self, index: int, events: Any) -> None:
        self._index, self._events = index, events

    def _send(self, *event: Any) -> None:
        self._events.put((self._index, *event))

    def start(self, label: str, total: int, done: int = 0) -> None:
        self._send("start", label, total, done)

    def advance(self, label: str, count: int = 1) -> None:
        self._send("advance", label, count)

    def update(self, label: str, done: int, total: int) -> None:
        return None

    def message(self, text: str) -> None:
        self._send("message", text)

    def finish(self, label: str) -> None:
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def _worker(config: Mapping[str, Any], folder: str, device: str, index: int, count: int, events: Any) -> None:
    """The main function of a spawned process."""
    import torch

    threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        run_config = RunConfig.model_validate(config)
        torch.set_num_threads(max(1, thread_count(run_config) // count))
        run_config.jobs = max(1, thread_count(run_config) // count)
        plan = make_plan(run_config)
        details = run_images(
            plan, RunStore(Path(folder)), device, Shard(index, count), QueueProgress(index, events)
        )
        events.put((index, "done", details))
    except KeyboardInterrupt:
        os._exit(130)
    except FusionBenchError as error:
        events.put((index, "error", str(error)))
    except Exception as error:
        events.put((index, "error", f"device {device}: {type(error).__name__}: {error}"))


def end_with_parent() -> None:
    """End this process when the one that started it is gone: killed outright, it can't stop its workers, and the same command
    started again must not meet them writing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
