"""Which method keeps most of its score under corruptions, with paired bootstrap intervals over images.

Draw b takes the same images for all methods, corruptions and severities, so that what images share cancels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusionbench.contracts.rows import SCORE_KEY
from fusionbench.statistics.intervals import image_draws

from ..scores.details import Detail
from ..scores.frames import groups_of
from ..scores.labels import REFERENCE_METHODS
from ..scores.summary import direction_of
from .relative import ratio

if TYPE_CHECKING:
    from fusionbench.contracts.evaluator import MetricSpec

MIN_IMAGES = 6
"""With fewer images a bootstrap says nothing, and no interval is given."""

RANKING_COLUMNS = [
    *SCORE_KEY,
    "method",
    "corruptions",
    "n",
    "clean",
    "corrupted",
    "relative",
    "low",
    "high",
    "behind",
    "behind_low",
    "behind_high",
    "share_best",
]

FloatArray = npt.NDArray[np.float64]
Cell = tuple[str, int]
"""A corruption and a severity."""
Draws = dict[tuple[str, Cell], FloatArray]
"""By method and cell: the relative score of each draw."""


def rank_methods(
    scores: pd.DataFrame,
    rows: pd.DataFrame,
    corrupted: pd.DataFrame,
    metrics: Mapping[str, MetricSpec],
    details: Sequence[tuple[Detail, Cell | None]] = (),
) -> pd.DataFrame:
    """Methods by their mean relative score over corruptions, the most robust first, with ``RANKING_COLUMNS``.

    ``scores`` are those of ``relative_scores``, from ``rows`` and ``corrupted``. ``details`` are the units of tasks
    that left draws of whole-set scores, each with its corruption and severity (None: clean).

    ``relative`` is the mean over corruptions of the mean over severities; ``low`` and ``high`` are the 2.5 % and 97.5 %
    quantiles over draws of images. ``behind`` is the best method's less this one's, with the paired interval, and
    ``share_best`` the share of draws in which a method is the first. Single sensors don't take part, nor do
    scores of one class, nor methods without a corruption that another one has.
    """
    found = []
    kept = scores[~scores["method"].isin(REFERENCE_METHODS) & (scores["class_name"] == "")]
    for score, own in groups_of(kept, SCORE_KEY):
        wide = own.pivot(index="method", columns=["corruption", "severity"], values="relative")
        wide = wide.dropna(axis=1, how="all")
        wide = wide[wide.notna().all(axis=1)]
        if not len(wide) or not wide.shape[1]:
            continue
        cells = [(str(c), int(s)) for c, s in cast("Iterable[tuple[str, int]]", wide.columns)]
        whole = bool((own["n"] == 0).all())
        if whole:
            draws, n = _draws_of_sets(details, score, list(wide.index), cells, metrics)
        else:
            draws, n = _draws_of_images(rows, corrupted, score, list(wide.index), cells, metrics)
        found += _lines(score, own, wide, cells, draws, n)
    return pd.DataFrame(found, columns=RANKING_COLUMNS)


def _lines(
    score: tuple[str, ...],
    own: pd.DataFrame,
    wide: pd.DataFrame,
    cells: Sequence[Cell],
    draws: Draws,
    n: int,
) -> list[dict[str, object]]:
    weights = _weights(cells)
    means = {str(m): float(wide.loc[m].to_numpy(np.float64) @ weights) for m in wide.index}
    order = sorted(means, key=lambda m: -means[m])
    drawn = _drawn_means(draws, order, cells, weights) if n >= MIN_IMAGES else None
    first = drawn.argmax(axis=1) if drawn is not None and len(drawn) else np.empty(0)
    lines = []
    for place, method in enumerate(order):
        part = own[own["method"] == method]
        line: dict[str, object] = dict(zip(SCORE_KEY, score, strict=True))
        line |= {"method": method, "corruptions": len({c for c, _ in cells}), "n": n}
        line |= {"clean": part["clean"].mean(), "relative": means[method]}
        seen = part.set_index(["corruption", "severity"])["corrupted"].reindex(
            pd.MultiIndex.from_tuples(cells)
        )
        line |= {"corrupted": float(seen.to_numpy(np.float64) @ weights)}
        line |= {"behind": means[order[0]] - means[method]}
        if drawn is not None and len(drawn):
            line["low"], line["high"] = np.quantile(drawn[:, place], [0.025, 0.975])
            line["share_best"] = float((first == place).mean())
            if place:
                behind = np.quantile(drawn[:, 0] - drawn[:, place], [0.025, 0.975])
                line["behind_low"], line["behind_high"] = behind
        lines.append(line)
    return lines


def _weights(cells: Sequence[Cell]) -> FloatArray:
    """What each cell counts: corruptions alike, severities of one corruption alike."""
    names = [name for name, _ in cells]
    return np.array([1 / (len(set(names)) * names.count(name)) for name in names])


def _drawn_means(
    draws: Draws, methods: Sequence[str], cells: Sequence[Cell], weights: FloatArray
) -> FloatArray | None:
    """Draws × methods; draws in which any score is undefined are left out. None without draws of all."""
    if any((m, cell) not in draws for m in methods for cell in cells):
        return None
    columns = [np.stack([draws[m, cell] for cell in cells], axis=1) @ weights for m in methods]
    drawn = np.stack(columns, axis=1)
    kept: FloatArray = drawn[np.isfinite(drawn).all(axis=1)]
    return kept


def _draws_of_images(
    rows: pd.DataFrame,
    corrupted: pd.DataFrame,
    score: tuple[str, ...],
    methods: Sequence[str],
    cells: Sequence[Cell],
    metrics: Mapping[str, MetricSpec],
) -> tuple[Draws, int]:
    """Means over the drawn images, clean and corrupted; an image counts where both have a value."""
    clean = _values(rows, score)
    seen = {
        (str(c), int(s)): _values(part, score)
        for (c, s), part in groups_of(
            corrupted[corrupted["method"].isin(methods)], ["corruption", "severity"]
        )
        if (str(c), int(s)) in set(cells)
    }
    names = sorted(clean.index)
    counts = image_draws(names).astype(np.float64)
    lower = direction_of(score[4], metrics) == "lower"
    found: Draws = {}
    for method in methods:
        own = clean[method].reindex(names).to_numpy(np.float64)
        for cell in cells:
            other = seen[cell][method].reindex(names).to_numpy(np.float64)
            both = np.isfinite(own) & np.isfinite(other)
            drawn = counts[:, both]
            number = drawn.sum(axis=1)
            with np.errstate(invalid="ignore", divide="ignore"):
                found[method, cell] = ratio(drawn @ own[both] / number, drawn @ other[both] / number, lower)
    return found, len(names)


def _values(rows: pd.DataFrame, score: tuple[str, ...]) -> pd.DataFrame:
    """Images × methods of one score."""
    own = rows[(rows[SCORE_KEY] == list(score)).all(axis=1) & (rows["image"] != "")]
    return own.groupby(["image", "method"])["value"].mean().unstack("method")


def _draws_of_sets(
    details: Sequence[tuple[Detail, Cell | None]],
    score: tuple[str, ...],
    methods: Sequence[str],
    cells: Sequence[Cell],
    metrics: Mapping[str, MetricSpec],
) -> tuple[Draws, int]:
    """The draws that tasks left of their whole-set scores, seeds averaged."""
    lower = direction_of(score[4], metrics) == "lower"
    tables: dict[tuple[str, Cell | None], list[FloatArray]] = {}
    images: set[int] = set()
    for detail, cell in details:
        if detail.key != score[:4] or detail.method not in methods or not detail.has("resamples"):
            continue
        table = detail.table("resamples")
        own = table[(table["metric"] == score[4]) & (table["class_name"] == score[5])].sort_values("draw")
        if len(own):
            tables.setdefault((detail.method, cell), []).append(own["value"].to_numpy(np.float64))
            images.add(len(detail.images))
    means = {key: np.mean(parts, axis=0) for key, parts in tables.items()}
    found: Draws = {}
    for method in methods:
        for cell in cells:
            if (method, None) in means and (method, cell) in means:
                found[method, cell] = ratio(means[method, None], means[method, cell], lower)
    return found, min(images, default=0)
