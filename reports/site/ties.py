"""Which methods are indistinguishable from the best one: paired differences over images, all methods at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusionbench.statistics.intervals import bootstrap_interval

from ..analysis.task_comparison import same_truth
from ..scores.details import Detail

RESAMPLES = 2000
"""Bootstrap draws behind the shading of ties."""


def image_ties(values: Mapping[str, Sequence[float | None]], best: str, others: Sequence[str]) -> set[str]:
    """The ``others`` whose mean paired difference from ``best`` has a 95 % BCa interval that reaches 0.

    ``values`` map an entrant to its values image by image, None where there is none.
    """
    names = [name for name in others if name in values]
    if not names:
        return set()
    table = np.array([values[name] for name in names], np.float64).T
    low, high = bootstrap_interval(np.array(values[best], np.float64)[:, None] - table, resamples=RESAMPLES)
    return {name for name, a, b in zip(names, low, high, strict=True) if a <= 0 <= b}


class SetDraws:
    """The bootstrap draws that the units of one table left: each is read once.

    Draw b has equal images for all.
    """

    def __init__(self, details: Sequence[Detail]) -> None:
        self._units: dict[str, dict[int, Detail]] = {}
        for detail in details:
            if detail.has("resamples"):
                self._units.setdefault(detail.entrant, {})[detail.seed] = detail
        self._draws: dict[tuple[str, int], pd.DataFrame] = {}
        self._same: dict[tuple[str, str], bool] = {}

    def ties(self, score: tuple[str, str], best: str, others: Sequence[str]) -> set[str]:
        """The ``others`` whose paired difference from ``best`` has a 95 % percentile interval that reaches 0.

        ``score`` is a metric and a class. Entrants that were scored on other images or labels are no ties.
        """
        found = set()
        for name in others:
            difference = self._difference(score, best, name)
            if len(difference):
                low, high = np.quantile(difference, [0.025, 0.975])
                if low <= 0 <= high:
                    found.add(name)
        return found

    def interval(self, score: tuple[str, str], entrant: str) -> tuple[float, float]:
        """The 95 % percentile interval of a score over draws of images, seeds averaged; NaN without draws."""
        found = self.quantiles(score, entrant, (0.025, 0.975))
        return (found[0], found[1]) if found else (float("nan"), float("nan"))

    def quantiles(self, score: tuple[str, str], entrant: str, levels: Sequence[float]) -> list[float]:
        """Quantiles of a score over draws of images, seeds averaged; empty without draws."""
        parts = []
        for seed, detail in self._units.get(entrant, {}).items():
            draws = self._of(entrant, seed, detail)
            if score in draws:
                parts.append(draws[score].to_numpy(np.float64))
        if not parts or len({len(part) for part in parts}) > 1:
            return []
        mean = np.mean(parts, axis=0)
        finite = mean[np.isfinite(mean)]
        return [float(q) for q in np.quantile(finite, levels)] if len(finite) else []

    def _difference(self, score: tuple[str, str], a: str, b: str) -> npt.NDArray[np.float64]:
        first, second = self._units.get(a, {}), self._units.get(b, {})
        seeds = sorted(set(first) & set(second))
        if (a, b) not in self._same:
            self._same[a, b] = all(same_truth(first[s], second[s]) for s in seeds)
        parts = []
        for seed in seeds:
            one, other = self._of(a, seed, first[seed]), self._of(b, seed, second[seed])
            if score not in one or score not in other:
                return np.empty(0)
            parts.append((other[score] - one[score]).to_numpy(np.float64))
        if not parts or not self._same[a, b] or len({len(part) for part in parts}) > 1:
            return np.empty(0)
        mean = np.mean(parts, axis=0)
        return np.asarray(mean[np.isfinite(mean)], np.float64)

    def _of(self, entrant: str, seed: int, detail: Detail) -> pd.DataFrame:
        if (entrant, seed) not in self._draws:
            self._draws[entrant, seed] = detail.table("resamples").pivot(
                index="draw", columns=["metric", "class_name"], values="value"
            )
        return self._draws[entrant, seed]
