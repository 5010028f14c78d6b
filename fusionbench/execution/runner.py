"""Executes a configuration: images, then whole sets, then methods themselves, by an engine; keeps what
comes out in the store."""

from __future__ import annotations

import shlex
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import FusionBenchError, InputError, StoreError
from ..planning.config import RunConfig
from ..planning.plan import Plan, make_plan
from ..planning.unit_keys import method_identity_hash
from ..store.journal import Entry
from ..store.provenance import provenance
from ..store.run_store import RunStore
from ..terminal.progress import ProgressDisplay, make_progress
from .engines import Engine, choose_engine
from .external_stage import run_stages
from .finishing import drop_replaced, finish_group, say_damage
from .set_scoring import find_jobs, keep_set, left_out

KEPT_INVOCATIONS = 50


@dataclass
class RunResult:
    """What a run did. ``failures`` maps "method on dataset/split" to {image: reason}; ``folder`` holds
    everything."""

    folder: Path
    plan: Plan
    failures: dict[str, dict[str, str]] = field(default_factory=dict)
    fused: int = 0
    scored: int = 0
    seconds: float = 0.0


def execute(
    config: RunConfig, *, quiet: bool = False, plan: Plan | None = None, store: RunStore | None = None
) -> RunResult:
    """Run a configuration; ``plan`` and ``store`` are its own where they are already made. Raises
    ``FusionBenchError`` for what is wrong before the start, or when results can't be written.

    What fails for single images or methods is in the result's ``failures``; everything else is kept.
    """
    begun = time.time()
    plan = plan or make_plan(config)
    if config.overwrite == "never" and (config.folder / "run.json").exists():
        raise InputError(f"{config.folder}: exists already and --overwrite is never; choose another --name")
    engine = choose_engine(config)
    try:
        store = store or RunStore.open(config.folder)
    except BaseException:
        engine.close()
        raise
    previous_handler = _terminate_like_interrupt()
    try:
        result = RunResult(config.folder, plan)
        with make_progress(quiet=quiet) as progress:
            engine.prepare(plan, store, progress)
            _record_start(store, config, plan)
            if config.overwrite == "always":
                _discard(store, plan)
            for skipped in plan.skipped:
                progress.message(f"skipped: {skipped}")
            for question in plan.questions:
                progress.message(f"question: {question}")
            drop_replaced(plan, store, progress)
            say_damage(plan, store, progress)
            _do_images(plan, store, engine, progress, result)
            _do_sets(plan, store, engine, progress, result)
            _do_methods(plan, store, engine, progress, result)
        result.seconds = time.time() - begun
        _record_end(store, result)
        return result
    except StoreError:
        store.check_in_place()  # a deleted folder explains the rest
        raise
    finally:
        if previous_handler is not None:
            signal.signal(signal.SIGTERM, previous_handler)
        engine.close()
        store.close()


def _do_images(
    plan: Plan, store: RunStore, engine: Engine, progress: ProgressDisplay, result: RunResult
) -> None:
    """Run the scripts of external methods, fuse, score image by image, and finish those units."""
    scripts = run_stages(plan.groups, plan.config, engine.device, progress)
    outcomes = engine.fuse_and_score(plan, store, progress)
    for key, failure in scripts.items():
        outcomes[key].failures[""] = failure
    for group in plan.groups:
        outcome = outcomes[group.fuse.key]
        result.fused += outcome.fused
        result.scored += outcome.scored
        failures = finish_group(group, plan, store, outcome, progress)
        if failures:
            result.failures[group.label] = failures


def _do_sets(
    plan: Plan, store: RunStore, engine: Engine, progress: ProgressDisplay, result: RunResult
) -> None:
    """Score whole sets, and name the images that they left out."""
    failed = partial(_note_failure, result, progress, plan.config)
    jobs = find_jobs(plan, store, result.failures, failed)
    for job, values in engine.score_sets(jobs, plan, store, progress, _Once(progress.message)):
        if isinstance(values, Exception):
            failed(job.label, values)
            continue
        keep_set(job, store, values)
        result.scored += len(job.pairs)
    for label, images in left_out(plan, store).items():
        result.failures.setdefault(label, {}).update(images)


