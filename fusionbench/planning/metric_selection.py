"""Which metrics an evaluator computes, and in which conventions or protocols: resolved once, then passed
down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..contracts.evaluator import EvaluatorSpec, MetricSpec
from ..errors import InputError, UnknownNameError
from ..plugins import catalog
from ..plugins.metric_names import known_metrics, matching, spelling

ALL = "all"


@dataclass(frozen=True)
class MetricSelection:
    """What an evaluator computes.

    ``metrics`` maps each chosen convention (or protocol) to the metrics to compute in it; None leaves the
    choice to the evaluator. ``undefined`` maps a metric that was asked for, and that none of the conventions
    defines, to a sentence that says where it is defined.
    """

    evaluator: EvaluatorSpec
    asked: tuple[str, ...]
    """All metrics asked for (or the defaults), in order, defined or not."""
    metrics: Mapping[str, tuple[str, ...] | None]
    undefined: Mapping[str, str]

    @property
    def conventions(self) -> tuple[str, ...]:
        """The chosen conventions, in order."""
        return tuple(self.metrics)


def select_metrics(
    evaluator: EvaluatorSpec,
    names: Sequence[str] | None = None,
    conventions: Sequence[str] = (),
    dataset: str = "",
) -> MetricSelection:
    """Resolve names of metrics (names, aliases, globs, ``all``; None: the evaluator's defaults) and of
    conventions.

    Without a convention of its own among ``conventions``, an evaluator takes its default (on that dataset).
    ``all`` stands for all conventions; protocols may train, and are named one by one. Conventions that define
    none of the metrics asked for are left out. Raises ``UnknownNameError`` for names that nobody carries,
    ``InputError`` if no convention is left.
    """
    asked, exact = _asked(evaluator, names)
    chosen = _conventions(evaluator, conventions, dataset)
    if names is not None and asked:
        defining = [c for c in chosen if any(_defines(m, c) for m in asked)]
        undefined = _undefined(asked, exact, defining or chosen)
        if not defining:
            raise InputError("\n".join(undefined.values()))
        chosen = defining
    else:
        undefined = {}
    metrics = {c: _of_convention(evaluator, asked, names, c) for c in chosen}
    defaults = [name for found in metrics.values() for name in found or ()]
    listed = defaults if names is None else [m.name for m in asked]
    return MetricSelection(evaluator, tuple(dict.fromkeys(listed)), metrics, undefined)


def _of_convention(
    evaluator: EvaluatorSpec, asked: Sequence[MetricSpec], names: Sequence[str] | None, convention: str
) -> tuple[str, ...] | None:
    """Those asked for that a convention defines; one that defines none of the defaults gives all its own."""
    defined = [m for m in asked if _defines(m, convention)]
    if not defined and names is None:
        defined = [m for m in evaluator.metrics if _defines(m, convention)]
    return tuple(m.name for m in defined) or None


def _asked(evaluator: EvaluatorSpec, names: Sequence[str] | None) -> tuple[list[MetricSpec], set[str]]:
    """The evaluator's metrics that are asked for, and which of them by name; its defaults where none of
    them is."""
    chosen: dict[str, MetricSpec] = {}
    exact: set[str] = set()
    for wanted in names or ():
        own = matching(wanted, evaluator.metrics)
        if not own:
            known_metrics(wanted)  # another evaluator's, or a mistake
        chosen |= {m.name: m for m in own}
        exact |= {m.name for m in own if spelling(wanted) in {spelling(n) for n in (m.name, *m.aliases)}}
    if not chosen:
        by_name = {m.name: m for m in evaluator.metrics}
        chosen = {name: by_name[name] for name in evaluator.default_metrics if name in by_name}
    return list(chosen.values()), exact


def _conventions(evaluator: EvaluatorSpec, wanted: Sequence[str], dataset: str) -> list[str]:
    known = [c.name for c in evaluator.conventions]
    default = evaluator.default_conventions.get(dataset, evaluator.default_convention)
    everything = {*known} | {c.name for e in catalog.evaluators.all().values() for c in e.conventions}
    for name in wanted:
        if name not in everything and name != ALL:
            raise UnknownNameError(catalog.unknown_name_message(evaluator.definitions, name, everything))
    if ALL in wanted and evaluator.definitions == "convention":
        return known or [default]
    return [name for name in wanted if name in known] or [default]


def _undefined(asked: Iterable[MetricSpec], exact: set[str], conventions: Sequence[str]) -> dict[str, str]:
    """A sentence for each metric that no convention defines. Globs ask only for what there is, unless they
    match nothing defined."""
    listed = list(asked)
    missing = [m for m in listed if not any(_defines(m, c) for c in conventions)]
    several = len(conventions) > 1
    where = f"convention{'s' if several else ''} {', '.join(conventions)} {'do' if several else 'does'}"
    return {
        m.name: f"{m.name}: {where} not define it; it is in: {', '.join(m.conventions)}"
        for m in missing
        if m.name in exact or len(missing) == len(listed)
    }


def _defines(metric: MetricSpec, convention: str) -> bool:
    return not metric.conventions or convention in metric.conventions
