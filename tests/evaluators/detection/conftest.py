"""Tiny judges with random weights and a tiny dataset with boxes, so that tests take seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from memory_dataset import MemoryDataset

from fusionbench.contracts.dataset import Boxes, DatasetSpec, Pair, PairImages
from fusionbench.evaluators.detection.judge.network import build_network, save_network

ARCHITECTURE = """
nc: 3
scales: {t: [0.33, 0.0625, 1024]}
scale: t
backbone:
  - [-1, 1, Conv, [128, 6, 4, 2]]
  - [-1, 1, Conv, [256, 3, 2]]
  - [-1, 3, C3, [256]]
head:
  - [-1, 1, Conv, [256, 3, 2]]
  - [[2, 3], 1, Detect, [nc]]
"""


@pytest.fixture(scope="session")
def architecture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny architecture as a YAML file."""
    path = tmp_path_factory.mktemp("judge") / "tiny.yaml"
    path.write_text(ARCHITECTURE)
    return path


@pytest.fixture(scope="session")
def judge(architecture: Path) -> Path:
    """A judge of the demo's three classes that has learnt nothing."""
    names = ("person", "bike", "car")
    path = architecture.parent / "tiny.safetensors"
    save_network(path, build_network(architecture, names, 0), names, {})
    return path


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


@pytest.fixture
def rectangles() -> type[Rectangles]:
    return Rectangles
