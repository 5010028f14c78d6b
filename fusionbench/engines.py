"""The engines that fuse and score a plan's images: in this process, or in one spawned process a device."""

from __future__ import annotations

import multiprocessing
import os
import queue
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from . import catalog
from .allocation import return_freed_memory
from .config import RunConfig
from .contracts import EvaluatorSettings, ImageEvaluator, MethodContext
from .errors import FusionBenchError, InputError, StoreError
from .pipeline import GroupPipeline, Shard
from .plan import Plan, make_plan
from .progress import ProgressDisplay
from .store import RunStore
from .units import PlannedMethod, ScoreUnit


def resolve_devices(text: str) -> list[str]:
    """``auto``, ``cpu``, ``cuda``, ``cuda:N``, ``cuda:all`` or a comma list → device names. Raises ``InputError`` if one isn't there."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    devices: list[str] = []
    for part in text.split(","):
        name = part.strip()
        if name == "auto":
            devices.append("cuda:0" if count else "cpu")
        elif name == "cpu":
            devices.append("cpu")
        elif name in {"cuda", "cuda:all"} or (name.startswith("cuda:") and name[5:].isdigit()):
            wanted = [0] if name == "cuda" else list(range(count)) if name == "cuda:all" else [int(name[5:])]
            if not count or max(wanted) >= count:
                seen = f"{count} CUDA device{'s' if count != 1 else ''}" if count else "no CUDA device"
                raise InputError(
                    f"--device {text}: PyTorch sees {seen}; use --device cpu, or see `fusionbench doctor`"
                )
            devices += [f"cuda:{i}" for i in wanted]
        else:
            raise InputError(
                f"--device {text}: expected auto, cpu, cuda, cuda:N, cuda:all or a comma list of these"
            )
    return devices


def thread_count(config: RunConfig) -> int:
    """Threads for decoding, scoring and encoding."""
    return (
        config.jobs or len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else config.jobs or os.cpu_count() or 1
    )


def method_context(method: PlannedMethod, config: RunConfig, folder: Path | None) -> MethodContext:
    """What a method gets when it is built: seed, options, a cache folder beside the run, its weights."""
    from .fusing import weights_resolver

    return MethodContext(
        config.seed, method.options, folder / "cache" if folder else None, weights_resolver(method.spec)
    )


GroupDetails = dict[str, dict[str, Any]]
"""By fuse key: failures by image, counts, and the method's provenance."""


def run_images(
    plan: Plan, store: RunStore, device: str, shard: Shard, progress: ProgressDisplay
) -> GroupDetails:
    """Fuse and score a shard of all groups' images on one device."""
    config = plan.config
    details: GroupDetails = {}
    for group in plan.groups:
        evaluators = {
            s.id.key: image_evaluator(s, config, device, store.folder)
            for s in group.scores
            if s.evaluator.scope == "image"
        }

        def make_fuser(method: PlannedMethod = group.method) -> Any:
            from .fusing import MethodFuser
            from .precomputed import open_folder

            if method.folder is not None:
                return open_folder(method.spec, method.folder)
            return MethodFuser(
                method.spec, method_context(method, config, store.folder), device, config.precision
            )

        pipeline = GroupPipeline(
            group, store, make_fuser, evaluators, jobs=thread_count(config), batch_size=config.batch_size or (8 if "cuda" in device else 1),
            shard=shard, redo=config.overwrite == "always", fail_fast=config.fail_fast,
        )  # fmt: skip
        result = pipeline.run(progress)
        return_freed_memory()
        details[group.fuse.key] = {
            "failures": result.failures, "fused": result.fused, "scored": result.scored, "provenance": pipeline.provenance(),
        }  # fmt: skip
    return details


def image_evaluator(score: ScoreUnit, config: RunConfig, device: str, folder: Path) -> ImageEvaluator:
    """Build the evaluator of a unit."""
    settings = EvaluatorSettings(score.metrics, score.id.convention, config.seed, device, folder / "cache")
    evaluator: ImageEvaluator = catalog.build(score.evaluator.factory)(score.evaluator, settings)
    return evaluator


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


def _merge_details(merged: GroupDetails, details: GroupDetails) -> None:
    for key, detail in details.items():
        merged[key]["failures"].update(detail["failures"])
        merged[key]["fused"] += detail["fused"]
        merged[key]["scored"] += detail["scored"]
        merged[key]["provenance"] = merged[key]["provenance"] or detail["provenance"]


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
