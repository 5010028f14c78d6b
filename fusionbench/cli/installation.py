"""Examines an installation and says what is wrong with it, and what to do."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import FusionBenchError
from ..files import artifacts
from ..plugins import catalog
from ..store.provenance import provenance

LEAST_FREE = 2 << 30


@dataclass(frozen=True)
class Check:
    """One thing examined. ``optional``: not being ok hinders only some uses."""

    name: str
    ok: bool
    text: str
    optional: bool = False


def examine() -> list[Check]:
    """All checks, in the order of their importance. Never raises."""
    examinations: list[tuple[str, Callable[[], list[Check]]]] = [
        ("python", _python),
        ("packages", _packages),
        ("torch", _torch),
        ("plugins", _plugins),
        ("cache", _cache),
        ("weights", _weights),
        ("git", _git),
    ]
    checks: list[Check] = []
    for name, examination in examinations:
        try:
            checks += examination()
        except Exception as error:
            checks.append(Check(name, False, f"{type(error).__name__}: {error}"))
    return checks


def _python() -> list[Check]:
    version = ".".join(str(p) for p in sys.version_info[:3])
    return [Check("python", sys.version_info >= (3, 11), f"{version} ({sys.executable})")]


def _packages() -> list[Check]:
    checks = []
    requirements = importlib.metadata.requires("fusionbench-ivif") or []
    for requirement in requirements:
        if "extra ==" in requirement:
            continue
        name = requirement.split(";")[0].strip()
        bare = "".join(c if c.isalnum() or c in "-_." else " " for c in name).split()[0]
        try:
            importlib.metadata.version(bare)
        except importlib.metadata.PackageNotFoundError:
            checks.append(Check(bare, False, f"missing; pip install '{name}'"))
    return checks or [
        Check(
            "packages",
            True,
            f"all {sum('extra ==' not in r for r in requirements)} required packages are installed",
        )
    ]


def _torch() -> list[Check]:
    import torch

    checks = [Check("torch", True, f"{torch.__version__}, {torch.get_num_threads()} threads")]
    try:
        import torchvision

        checks.append(Check("torchvision", True, str(torchvision.__version__)))
    except (ImportError, RuntimeError) as error:
        checks.append(
            Check(
                "torchvision",
                False,
                f"doesn't fit this torch ({error}); install the pair from constraints.txt",
            )
        )
    if torch.cuda.is_available():
        checks += [
            Check(f"cuda:{i}", True, torch.cuda.get_device_name(i)) for i in range(torch.cuda.device_count())
        ]
    else:
        checks.append(Check("cuda", False, "no CUDA device; everything runs on the CPU", optional=True))
    return checks


def _plugins() -> list[Check]:
    counts = [
        f"{len(c.all())} {c.kind}s"
        for c in (catalog.methods, catalog.datasets, catalog.evaluators, catalog.reports)
    ]
    return [Check("plugins", True, ", ".join(counts))]


def _cache() -> list[Check]:
    folder = artifacts.cache_dir()
    above = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(above).free
    writable = os.access(above, os.W_OK)
    return [
        Check(
            "cache",
            writable,
            f"{folder}"
            + ("" if writable else " can't be written; set FUSIONBENCH_CACHE to a folder that can"),
        ),
        Check("disk", free > LEAST_FREE, f"{free / 2**30:.1f} GiB free at {above}", optional=True),
    ]


def _weights() -> list[Check]:
    missing = []
    for spec in catalog.methods.all().values():
        for artifact in spec.artifacts:
            if artifact.optional:
                continue
            try:
                artifacts.locate(artifact)
            except FusionBenchError:
                missing.append(spec.name)
                break
    ready = len(catalog.methods.all()) - len(missing)
    text = f"{ready} methods are ready" + (
        f"; without weights: {', '.join(missing)} (`fusionbench weights where NAME`)" if missing else ""
    )
    return [Check("weights", not missing, text, optional=True)]


def _git() -> list[Check]:
    commit = provenance()["commit"]
    inside = (Path(__file__).resolve().parents[2] / ".git").exists()
    return [
        Check(
            "commit",
            bool(commit) or not inside,
            str(commit) or "not a checkout (installed from a wheel)",
            optional=True,
        )
    ]
