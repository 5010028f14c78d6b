"""Evaluators that see whole sets of fused images (scope ``dataset``): which units are missing, how one is
scored and kept."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..contracts.dataset import Pair
from ..contracts.evaluator import DatasetEvaluator, EvaluatorSettings, FusedSet, Value
from ..errors import InputError
from ..planning.plan import Plan
from ..planning.units import Group, ScoreUnit
from ..plugins import catalog
from ..store.journal import Entry
from ..store.run_store import RunStore
from ..terminal.progress import ProgressDisplay
from .fused_images import fused_reader
from .memory import reuse_freed_memory
from .source_digests import label_digest

SetValues = list[tuple[str, Value]]
"""Values by image; "" is the whole set."""
GroupFailures = Mapping[str, Mapping[str, str]]
"""The images that failed, with the reason, by group label."""


@dataclass(frozen=True)
class SetJob:
    """A unit to do: the pairs that were fused and carry labels, and what its result will depend on."""

    group: Group
    score: ScoreUnit
    pairs: tuple[Pair, ...]
    digest: str
    training_group: Group | None = None
    training_pairs: tuple[Pair, ...] = ()
    training_digest: str = ""
    ran_on: str = ""
    """The machine and device that scored it, where that isn't the driver's."""

    @property
    def label(self) -> str:
        """How the user is told of it."""
        seed = f" seed {self.score.id.seed}" if self.score.retrains else ""
        return f"{self.score.id.convention or self.score.evaluator.name}{seed} of {self.group.label}"

    @property
    def key(self) -> str:
        """32 hex digits that hash the fused images and labels."""
        return hashlib.sha256(f"{self.digest}+{self.training_digest}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class SetTask:
    """A job as plain data, for another process that has the same plan: the unit's key and the names of its
    images."""

    key: str
    images: frozenset[str]
    training_images: frozenset[str]

    @classmethod
    def of(cls, job: SetJob) -> SetTask:
        """The task that stands for a job."""
        names = (frozenset(p.name for p in pairs) for pairs in (job.pairs, job.training_pairs))
        return cls(job.score.id.key, *names)


def find_jobs(
    plan: Plan, store: RunStore, failures: GroupFailures, failed: Callable[[str, Exception], None]
) -> list[SetJob]:
    """The units that the store lacks, or holds for other images or labels. ``failed`` is told of those
    that can't be done."""
    jobs = []
    for group, score in set_units(plan):
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


def job_of(task: SetTask, plan: Plan, store: RunStore) -> SetJob:
    """The job that a task stands for."""
    group, score = next((g, s) for g, s in set_units(plan) if s.id.key == task.key)
    unit = replace(
        score,
        pairs=tuple(p for p in group.dataset.pairs if p.name in task.images),
        training_pairs=tuple(p for p in score.training_pairs if p.name in task.training_images),
    )
    return _job(plan, group, unit, store, {})


def score_set(
    job: SetJob, store: RunStore, device: str, progress: ProgressDisplay, note: Callable[[str], None]
) -> SetValues:
    """Score a whole set. ``note`` gets what is odd about the data."""
    evaluator, fused = open_set(job, store, device, note, store.begin_details(job.score.id))
    return list(evaluator.score(fused, partial(progress.update, job.label)))


def open_set(
    job: SetJob,
    store: RunStore,
    device: str,
    note: Callable[[str], None] = lambda text: None,
    details: Path | None = None,
) -> tuple[DatasetEvaluator, FusedSet]:
    """A job's evaluator, and the set that it scores."""
    score = job.score
    if device == "cpu":
        reuse_freed_memory()
    settings = EvaluatorSettings(
        score.metrics,
        score.id.convention,
        score.id.seed,
        device,
        store.folder / "cache",
        score.recipe,
        details,
        note,
    )
    training = None
    if job.training_group is not None:
        training = _fused_set(job.training_group, job.training_pairs, store, None, job.training_digest)
    fused = _fused_set(job.group, job.pairs, store, training, job.digest)
    evaluator: DatasetEvaluator = catalog.build(score.evaluator.factory)(score.evaluator, settings)
    return evaluator, fused


