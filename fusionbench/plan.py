"""Expands a configuration into units of work, each with a key that hashes all its result depends on.

A unit whose key and images are already in the store is done: resuming is the default, and scoring again never fuses again.
Nothing heavy is imported here: planning opens datasets (listing files) and checks weights, no more.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import artifacts, catalog, protocols
from .config import RunConfig
from .contracts import Artifact, ConventionSpec, Dataset, DatasetSpec, EvaluatorSpec, MethodSpec, Pair
from .errors import (
    FusionBenchError,
    InputError,
    MissingDataError,
    MissingRepositoryError,
    MissingWeightsError,
)
from .provenance import processor
from .store import UnitId

HARNESS_VERSION = 1
"""Raised when the harness itself changes what a method's pixels come out as."""

REFERENCE_SIZE = (480, 640)
"""(height, width) at which efficiency is always measured: that of MSRS."""

_IDENTITY = {
    "name", "input", "output", "grey", "colour", "quantise", "rounding", "size_multiple", "size_rule", "minimum_size", "options", "version",
}  # fmt: skip
"""The fields of a method spec that its pixels depend on (the rest is description)."""


@dataclass(frozen=True)
class PlannedMethod:
    """A method of the run: its spec, the options given to it, and the folder where its images lie ready (``dir:``),
    or will lie when its official script has run (external methods, a folder a split)."""

    spec: MethodSpec
    options: dict[str, Any]
    folder: Path | None = None
    fingerprint: str = ""
    text: str = ""


@dataclass(frozen=True)
class PlannedDataset:
    """A dataset of the run, opened, with the pairs that were selected."""

    spec: DatasetSpec
    dataset: Dataset
    split: str
    pairs: tuple[Pair, ...]
    options: dict[str, Any]


@dataclass(frozen=True)
class ScoreUnit:
    """An evaluator with one convention (or protocol), applied to one method on one split, or to the method itself."""

    id: UnitId
    evaluator: EvaluatorSpec
    metrics: tuple[str, ...] | None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """The protocol's recipe with the user's options in it."""
    pairs: tuple[Pair, ...] | None = None
    """The pairs that carry the labels the evaluator needs; None: all of the group's."""
    retrains: bool = False
    training: UnitId | None = None
    """The unit that fuses the training split, where the protocol names one."""
    training_pairs: tuple[Pair, ...] = ()


@dataclass(frozen=True)
class Group:
    """All units about one method on one split."""

    method: PlannedMethod
    dataset: PlannedDataset
    fuse: UnitId
    scores: tuple[ScoreUnit, ...]

    @property
    def label(self) -> str:
        return f"{self.method.spec.name} on {self.dataset.spec.name}/{self.dataset.split}"


@dataclass(frozen=True)
class MethodUnit:
    """Units about a method itself (efficiency), at the given (height, width) sizes."""

    method: PlannedMethod
    score: ScoreUnit
    sizes: tuple[tuple[int, int], ...]


@dataclass
class Plan:
    """Everything a run will do. ``skipped`` lists what was left out, and why (methods matched by a glob whose weights are missing, …)."""

    config: RunConfig
    groups: list[Group] = field(default_factory=list)
    method_units: list[MethodUnit] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

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
    """Expand a configuration. Raises ``FusionBenchError`` for unknown names, missing data, or missing weights of a method that was named.

    With ``allow_missing`` (dry runs) missing data and weights are listed in ``skipped`` instead.
    """
    plan = Plan(config)
    for report in catalog.split_names(config.report or []):
        catalog.reports.match(report)  # a misspelt report is said before the work, not after it
    protocols.check_task_options(config)
    evaluators = [catalog.evaluator_of_task(task) for task in catalog.split_names(config.task)]
    methods = _methods(config, plan, allow_missing)
    datasets = _datasets(config, plan, allow_missing)
    image_evaluators = [e for e in evaluators if e.scope != "method"]
    for method in methods:
        for dataset in datasets:
            _add_group(config, method, dataset, image_evaluators, plan, allow_missing)
        for evaluator in evaluators:
            if evaluator.scope != "method" or method.folder is not None:
                continue
            if method.spec.external is not None:
                plan.skipped.append(
                    f"{evaluator.task} of {method.spec.name}: skipped, it runs outside fusionbench"
                )
            else:
                plan.method_units.append(_method_unit(config, method, datasets, evaluator))
    for method in _reference_methods(config, image_evaluators, methods):
        asking = [e for e in image_evaluators if method.spec.name in e.reference_methods]
        for dataset in datasets:
            _add_group(config, method, dataset, asking, plan, allow_missing, only_scored=True)
    if not methods or not datasets:
        if allow_missing:
            return plan
        raise InputError("nothing to run: " + ("; ".join(plan.skipped) or "no method or dataset is left"))
    return plan


