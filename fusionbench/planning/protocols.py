"""What protocols add to a plan: recipes with the user's options in them, the files that they name, the pairs
that carry labels.

A protocol (a ``ConventionSpec`` with a ``recipe``) is named in every row together with a hash
(``contracts.ProtocolId``), so that a changed threshold, schedule or checkpoint never passes for the same
protocol.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..contracts.dataset import Dataset, Pair
from ..contracts.evaluator import ConventionSpec, EvaluatorSpec
from ..errors import InputError, MissingDataError, MissingWeightsError
from ..files import artifacts
from ..plugins import catalog
from .config import RunConfig
from .units import PlannedDataset

WEIGHT_ENDINGS = {".pt", ".pth", ".safetensors", ".onnx"}
"""A text of a recipe that ends so names a file of weights."""


def check_task_options(config: RunConfig) -> None:
    """Raise ``InputError`` for options of a task that isn't there, or that none of its protocols has."""
    tasks = {e.task: e for e in catalog.evaluators.all().values()}
    for task, options in config.task_options.items():
        if task not in tasks:
            raise InputError(f"--task-option {task}.…: {catalog.unknown_name_message('task', task, tasks)}")
        known = dict.fromkeys(key for c in tasks[task].conventions for key in c.recipe)
        for key in options:
            if key not in known:
                told = f"it has {', '.join(known)}" if known else "it has none"
                raise InputError(f"--task-option {task}.{key}: {task} has no option {key!r}; {told}")


def recipe_of(config: RunConfig, evaluator: EvaluatorSpec, convention: ConventionSpec) -> dict[str, Any]:
    """A protocol's recipe with the user's options in it. Raises ``InputError`` for a value of another
    type."""
    recipe = dict(convention.recipe)
    for key, value in config.task_options.get(evaluator.task, {}).items():
        if key not in recipe:
            continue
        default = recipe[key]
        if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if default is not None and type(value) is not type(default) and not isinstance(default, list | tuple):
            raise InputError(
                f"--task-option {evaluator.task}.{key}={value}: expected a value like {default!r}"
            )
        recipe[key] = value
    return recipe


def named_file(evaluator: EvaluatorSpec, text: str) -> Path | None:
    """The file that a recipe's text stands for: a path, or the verified local file of the evaluator's
    artifact of that name or file name; None if it is neither. Raises ``MissingWeightsError`` with what to
    do for an artifact that isn't available."""
    path = Path(text).expanduser()
    if path.is_file():
        return path
    for artifact in evaluator.artifacts:
        if text in (artifact.name, artifact.filename):
            return artifacts.locate(artifact)
    return None


def files_of(evaluator: EvaluatorSpec, recipe: Mapping[str, Any]) -> dict[str, str]:
    """sha256 of every file that a recipe names, by the recipe's key. Raises ``MissingWeightsError`` for
    one that isn't available."""
    found = {}
    values = {k: v for k, v in recipe.items() if not isinstance(v, list | tuple)}
    for name, several in recipe.items():
        if isinstance(several, list | tuple):
            values |= {f"{name}[{i}]": text for i, text in enumerate(several)}
    for key, value in values.items():
        path = named_file(evaluator, value) if isinstance(value, str) and value else None
        if path is not None:
            found[key] = artifacts.file_hashes(path)[0]
        elif isinstance(value, str) and Path(value).suffix.lower() in WEIGHT_ENDINGS:
            known = ", ".join(a.filename for a in evaluator.artifacts)
            raise MissingWeightsError(
                f"{evaluator.task}.{key}={value}: there is no such file here, and nothing is downloaded by a "
                "name that has no checksum. "
                f"Get the file and give its path (--task-option {evaluator.task}.{key}=PATH), or name one "
                f"that is known: {known}"
            )
    return found


def labelled(pairs: Sequence[Pair], evaluator: EvaluatorSpec) -> tuple[Pair, ...]:
    """The pairs that have the labels or boxes the evaluator needs. Pairs without files at all (rendered
    ones) bring it along when they are loaded."""
    roles = [role for role in ("labels", "boxes") if role in evaluator.needs]
    return tuple(
        p for p in pairs if p.infrared is None or all(getattr(p, role) is not None for role in roles)
    )


def boxed_elsewhere(dataset: PlannedDataset, evaluator: EvaluatorSpec) -> tuple[Pair, ...]:
    """The selected pairs with the boxes that another split of their dataset has for them
    (``DatasetSpec.box_splits``)."""
    split = dataset.spec.box_splits.get(dataset.split)
    if split is None or "boxes" not in evaluator.needs:
        return ()
    try:
        boxed = {pair.name: pair for pair in dataset.dataset.pairs(split)}
    except MissingDataError:
        return ()
    return tuple(boxed[pair.name] for pair in dataset.pairs if pair.name in boxed)


def missing(dataset: Dataset, evaluator: EvaluatorSpec) -> list[str]:
    """What the evaluator needs and the dataset has no classes for: ``labels``, ``boxes``."""
    classes = {"labels": dataset.spec.semantic_classes, "boxes": dataset.spec.box_classes}
    return [what for what, names in classes.items() if what in evaluator.needs and not names]