def keep_set(job: SetJob, store: RunStore, values: SetValues) -> None:
    """Put a job's values, and the tables and masks that it left, in place of the unit's older ones."""
    entries = _by_image(values, job.key)
    store.discard(job.score.id)
    store.keep_details(job.score.id)
    fused = store.entries(job.group.fuse)
    facts: dict[str, Any] = {
        "evaluator_version": job.score.evaluator.version,
        "versions": job.score.versions,
        "fuse": job.group.fuse.key,
        "scored": {pair.name: fused[pair.name].digest for pair in job.pairs},
    }
    if job.ran_on:
        facts["provenance"] = {"workers": [job.ran_on]}
    if job.training_group is not None:
        facts["training"] = job.training_group.fuse.key
    store.finish(job.score.id, entries, facts)


def left_out(plan: Plan, store: RunStore) -> dict[str, dict[str, str]]:
    """The images that evaluators of whole sets left out (their values aren't numbers), with the reason, by
    protocol and split."""
    found: dict[str, dict[str, str]] = {}
    for _, score in set_units(plan):
        label = f"{score.id.convention or score.evaluator.name} on {score.id.dataset}/{score.id.split}"
        for name, entry in store.entries(score.id).items():
            reasons = [v.reason for v in entry.values if math.isnan(v.value) and v.reason]
            if name and reasons:
                found.setdefault(label, {})[name] = reasons[0]
    return found


def set_units(plan: Plan) -> Iterator[tuple[Group, ScoreUnit]]:
    """All units of whole sets, with their groups."""
    for group in plan.groups:
        for score in group.scores:
            if score.evaluator.scope == "dataset":
                yield group, score


def _job(plan: Plan, group: Group, score: ScoreUnit, store: RunStore, failures: GroupFailures) -> SetJob:
    pairs, digest = _fused_pairs(
        group, group.dataset.pairs if score.pairs is None else score.pairs, store, failures
    )
    if score.training is None:
        return SetJob(group, score, pairs, digest)
    training = next(g for g in plan.groups if g.fuse == score.training)
    training_pairs, training_digest = _fused_pairs(training, score.training_pairs, store, failures)
    return SetJob(group, score, pairs, digest, training, training_pairs, training_digest)


def _fused_pairs(
    group: Group, pairs: Sequence[Pair], store: RunStore, failures: GroupFailures
) -> tuple[tuple[Pair, ...], str]:
    """The pairs whose fused image is there, and a hash of those images and their labels. Raises
    ``InputError`` if none is."""
    fused, failed = store.entries(group.fuse), failures.get(group.label, {})
    chosen = tuple(p for p in pairs if p.name in fused and p.name not in failed)
    if not chosen:
        raise InputError(f"no image of {group.label} could be fused; see the reasons above")
    digest = hashlib.sha256()
    for pair in sorted(chosen, key=lambda p: p.name):
        labels = label_digest(group.dataset.dataset, pair)
        digest.update(f"{pair.name}:{fused[pair.name].digest}:{labels}\n".encode())
    return chosen, digest.hexdigest()


def _fused_set(
    group: Group, pairs: tuple[Pair, ...], store: RunStore, training: FusedSet | None, digest: str
) -> FusedSet:
    dataset = group.dataset
    return FusedSet(
        group.method.name,
        dataset.dataset,
        dataset.split,
        pairs,
        fused_reader(store, group),
        training,
        digest,
    )


def _by_image(values: Iterable[tuple[str, Value]], digest: str) -> list[Entry]:
    entries: dict[str, Entry] = {}
    for image, value in values:
        entries.setdefault(image, Entry(image, digest)).values.append(value)
    return list(entries.values())
