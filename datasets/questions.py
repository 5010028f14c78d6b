"""What looks wrong with a dataset though every file can be read: sensors swapped, infrared in colour, one file given twice,
class ids in another order. Asked, not decided: a user may know better."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fusionbench.contracts.dataset import DatasetSpec, Pair
from fusionbench.errors import FusionBenchError
from fusionbench.images.codec import read_image
from fusionbench.images.reading import Reading

from .boxes import BoxFile
from .listing import Listing

SAMPLE = 5
"""Pairs that are decoded to ask, evenly spread over the selection."""

COLOUR_LEVELS, COLOUR_SHARE = 12, 0.02
"""An image is in colour if more than this share of its pixels has channels further apart than so many levels (a grey
picture saved as a colour JPEG stays below)."""

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
    infrared: list[str] = []
    grey: list[str] = []
    same: list[str] = []
    looked = 0
    for pair in sample:
        if pair.infrared is None or pair.visible is None:
            continue
        try:
            one, other = read_image(pair.infrared, dataset.reading), read_image(pair.visible, dataset.reading)
        except (FusionBenchError, OSError, MemoryError):
            continue
        looked += 1
        if np.array_equal(one, other):
            same.append(pair.name)
            continue
        infrared += [pair.name] if in_colour(one) else []
        grey += [pair.name] if not in_colour(other) else []
    return [
        *pair_questions(looked, infrared, grey, same),
        *_order_questions(dataset, pairs),
    ]


def pair_questions(looked: int, colour: Sequence[str], grey: Sequence[str], same: Sequence[str]) -> list[str]:
    """Sentences about ``looked`` pairs: those whose infrared is in colour, whose visible is grey, that are equal."""
    found = []
    if same:
        found.append(
            f"infrared and visible are the same picture in {_of(same, looked)}: is one folder given twice?"
        )
    if colour and set(colour) <= set(grey):
        found.append(
            f"infrared is in colour and visible is grey in {_of(colour, looked)}: are the two swapped? The infrared folder "
            "or file comes first"
        )
    elif colour:
        found.append(
            f"infrared is in colour in {_of(colour, looked)}: a false-colour picture's luma is no temperature; use the "
            "sensor's grey images if there are any"
        )
    return found


def _of(names: Sequence[str], looked: int) -> str:
    return (
        f"{len(names)} of {looked} pairs looked at ({', '.join(names[:3])}{' …' if len(names) > 3 else ''})"
    )


def in_colour(image: npt.NDArray[Any]) -> bool:
    """Whether an H×W or H×W×3 uint8 image shows colours, beyond what JPEG does to a grey one."""
    if image.ndim == 2:
        return False
    small = image[:: max(1, image.shape[0] // 200), :: max(1, image.shape[1] // 200)].astype(np.int16)
    return bool((np.ptp(small, axis=2) > COLOUR_LEVELS).mean() > COLOUR_SHARE)


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
        f"boxes read as {upper} lie lower in the picture (mean height {np.mean(one):.2f} of the side, n = {len(one)}) than those "
        f"read as {lower} ({np.mean(other):.2f}, n = {len(other)}): are the ids {ids} swapped in these labels? A classes.txt "
        "beside them, or the option box_classes, settles it"
    ]
