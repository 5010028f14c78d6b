"""Scores images that lie in folders, or arrays, without a run: the engine of ``fusionbench score``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from . import catalog
from .arrays import as_image
from .config import RunConfig
from .contracts import EvaluatorSettings, EvaluatorSpec, MethodSpec, PairImages, Value
from .engines import thread_count
from .errors import FusionBenchError, ImageError, InputError
from .images import as_grey, as_rgb, check_same_size
from .naming import plain_name
from .precomputed import FolderFuser, folder_method
from .progress import make_progress
from .protocols import conventions_of, metrics_of
from .selection import open_dataset, select_pairs
from .store import COLUMNS
from .units import PlannedMethod

QUALITY = "quality"


@dataclass
class Scores:
    """Rows (``store.COLUMNS``) of scored folders; ``failures`` maps method to {image: reason}."""

    rows: pd.DataFrame
    methods: dict[str, MethodSpec]
    failures: dict[str, dict[str, str]] = field(default_factory=dict)


def score_arrays(
    infrared: Any,
    visible: Any,
    fused: Any,
    *,
    metrics: Sequence[str] | None = None,
    convention: str | None = None,
) -> dict[str, float]:
    """Metrics of one fused image against its sources: {metric: value}.

    Each image is a path, a NumPy array (H×W or H×W×3 RGB) or a torch tensor (C×H×W), uint8 or float in [0,1]. ``metrics`` defaults to the
    quality evaluator's default set, ``convention`` to its default. A metric that can't be computed is NaN, and a warning says why.
    Raises ``ImageError`` for unusable images, ``UnknownNameError`` for unknown metrics or conventions.
    """
    import warnings

    spec = catalog.evaluator_of_task(QUALITY)
    config = RunConfig(
        method=["-"],
        metrics=list(metrics) if metrics is not None else None,
        convention=[convention] if convention else [],
    )
    names = conventions_of(config, spec)
    if len(names) != 1:
        raise InputError("score one convention at a time: values of different conventions must not be mixed")
    sources = PairImages(as_grey(as_image(infrared, "infrared")), as_rgb(as_image(visible, "visible")))
    image = as_image(fused, "fused")
    check_same_size(sources.infrared, sources.visible, "the pair")
    if image.shape[:2] != sources.infrared.shape[:2]:
        raise ImageError(
            f"fused: is {image.shape[1]}×{image.shape[0]}, its sources are {sources.infrared.shape[1]}×{sources.infrared.shape[0]}"
        )
    values = _evaluator(spec, config, names[0]).score(image, sources)
    for value in values:
        if math.isnan(value.value):
            warnings.warn(f"{value.metric} is NaN: {value.reason}", stacklevel=2)
    return {value.metric: value.value for value in values}


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
    dataset = open_dataset("folder", {}, {"ir": str(infrared), "vi": str(visible)})
    split = dataset.spec.splits[0]
    pairs = select_pairs(dataset.pairs(split), images, limit)
    if not pairs:
        raise InputError(
            f"{infrared} and {visible} have no images of the same name; pairs are matched by file name without its ending"
        )
    methods = [_folder(folder) for folder in fused]
    doubled = {m.spec.name for m in methods if sum(n.spec.name == m.spec.name for n in methods) > 1}
    if doubled:
        raise InputError(f"two folders are both called {doubled.pop()!r}; give them labels: FOLDER:LABEL")
    evaluators = {name: _evaluator(spec, config, name) for name in names}
    label = f"{plain_name(Path(infrared).resolve().parent.name or 'folder')}"
    records: list[dict[str, Any]] = []
    failures: dict[str, dict[str, str]] = {}

    def one(method: PlannedMethod, folder: FolderFuser, pair: Any) -> list[tuple[str, Value]]:
        sources = dataset.load(pair)
        image = folder.fuse([pair], [sources])[0]
        return [
            (name, value)
            for name, evaluator in evaluators.items()
            for value in evaluator.score(image, sources)
        ]

    with make_progress(quiet=quiet) as progress, ThreadPoolExecutor(thread_count(config)) as pool:
        for method in methods:
            assert method.folder is not None
            folder = FolderFuser(method.spec, method.folder)
            progress.start(method.spec.name, len(pairs))
            tasks = [(pair, pool.submit(one, method, folder, pair)) for pair in pairs]
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
    return Scores(rows, {m.spec.name: m.spec for m in methods}, failures)


def _folder(folder: str | Path) -> PlannedMethod:
    spec, path = folder_method(f"dir:{folder}")
    return PlannedMethod(spec, {}, path, "dir", str(folder))


def _evaluator(spec: EvaluatorSpec, config: RunConfig, convention: str) -> Any:
    return catalog.build(spec.factory)(spec, EvaluatorSettings(metrics_of(config, spec), convention))


def _record(
    method: str, dataset: str, split: str, image: str, evaluator: str, convention: str, value: Value
) -> dict[str, Any]:
    return {
        "run": "score", "method": method, "dataset": dataset, "split": split, "image": image, "evaluator": evaluator,
        "convention": convention if value.convention is None else value.convention, "metric": value.metric,
        "class_name": value.class_name, "seed": 0, "value": value.value, "reason": value.reason,
    }  # fmt: skip
