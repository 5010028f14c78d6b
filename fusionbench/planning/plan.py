"""Expands a configuration into units of work, each with a key that hashes all its result depends on.

A unit whose key and images are already in the store is done: resuming is the default, and scoring again never
fuses again. Nothing heavy is imported here: planning opens datasets (listing files) and checks weights, no
more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..contracts.dataset import Pair
from ..contracts.evaluator import ConventionSpec, EvaluatorSpec
from ..corruptions.choice import choose
from ..errors import InputError, MissingDataError, MissingWeightsError
from ..plugins import catalog
from ..store.unit_id import UnitId
from . import protocols
from .config import RunConfig
from .corrupted import corrupted_datasets, not_corruptible
from .metric_selection import MetricSelection, select_metrics
from .selection import questions, reference_methods, select_datasets, select_methods
from .unit_keys import fuse_unit, hashed, method_unit_id, score_identity
from .units import Group, MethodUnit, PlannedDataset, PlannedMethod, ScoreUnit
from .variants import Names

REFERENCE_SIZE = (480, 640)
"""(height, width) at which efficiency is always measured: that of MSRS."""


@dataclass
class Plan:
    """Everything a run will do. ``skipped`` lists what was left out, and why (methods matched by a glob
    whose weights are missing, …)."""

    config: RunConfig
    groups: list[Group] = field(default_factory=list)
    method_units: list[MethodUnit] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    """What looks wrong with the datasets, though nothing is broken."""

    def selection(self) -> dict[str, set[str] | None]:
        """Keys and images of this plan's score units, for reading exactly its rows from the store."""
        keys: dict[str, set[str] | None] = {}
        for group in self.groups:
            for score in group.scores:
                keys[score.id.key] = {pair.name for pair in group.dataset.pairs}
        for unit in self.method_units:
            keys[unit.score.id.key] = None
        return keys


def make_plan(config: RunConfig, *, allow_missing: bool = False) -> Plan:
    """Expand a configuration. Raises ``FusionBenchError`` for unknown names, missing data, or missing weights
    of a method that was named.

    With ``allow_missing`` (dry runs) missing data and weights are listed in ``skipped`` instead.
    """
    plan = Plan(config)
    skip = allow_missing or config.skip_missing
    for report in config.report or ():
        catalog.reports.match(report)  # a misspelt report is said before the work, not after it
    corruptions = choose(config.corrupt)
    protocols.check_task_options(config)
    evaluators = [catalog.evaluator_of_task(task) for task in config.task]
    names = Names(config)
    methods = names.methods(select_methods(config, plan.skipped, skip))
    datasets = names.datasets(select_datasets(config, plan.skipped, skip))
    for dataset in datasets:
        asked = questions(dataset.dataset, dataset.pairs)
        plan.questions += [f"{dataset.spec.name}/{dataset.split}: {sentence}" for sentence in asked]
    left_out: list[str] = []
    everywhere = [*datasets, *names.datasets(corrupted_datasets(datasets, corruptions, left_out))]
    plan.skipped += dict.fromkeys(left_out)
    image_evaluators = [e for e in evaluators if e.scope != "method"]
    for method in methods:
        for dataset in everywhere:
            _add_group(config, method, dataset, image_evaluators, plan, skip)
        for evaluator in evaluators:
            if evaluator.scope != "method" or method.folder is not None:
                continue
            if method.spec.external is not None:
                plan.skipped.append(
                    f"{evaluator.task} of {method.spec.name}: skipped, it runs outside fusionbench"
                )
            else:
                plan.method_units.append(_method_unit(config, method, datasets, evaluator))
    for method in names.methods(reference_methods(config, image_evaluators, methods)):
        asking = [e for e in image_evaluators if method.spec.name in e.reference_methods]
        for dataset in everywhere:
            _add_group(config, method, dataset, asking, plan, skip, only_scored=True)
    if not methods or not datasets:
        if allow_missing:
            return plan
        raise InputError(
            "\n  ".join(["nothing to run:", *(plan.skipped or ["no method or dataset is left"])])
        )
    return plan


def _add_group(
    config: RunConfig,
    method: PlannedMethod,
    dataset: PlannedDataset,
    evaluators: Sequence[EvaluatorSpec],
    plan: Plan,
    allow_missing: bool,
    *,
    only_scored: bool = False,
) -> None:
    """Add the units of a method on a split, and before them the fusing of the training splits that its
    protocols name."""
    if dataset.corruption is not None and (reason := not_corruptible(method)):
        _skip(plan, reason)
        return
    fuse = fuse_unit(config, method, dataset)
    scores: list[ScoreUnit] = []
    for evaluator in evaluators:
        if what := protocols.missing(dataset.dataset, evaluator):
            _skip(
                plan,
                f"{evaluator.task} on {dataset.spec.name}: skipped, the dataset has no {' or '.join(what)}",
            )
            continue
        pairs = protocols.labelled(dataset.pairs, evaluator) or protocols.boxed_elsewhere(dataset, evaluator)
        if not pairs:
            _skip(
                plan,
                f"{evaluator.task} on {dataset.spec.name}/{dataset.split}: skipped, none of its "
                f"{len(dataset.pairs)} pairs has labels for it",
            )
            continue
        if len(pairs) < len(dataset.pairs):
            _skip(
                plan,
                f"{evaluator.task} on {dataset.spec.name}/{dataset.split}: {len(dataset.pairs) - len(pairs)} "
                f"of {len(dataset.pairs)} pairs "
                "have no labels for it and don't count",
            )
        selection = select_metrics(evaluator, config.metrics, config.convention, dataset.spec.name)
        for sentence in selection.undefined.values():
            _skip(plan, sentence)
        for convention in selection.conventions:
            try:
                scores += _score_units(config, method, dataset, fuse, selection, convention, pairs, plan)
            except MissingWeightsError as error:
                if not allow_missing:
                    raise
                _skip(plan, f"{evaluator.task} on {dataset.spec.name}: {error}")
    if scores or not only_scored:
        plan.groups.append(_new_group(config, method, dataset, fuse, scores))


