"""Runs the evaluators that see whole sets of fused images (scope ``dataset``), after the images are fused.

In this process, one unit after the other; units that retrain a judge run one at a time on each device where the run has several,
each device in a spawned process.
"""

from __future__ import annotations

import hashlib
import math
import multiprocessing
import os
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..contracts.dataset import Pair
from ..contracts.evaluator import DatasetEvaluator, EvaluatorSettings, FusedSet, Value
from ..errors import FusionBenchError, InputError, StoreError
from ..planning.config import RunConfig
from ..planning.plan import Plan, make_plan
from ..planning.units import Group, ScoreUnit
from ..plugins import catalog
from ..store.journal import Entry
from ..store.run_store import RunStore
from ..terminal.progress import ProgressDisplay
from .engines import thread_count
from .fused_images import fused_reader
from .image_pipeline import scored_images
from .memory import reuse_freed_memory
from .source_digests import label_digest
from .workers import QueueProgress, end_with_parent

Values = list[tuple[str, Value]]
Failed = Callable[[str, BaseException], None]


@dataclass(frozen=True)
class _Job:
    """A unit to do: the pairs that were fused and carry labels, and what its result will depend on."""

    group: Group
    score: ScoreUnit
    pairs: tuple[Pair, ...]
    digest: str
    training_group: Group | None = None
    training_pairs: tuple[Pair, ...] = ()
    training_digest: str = ""

    @property
    def label(self) -> str:
        seed = f" seed {self.score.id.seed}" if self.score.retrains else ""
        return f"{self.score.id.convention or self.score.evaluator.name}{seed} of {self.group.label}"

    @property
    def key(self) -> str:
        return hashlib.sha256(f"{self.digest}+{self.training_digest}".encode()).hexdigest()[:32]


def run_dataset_evaluators(
    plan: Plan, store: RunStore, devices: Sequence[str], progress: ProgressDisplay, failures: Mapping[str, Mapping[str, str]],
    failed: Failed,
) -> int:  # fmt: skip
    """Score what is missing; returns how many images were scored. ``failures`` are the images that failed by group label; ``failed`` is told of units that fail.

    Raises ``StoreError`` if results can't be written.
    """
    jobs = _missing(plan, store, failures, failed)
    note = _Once(progress.message)
    apart = [j for j in jobs if j.score.retrains] if len(devices) > 1 else []
    if len(apart) < 2:
        apart = []
    scored = 0
    for job in jobs:
        if job in apart:
            continue
        try:
            values = _score(job, store, devices[0], progress, note)
        except StoreError:
            raise
        except Exception as error:
            failed(job.label, error)
            continue
        _keep(job, store, values)
        scored += len(job.pairs)
    if apart:
        scored += _run_workers(apart, plan, store, devices, progress, note, failed)
    return scored


def left_out(plan: Plan, store: RunStore) -> dict[str, dict[str, str]]:
    """The images that evaluators of whole sets left out, with the reason, by protocol, dataset and split: those whose values aren't numbers."""
    found: dict[str, dict[str, str]] = {}
    for group in plan.groups:
        for score in group.scores:
            if score.evaluator.scope != "dataset":
                continue
            label = f"{score.id.convention or score.evaluator.name} on {score.id.dataset}/{score.id.split}"
            for name, entry in store.entries(score.id).items():
                reasons = [v.reason for v in entry.values if math.isnan(v.value) and v.reason]
                if name and reasons:
                    found.setdefault(label, {})[name] = reasons[0]
    return found


