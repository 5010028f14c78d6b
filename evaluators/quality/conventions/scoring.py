"""The entry point: metrics of one fused image against its sources."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy.typing as npt

from fusionbench.errors import UnknownNameError
from fusionbench.plugins.metric_names import known_metrics

from ..inputs.triple import Triple
from ..spec import DEFAULT_METRICS, SPEC
from ..undefined import Undefined
from .table import FORMULAS, Formula

UNDEFINED_RATIO = "a ratio in the formula has no value on these images, which are flat or nearly so"


@dataclass(frozen=True)
class MetricValue:
    """A metric's value; where it is NaN, `reason` says why, and otherwise `reason` is None."""

    value: float
    reason: str | None = None


def conventions_with(metric: str) -> list[str]:
    """The conventions that define a metric, in the catalogue's order."""
    return [convention for convention, formulas in FORMULAS.items() if metric in formulas]


def chosen_metrics(metrics: Sequence[str] | None, convention: str) -> list[str]:
    """The proper names of the metrics asked for; None gives the defaults that the convention defines.

    Raises ``UnknownNameError``, with suggestions, for a convention or metric that doesn't exist.
    """
    if convention not in FORMULAS:
        raise UnknownNameError(f"no convention {convention!r}; there are: {', '.join(FORMULAS)}")
    if metrics is None:
        return [name for name in DEFAULT_METRICS if name in FORMULAS[convention]]
    return list(dict.fromkeys(m.name for wanted in metrics for m in known_metrics(wanted, SPEC.metrics)))


def metric_value(formula: Formula, triple: Triple) -> MetricValue:
    """Compute one metric; ``Undefined`` and a non-finite result become NaN with the reason."""
    try:
        value = float(formula(triple))
    except Undefined as why:
        return MetricValue(math.nan, str(why))
    if not math.isfinite(value):
        return MetricValue(math.nan, f"{UNDEFINED_RATIO} ({value})")
    return MetricValue(value)


def score_triple(
    triple: Triple, *, metrics: Sequence[str] | None = None, convention: str = "cddfuse"
) -> dict[str, MetricValue]:
    """As ``score_arrays``, on a ``Triple``, which keeps what several conventions share."""
    formulas = FORMULAS.get(convention, {})
    scores: dict[str, MetricValue] = {}
    chosen = chosen_metrics(metrics, convention)
    for name in chosen:
        if name in formulas:
            scores[name] = metric_value(formulas[name], triple)
        else:
            scores[name] = MetricValue(
                math.nan,
                f"{name} isn't defined in convention {convention!r}; it is in:"
                f" {', '.join(conventions_with(name))}",
            )
    return scores


def score_arrays(
    infrared: npt.ArrayLike,
    visible: npt.ArrayLike,
    fused: npt.ArrayLike,
    *,
    metrics: Sequence[str] | None = None,
    convention: str = "cddfuse",
) -> dict[str, MetricValue]:
    """Score one fused image against its infrared and visible source.

    Each image is H×W or H×W×3 (RGB), uint8 or integer-valued in 0…255; the three have one size. `metrics` are
    names in any case (None: the nine defaults), `convention` one of `table.FORMULAS`. A value that can't be
    computed is NaN with its reason, never silently. Raises ``InputError`` for unusable images and
    ``UnknownNameError`` for an unknown metric or convention.
    """
    chosen = chosen_metrics(metrics, convention)
    return score_triple(Triple.of(infrared, visible, fused), metrics=chosen, convention=convention)
