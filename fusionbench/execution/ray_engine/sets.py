"""Whole sets on a cluster: one task per set, and before it one per training that can be done apart.

Where workers don't see the run folder, the fused images and what is cached travel with the task, and tables, masks
and trained judges travel back.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import ray

from ...contracts.dataset import Pair
from ...contracts.evaluator import TrainsApart
from ...errors import FusionBenchError, StoreError
from ...files.atomic import write_atomic
from ...planning.units import Group
from ...store.manifest import manifest_path
from ...store.run_store import RunStore
from ...terminal.progress import ProgressDisplay
from ..fused_images import fused_path
from ..local_engine import attempt
from ..set_scoring import SetJob, SetValues, open_set, score_set
from ..workers import Message, Relay, Said, Updated, WorkerProgress, portable
from . import connection
from .logs import captured, keep_log, tail
from .pieces import Setting
from .places import SENT_BYTES, Packed, Place, fetch_missing
from .stages import ATTEMPTS, store_here, where_am_i, work_as

POLL_S = 1.0
Files = dict[str, bytes]
"""Files by their path below the run folder."""


@dataclass(eq=False)
class Step:
    """A task: the scoring of a job (``training`` None), or one of its trainings. It starts when ``after`` are
    done; if a training failed, the scoring tries it again and says why it fails."""

    job: SetJob
    training: int | None
    after: list[Step] = field(default_factory=list)
    ref: Any = None


@dataclass(frozen=True)
class Outcome:
    """What a task returns. ``files`` are those that the driver keeps."""

    where: str
    values: SetValues | FusionBenchError
    files: Files
    log: str


@ray.remote(num_cpus=0)
class Board:
    """Carries what tasks say to the driver, which asks for it."""

    def __init__(self) -> None:
        self._messages: list[Message] = []

    def post(self, message: Message) -> None:
        """Add a message."""
        self._messages.append(message)

    def take(self) -> list[Message]:
        """The messages since the last time."""
        messages, self._messages = self._messages, []
        return messages


class _Sender:
    """Posts a task's messages; of those about progress at most one per ``POLL_S``."""

    def __init__(self, board: Any) -> None:
        self._board, self._last = board, 0.0

    def __call__(self, message: Message) -> None:
        now = time.monotonic()
        if not isinstance(message, Updated) or now - self._last >= POLL_S or message.done == message.total:
            self._last = now
            self._board.post.remote(message)


@ray.remote(max_retries=ATTEMPTS - 1)
def do_step(setting: Setting, packed: Packed, training: int | None, files: Files, board: Any) -> Outcome:
    """Score a set, or do one of its trainings."""
    job: SetJob = packed.open()
    work_as(setting)
    known = (*job.pairs, *job.training_pairs)
    fetch_missing([f for p in known for f in (p.infrared, p.visible, p.labels, p.boxes)], packed.places)
    store = store_here(setting)
    if setting.folder is None:
        store = RunStore(store.folder / f"{job.score.id.stem}-{training}")
        for name, data in files.items():
            write_atomic(store.folder / name, data)
    progress = WorkerProgress(_Sender(board))
    with captured() as log:
        if training is None:
            values = attempt(score_set, job, store, setting.device, progress, progress.message)
        else:
            values = attempt(_train, job, store, setting.device, training)
        text = tail(log)
    if isinstance(values, Exception):
        return Outcome(where_am_i(setting.device), portable(values), {}, f"{text}\n{values!r}")
    back: Files = {}
    if setting.folder is None:
        parts = [store.folder / "cache"]
        if training is None:
            parts.append(store.details_path(job.score.id, temporary=True))
        back = {n: d for n, d in _files_below(store.folder, parts).items() if n not in files}
        shutil.rmtree(store.folder, ignore_errors=True)
    return Outcome(where_am_i(setting.device), values, back, text)


def _train(job: SetJob, store: RunStore, device: str, number: int) -> SetValues:
    evaluator, fused = open_set(job, store, device)
    cast(TrainsApart, evaluator).train(fused, number, lambda done, total: None)
    return []


def score_on_cluster(
    jobs: Sequence[SetJob],
    setting: Setting,
    places: Sequence[Place],
    store: RunStore,
    progress: ProgressDisplay,
    note: Callable[[str], None],
    gpus: float,
) -> Iterator[tuple[SetJob, SetValues | Exception]]:
    """See ``Engine.score_sets``. Raises ``StoreError`` if what comes back can't be written."""
    steps = _steps(jobs, store, setting.device)
    nodes = connection.nodes()
    place = connection.on_node(connection.this_node())
    board: Any = cast(Any, Board).options(scheduling_strategy=place).remote()
    relay, sent = Relay(progress), ray.put(setting)
    limit = 1 + sum(max(1, int(n.gpus)) for n in nodes)
    try:
        while steps:
            running = [s for s in steps if s.ref is not None]
            for step in [s for s in steps if s.ref is None and not s.after][: limit - len(running)]:
                step.ref = _start(step, sent, setting, places, store, board, gpus, nodes)
                running.append(step)
            ready, _ = ray.wait([s.ref for s in running], timeout=POLL_S, fetch_local=False)
            _show(board, relay, note)
            for step in [s for s in running if s.ref in ready]:
                steps.remove(step)
                values = _kept(step, store)
                for later in steps:
                    if step in later.after:
                        later.after.remove(step)
                if step.training is None:
                    _show(board, relay, note)
                    yield values
    finally:
        for step in steps:
            if step.ref is not None:
                ray.cancel(step.ref, force=True)
        ray.kill(board)


