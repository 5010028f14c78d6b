"""The one rule for names of metrics, for the command line, Python, ``compare`` and evaluators.

Case doesn't matter, ``-`` and ``_`` are the same, and a metric's aliases count. A glob stands for all metrics
that it matches.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from ..contracts.evaluator import MetricSpec
from ..errors import UnknownNameError
from . import catalog

ALL = "all"


def spelling(name: str) -> str:
    """A name as it is compared."""
    return name.lower().replace("_", "-")


def matching(wanted: str, metrics: Iterable[MetricSpec]) -> list[MetricSpec]:
    """The metrics that a name, alias, glob or ``all`` stands for, in their order; empty if there is none."""
    listed, folded = list(metrics), spelling(wanted)
    if folded == ALL:
        return listed
    exact = [m for m in listed if folded in _spellings(m)]
    return exact or [m for m in listed if fnmatch.fnmatchcase(spelling(m.name), folded)]


def known_metrics(wanted: str, metrics: Iterable[MetricSpec] | None = None) -> list[MetricSpec]:
    """As ``matching``, among all installed metrics if none are given. Raises ``UnknownNameError`` with
    suggestions if there is none."""
    listed = list(catalog.metrics().values() if metrics is None else metrics)
    found = matching(wanted, listed)
    if not found:
        names = [name for m in listed for name in (m.name, *m.aliases)]
        raise UnknownNameError(catalog.unknown_name_message("metric", wanted, names))
    return found


def _spellings(metric: MetricSpec) -> set[str]:
    return {spelling(name) for name in (metric.name, *metric.aliases)}
