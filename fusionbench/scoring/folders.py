"""Scores images that lie in folders, or arrays, without a run: the engine of ``fusionbench score``."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ..contracts.dataset import Pair
from ..contracts.evaluator import EvaluatorSettings, EvaluatorSpec, Value
from ..contracts.method import MethodSpec
from ..contracts.names import plain_name
from ..contracts.rows import COLUMNS
from ..errors import FusionBenchError, InputError, MissingDataError
from ..execution.devices import thread_count
from ..execution.memory import reuse_freed_memory
from ..external.folder import FolderFuser, folder_method
from ..images.codec import EXTENSIONS
from ..planning.config import RunConfig
from ..planning.protocols import conventions_of, metrics_of, undefined_metrics
from ..planning.selection import open_dataset, select_pairs
from ..planning.units import PlannedMethod
from ..plugins import catalog
from ..terminal.progress import make_progress

QUALITY = "quality"


@dataclass
class Scores:
    """Rows (``store.COLUMNS``) of scored folders; ``failures`` maps method to {image: reason}.

    ``skipped`` says of each metric asked for that no chosen convention defines where it is defined.
    """

    rows: pd.DataFrame
    methods: dict[str, MethodSpec]
    failures: dict[str, dict[str, str]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def score_folders(
    infrared: Path,
    visible: Path,
    fused: Sequence[str | Path],
    *,
    metrics: Sequence[str] | None = None,
    conventions: Sequence[str] = (),
    images: Sequence[str] = (),
    limit: int | None = None,
    jobs: int = 0,
    quiet: bool = True,
) -> Scores:
    """Score folders of fused images against two folders of sources, matched by stem.

    ``fused`` are folders, each optionally ``folder:label``. Pairs whose fused image is missing or unusable are reported by name in
    ``failures`` and left out; the others are scored. Raises ``MissingDataError`` or ``InputError`` if a folder can't be used at all.
    """
    spec = catalog.evaluator_of_task(QUALITY)
    config = RunConfig(
        method=["-"],
        metrics=list(metrics) if metrics is not None else None,
        convention=list(conventions),
        jobs=jobs,
    )
    names = conventions_of(config, spec)
    skipped = list(undefined_metrics(config, spec, names).values())
    _check_sources("IR", Path(infrared))
    _check_sources("VIS", Path(visible))
    dataset = open_dataset("folder", {}, {"ir": str(infrared), "vi": str(visible)})
    split = dataset.spec.splits[0]
    pairs = select_pairs(dataset.pairs(split), images, limit)
    if not pairs:
        raise InputError(
            f"{infrared} and {visible} have no images of the same name; pairs are matched by file name without its ending"
        )
    methods = [_folder(folder, pairs) for folder in fused]
    doubled = {m.spec.name for m in methods if sum(n.spec.name == m.spec.name for n in methods) > 1}
    if doubled:
        raise InputError(f"two folders are both called {doubled.pop()!r}; give them labels: FOLDER:LABEL")
    reuse_freed_memory()
    evaluators = {name: _evaluator(spec, config, name) for name in names}
    label = f"{plain_name(Path(infrared).resolve().parent.name or 'folder')}"
    records: list[dict[str, Any]] = []
    failures: dict[str, dict[str, str]] = {}

    def one(folder: FolderFuser, pair: Pair) -> list[tuple[str, Value]]:
        sources = dataset.load(pair)
        image = folder.fuse([pair], [sources])[0]
        return [
            (name, value)
            for name, evaluator in evaluators.items()
            for value in evaluator.score(image, sources)
        ]

    with make_progress(quiet=quiet) as progress, ThreadPoolExecutor(thread_count(config)) as pool:
        for sentence in skipped:
            progress.message(f"skipped: {sentence}")
        for method in methods:
            assert method.folder is not None
            folder = FolderFuser(method.spec, method.folder)
            progress.start(method.spec.name, len(pairs))
            tasks = [(pair, pool.submit(one, folder, pair)) for pair in pairs]
            for pair, task in tasks:
                try:
                    results = task.result()
                except FusionBenchError as error:
                    failures.setdefault(method.spec.name, {})[pair.name] = str(error)
                    progress.message(f"left out: {method.spec.name}: {pair.name}: {error}")
                else:
                    records += [
                        _record(method.spec.name, label, split, pair.name, spec.name, name, value)
                        for name, value in results
                    ]
                progress.advance(method.spec.name)
            progress.finish(method.spec.name)
    rows = pd.DataFrame(records, columns=list(COLUMNS))
    return Scores(rows, {m.spec.name: m.spec for m in methods}, failures, skipped)


def _check_sources(role: str, folder: Path) -> None:
    """Raise ``InputError`` that names the argument unless the folder is there and has images."""
    if folder.is_file():
        raise InputError(
            f"{role}: {folder} is a file; score takes folders of images (in Python, fusionbench.score takes files)"
        )
    if not folder.is_dir():
        raise MissingDataError(f"{role}: there is no folder {folder}")
    if not any(path.suffix.lower() in EXTENSIONS for path in folder.iterdir()):
        raise MissingDataError(f"{role}: {folder} holds no images (png, jpg, bmp, tif, webp)")


def _folder(folder: str | Path, pairs: Sequence[Pair]) -> PlannedMethod:
    """A folder of fused images. Raises ``InputError`` if it isn't there, or if no image in it is named like one of the pairs."""
    spec, path = folder_method(f"dir:{folder}", f"FUSED {folder}")
    found = FolderFuser(spec, path).names
    if not {pair.name for pair in pairs} & set(found):
        holds = (
            f"holds {', '.join(found[:3])}{' …' if len(found) > 3 else ''}" if found else "holds no images"
        )
        raise InputError(
            f"FUSED {folder}: no image in it is named like a pair: it {holds}; the pairs are "
            f"{', '.join(pair.name for pair in pairs[:3])}{' …' if len(pairs) > 3 else ''}"
        )
    return PlannedMethod(spec, {}, path, "dir", str(folder))


def _evaluator(spec: EvaluatorSpec, config: RunConfig, convention: str, device: str = "cpu") -> Any:
    settings = EvaluatorSettings(metrics_of(config, spec, convention), convention, device=device)
    return catalog.build(spec.factory)(spec, settings)


def _record(
    method: str, dataset: str, split: str, image: str, evaluator: str, convention: str, value: Value
) -> dict[str, Any]:
    return {
        "run": "score", "method": method, "dataset": dataset, "split": split, "image": image, "evaluator": evaluator,
        "convention": convention if value.convention is None else value.convention, "metric": value.metric,
        "class_name": value.class_name, "seed": 0, "value": value.value, "reason": value.reason,
    }  # fmt: skip