def _do_methods(
    plan: Plan, store: RunStore, engine: Engine, progress: ProgressDisplay, result: RunResult
) -> None:
    """Measure methods themselves."""
    redo = plan.config.overwrite == "always"
    missing = [u for u in plan.method_units if redo or not store.entries(u.score.id)]
    for task in dict.fromkeys(u.score.evaluator.task for u in missing):
        units = [u for u in missing if u.score.evaluator.task == task]
        progress.start(task, len(units))
        for unit, values in engine.measure_methods(units, plan, store):
            if isinstance(values, Exception):
                label = f"{unit.score.evaluator.name} of {unit.method.name}"
                _note_failure(result, progress, plan.config, label, values)
            else:
                extra = {
                    "evaluator_version": unit.score.evaluator.version,
                    "identity": method_identity_hash(unit.method, plan.config),
                }
                store.finish(unit.score.id, [Entry("", "measured", values)], extra)
            progress.advance(task)
        progress.finish(task)


class _Once:
    """Says every text once: all methods are judged by the same labels."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[str] = set()

    def __call__(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say(f"note: {text}")


def _note_failure(
    result: RunResult, progress: ProgressDisplay, config: RunConfig, label: str, error: BaseException
) -> None:
    if config.fail_fast:
        raise error
    text = str(error) if isinstance(error, FusionBenchError) else f"{type(error).__name__}: {error}"
    result.failures.setdefault(label, {})[""] = text
    progress.message(f"failed: {label}: {text}")


def _discard(store: RunStore, plan: Plan) -> None:
    for group in plan.groups:
        for unit in (group.fuse, *(s.id for s in group.scores)):
            store.discard(unit)
    for method_unit in plan.method_units:
        store.discard(method_unit.score.id)


# The run file


def _record_start(store: RunStore, config: RunConfig, plan: Plan) -> None:
    info = store.info()
    invocations = info.get("invocations", [])[-KEPT_INVOCATIONS + 1 :]
    invocations.append(
        {
            "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            "config": config.model_dump(mode="json"),
            "provenance": provenance(),
            "skipped": plan.skipped,
            "questions": plan.questions,
        }
    )
    methods = dict(info.get("methods", {}))
    for method in {g.method.name: g.method for g in plan.groups}.values():
        methods[method.name] = {
            **method.spec.model_dump(mode="json"),
            "options": method.options,
            "settings": dict(method.settings),
            "given_as": method.text,
        }
    datasets = dict(info.get("datasets", {}))
    for dataset in {g.dataset.name: g.dataset for g in plan.groups}.values():
        datasets[dataset.name] = {
            **dataset.spec.model_dump(mode="json"),
            "given_options": dataset.options,
            "settings": dict(dataset.settings),
        }
    store.write_info(
        {
            **info,
            "name": store.folder.name,
            "methods": methods,
            "datasets": datasets,
            "invocations": invocations,
        }
    )


def _record_end(store: RunStore, result: RunResult) -> None:
    store.check_in_place()
    info = store.info()
    if not info.get("invocations"):
        raise StoreError(
            f"{store.folder / 'run.json'}: was deleted or replaced while the run was going on; run the same "
            "command "
            "again: the file is written again, and all results are kept"
        )
    info["invocations"][-1].update(
        finished=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        seconds=round(result.seconds, 2),
        fused=result.fused,
        scored=result.scored,
        failures=result.failures,
    )
    store.write_info(info)


def _terminate_like_interrupt() -> Any:
    """Make SIGTERM end a run as Ctrl-C does (journals closed, message, exit code 130). Returns the
    previous handler."""

    def handler(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    try:
        return signal.signal(signal.SIGTERM, handler)
    except ValueError:  # not the main thread: the caller's business
        return None
