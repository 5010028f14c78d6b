"""Scores a method's fused images by what a segmenter sees in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from fusionbench.contracts.evaluator import EvaluatorSettings, EvaluatorSpec, FusedSet, Value
from fusionbench.contracts.protocol_id import ProtocolId
from fusionbench.errors import InputError

from .details import write_details
from .judge.samples import check_fits, read_labelled
from .judge.segmenting import segment, train_fold
from .recipe import Recipe, make_recipe
from .scores.boundary import boundary_scores
from .scores.confusion import confusion_matrix, pixel_accuracy
from .scores.set_scores import SetScores

_NEITHER = "in neither the labels nor the predictions"


class SegmentationEvaluator:
    """Evaluator of scope ``dataset``; ``settings.options`` is the protocol's recipe."""

    def __init__(self, spec: EvaluatorSpec, settings: EvaluatorSettings) -> None:
        protocols = {c.name: c for c in spec.conventions}
        if settings.convention not in protocols:
            raise InputError(
                f"segmentation has no protocol {settings.convention!r}; it has {', '.join(protocols)}"
            )
        self.metrics = settings.metrics or spec.default_metrics
        self.settings = settings
        self.recipe: Recipe = make_recipe(
            settings.convention, settings.options or protocols[settings.convention].recipe
        )
        if protocols[settings.convention].retrains != (self.recipe.input == "fused"):
            raise InputError(
                f"{settings.convention}: its input can't be changed; that would be another protocol"
            )

    @property
    def trainings(self) -> int:
        """See ``TrainsApart``: one per fold, where the method's own images are cut into folds."""
        return self.recipe.folds if self.recipe.input == "fused" else 0

    def train(self, fused: FusedSet, number: int, progress: Callable[[int, int], None]) -> None:
        """Train the judge of a fold."""
        labelled = read_labelled(fused.dataset, fused.pairs)
        train_fold(fused, labelled, number, self.recipe, self.settings, progress)

    def score(self, fused: FusedSet, progress: Callable[[int, int], None]) -> Iterator[tuple[str, Value]]:
        """Yield (image or "", value).

        Pairs whose labels can't be used are left out of the set's figures and named with the reason.
        """
        classes = fused.dataset.spec.semantic_classes
        labelled = read_labelled(fused.dataset, fused.pairs)
        judging, predictions = segment(fused, labelled, self.recipe, self.settings, progress)
        matrices, outlines, masks = {}, {}, {}
        for pair, predicted in predictions:
            true = labelled.labels[pair.name]
            check_fits(pair.name, predicted, true)
            matrices[pair.name] = confusion_matrix(true, predicted, len(classes))
            outlines[pair.name] = boundary_scores(
                true, predicted, len(classes), self.recipe.boundary_tolerance
            )
            masks[pair.name] = predicted
        names = [p.name for p in labelled.pairs]
        scores = SetScores(
            names, np.stack([matrices[n] for n in names]), np.stack([outlines[n] for n in names]), classes
        )
        protocol = ProtocolId.of(
            self.settings.convention, judging.name, _identity(self.recipe), judging.identity
        )
        convention = str(protocol)
        if self.settings.details_dir is not None:
            write_details(
                self.settings.details_dir,
                self.settings.convention,
                self.recipe,
                judging,
                protocol.hash,
                labelled,
                scores,
                masks,
                self.settings.seed,
            )
        yield from self._values(scores, convention)
        for name, reason in labelled.excluded.items():
            if "PixelAccuracy" in self.metrics:
                yield name, Value("PixelAccuracy", math.nan, reason=reason, convention=convention)

    def _values(self, scores: SetScores, convention: str) -> Iterator[tuple[str, Value]]:
        for (metric, class_name), number in scores.figures().items():
            if metric in self.metrics:
                reason = _NEITHER if math.isnan(number) else ""
                yield "", Value(metric, number, class_name, reason, convention)
        if "PixelAccuracy" in self.metrics:
            for name, matrix in zip(scores.names, scores.matrices, strict=True):
                accuracy = float(pixel_accuracy(matrix))
                reason = "all its pixels are ignored" if math.isnan(accuracy) else ""
                yield name, Value("PixelAccuracy", accuracy, reason=reason, convention=convention)


def _identity(recipe: Recipe) -> dict[str, object]:
    """The recipe without the places of files, whose content is hashed instead."""
    return recipe.model_dump(mode="json", exclude={"judge", "judges", "encoder_weights"})


def build(spec: EvaluatorSpec, settings: EvaluatorSettings) -> SegmentationEvaluator:
    """The factory of the evaluator's spec."""
    return SegmentationEvaluator(spec, settings)
