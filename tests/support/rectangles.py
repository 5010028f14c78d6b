"""A tiny dataset with boxes in memory: bright rectangles on dark, 64×64."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fusionbench.contracts.dataset import Boxes, DatasetSpec, Pair, PairImages
from tests.support.memory_dataset import MemoryDataset


class Rectangles(MemoryDataset):
    """A ``Dataset``: bright rectangles (class "lamp") on dark, 64×64, one to each half; ``spoil`` may replace
    a pair's boxes.
    """

    def __init__(
        self, count: int, spoil: Callable[[str, Boxes], Boxes | None] = lambda name, boxes: boxes
    ) -> None:
        self.spec = DatasetSpec(
            name="rectangles",
            title="Rectangles",
            splits=("test", "train"),
            box_classes=("lamp", "shade"),
            size=(64, 64),
        )
        self.count, self.spoil = count, spoil

    def pairs(self, split: str) -> Sequence[Pair]:
        start = 0 if split == "test" else 500
        return [Pair(f"{start + i:03d}") for i in range(self.count)]

    def load(self, pair: Pair, *, labels: bool = False) -> PairImages:
        rng = np.random.default_rng(int(pair.name))
        image, boxes = np.full((64, 64), 30, np.uint8), []
        for half in (0, 32):
            x, y, width, height = (
                half + rng.integers(2, 10),
                *rng.integers(2, 30, 1),
                *rng.integers(12, 20, 2),
            )
            image[y : y + height, x : x + width] = 250
            boxes.append([x, y, x + width, y + height])
        found = Boxes(np.array(boxes, np.float64), np.zeros(2, np.int64))
        return PairImages(
            image, np.repeat(image[..., None], 3, 2), None, self.spoil(pair.name, found) if labels else None
        )
