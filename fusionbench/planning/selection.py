"""The methods, datasets and pairs that a configuration names, found and checked to be available."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..contracts.dataset import Dataset, Pair, Questioning
from ..contracts.evaluator import EvaluatorSpec
from ..contracts.method import MethodSpec
from ..errors import (
    FusionBenchError,
    InputError,
    MissingDataError,
    MissingRepositoryError,
    MissingWeightsError,
)
from ..files import artifacts, remote
from ..plugins import catalog
from ..plugins.imported_files import fingerprint
from .config import RunConfig
from .units import PlannedDataset, PlannedMethod


def select_pairs(pairs: Sequence[Pair], images: Sequence[str], limit: int | None) -> list[Pair]:
    """The pairs whose names match ``images`` (names or globs; all if empty), at most ``limit`` of them,
    evenly spread.

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
                    f"there is no image called {pattern!r}; there are {len(pairs)}: "
                    + ", ".join(p.name for p in pairs[:3])
                    + (" …" if len(pairs) > 3 else "")
                )
        chosen = [p for p in pairs if any(fnmatch.fnmatchcase(p.name, pattern) for pattern in patterns)]
    if limit is not None and limit < len(chosen):
        chosen = [chosen[i * len(chosen) // limit] for i in range(limit)]
    return chosen


def open_dataset(
    name: str, data_root: Mapping[str, Path | str], options: dict[str, Any] | None = None
) -> Dataset:
    """Open a dataset by name. Its root is, in turn: ``data_root[name]``, ``data_root['']``, the environment's
    FUSIONBENCH_DATA, the cache.
    What lies in object storage is copied to the cache first.

    Raises ``UnknownNameError`` or ``MissingDataError``.
    """
    spec = catalog.datasets.get(name)
    if options:
        spec = spec.model_copy(update={"options": {**spec.options, **options}})
    root = data_root.get(name) or data_root.get("") or artifacts.data_root(name)
    if root is not None and spec.needs_root:
        root = remote.mirror(str(root)) if remote.is_url(root) else Path(root)
    dataset: Dataset = catalog.build(spec.factory)(spec, root if spec.needs_root else None)
    return dataset


def select_methods(config: RunConfig, skipped: list[str], allow_missing: bool) -> list[PlannedMethod]:
    """The methods of the run, each once. What is missing for one that was named is raised
    (``FusionBenchError``), or with ``allow_missing`` added to ``skipped``; a glob leaves out what is
    missing in any case."""
    planned: dict[str, PlannedMethod] = {}
    for text in config.method:
        for method in resolve_methods(text, config):
            name = method.spec.name
            if name in planned:
                if planned[name].text != text and (method.folder or planned[name].folder):
                    raise InputError(
                        f"--method {text}: another method of this run is called {name!r} too; give it a "
                        f"label: {text}:OTHER"
                    )
                continue
            method, missing = _ready(method)
            if missing is None:
                planned[name] = method
            elif allow_missing or any(c in text for c in "*?[") or text == "all":
                skipped.append(f"{name}: {missing}")
            else:
                raise missing
    return list(planned.values())


def resolve_methods(text: str, config: RunConfig) -> list[PlannedMethod]:
    """The methods that a ``--method`` text stands for: a name, a glob, ``dir:…``, ``external:….yaml`` or
    ``file.py:Class``."""
    if text.startswith("dir:"):
        from ..external.folder import folder_method

        spec, folder = folder_method(text)
        options = config.method_options.get(spec.name, {})
        spec, folder = folder_method(text, options=options)
        return [PlannedMethod(spec, options, folder, "dir", text)]
    if text.startswith("external:"):
        from ..external.reading import read_method

        spec = read_method(Path(text.removeprefix("external:")).expanduser())
        return [PlannedMethod(spec, _options(config, spec), None, "", text)]
    if ".py:" in text:
        from ..plugins.user_file import user_method

        spec, fingerprint = user_method(text)
        return [PlannedMethod(spec, _options(config, spec), None, fingerprint, text)]
    return [
        PlannedMethod(spec, _options(config, spec), None, "", text) for spec in catalog.methods.match(text)
    ]


def current_fingerprint(method: PlannedMethod) -> str:
    """The fingerprint of a method's code as it is now; that of the plan where it can't have changed.

    Raises ``InputError`` if a user's file isn't there any more.
    """
    if ".py:" not in method.text:
        return method.fingerprint
    path = Path(method.text.rpartition(":")[0]).expanduser()
    try:
        return fingerprint(path)
    except OSError as error:
        raise InputError(f"{error.filename or path}: can't be read ({error.strerror})") from error


def _options(config: RunConfig, spec: MethodSpec) -> dict[str, Any]:
    return {**spec.options, **config.method_options.get("", {}), **config.method_options.get(spec.name, {})}


def _ready(method: PlannedMethod) -> tuple[PlannedMethod, FusionBenchError | None]:
    """The method, and what is missing for running it: weights, or an external method's clone and
    environment."""
    missing = _missing_weights(method)
    if method.spec.external is None:
        return method, missing
    from ..external.setting import check_setting

    try:
        return replace(method, fingerprint=check_setting(method.spec, method.options).state), missing
    except MissingRepositoryError as error:
        return method, error


def _missing_weights(method: PlannedMethod) -> FusionBenchError | None:
    spec = method.spec
    required = [a for a in spec.artifacts if not a.optional]
    for artifact in required:
        if error := artifacts.absence(artifact):
            return error
    if spec.status == "needs-weights" and not required and not method.options.get("weights"):
        return MissingWeightsError(f"{spec.name}: has no weights to fetch. {spec.note}")
    return None


def select_datasets(config: RunConfig, skipped: list[str], allow_missing: bool) -> list[PlannedDataset]:
    """The datasets of the run, opened, with the selected pairs; missing ones are treated as methods are.
    Raises ``InputError`` for a split that one does not have, ``MissingDataError``."""
    planned: dict[str, PlannedDataset] = {}
    for text in config.dataset:
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
                    skipped.append(f"{spec.name}: {error}")
                    continue
                raise
            chosen = select_pairs(pairs, config.images, config.limit)
            if not chosen:
                raise MissingDataError(
                    f"{spec.name}/{split}: has no pairs; `fusionbench data verify {spec.name}` says what is "
                    "there"
                )
            planned[spec.name] = PlannedDataset(dataset.spec, dataset, split, tuple(chosen), options)
    return list(planned.values())


def questions(dataset: Dataset, pairs: Sequence[Pair]) -> list[str]:
    """What looks wrong with the selected pairs, though nothing is broken (see
    ``contracts.dataset.Questioning``)."""
    return dataset.questions(pairs) if isinstance(dataset, Questioning) else []


def reference_methods(
    config: RunConfig, evaluators: Sequence[EvaluatorSpec], methods: Sequence[PlannedMethod]
) -> list[PlannedMethod]:
    """The methods that evaluators want scored beside those of the run, and that it does not have."""
    there = {m.spec.name for m in methods}
    names = dict.fromkeys(name for e in evaluators for name in e.reference_methods if name not in there)
    return [method for name in names for method in resolve_methods(name, config)] if methods else []