def select_pairs(pairs: Sequence[Pair], images: Sequence[str], limit: int | None) -> list[Pair]:
    """The pairs whose names match ``images`` (names or globs; all if empty), at most ``limit`` of them, evenly spread.

    Raises ``InputError`` if a name or glob matches none.
    """
    chosen = list(pairs)
    if images:
        patterns = [
            Path(i).stem if i.lower().endswith((".png", ".jpg", ".webp", ".bmp", ".tif")) else i
            for i in images
        ]
        for pattern in patterns:
            if not any(fnmatch.fnmatchcase(p.name, pattern) for p in pairs):
                raise InputError(
                    catalog.unknown_name_message("image", pattern, [p.name for p in pairs]).split(";")[0]
                    + "; see `fusionbench info DATASET`"
                )
        chosen = [p for p in pairs if any(fnmatch.fnmatchcase(p.name, pattern) for pattern in patterns)]
    if limit is not None and limit < len(chosen):
        chosen = [chosen[i * len(chosen) // limit] for i in range(limit)]
    return chosen


def open_dataset(name: str, data_root: dict[str, Path], options: dict[str, Any] | None = None) -> Dataset:
    """Open a dataset by name. Its root is, in turn: ``data_root[name]``, ``data_root['']``, the environment's FUSIONBENCH_DATA, the cache.

    Raises ``UnknownNameError`` or ``MissingDataError``.
    """
    spec = catalog.datasets.get(name)
    if options:
        spec = spec.model_copy(update={"options": {**spec.options, **options}})
    root = data_root.get(name) or data_root.get("") or artifacts.data_root(name)
    dataset: Dataset = catalog.build(spec.factory)(spec, root if spec.needs_root else None)
    return dataset


def _methods(config: RunConfig, plan: Plan, allow_missing: bool) -> list[PlannedMethod]:
    planned: dict[str, PlannedMethod] = {}
    for text in catalog.split_names(config.method):
        for method in resolve_methods(text, config):
            name = method.spec.name
            if name in planned:
                if planned[name].text != text and (method.folder or planned[name].folder):
                    raise InputError(
                        f"--method {text}: another method of this run is called {name!r} too; give it a label: {text}:OTHER"
                    )
                continue
            method, missing = _ready(method)
            if missing is None:
                planned[name] = method
            elif allow_missing or any(c in text for c in "*?[") or text == "all":
                plan.skipped.append(f"{name}: {missing}")
            else:
                raise missing
    return list(planned.values())


def resolve_methods(text: str, config: RunConfig) -> list[PlannedMethod]:
    """The methods that a ``--method`` text stands for: a name, a glob, ``dir:…``, ``external:….yaml`` or ``file.py:Class``."""
    if text.startswith("dir:"):
        from .precomputed import folder_method

        spec, folder = folder_method(text)
        return [PlannedMethod(spec, {}, folder, "dir", text)]
    if text.startswith("external:"):
        from .external.reading import read_method

        spec = read_method(Path(text.removeprefix("external:")).expanduser())
        return [PlannedMethod(spec, _options(config, spec), None, "", text)]
    if ".py:" in text:
        from .usercode import user_method

        spec, fingerprint = user_method(text)
        return [PlannedMethod(spec, _options(config, spec), None, fingerprint, text)]
    return [
        PlannedMethod(spec, _options(config, spec), None, "", text) for spec in catalog.methods.match(text)
    ]


def _options(config: RunConfig, spec: MethodSpec) -> dict[str, Any]:
    return {**spec.options, **config.method_options.get("", {}), **config.method_options.get(spec.name, {})}


def _ready(method: PlannedMethod) -> tuple[PlannedMethod, FusionBenchError | None]:
    """The method, and what is missing for running it: weights, or an external method's clone and environment."""
    missing = _missing_weights(method)
    if method.spec.external is None:
        return method, missing
    from .external.setting import check_setting

    try:
        return replace(method, fingerprint=check_setting(method.spec, method.options).state), missing
    except MissingRepositoryError as error:
        return method, error


def _missing_weights(method: PlannedMethod) -> FusionBenchError | None:
    spec = method.spec
    required = [a for a in spec.artifacts if not a.optional]
    for artifact in required:
        if error := _absence(artifact):
            return error
    if spec.status == "needs-weights" and not required and not method.options.get("weights"):
        return MissingWeightsError(f"{spec.name}: has no weights to fetch. {spec.note}")
    return None


def _absence(artifact: Artifact) -> MissingWeightsError | None:
    try:
        artifacts.locate(artifact)
    except MissingWeightsError as error:
        return error
    return None


def _datasets(config: RunConfig, plan: Plan, allow_missing: bool) -> list[PlannedDataset]:
    planned: dict[str, PlannedDataset] = {}
    for text in catalog.split_names(config.dataset):
        for spec in catalog.datasets.match(text):
            if spec.name in planned:
                continue
            options = config.dataset_options.get(spec.name, {})
            try:
                dataset = open_dataset(spec.name, config.data_root, options)
                split = config.split or dataset.spec.splits[0]
                if split not in dataset.spec.splits:
                    raise InputError(
                        f"--split {split}: {spec.name} has the splits {', '.join(dataset.spec.splits)}"
                    )
                pairs = dataset.pairs(split)
            except MissingDataError as error:
                if allow_missing or any(c in text for c in "*?[") or text == "all":
                    plan.skipped.append(f"{spec.name}: {error}")
                    continue
                raise
            chosen = select_pairs(pairs, catalog.split_names(config.images), config.limit)
            if not chosen:
                raise MissingDataError(
                    f"{spec.name}/{split}: has no pairs; `fusionbench data verify {spec.name}` says what is there"
                )
            planned[spec.name] = PlannedDataset(dataset.spec, dataset, split, tuple(chosen), options)
    return list(planned.values())


def _reference_methods(
    config: RunConfig, evaluators: Sequence[EvaluatorSpec], methods: Sequence[PlannedMethod]
) -> list[PlannedMethod]:
    """The methods that evaluators want scored beside those of the run, and that it lacks."""
    there = {m.spec.name for m in methods}
    names = dict.fromkeys(name for e in evaluators for name in e.reference_methods if name not in there)
    return [method for name in names for method in resolve_methods(name, config)] if methods else []


def _add_group(
    config: RunConfig, method: PlannedMethod, dataset: PlannedDataset, evaluators: Sequence[EvaluatorSpec], plan: Plan,
    allow_missing: bool, *, only_scored: bool = False,
) -> None:  # fmt: skip
    """Add the units of a method on a split, and before them the fusing of the training splits that its protocols name."""
    fuse = _fuse_unit(config, method, dataset)
    scores: list[ScoreUnit] = []
    for evaluator in evaluators:
        if what := protocols.lacking(dataset.dataset, evaluator):
            _skip(
                plan,
                f"{evaluator.task} on {dataset.spec.name}: skipped, the dataset has no {' or '.join(what)}",
            )
            continue
        pairs = protocols.labelled(dataset.pairs, evaluator)
        if not pairs:
            _skip(
                plan,
                f"{evaluator.task} on {dataset.spec.name}/{dataset.split}: skipped, none of its {len(dataset.pairs)} pairs has a label file",
            )
            continue
        if len(pairs) < len(dataset.pairs):
            _skip(
                plan,
                f"{evaluator.task} on {dataset.spec.name}/{dataset.split}: {len(dataset.pairs) - len(pairs)} of {len(dataset.pairs)} pairs "
                "have no label file and don't count",
            )
        for convention in protocols.conventions_of(config, evaluator, dataset.spec.name):
            try:
                scores += _score_units(config, method, dataset, fuse, evaluator, convention, pairs, plan)
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


def _fuse_unit(config: RunConfig, method: PlannedMethod, dataset: PlannedDataset) -> UnitId:
    key = _hash({
        "harness": HARNESS_VERSION,
        **_method_identity(method, config),
        **_list_identity(method, dataset),
        "dataset": [dataset.spec.name, dataset.spec.version, dataset.options, dataset.split],
    })  # fmt: skip
    return UnitId("fuse", method.spec.name, dataset.spec.name, dataset.split, "", config.seed, key)


def _score_units(
    config: RunConfig, method: PlannedMethod, dataset: PlannedDataset, fuse: UnitId, evaluator: EvaluatorSpec, name: str,
    pairs: tuple[Pair, ...], plan: Plan,
) -> list[ScoreUnit]:  # fmt: skip
    """The units of an evaluator with one convention: one, or one a seed where it retrains."""
    spec = next((c for c in evaluator.conventions if c.name == name), None) or ConventionSpec(
        name=name, title=name
    )
    identity: list[Any] = [fuse.key, evaluator.name, evaluator.version, name, spec.version]
    recipe = protocols.recipe_of(config, evaluator, spec)
    if recipe:
        identity.append(
            {**recipe, **protocols.files_of(evaluator, recipe)}
        )  # a file counts by content, not by path
    training: UnitId | None = None
    training_pairs: tuple[Pair, ...] = ()
    if spec.training_split:
        split = _training_split(dataset, evaluator, spec, plan)
        if split is None:
            return []
        training, training_pairs = _fuse_unit(config, method, split), split.pairs
        identity.append(training.key)
        if all(g.fuse.key != training.key for g in plan.groups):
            plan.groups.append(_new_group(config, method, split, training, []))
    units = []
    for seed in range(config.seed, config.seed + ((config.seeds or spec.seeds) if spec.retrains else 1)):
        key = _hash([*identity, seed] if spec.retrains else identity)
        unit = UnitId(evaluator.name, method.spec.name, dataset.spec.name, dataset.split, name, seed, key)
        units.append(
            ScoreUnit(
                unit, evaluator, protocols.metrics_of(config, evaluator), recipe, pairs, spec.retrains, training, training_pairs,
            )
        )  # fmt: skip
    return units


def _training_split(
    dataset: PlannedDataset, evaluator: EvaluatorSpec, protocol: ConventionSpec, plan: Plan
) -> PlannedDataset | None:
    """The labelled pairs of the split that a protocol trains on; None (and the reason in ``plan.skipped``) if there are none."""
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
            reason = "" if pairs else f"no pair of the split {split}, on which it trains, has a label file"
    if reason:
        _skip(plan, f"{protocol.name} on {name}: skipped, {reason}")
        return None
    return PlannedDataset(dataset.spec, dataset.dataset, split, pairs, dataset.options)


def _skip(plan: Plan, reason: str) -> None:
    if reason not in plan.skipped:
        plan.skipped.append(reason)


def _method_unit(
    config: RunConfig, method: PlannedMethod, datasets: Sequence[PlannedDataset], evaluator: EvaluatorSpec
) -> MethodUnit:
    sizes = dict.fromkeys([REFERENCE_SIZE, *(d.spec.size for d in datasets if d.spec.size)])
    key = _hash([
        _method_identity(method, config), evaluator.name, evaluator.version, list(sizes), config.device, config.jobs, config.batch_size, processor(),
    ])  # fmt: skip
    unit = UnitId(evaluator.name, method.spec.name, "", "", "", config.seed, key)
    return MethodUnit(
        method, ScoreUnit(unit, evaluator, protocols.metrics_of(config, evaluator)), tuple(sizes)
    )


def _list_identity(method: PlannedMethod, dataset: PlannedDataset) -> dict[str, Any]:
    """The images of the selection, where a method's pixels depend on which ones are fused together."""
    if method.spec.external is None or method.options.get("call", method.spec.external.call) != "split":
        return {}
    return {"pairs": [pair.name for pair in dataset.pairs]}


def _method_identity(method: PlannedMethod, config: RunConfig) -> dict[str, Any]:
    spec = method.spec
    return {
        "method": {k: v for k, v in spec.model_dump(mode="json").items() if k in _IDENTITY},
        # An optional artifact that is at hand changes the result, one that isn't doesn't count.
        "weights": [
            [a.name, a.sha256 or a.git_blob] for a in spec.artifacts if not (a.optional and _absence(a))
        ],
        "code": method.fingerprint or spec.factory,
        **({"external": spec.external.pixel_part()} if spec.external is not None else {}),
        "options": _pixel_options(method),
        "precision": config.precision,
        "seed": config.seed,
    }


def _pixel_options(method: PlannedMethod) -> dict[str, Any]:
    """The options that pixels may depend on; an external method's others say where things lie."""
    if method.spec.external is None:
        return method.options
    from .external.setting import PIXEL_OPTIONS

    return {k: v for k, v in method.options.items() if k in PIXEL_OPTIONS}


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
