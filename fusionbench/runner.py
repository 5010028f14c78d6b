"""Executes a plan: in this process, or in one process a device; then whole-set and method evaluators, in this process."""

from __future__ import annotations

import multiprocessing
import os
import queue
import shlex
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import catalog
from .config import RunConfig
from .contracts import (
    DatasetEvaluator, EvaluatorSettings, FusedSet, ImageEvaluator, MethodContext, MethodEvaluator, Value,
)  # fmt: skip
from .errors import FusionBenchError, InputError, StoreError
from .pipeline import GroupPipeline, Shard, read_fused, scored_images
from .plan import Group, MethodUnit, Plan, PlannedMethod, ScoreUnit, make_plan
from .progress import ProgressDisplay, make_progress
from .provenance import provenance
from .store import Entry, RunStore

KEPT_INVOCATIONS = 50


@dataclass
class RunResult:
    """What a run did. ``failures`` maps "method on dataset/split" to {image: reason}; ``folder`` holds everything."""

    folder: Path
    plan: Plan
    failures: dict[str, dict[str, str]] = field(default_factory=dict)
    fused: int = 0
    scored: int = 0
    seconds: float = 0.0


def execute(config: RunConfig, *, quiet: bool = False) -> RunResult:
    """Run a configuration. Raises ``FusionBenchError`` for what is wrong before the start, or when results can't be written.

    What fails for single images or methods is in the result's ``failures``; everything else is kept.
    """
    begun = time.time()
    plan = make_plan(config)
    if config.overwrite == "never" and (config.folder / "run.json").exists():
        raise InputError(f"{config.folder}: exists already and --overwrite is never; choose another --name")
    devices = resolve_devices(config.device)
    store = RunStore.open(config.folder)
    previous_handler = _terminate_like_interrupt()
    try:
        result = RunResult(config.folder, plan)
        _record_start(store, config, plan)
        if config.overwrite == "always":
            _discard(store, plan)
        with make_progress(quiet=quiet) as progress:
            for skipped in plan.skipped:
                progress.message(f"skipped: {skipped}")
            if len(devices) == 1:
                details = run_images(plan, store, devices[0], Shard(), progress)
            else:
                details = _run_workers(config, plan, store, devices, progress)
            _finish_groups(plan, store, details, result)
            _run_dataset_evaluators(plan, store, devices[0], progress, result)
            _run_method_evaluators(plan, store, devices[0], progress, result)
        result.seconds = time.time() - begun
        _record_end(store, result)
        return result
    finally:
        if previous_handler is not None:
            signal.signal(signal.SIGTERM, previous_handler)
        store.close()


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
                raise InputError(f"--device {text}: PyTorch sees {seen}; use --device cpu, or see `fusionbench doctor`")
            devices += [f"cuda:{i}" for i in wanted]
        else:
            raise InputError(f"--device {text}: expected auto, cpu, cuda, cuda:N, cuda:all or a comma list of these")
    return devices


def thread_count(config: RunConfig) -> int:
    """Threads for decoding, scoring and encoding."""
    return config.jobs or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else config.jobs or os.cpu_count() or 1


def method_context(method: PlannedMethod, config: RunConfig, folder: Path | None) -> MethodContext:
    """What a method gets when it is built: seed, options, a cache folder beside the run, its weights."""
    from .fusing import weights_resolver

    return MethodContext(config.seed, method.options, folder / "cache" if folder else None, weights_resolver(method.spec))


GroupDetails = dict[str, dict[str, Any]]
"""By fuse key: failures by image, counts, and the method's provenance."""


def run_images(plan: Plan, store: RunStore, device: str, shard: Shard, progress: ProgressDisplay) -> GroupDetails:
    """Fuse and score a shard of all groups' images on one device."""
    config = plan.config
    details: GroupDetails = {}
    for group in plan.groups:
        evaluators = {s.id.key: image_evaluator(s, config, device, store.folder) for s in group.scores if s.evaluator.scope == "image"}

        def make_fuser(method: PlannedMethod = group.method) -> Any:
            from .fusing import MethodFuser
            from .precomputed import FolderFuser

            if method.folder is not None:
                return FolderFuser(method.spec, method.folder)
            return MethodFuser(method.spec, method_context(method, config, store.folder), device, config.precision)

        pipeline = GroupPipeline(
            group, store, make_fuser, evaluators, jobs=thread_count(config), batch_size=config.batch_size or (8 if "cuda" in device else 1),
            shard=shard, redo=config.overwrite == "always", fail_fast=config.fail_fast,
        )  # fmt: skip
        result = pipeline.run(progress)
        details[group.fuse.key] = {
            "failures": result.failures, "fused": result.fused, "scored": result.scored, "provenance": pipeline.provenance(),
        }  # fmt: skip
    return details


