"""Executes a plan: in this process, or in one process a device; then whole-set and method evaluators, in this process."""

from __future__ import annotations

import shlex
import signal
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ..contracts.evaluator import EvaluatorSettings, MethodEvaluator, Value
from ..errors import FusionBenchError, InputError, StoreError
from ..planning.config import RunConfig
from ..planning.plan import Plan, make_plan
from ..planning.units import MethodUnit
from ..plugins import catalog
from ..store.journal import Entry
from ..store.provenance import provenance
from ..store.run_store import RunStore
from ..terminal.progress import ProgressDisplay, make_progress
from .batches import Shard
from .engines import GroupDetails, method_context, resolve_devices, run_images
from .set_scoring import left_out, run_dataset_evaluators
from .workers import run_workers

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
            from .external_stage import run_stages

            scripts = run_stages(plan.groups, config, devices[0], progress)
            if len(devices) == 1:
                details = run_images(plan, store, devices[0], Shard(), progress)
            else:
                details = run_workers(config, plan, store, devices, progress)
            for key, failure in scripts.items():
                details[key]["failures"][""] = failure
            _finish_groups(plan, store, details, result)
            result.scored += run_dataset_evaluators(
                plan,
                store,
                devices,
                progress,
                result.failures,
                partial(_note_failure, result, progress, config),
            )
            for label, images in left_out(plan, store).items():
                result.failures.setdefault(label, {}).update(images)
            _run_method_evaluators(plan, store, devices[0], progress, result)
        result.seconds = time.time() - begun
        _record_end(store, result)
        return result
    finally:
        if previous_handler is not None:
            signal.signal(signal.SIGTERM, previous_handler)
        store.close()


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
            # What failed now (a source or fused image that has since been spoilt) keeps no number from an earlier run.
            scored = {
                n: e for n, e in store.entries(score.id).items()
                if n not in failures and (n not in names or n in entries)
            }  # fmt: skip
            store.finish(
                score.id,
                scored.values(),
                {"failures": failures, "evaluator_version": score.evaluator.version},
            )


def _run_method_evaluators(
    plan: Plan, store: RunStore, device: str, progress: ProgressDisplay, result: RunResult
) -> None:
    missing = [
        u for u in plan.method_units if plan.config.overwrite == "always" or not store.entries(u.score.id)
    ]
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
            label_ = f"{unit.score.evaluator.name} of {unit.method.spec.name}"
            _note_failure(result, progress, plan.config, label_, error)
        else:
            store.finish(
                unit.score.id,
                [Entry("", "measured", values)],
                {"evaluator_version": unit.score.evaluator.version},
            )
        progress.advance(label)
    progress.finish(label)


def _score_method(unit: MethodUnit, plan: Plan, store: RunStore, device: str) -> list[Value]:
    config = plan.config
    settings = EvaluatorSettings(
        unit.score.metrics,
        "",
        config.seed,
        device,
        store.folder / "cache",
        {"precision": config.precision, "batch_size": config.batch_size},
    )
    evaluator: MethodEvaluator = catalog.build(unit.score.evaluator.factory)(unit.score.evaluator, settings)
    return evaluator.score(unit.method.spec, method_context(unit.method, config, store.folder), unit.sizes)


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
    for unit_ in plan.method_units:
        store.discard(unit_.score.id)


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
        methods[method.spec.name] = {
            **method.spec.model_dump(mode="json"),
            "options": method.options,
            "given_as": method.text,
        }
    datasets = dict(info.get("datasets", {}))
    for dataset in {g.dataset.spec.name: g.dataset for g in plan.groups}.values():
        datasets[dataset.spec.name] = dataset.spec.model_dump(mode="json")
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
