"""What judges are trained on: both sensors of labelled pairs, of a training split or, in folds, of the
evaluated split itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fusionbench.contracts.dataset import Dataset, Pair
from fusionbench.errors import FusionBenchError, InputError, MissingDataError

from ...judging.neutral import DESCRIPTION, stacked
from ..recipe import Recipe
from .samples import Sample, checked_labels, fold_of, make_sample


def neutral_samples(
    dataset: Dataset,
    pairs: Sequence[Pair],
    recipe: Recipe,
    where: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Sample]:
    """The labelled ones of some pairs with both sensors stacked, each loaded once. ``where`` names the pairs.

    Raises ``MissingDataError`` if there are none.
    """
    samples, reason = [], "it has no pairs"
    for i, pair in enumerate(pairs):
        try:
            images = dataset.load(pair, labels=True)
            labels = checked_labels(images, pair, len(dataset.spec.semantic_classes))
        except FusionBenchError as error:
            reason = str(error)
            continue
        sensors = stacked(images.infrared, images.visible)
        samples.append(make_sample(pair.name, sensors, labels, recipe.image_size))
        progress(i + 1, len(pairs))
    if not samples:
        raise MissingDataError(
            f"{where}: no pair has labels to train on ({reason}); a judge trained elsewhere can be named with"
            " --task-option segmentation.judge=PATH"
        )
    return samples


@dataclass(frozen=True)
class Course:
    """One training of a judge: what it trains on, in words, and the pairs; ``folder`` is its name below the
    others' folder.
    """

    what: str
    pairs: tuple[Pair, ...]
    folder: str = ""


def courses(dataset: Dataset, recipe: Recipe, split: str) -> list[Course]:
    """The trainings that the judges of a recipe need: one on the training split, or one per fold on the other
    folds of ``split``.

    Folds are made of all pairs of the split, whichever are scored. Raises ``InputError`` where they are too
    few.
    """
    name = dataset.spec.name
    if not recipe.folds:
        pairs = tuple(dataset.pairs("train"))
        return [Course(f"{name}/train, {DESCRIPTION}", pairs)]
    pairs = tuple(p for p in dataset.pairs(split) if p.infrared is None or p.labels is not None)
    fold = fold_of([p.name for p in pairs], recipe.folds, recipe.fold_block)
    found = [
        Course(
            f"{name}/{split} without fold {k + 1} of {recipe.folds}, {DESCRIPTION}",
            tuple(p for p in pairs if fold[p.name] != k),
            f"fold-{k + 1}",
        )
        for k in range(recipe.folds)
    ]
    if not all(0 < len(course.pairs) < len(pairs) for course in found):
        raise InputError(
            f"{name}/{split}: {len(pairs)} labelled pairs are too few for {recipe.folds} folds of blocks of"
            f" {recipe.fold_block}"
        )
    return found