def image_evaluator(score: ScoreUnit, config: RunConfig, device: str, folder: Path) -> ImageEvaluator:
    """Build the evaluator of a unit."""
    settings = EvaluatorSettings(score.metrics, score.id.convention, config.seed, device, folder / "cache")
    evaluator: ImageEvaluator = catalog.build(score.evaluator.factory)(score.evaluator, settings)
    return evaluator


def _finish_groups(plan: Plan, store: RunStore, details: GroupDetails, result: RunResult) -> None:
    """Turn the journals of finished groups into Parquet files and manifests."""
    for group in plan.groups:
        detail = details[group.fuse.key]
        failures: dict[str, str] = detail["failures"]
        result.fused += detail["fused"]
        result.scored += detail["scored"]
        if failures:
            result.failures[group.label] = failures
        names = {p.name for p in group.dataset.pairs}
        extra: dict[str, Any] = {"failures": failures, "provenance": detail["provenance"]}
        if detail["provenance"] is None:  # nothing was fused now: keep what the unit says of itself
            extra["provenance"] = store.manifest_of(group.fuse).get("provenance")
        entries = store.entries(group.fuse)
        store.finish(group.fuse, entries.values(), extra)
        for score in group.scores:
            if score.evaluator.scope != "image":
                continue
            scored = {n: e for n, e in store.entries(score.id).items() if n not in names or n in entries}
            store.finish(score.id, scored.values(), {"failures": failures, "evaluator_version": score.evaluator.version})


def _run_dataset_evaluators(plan: Plan, store: RunStore, device: str, progress: ProgressDisplay, result: RunResult) -> None:
    for group in plan.groups:
        fused = store.entries(group.fuse)
        pairs = tuple(p for p in group.dataset.pairs if p.name in fused)
        digest = "+".join(sorted(fused[p.name].digest for p in pairs))
        for score in group.scores:
            if score.evaluator.scope != "dataset" or not pairs:
                continue
            import hashlib

            key = hashlib.sha256(digest.encode()).hexdigest()[:32]
            done = store.entries(score.id)
            if done and all(e.digest == key for e in done.values()) and plan.config.overwrite != "always":
                continue
            label = f"{score.evaluator.name} of {group.label}"
            settings = EvaluatorSettings(score.metrics, score.id.convention, plan.config.seed, device, store.folder / "cache")
            fused_set = FusedSet(group.method.spec.name, group.dataset.dataset, group.dataset.split, pairs, read_fused(store, group))
            try:
                evaluator: DatasetEvaluator = catalog.build(score.evaluator.factory)(score.evaluator, settings)
                values = list(evaluator.score(fused_set, lambda d, t, label=label: progress.update(label, d, t)))  # type: ignore[misc]
            except StoreError:
                raise
            except Exception as error:
                _note_failure(result, label, error, progress, plan.config)
                continue
            store.discard(score.id)
            store.finish(score.id, scored_images(values, key), {"evaluator_version": score.evaluator.version})


def _run_method_evaluators(plan: Plan, store: RunStore, device: str, progress: ProgressDisplay, result: RunResult) -> None:
    missing = [u for u in plan.method_units if plan.config.overwrite == "always" or not store.entries(u.score.id)]
    if not missing:
        return
    label = "efficiency"
    progress.start(label, len(missing))
    for unit in missing:
        try:
            values = _score_method(unit, plan, store, device)
        except StoreError:
            raise
        except Exception as error:
            _note_failure(result, f"{unit.score.evaluator.name} of {unit.method.spec.name}", error, progress, plan.config)
        else:
            store.finish(unit.score.id, [Entry("", "measured", values)], {"evaluator_version": unit.score.evaluator.version})
        progress.advance(label)
    progress.finish(label)