def _steps(jobs: Sequence[SetJob], store: RunStore, device: str) -> list[Step]:
    """The tasks, trainings before their job. Of jobs that don't train a judge of their own, the first of each
    protocol goes ahead: it may train one that all share."""
    steps: list[Step] = []
    first: dict[tuple[str, ...], Step] = {}
    for job in jobs:
        unit = job.score.id
        step = Step(job, None)
        if job.score.retrains:
            evaluator = attempt(lambda job=job: open_set(job, store, device)[0])
            count = evaluator.trainings if isinstance(evaluator, TrainsApart) else 0
            step.after = [Step(job, number) for number in range(count)]
            steps += step.after
        else:
            kind = (unit.evaluator, unit.convention, unit.dataset, unit.split)
            step.after = [first[kind]] if kind in first else []
            first.setdefault(kind, step)
        steps.append(step)
    return steps


def _start(
    step: Step,
    setting_ref: Any,
    setting: Setting,
    places: Sequence[Place],
    store: RunStore,
    board: Any,
    gpus: float,
    nodes: Sequence[connection.Node],
) -> Any:
    files: Files = {}
    if setting.folder is None:
        files = _needed(step.job, store)
    whole = step.job.score.retrains  # a training gets a GPU of its own
    cpus = min((n.cpus for n in nodes if n.cpus), default=1)
    task: Any = do_step.options(
        num_cpus=1 if setting.device != "cpu" else min(setting.config.jobs or cpus, cpus),
        num_gpus=0 if setting.device == "cpu" else max(gpus, 1.0 if whole else 0.0),
    )
    packed = Packed.of(_light(step.job), places, step.job.label)
    return task.remote(setting_ref, packed, step.training, ray.put(files), board)


def _light(job: SetJob) -> SetJob:
    """The job without the pairs that it doesn't use."""

    def light(group: Group | None) -> Group | None:
        return group and replace(group, scores=(), dataset=replace(group.dataset, pairs=(), clean=None))

    return replace(
        job,
        group=cast(Group, light(job.group)),
        training_group=light(job.training_group),
        score=replace(job.score, pairs=None, training_pairs=()),
    )


def _needed(job: SetJob, store: RunStore) -> Files:
    """The manifests and images that a set is read from, and what the run has cached (if that isn't large)."""
    files: Files = {}
    sets: list[tuple[Group | None, tuple[Pair, ...]]] = [
        (job.group, job.pairs),
        (job.training_group, job.training_pairs),
    ]
    for group, pairs in sets:
        if group is not None:
            paths = [manifest_path(store.folder, group.fuse.stem)]
            paths += [fused_path(store, group, pair.name) for pair in pairs]
            files |= {str(path.relative_to(store.folder)): path.read_bytes() for path in paths}
    cached = [p for p in (store.folder / "cache").rglob("*") if p.is_file()]
    if sum(p.stat().st_size for p in cached) <= SENT_BYTES:
        files |= _files_below(store.folder, [store.folder / "cache"])
    return files


def _files_below(root: Path, folders: Sequence[Path]) -> Files:
    paths = [p for folder in folders for p in sorted(folder.rglob("*")) if p.is_file()]
    return {str(p.relative_to(root)): p.read_bytes() for p in paths}


def _kept(step: Step, store: RunStore) -> tuple[SetJob, SetValues | Exception]:
    """Keep what a task brought back; its job with values, or with what went wrong."""
    job, stem = step.job, step.job.score.id.stem
    try:
        outcome: Outcome = ray.get(step.ref)
    except ray.exceptions.RayTaskError as error:
        cause = error.cause if isinstance(error.cause, FusionBenchError) else FusionBenchError(str(error))
        if isinstance(cause, StoreError):
            raise cause from error
        outcome = Outcome("a worker", cause, {}, str(error))
    except ray.exceptions.RayError as error:
        text = f"{ATTEMPTS} workers ended while they did it; see {store.folder / 'logs' / stem}.log"
        outcome = Outcome("workers", FusionBenchError(text), {}, str(error))
    keep_log(store.folder, stem, outcome.where, outcome.log)
    if outcome.files and step.training is None:
        store.begin_details(job.score.id)
    for name, data in outcome.files.items():
        write_atomic(_inside(store.folder, name), data)
    return replace(job, ran_on=outcome.where), outcome.values


def _inside(folder: Path, name: str) -> Path:
    """A file of the run folder that a worker names. Raises ``StoreError`` for one outside."""
    path = folder / name
    if ".." in path.parts:
        raise StoreError(f"{name}: a worker names a file outside the run folder")
    return path


def _show(board: Any, relay: Relay, note: Callable[[str], None]) -> None:
    messages: list[Message] = ray.get(board.take.remote())
    for message in messages:
        if isinstance(message, Said):
            note(message.text)
        elif isinstance(message, Updated):
            relay.show(message)
