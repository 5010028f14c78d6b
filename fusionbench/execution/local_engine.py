"""The engine of one machine: in this process, or in one spawned process per device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from ..contracts.evaluator import EvaluatorSettings, ImageEvaluator, Value
from ..contracts.method import MethodContext
from ..errors import FusionBenchError, StoreError
from ..external.outputs import open_folder
from ..planning.config import RunConfig
from ..planning.plan import Plan
from ..planning.units import MethodUnit, PlannedMethod, ScoreUnit
from ..plugins import catalog
from ..store.run_store import RunStore
from ..terminal.progress import ProgressDisplay
from .batches import Shard
from .devices import thread_count
from .fuser import Fuser
from .group_journal import GroupResult
from .image_pipeline import FlowSettings, run_group
from .memory import return_freed_memory
from .method_scoring import measure_method
from .set_scoring import SetJob, SetTask, SetValues, job_of, score_set
from .workers import WorkerContext, run_tasks

Result = TypeVar("Result")


class LocalEngine:
    """See ``Engine``. ``devices`` are device names of this machine; several get one process each."""

    def __init__(self, devices: Sequence[str]) -> None:
        self.devices = list(devices)
        self.device = self.devices[0]

    def prepare(self, plan: Plan, store: RunStore, progress: ProgressDisplay) -> None:
        return None

    def close(self) -> None:
        return None

    def fuse_and_score(
        self, plan: Plan, store: RunStore, progress: ProgressDisplay
    ) -> dict[str, GroupResult]:
        if len(self.devices) == 1:
            return fuse_and_score(plan, store, self.device, Shard(), progress)
        merged = {group.fuse.key: GroupResult() for group in plan.groups}
        count = len(self.devices)
        shards = [Shard(index, count) for index in range(count)]
        finished = run_tasks(
            _fuse_and_score_shard,
            shards,
            plan.config,
            store.folder,
            self.devices,
            progress,
            progress.message,
            one_each=True,
        )
        for _, results in finished:
            if isinstance(results, Exception):
                raise results
            if results.keys() != merged.keys():
                raise FusionBenchError(
                    "a method's file, weights or options changed while the run was starting; run the same "
                    "command again"
                )
            for key, result in results.items():
                merged[key].add(result)
        return merged

    def score_sets(
        self,
        jobs: Sequence[SetJob],
        plan: Plan,
        store: RunStore,
        progress: ProgressDisplay,
        note: Callable[[str], None],
    ) -> Iterator[tuple[SetJob, SetValues | Exception]]:
        """Jobs that train judges run at the same time where there are several devices, the others one
        after the other."""
        apart = [job for job in jobs if job.score.retrains] if len(self.devices) > 1 else []
        if len(apart) < 2:
            apart = []
        for job in jobs:
            if job not in apart:
                yield job, attempt(score_set, job, store, self.device, progress, note)
        if not apart:
            return
        tasks = [SetTask.of(job) for job in apart]
        for number, values in run_tasks(
            _score_set_of_task, tasks, plan.config, store.folder, self.devices, progress, note
        ):
            yield apart[number], values

    def measure_methods(
        self, units: Sequence[MethodUnit], plan: Plan, store: RunStore
    ) -> Iterator[tuple[MethodUnit, list[Value] | Exception]]:
        for unit in units:
            context = method_context(unit.method, plan.config, store)
            yield unit, attempt(measure_method, unit, context, plan.config, store, self.device)


def attempt(function: Callable[..., Result], *arguments: Any) -> Result | Exception:
    """What the function returns, or the exception that it raises. A ``StoreError`` isn't caught: it ends
    the run."""
    try:
        return function(*arguments)
    except StoreError:
        raise
    except Exception as error:
        return error


def fuse_and_score(
    plan: Plan, store: RunStore, device: str, shard: Shard, progress: ProgressDisplay
) -> dict[str, GroupResult]:
    """Do a shard of all groups' images on one device; see ``Engine.fuse_and_score``."""
    config = plan.config
    settings = FlowSettings(
        jobs=thread_count(config.jobs),
        batch_size=config.batch_size or (8 if "cuda" in device else 1),
        shard=shard,
        redo=config.overwrite == "always",
        fail_fast=config.fail_fast,
    )
    results: dict[str, GroupResult] = {}
    for group in plan.groups:
        evaluators = {
            s.id.key: image_evaluator(s, config, device, store)
            for s in group.scores
            if s.evaluator.scope == "image"
        }
        make_fuser = partial(open_fuser, group.method, config, store, device)
        results[group.fuse.key] = run_group(group, store, make_fuser, evaluators, settings, progress)
        return_freed_memory()
    return results


def open_fuser(method: PlannedMethod, config: RunConfig, store: RunStore, device: str) -> Fuser:
    """A method ready to fuse on a device: loaded, or the folder of its images."""
    if method.folder is not None:
        return open_folder(method.spec, method.folder)
    from .fusing import MethodFuser

    return MethodFuser(method.spec, method_context(method, config, store), device, config.precision)


def method_context(method: PlannedMethod, config: RunConfig, store: RunStore) -> MethodContext:
    """What a method gets when it is built: seed, options, a cache folder beside the run, its weights."""
    from .fusing import weights_resolver

    return MethodContext(config.seed, method.options, store.folder / "cache", weights_resolver(method.spec))


def image_evaluator(score: ScoreUnit, config: RunConfig, device: str, store: RunStore) -> ImageEvaluator:
    """Build the evaluator of a unit."""
    settings = EvaluatorSettings(
        score.metrics, score.id.convention, config.seed, device, store.folder / "cache"
    )
    evaluator: ImageEvaluator = catalog.build(score.evaluator.factory)(score.evaluator, settings)
    return evaluator


# What spawned processes do


def _fuse_and_score_shard(context: WorkerContext, shard: Shard) -> dict[str, GroupResult]:
    return fuse_and_score(context.plan, context.store, context.device, shard, context.progress)


def _score_set_of_task(context: WorkerContext, task: SetTask) -> SetValues:
    job = job_of(task, context.plan, context.store)
    return score_set(job, context.store, context.device, context.progress, context.progress.message)
