"""Bootstrap and Student intervals, and draws of images that all methods share.

Tasks are scored on whole sets (a confusion matrix, a precision-recall curve). Their intervals come from
scoring resampled sets of images. A draw is kept as how often it takes each image, which is all that such
scores need.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError

FloatArray = npt.NDArray[np.float64]


RESAMPLES = 2000


CONFIDENCE = 0.95


_BLOCK = 4_000_000  # resampling weights held at once: 32 MB, whatever the number of images


def bootstrap_interval(
    values: npt.ArrayLike, *, confidence: float = CONFIDENCE, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[FloatArray, FloatArray]:
    """Bias-corrected and accelerated (BCa) bootstrap interval of the mean (Efron 1987).

    ``values`` has shape n or n×k (k scores of the same n images, which share the resamples); values that are
    not finite are left out, column by column. Returns the lower and upper ends, of shape () or (k,). The ends
    are NaN for fewer than two values, and equal to the mean where all values agree. The means of all
    resamples are one matrix product, and the acceleration has a closed form for a mean, so hundreds of scores
    cost little more than one.
    """
    array = np.asarray(values, np.float64)
    if array.ndim not in (1, 2):
        raise InputError(f"bootstrap_interval takes an n or n×k array, got shape {array.shape}")
    columns = array.reshape(len(array), 1 if array.ndim == 1 else array.shape[1])
    low = np.full(columns.shape[1], np.nan)
    high = low.copy()
    finite = np.isfinite(columns)
    for mask, chosen in _columns_by_mask(finite):
        if mask.sum() >= 2:
            low[chosen], high[chosen] = _bca(columns[np.ix_(mask, chosen)], confidence, resamples, seed)
    shape = array.shape[1:]
    return low.reshape(shape), high.reshape(shape)


def _columns_by_mask(
    finite: npt.NDArray[np.bool_],
) -> Iterator[tuple[npt.NDArray[np.bool_], npt.NDArray[np.intp]]]:
    """The distinct columns of an n×k mask, each with the indices of the columns that equal it."""
    groups: dict[bytes, list[int]] = {}
    for index in range(finite.shape[1]):
        groups.setdefault(finite[:, index].tobytes(), []).append(index)
    for indices in groups.values():
        yield finite[:, indices[0]], np.asarray(indices, np.intp)


def _bca(x: FloatArray, confidence: float, resamples: int, seed: int) -> tuple[FloatArray, FloatArray]:
    from scipy import special

    mean = x.mean(axis=0)
    deviation = x - mean
    constant = np.ptp(x, axis=0) == 0
    means = resampled_means(x, resamples, seed)
    below = (means < mean).mean(axis=0) + 0.5 * (means == mean).mean(axis=0)
    bias = special.ndtri(np.clip(below, 1 / (resamples + 1), resamples / (resamples + 1)))
    spread = np.where(constant, 1.0, (deviation**2).sum(axis=0))
    acceleration = (deviation**3).sum(axis=0) / (6 * spread**1.5)
    ends = []
    for tail in ((1 - confidence) / 2, (1 + confidence) / 2):
        z = bias + special.ndtri(tail)
        level = special.ndtr(bias + z / (1 - acceleration * z))
        end = np.array([np.quantile(means[:, j], level[j]) for j in range(x.shape[1])])
        ends.append(np.where(constant, mean, end))
    return ends[0], ends[1]


def resampled_means(x: FloatArray, resamples: int = RESAMPLES, seed: int = 0) -> FloatArray:
    """The means of ``resamples`` draws of n rows with replacement from an n×k array: resamples×k. All columns
    share the draws.
    """
    n = len(x)
    random = np.random.default_rng(seed)
    step = max(1, _BLOCK // n)
    blocks = []
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        drawn = random.integers(0, n, size=(count, n)) + n * np.arange(count)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=count * n).reshape(count, n)
        blocks.append(weights.astype(np.float64) @ x / n)
    return np.concatenate(blocks)


def student_interval(values: npt.ArrayLike, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Student-t interval of the mean of a few independent values (seeds), where a bootstrap would be far too
    narrow.

    ``values`` has shape n; values that are not finite are left out. NaN for fewer than two values.
    """
    x = np.asarray(values, np.float64)
    x = x[np.isfinite(x)]
    if len(x) < 2:
        return float("nan"), float("nan")
    from scipy import special

    half = float(special.stdtrit(len(x) - 1, (1 + confidence) / 2) * x.std(ddof=1) / np.sqrt(len(x)))
    return float(x.mean()) - half, float(x.mean()) + half


DRAWS = 1000


def image_draws(names: Sequence[str], draws: int = DRAWS) -> npt.NDArray[np.int64]:
    """How often each draw takes each image: int64, draws × len(names), every row sums to len(names).

    Decided by the set of names alone (columns follow the order given): draw b takes the same images for every
    method and task.
    """
    ordered = sorted(names)
    seed = int.from_bytes(hashlib.sha256("\n".join(ordered).encode()).digest()[:8], "big")
    generator = np.random.Generator(np.random.PCG64(seed))
    counts: npt.NDArray[Any] = generator.multinomial(
        len(ordered), np.full(len(ordered), 1 / len(ordered)), size=draws
    )
    place = {name: i for i, name in enumerate(ordered)}
    return counts[:, [place[name] for name in names]].astype(np.int64)