def _score_method(unit: MethodUnit, plan: Plan, store: RunStore, device: str) -> list[Value]:
    config = plan.config
    settings = EvaluatorSettings(unit.score.metrics, "", config.seed, device, store.folder / "cache", {"precision": config.precision, "batch_size": config.batch_size})
    evaluator: MethodEvaluator = catalog.build(unit.score.evaluator.factory)(unit.score.evaluator, settings)
    return evaluator.score(unit.method.spec, method_context(unit.method, config, store.folder), unit.sizes)


def _note_failure(result: RunResult, label: str, error: BaseException, progress: ProgressDisplay, config: RunConfig) -> None:
    if config.fail_fast:
        raise error
    text = str(error) if isinstance(error, FusionBenchError) else f"{type(error).__name__}: {error}"
    result.failures.setdefault(label, {})[""] = text
    progress.message(f"failed: {label}: {text}")


def _discard(store: RunStore, plan: Plan) -> None:
    for group in plan.groups:
        for unit in (group.fuse, *(s.id for s in group.scores)):
            store.discard(unit)
    for unit_ in plan.method_units:
        store.discard(unit_.score.id)


# One process a device


def _run_workers(config: RunConfig, plan: Plan, store: RunStore, devices: list[str], progress: ProgressDisplay) -> GroupDetails:
    """Run one spawned process a device, each on its share of the batches; their journals are merged afterwards."""
    context = multiprocessing.get_context("spawn")
    events: multiprocessing.Queue[tuple[Any, ...]] = context.Queue()
    workers = [
        context.Process(target=_worker, args=(config.model_dump(mode="json"), str(store.folder), device, i, len(devices), events), daemon=True)
        for i, device in enumerate(devices)
    ]
    for worker in workers:
        worker.start()
    merged: GroupDetails = {g.fuse.key: {"failures": {}, "fused": 0, "scored": 0, "provenance": None} for g in plan.groups}
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


class _QueueProgress:
    """A worker's progress display: sends everything to the parent."""

    def __init__(self, index: int, events: Any) -> None:
        self._send = lambda *event: events.put((index, *event))

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


def _worker(config: Mapping[str, Any], folder: str, device: str, index: int, count: int, events: Any) -> None:
    """The main function of a spawned process."""
    import torch

    try:
        run_config = RunConfig.model_validate(config)
        torch.set_num_threads(max(1, thread_count(run_config) // count))
        run_config.jobs = max(1, thread_count(run_config) // count)
        plan = make_plan(run_config)
        details = run_images(plan, RunStore(Path(folder)), device, Shard(index, count), _QueueProgress(index, events))  # type: ignore[arg-type]
        events.put((index, "done", details))
    except KeyboardInterrupt:
        os._exit(130)
    except FusionBenchError as error:
        events.put((index, "error", str(error)))
    except Exception as error:
        events.put((index, "error", f"device {device}: {type(error).__name__}: {error}"))


# The run file


def _record_start(store: RunStore, config: RunConfig, plan: Plan) -> None:
    info = store.info()
    invocations = info.get("invocations", [])[-KEPT_INVOCATIONS + 1 :]
    invocations.append({
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "config": config.model_dump(mode="json"),
        "provenance": provenance(),
        "skipped": plan.skipped,
    })  # fmt: skip
    methods = dict(info.get("methods", {}))
    for method in {g.method.spec.name: g.method for g in plan.groups}.values():
        methods[method.spec.name] = {**method.spec.model_dump(mode="json"), "options": method.options, "given_as": method.text}
    datasets = dict(info.get("datasets", {}))
    for dataset in {g.dataset.spec.name: g.dataset for g in plan.groups}.values():
        datasets[dataset.spec.name] = dataset.spec.model_dump(mode="json")
    store.write_info({**info, "name": store.folder.name, "methods": methods, "datasets": datasets, "invocations": invocations})


def _record_end(store: RunStore, result: RunResult) -> None:
    info = store.info()
    info["invocations"][-1].update(
        finished=time.strftime("%Y-%m-%dT%H:%M:%S%z"), seconds=round(result.seconds, 2), fused=result.fused, scored=result.scored,
        failures=result.failures,
    )  # fmt: skip
    store.write_info(info)


def _terminate_like_interrupt() -> Any:
    """Make SIGTERM end a run as Ctrl-C does (journals closed, message, exit code 130). Returns the previous handler."""

    def handler(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    try:
        return signal.signal(signal.SIGTERM, handler)
    except ValueError:  # not the main thread: the caller's business
        return None


__all__ = ["Group", "RunResult", "execute", "resolve_devices"]
