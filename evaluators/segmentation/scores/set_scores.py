"""The figures of a set of images, and of bootstrap resamples of it, from each image's confusion matrix and
boundary scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fusionbench.statistics.intervals import DRAWS, image_draws

from .boundary import mean_boundary
from .confusion import Counts, Scores, intersection_over_union, mean_iou, mean_over_classes, pixel_accuracy

Figure = tuple[str, str]
"""Metric and class name ("" for all classes)."""


@dataclass(frozen=True)
class SetScores:
    """``matrices`` N×K×K and ``outlines`` N×K (boundary F, NaN where the class is in neither map) of the
    images ``names``.
    """

    names: Sequence[str]
    matrices: Counts
    outlines: Scores
    classes: Sequence[str]

    def figures(self) -> dict[Figure, float]:
        """Every figure of the set."""
        figures = self._figures(self.matrices.sum(0), mean_boundary(self.outlines))
        return {key: float(value) for key, value in figures.items()}

    def resampled(self, draws: int = DRAWS) -> dict[Figure, Scores]:
        """Every figure of each bootstrap draw over images: arrays of ``draws`` values."""
        weights = image_draws(self.names, draws)
        k = len(self.classes)
        flat = self.matrices.reshape(len(self.names), k * k)
        matrices = (weights @ flat).reshape(draws, k, k)
        return self._figures(matrices, mean_boundary(self.outlines, weights))

    def _figures(self, matrix: Counts, outlines: Scores) -> dict[Figure, npt.NDArray[np.float64]]:
        iou = intersection_over_union(matrix)
        figures: dict[Figure, npt.NDArray[np.float64]] = {
            ("mIoU", ""): mean_iou(matrix),
            ("mIoU_labelled", ""): mean_iou(matrix, unlabelled=False),
            ("PixelAccuracy", ""): pixel_accuracy(matrix),
            ("BoundaryF", ""): mean_over_classes(outlines),
        }
        for i, name in enumerate(self.classes):
            figures["IoU", name] = iou[..., i]
            figures["BoundaryF", name] = outlines[..., i]
        return figures
