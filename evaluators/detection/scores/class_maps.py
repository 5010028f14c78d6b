"""Which class of a judge stands for which class of a dataset: by name, with the synonyms that the datasets
need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fusionbench.errors import InputError

SYNONYMS = {
    "people": "person",
    "pedestrian": "person",
    "bike": "bicycle",
    "motor": "motorcycle",
    "motorbike": "motorcycle",
}
"""Datasets' names → COCO's (M3FD: People; the demo scenes: bike). M3FD's Lamp has no COCO class."""


@dataclass(frozen=True)
class ClassMap:
    """``index[j]`` is the dataset's class of the judge's class j (-1: none, its detections are dropped);
    ``missing`` names the dataset's classes that the judge doesn't know: they are left out of every mean."""

    index: tuple[int, ...]
    missing: tuple[str, ...]


def map_classes(judge: Sequence[str], dataset: Sequence[str], who: str) -> ClassMap:
    """Map a judge's classes to a dataset's.

    Raises ``InputError`` if they share none; ``who`` names the judge in it.
    """
    known = {_canonical(name): i for i, name in enumerate(dataset)}
    index = tuple(known.get(_canonical(name), -1) for name in judge)
    missing = tuple(name for i, name in enumerate(dataset) if i not in index)
    if len(missing) == len(dataset):
        some = ", ".join(judge[:8]) + (", …" if len(judge) > 8 else "")
        raise InputError(
            f"{who} knows none of the classes {', '.join(dataset)} (it knows {some}); name a judge that was"
            " trained for them"
        )
    return ClassMap(index, missing)


def _canonical(name: str) -> str:
    plain = name.strip().lower().replace("_", " ")
    return SYNONYMS.get(plain, plain)