def _new_group(
    config: RunConfig,
    method: PlannedMethod,
    dataset: PlannedDataset,
    fuse: UnitId,
    scores: Sequence[ScoreUnit],
) -> Group:
    """A group; an external method gets the folder that its script's images of this split will lie in."""
    if method.spec.external is not None:
        folder = config.folder / "external" / method.spec.name / dataset.spec.name
        method = replace(method, folder=folder / f"{dataset.split}-{fuse.key[:12]}")
    return Group(method, dataset, fuse, tuple(scores))


def _score_units(
    config: RunConfig,
    method: PlannedMethod,
    dataset: PlannedDataset,
    fuse: UnitId,
    selection: MetricSelection,
    name: str,
    pairs: tuple[Pair, ...],
    plan: Plan,
) -> list[ScoreUnit]:
    """The units of an evaluator with one convention: one, or one per seed where it retrains."""
    evaluator = selection.evaluator
    spec = next((c for c in evaluator.conventions if c.name == name), None) or ConventionSpec(
        name=name, title=name
    )
    recipe = protocols.recipe_of(config, evaluator, spec)
    if dataset.corruption is not None and spec.retrains and not spec.training_split:
        _skip(plan, f"{name} on corrupted pairs: skipped, it trains on the images that it judges")
        return []
    identity = score_identity(fuse, evaluator, spec, recipe)
    training: UnitId | None = None
    training_pairs: tuple[Pair, ...] = ()
    if spec.training_split:
        split = _training_split(dataset, evaluator, spec, plan)
        if split is None:
            return []
        training, training_pairs = fuse_unit(config, method, split), split.pairs
        identity.append(training.key)
        if all(g.fuse.key != training.key for g in plan.groups):
            plan.groups.append(_new_group(config, method, split, training, []))
    units = []
    for seed in range(config.seed, config.seed + ((config.seeds or spec.seeds) if spec.retrains else 1)):
        key = hashed([*identity, seed] if spec.retrains else identity)
        unit = UnitId(evaluator.name, method.name, dataset.name, dataset.split, name, seed, key)
        units.append(
            ScoreUnit(
                unit,
                evaluator,
                selection.metrics[name],
                recipe,
                pairs,
                spec.retrains,
                training,
                training_pairs,
            )
        )
    return units


def _training_split(
    dataset: PlannedDataset, evaluator: EvaluatorSpec, protocol: ConventionSpec, plan: Plan
) -> PlannedDataset | None:
    """The labelled pairs of the split that a protocol trains on, always clean; None (and the reason in
    ``plan.skipped``) if there are none."""
    dataset = dataset.clean or dataset
    name, split = dataset.spec.name, protocol.training_split
    reason = ""
    pairs: tuple[Pair, ...] = ()
    if split == dataset.split:
        reason = f"it trains on the split {split}; evaluate on another one with --split"
    elif split not in dataset.spec.splits:
        reason = f"it trains on the split {split}, and the dataset has {', '.join(dataset.spec.splits)}"
    else:
        try:
            pairs = protocols.labelled(dataset.dataset.pairs(split), evaluator)
        except MissingDataError as error:
            reason = str(error)
        else:
            reason = "" if pairs else f"no pair of the split {split}, on which it trains, has labels for it"
    if reason:
        _skip(plan, f"{protocol.name} on {name}: skipped, {reason}")
        return None
    return replace(dataset, split=split, pairs=pairs)


def _skip(plan: Plan, reason: str) -> None:
    if reason not in plan.skipped:
        plan.skipped.append(reason)


def _method_unit(
    config: RunConfig, method: PlannedMethod, datasets: Sequence[PlannedDataset], evaluator: EvaluatorSpec
) -> MethodUnit:
    sizes = dict.fromkeys([REFERENCE_SIZE, *(d.spec.size for d in datasets if d.spec.size)])
    unit = method_unit_id(config, method, evaluator, list(sizes))
    selection = select_metrics(evaluator, config.metrics)
    (metrics,) = selection.metrics.values()
    return MethodUnit(method, ScoreUnit(unit, evaluator, metrics), tuple(sizes))
