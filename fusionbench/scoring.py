"""Scores images that lie in folders, or arrays, without a run: the engine of ``fusionbench score``."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from . import catalog
from .allocation import reuse_freed_memory
from .arrays import as_images
from .config import RunConfig
from .contracts import EvaluatorSettings, EvaluatorSpec, MethodSpec, Pair, PairImages, Value
from .engines import thread_count
from .errors import FusionBenchError, ImageError, InputError, MissingDataError
from .images import EXTENSIONS, UInt8Array, as_grey, as_rgb, check_same_size
from .naming import plain_name
from .precomputed import FolderFuser, folder_method
from .progress import make_progress
from .protocols import conventions_of, metrics_of, undefined_metrics
from .selection import open_dataset, select_pairs
from .store import COLUMNS
from .units import PlannedMethod

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


def score_arrays(
    infrared: Any,
    visible: Any,
    fused: Any,
    *,
    metrics: Sequence[str] | None = None,
    convention: str | None = None,
    jobs: int = 0,
) -> dict[str, Any]:
    """Metrics of fused images against their sources.

    For one image {metric: float}; for a batch of N {metric: float64 array of shape (N,)}, image by image in the order given. Each argument is one image (a path; an array H×W or
    H×W×3 RGB; a tensor H×W, 1×H×W or 3×H×W), or all three are batches of one length (a list of images; an array N×H×W×C; a tensor
    N×C×H×W, N = 1 included): see ``arrays.as_images``. Samples are uint8 or float in [0,1]. Tensors on a CUDA device are scored there. The values have no gradient; those to
    train with are in ``fusionbench.evaluators.quality.batched``.

    ``metrics`` defaults to the quality evaluator's default set, ``convention`` to its default; ``jobs`` threads share a batch (0: one a core). A metric that can't be computed, or
    that the convention doesn't define, is NaN, and a ``UserWarning`` says why. Raises ``ImageError`` for unusable images,
    ``UnknownNameError`` for unknown metrics or conventions, ``InputError`` where the convention defines none of the metrics.
    """
    spec = catalog.evaluator_of_task(QUALITY)
    config = RunConfig(
        method=["-"],
        metrics=[metrics] if isinstance(metrics, str) else list(metrics) if metrics is not None else None,
        convention=[convention] if convention else [],
        jobs=jobs,
    )
    if convention == "all" or len(catalog.split_names(config.convention)) > 1:
        raise InputError("score one convention at a time: values of different conventions must not be mixed")
    (name,) = conventions_of(config, spec)
    sources, images, batch = _triples(infrared, visible, fused)
    device = str(getattr(fused, "device", ""))
    evaluator = _evaluator(spec, config, name, device if device.startswith("cuda") else "cpu")
    if hasattr(evaluator, "score_batch"):
        scored = evaluator.score_batch(images, sources)
    else:
        with ThreadPoolExecutor(min(thread_count(config), len(images))) as pool:
            scored = list(pool.map(evaluator.score, images, sources))
    undefined = undefined_metrics(config, spec, [name])
    known = {*undefined, *(metrics_of(config, spec, name) or ())}
    asked = metrics_of(config, spec, None if metrics else name) or ()
    columns = {m: np.full(len(images), np.nan) for m in asked if m in known}
    for sentence in undefined.values():
        warnings.warn(f"NaN: {sentence}", stacklevel=3)
    for number, values in enumerate(scored):
        for value in values:
            columns[value.metric][number] = value.value
            if math.isnan(value.value):
                where = f" in image {number}" if batch else ""
                warnings.warn(f"{value.metric} is NaN{where}: {value.reason}", stacklevel=3)
    return {m: column if batch else float(column[0]) for m, column in columns.items()}


def _triples(infrared: Any, visible: Any, fused: Any) -> tuple[list[PairImages], list[UInt8Array], bool]:
    """Sources and fused images of one size each, and whether they are a batch. Raises ``ImageError``."""
    given = {
        role: as_images(value, role)
        for role, value in (("infrared", infrared), ("visible", visible), ("fused", fused))
    }
    batch = any(batched for _, batched in given.values())
    lengths = {len(images) if batched else 0 for images, batched in given.values()}
    if len(lengths) > 1:
        listed = ", ".join(
            f"{role} {f'a batch of {len(images)}' if batched else 'one image'}"
            for role, (images, batched) in given.items()
        )
        raise ImageError(f"give three single images, or three batches of one length, got {listed}")
    sources, images = [], []
    for number, (a, b, f) in enumerate(zip(*(i for i, _ in given.values()), strict=True)):
        at = f" of image {number}" if batch else ""
        pair = PairImages(as_grey(a), as_rgb(b))
        check_same_size(pair.infrared, pair.visible, f"the pair{at}")
        if f.shape[:2] != a.shape[:2]:
            raise ImageError(
                f"fused{at}: is {f.shape[1]}×{f.shape[0]}, its sources are {a.shape[1]}×{a.shape[0]}"
            )
        sources.append(pair)
        images.append(f)
    return sources, images, batch


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
