"""A tiny labelled dataset in memory: bright squares (class 1) and dark ones (class 2) on grey, 64×64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fusionbench.contracts.dataset import DatasetSpec, Pair, PairImages
from fusionbench.evaluators.segmentation.recipes import RETRAIN
from tests.support.memory_dataset import MemoryDataset

CLASSES = ("unlabelled", "bright", "dark")
TINY = {
    **RETRAIN,
    "encoder_weights": "none",
    "decoder_channels": 16,
    "crop": [32, 32],
    "scale": [0.5, 1.0],
    "batch_size": 4,
    "epochs": 2.0,
    "warmup_steps": 1,
}


class Squares(MemoryDataset):
    """A ``Dataset``; ``spoil`` may replace a pair's labels."""

    def __init__(self, count: int, spoil: Callable[[str, np.ndarray], Any] = lambda name, ids: ids) -> None:
        self.spec = DatasetSpec(
            name="squares", title="Squares", splits=("test", "train"), semantic_classes=CLASSES
        )
        self.count, self.spoil = count, spoil

    def pairs(self, split: str) -> Sequence[Pair]:
        start = 0 if split == "test" else 500
        return [Pair(f"{start + i:03d}{'DN'[i % 2]}") for i in range(self.count)]

    def load(self, pair: Pair, *, labels: bool = False) -> PairImages:
        rng = np.random.default_rng(int(pair.name[:3]))
        ids = np.zeros((64, 64), np.uint8)
        for class_id in (1, 2):
            top, left = rng.integers(0, 40, 2)
            ids[top : top + 22, left : left + 22] = class_id
        image = np.choose(ids, (128, 230, 20)).astype(np.float64) + rng.normal(0, 4, ids.shape)
        grey = np.clip(image, 0, 255).astype(np.uint8)
        return PairImages(
            grey, np.repeat(grey[..., None], 3, 2), self.spoil(pair.name, ids) if labels else None
        )
