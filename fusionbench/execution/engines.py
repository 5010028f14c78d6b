"""The engines that fuse and score a plan's images: in this process, or in one spawned process a device."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..contracts.evaluator import EvaluatorSettings, ImageEvaluator
from ..contracts.method import MethodContext
from ..errors import InputError
from ..planning.config import RunConfig
from ..planning.plan import Plan
from ..planning.units import PlannedMethod, ScoreUnit
from ..plugins import catalog
from ..store.run_store import RunStore
from ..terminal.progress import ProgressDisplay
from .batches import Shard
from .image_pipeline import FlowSettings, run_group
from .memory import return_freed_memory


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
            from ..external.outputs import open_folder
            from .fusing import MethodFuser

            if method.folder is not None:
                return open_folder(method.spec, method.folder)
            return MethodFuser(
                method.spec, method_context(method, config, store.folder), device, config.precision
            )

        settings = FlowSettings(
            jobs=thread_count(config),
            batch_size=config.batch_size or (8 if "cuda" in device else 1),
            shard=shard,
            redo=config.overwrite == "always",
            fail_fast=config.fail_fast,
        )
        result = run_group(group, store, make_fuser, evaluators, settings, progress)
        return_freed_memory()
        details[group.fuse.key] = {
            "failures": result.failures,
            "fused": result.fused,
            "scored": result.scored,
            "provenance": result.provenance,
        }
    return details


def image_evaluator(score: ScoreUnit, config: RunConfig, device: str, folder: Path) -> ImageEvaluator:
    """Build the evaluator of a unit."""
    settings = EvaluatorSettings(score.metrics, score.id.convention, config.seed, device, folder / "cache")
    evaluator: ImageEvaluator = catalog.build(score.evaluator.factory)(score.evaluator, settings)
    return evaluator


def _merge_details(merged: GroupDetails, details: GroupDetails) -> None:
    for key, detail in details.items():
        merged[key]["failures"].update(detail["failures"])
        merged[key]["fused"] += detail["fused"]
        merged[key]["scored"] += detail["scored"]
        merged[key]["provenance"] = merged[key]["provenance"] or detail["provenance"]
