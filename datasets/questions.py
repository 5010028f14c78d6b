"""What looks wrong with a dataset though every file can be read: sensors swapped, infrared in colour, one
file given twice, class ids in another order. Asked, not decided: a user may know better.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fusionbench.contracts.dataset import DatasetSpec, Pair
from fusionbench.errors import FusionBenchError
from fusionbench.images.codec import read_image
from fusionbench.images.plausible import pair_questions
from fusionbench.images.reading import Reading

from .boxes import BoxFile
from .listing import Listing

SAMPLE = 5
"""Pairs that are decoded to ask, evenly spread over the selection."""

BOX_FILES = 400
"""Box files that are read to compare heights, evenly spread."""

FEWEST_BOXES = 5
STANDARD_ERRORS = 3.0


class _Asked(Protocol):
    spec: DatasetSpec
    listing: Listing
    reading: Reading

    def read_boxes(self, pair: Pair, size: tuple[int, int]) -> BoxFile: ...

    def box_ids(self, boxes: Path) -> Mapping[int, int] | None: ...


def questions_about(dataset: _Asked, pairs: Sequence[Pair]) -> list[str]:
    """One sentence per doubt. Never raises: what can't be read is said when it is used."""
    sample = [pairs[i * len(pairs) // SAMPLE] for i in range(SAMPLE)] if len(pairs) > SAMPLE else list(pairs)
    looked: dict[str, tuple[Any, Any]] = {}
    for pair in sample:
        if pair.infrared is None or pair.visible is None:
            continue
        with contextlib.suppress(FusionBenchError, OSError, MemoryError):
            images = read_image(pair.infrared, dataset.reading), read_image(pair.visible, dataset.reading)
            looked[pair.name] = images
    return [*pair_questions(looked), *_order_questions(dataset, pairs)]


def _order_questions(dataset: _Asked, pairs: Sequence[Pair]) -> list[str]:
    upper, lower = dataset.listing.layout.above
    boxed = [p for p in pairs if p.boxes is not None and p.boxes.suffix.lower() == ".txt"]
    if not upper or not boxed or dataset.spec.options.get("box_classes"):
        return []
    if boxed[0].boxes is not None and dataset.box_ids(boxed[0].boxes) is not None:
        return []  # a file beside the labels says what the ids mean
    index = {name: i for i, name in enumerate(dataset.spec.box_classes)}
    if len(boxed) > BOX_FILES:
        boxed = [boxed[i * len(boxed) // BOX_FILES] for i in range(BOX_FILES)]
    heights: dict[int, list[float]] = {index[upper]: [], index[lower]: []}
    for pair in boxed:
        try:
            file = dataset.read_boxes(pair, (1000, 1000))
        except FusionBenchError:
            continue
        for number, found in heights.items():
            chosen = file.xyxy[file.classes == number]
            found += ((chosen[:, 1] + chosen[:, 3]) / 2000).tolist()
    one, other = heights[index[upper]], heights[index[lower]]
    if min(len(one), len(other)) < FEWEST_BOXES:
        return []
    error = math.hypot(*(float(np.std(x, ddof=1)) / math.sqrt(len(x)) for x in (one, other)))
    if np.mean(one) - np.mean(other) <= STANDARD_ERRORS * max(error, 1e-9):
        return []
    ids = f"{index[upper]} = {upper}, {index[lower]} = {lower}"
    return [
        f"boxes read as {upper} lie lower in the picture (mean height {np.mean(one):.2f} of the side, n ="
        f" {len(one)}) than those read as {lower} ({np.mean(other):.2f}, n = {len(other)}): are the ids {ids}"
        " swapped in these labels? A classes.txt beside them, or the option box_classes, settles it"
    ]
