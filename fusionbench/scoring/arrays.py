"""Scores of fused images given as arrays or files: what `fusionbench.score` does."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ..contracts.dataset import PairImages
from ..contracts.evaluator import BatchEvaluator, EvaluatorSettings, ImageEvaluator
from ..contracts.names import split_names
from ..errors import ImageError, InputError
from ..execution.devices import thread_count
from ..images.codec import UInt8Array, as_grey, as_rgb, check_same_size
from ..images.from_python import as_images
from ..planning.metric_selection import select_metrics
from ..plugins import catalog
from .folders import scored_tasks


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

    For one image {metric: float}; for a batch of N {metric: float64 array of shape (N,)}, image by image in
    the order given. Each argument is one image (a path; an array H×W or H×W×3 RGB; a tensor H×W, 1×H×W or
    3×H×W), or all three are batches of one length (a list of images; an array N×H×W×C; a tensor N×C×H×W, N =
    1 included): see ``arrays.as_images``. Samples are uint8 or float in [0,1]. Tensors on a CUDA device are
    scored there. The values have no gradient; those to train with are in
    ``fusionbench.evaluators.quality.on_device.metrics``.

    ``metrics`` defaults to the quality evaluator's default set, ``convention`` to its default; ``jobs``
    threads share a batch (0: one a core). A metric that can't be computed, or that the convention doesn't
    define, is NaN, and a ``UserWarning`` says why. Raises ``ImageError`` for unusable images,
    ``UnknownNameError`` for unknown metrics or conventions, ``InputError`` where the convention defines none
    of the metrics.
    """
    spec = catalog.evaluator_of_task(scored_tasks()[0])
    names = None if metrics is None else split_names(metrics)
    selection = select_metrics(spec, names, split_names(convention or []))
    if len(selection.conventions) > 1 or convention == "all":
        raise InputError("score one convention at a time: values of different conventions must not be mixed")
    sources, images, batch = _triples(infrared, visible, fused)
    device = str(getattr(fused, "device", ""))
    (name,), (chosen,) = selection.conventions, selection.metrics.values()
    settings = EvaluatorSettings(chosen, name, device=device if device.startswith("cuda") else "cpu")
    evaluator: ImageEvaluator = catalog.build(spec.factory)(spec, settings)
    if isinstance(evaluator, BatchEvaluator):
        scored = evaluator.score_batch(images, sources)
    else:
        with ThreadPoolExecutor(min(thread_count(jobs), len(images))) as pool:
            scored = list(pool.map(evaluator.score, images, sources))
    known = {*selection.undefined, *(chosen or ())}
    columns = {m: np.full(len(images), np.nan) for m in selection.asked if m in known}
    for sentence in selection.undefined.values():
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
