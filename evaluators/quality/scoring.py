"""The entry point: metrics of one fused image against its sources."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy.typing as npt

from fusionbench.errors import UnknownNameError

from .catalogue import FORMULAS, Formula
from .spec import DEFAULT_METRICS
from .triple import Triple
from .undefined import Undefined


@dataclass(frozen=True)
class MetricValue:
    """A metric's value; where it is NaN, `reason` says why, and otherwise `reason` is None."""

    value: float
    reason: str | None = None


def _choose(metrics: Sequence[str] | None, convention: str) -> dict[str, Formula | None]:
    """The formulas asked for, in order; None for a metric that exists, but not in this convention."""
    if convention not in FORMULAS:
        raise UnknownNameError(f"no convention {convention!r}{_hint(convention, FORMULAS)}; there are: {', '.join(FORMULAS)}")
    formulas = FORMULAS[convention]
    if metrics is None:
        return {name: formulas[name] for name in DEFAULT_METRICS if name in formulas}
    known = {name.lower(): name for table in FORMULAS.values() for name in table}
    chosen: dict[str, Formula | None] = {}
    for asked in metrics:
        name = known.get(asked.lower())
        if name is None:
            raise UnknownNameError(f"no metric {asked!r}{_hint(asked, known.values())}; `fusionbench list metrics` names all")
        chosen[name] = formulas.get(name)
    return chosen


def _hint(name: str, candidates: object) -> str:
    near = difflib.get_close_matches(name.lower(), {str(c).lower(): c for c in candidates}, n=1)  # type: ignore[attr-defined]
    return f" (did you mean {near[0]!r}?)" if near else ""


def metric_value(formula: Formula, triple: Triple) -> MetricValue:
    """Compute one metric; ``Undefined`` and a non-finite result become NaN with the reason."""
    try:
        value = float(formula(triple))
    except Undefined as why:
        return MetricValue(math.nan, str(why))
    if not math.isfinite(value):
        return MetricValue(math.nan, f"the formula gave {value} on these images")
    return MetricValue(value)


def score_arrays(
    infrared: npt.ArrayLike,
    visible: npt.ArrayLike,
    fused: npt.ArrayLike,
    *,
    metrics: Sequence[str] | None = None,
    convention: str = "cddfuse",
) -> dict[str, MetricValue]:
    """Score one fused image against its infrared and visible source.

    Each image is H×W or H×W×3 (RGB), uint8 or integer-valued in 0…255; the three have one size. `metrics` are names in any
    case (None: the nine defaults), `convention` one of `catalogue.FORMULAS`. A value that can't be computed is NaN with its reason, never silently. Raises
    ``InputError`` for unusable images and ``UnknownNameError`` for an unknown metric or convention.
    """
    chosen = _choose(metrics, convention)
    triple = Triple.of(infrared, visible, fused)
    return {
        name: MetricValue(math.nan, f"{name} isn't defined in convention {convention!r}") if formula is None else metric_value(formula, triple)
        for name, formula in chosen.items()
    }