class _Once:
    """Says every text once: all methods are judged by the same labels."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[str] = set()

    def __call__(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say(f"note: {text}")


def _missing(
    plan: Plan, store: RunStore, failures: Mapping[str, Mapping[str, str]], failed: Failed
) -> list[_Job]:
    jobs = []
    for group in plan.groups:
        for score in group.scores:
            if score.evaluator.scope != "dataset":
                continue
            try:
                job = _job(plan, group, score, store, failures)
            except InputError as error:
                failed(f"{score.evaluator.name} of {group.label}", error)
                continue
            done = store.entries(score.id)
            current = bool(done) and all(e.digest == job.key for e in done.values())
            if not current or plan.config.overwrite == "always":
                jobs.append(job)
    return jobs


def _job(
    plan: Plan, group: Group, score: ScoreUnit, store: RunStore, failures: Mapping[str, Mapping[str, str]]
) -> _Job:
    pairs, digest = _fused_pairs(
        group, group.dataset.pairs if score.pairs is None else score.pairs, store, failures
    )
    if score.training is None:
        return _Job(group, score, pairs, digest)
    training = next(g for g in plan.groups if g.fuse == score.training)
    training_pairs, training_digest = _fused_pairs(training, score.training_pairs, store, failures)
    return _Job(group, score, pairs, digest, training, training_pairs, training_digest)


def _fused_pairs(
    group: Group, pairs: Sequence[Pair], store: RunStore, failures: Mapping[str, Mapping[str, str]]
) -> tuple[tuple[Pair, ...], str]:
    """The pairs whose fused image is there, and a hash of those images and their labels. Raises ``InputError`` if none is."""
    fused, failed = store.entries(group.fuse), failures.get(group.label, {})
    chosen = tuple(p for p in pairs if p.name in fused and p.name not in failed)
    if not chosen:
        raise InputError(f"no image of {group.label} could be fused; see the reasons above")
    digest = hashlib.sha256()
    for pair in sorted(chosen, key=lambda p: p.name):
        digest.update(
            f"{pair.name}:{fused[pair.name].digest}:{label_digest(group.dataset.dataset, pair)}\n".encode()
        )
    return chosen, digest.hexdigest()


def _score(
    job: _Job, store: RunStore, device: str, progress: ProgressDisplay, note: Callable[[str], None]
) -> Values:  # fmt: skip
    score = job.score
    if device == "cpu":
        reuse_freed_memory()
    settings = EvaluatorSettings(
        score.metrics, score.id.convention, score.id.seed, device, store.folder / "cache", score.recipe, store.begin_details(score.id),
        note,
    )  # fmt: skip
    training = None
    if job.training_group is not None:
        training = _fused_set(job.training_group, job.training_pairs, store, None, job.training_digest)
    fused = _fused_set(job.group, job.pairs, store, training, job.digest)
    evaluator: DatasetEvaluator = catalog.build(score.evaluator.factory)(score.evaluator, settings)
    return list(evaluator.score(fused, partial(progress.update, job.label)))


def _fused_set(
    group: Group, pairs: tuple[Pair, ...], store: RunStore, training: FusedSet | None, digest: str
) -> FusedSet:
    dataset = group.dataset
    return FusedSet(
        group.method.spec.name, dataset.dataset, dataset.split, pairs, fused_reader(store, group), training, digest,
    )  # fmt: skip


def _keep(job: _Job, store: RunStore, values: Values) -> None:
    entries: list[Entry] = scored_images(values, job.key)
    store.discard(job.score.id)
    store.keep_details(job.score.id)
    store.finish(job.score.id, entries, {"evaluator_version": job.score.evaluator.version})


# One process a device


def _run_workers(
    jobs: Sequence[_Job],
    plan: Plan,
    store: RunStore,
    devices: Sequence[str],
    progress: ProgressDisplay,
    note: Callable[[str], None],
    failed: Failed,
) -> int:
    context = multiprocessing.get_context("spawn")
    events: multiprocessing.Queue[tuple[Any, ...]] = context.Queue()
    tasks: multiprocessing.Queue[tuple[Any, ...] | None] = context.Queue()
    devices = devices[: len(jobs)]
    for number, job in enumerate(jobs):
        names = [[p.name for p in pairs] for pairs in (job.pairs, job.training_pairs)]
        tasks.put((number, job.score.id.key, names))
    for _ in devices:
        tasks.put(None)
    workers = [
        context.Process(
            target=_worker,
            args=(
                plan.config.model_dump(mode="json"),
                str(store.folder),
                device,
                i,
                len(devices),
                tasks,
                events,
            ),
            daemon=True,
        )
        for i, device in enumerate(devices)
    ]
    for worker in workers:
        worker.start()
    waiting, scored = set(range(len(jobs))), 0
    try:
        while waiting:
            try:
                _, kind, *data = events.get(timeout=1.0)
            except queue.Empty:
                for device, worker in zip(devices, workers, strict=True):
                    if worker.exitcode not in (None, 0):
                        raise FusionBenchError(
                            f"the process for device {device} ended with code {worker.exitcode}; run the same command again: what is "
                            "finished is kept"
                        ) from None
                continue
            if kind == "values":
                waiting.discard(data[0])
                _keep(jobs[data[0]], store, data[1])
                scored += len(jobs[data[0]].pairs)
            elif kind == "failed":
                waiting.discard(data[0])
                failed(jobs[data[0]].label, FusionBenchError(data[1]))
            elif kind == "store":
                raise StoreError(data[0])
            elif kind == "update":
                progress.update(*data)
            elif kind == "message":
                note(data[0])
    finally:
        for worker in workers:
            if waiting and worker.is_alive():
                worker.terminate()
            worker.join()
    return scored


class _RelayedProgress(QueueProgress):
    """A worker's progress display that also sends how far a unit is."""

    def update(self, label: str, done: int, total: int) -> None:
        self._send("update", label, done, total)


def _worker(
    config: Mapping[str, Any], folder: str, device: str, index: int, count: int, tasks: Any, events: Any
) -> None:
    """The main function of a spawned process: takes jobs until there are no more."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    progress = _RelayedProgress(index, events)
    try:
        import torch

        run_config = RunConfig.model_validate(config)
        torch.set_num_threads(max(1, thread_count(run_config) // count))
        plan, store = make_plan(run_config), RunStore(Path(folder))
        known = {s.id.key: (g, s) for g in plan.groups for s in g.scores}
        while (task := tasks.get()) is not None:
            number, key, (names, training_names) = task
            group, score = known[key]
            try:
                unit = _restricted(group, score, set(names), set(training_names))
                job = _job(plan, group, unit, store, {})
                values = _score(job, store, device, progress, progress.message)
                events.put((index, "values", number, values))
            except StoreError:
                raise
            except FusionBenchError as error:
                events.put((index, "failed", number, str(error)))
            except Exception as error:
                events.put((index, "failed", number, f"{type(error).__name__}: {error}"))
    except KeyboardInterrupt:
        os._exit(130)
    except FusionBenchError as error:
        events.put((index, "store", str(error)))


def _restricted(group: Group, score: ScoreUnit, names: set[str], training_names: set[str]) -> ScoreUnit:
    """The unit with only the pairs that the parent process found fused."""
    return replace(
        score,
        pairs=tuple(p for p in group.dataset.pairs if p.name in names),
        training_pairs=tuple(p for p in score.training_pairs if p.name in training_names),
    )
