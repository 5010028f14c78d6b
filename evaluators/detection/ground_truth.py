"""The boxes that a set of pairs is judged by: read once for all methods; a pair whose boxes can't be used is left out by name."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass

from fusionbench.contracts.dataset import Boxes, Dataset, Pair
from fusionbench.errors import FusionBenchError, ImageError, InputError


@dataclass(frozen=True)
class BoxedSet:
    """The pairs whose boxes can be used, their boxes by name, why others can't be used, and what is odd about the files."""

    pairs: tuple[Pair, ...]
    boxes: dict[str, Boxes]
    excluded: dict[str, str]
    notes: tuple[str, ...]
    rule: str = ""
    """How the boxes were made of labels; empty where they were drawn."""


def read_boxes(dataset: Dataset, pairs: Sequence[Pair]) -> BoxedSet:
    """Read the boxes of pairs. Files that can't be read or understood exclude their pair, with the reason.

    Raises ``InputError`` if no pair is left.
    """
    boxes: dict[str, Boxes] = {}
    excluded: dict[str, str] = {}
    for pair in pairs:
        try:
            boxes[pair.name] = _boxes_of(dataset, pair)
        except FusionBenchError as error:
            excluded[pair.name] = str(error)
    if not boxes:
        first = next(iter(excluded.values()), "there are no pairs")
        raise InputError(f"{dataset.spec.name}: no pair has boxes that can be used ({first})")
    notes = tuple(note for found in boxes.values() for note in found.notes)
    rule = next((found.rule for found in boxes.values() if found.rule), "")
    return BoxedSet(tuple(p for p in pairs if p.name in boxes), boxes, excluded, notes, rule)


_kept: weakref.WeakKeyDictionary[Dataset, dict[Pair, Boxes]] = weakref.WeakKeyDictionary()
"""Boxes by dataset and pair: every method is judged by the same, and a pair is decoded to read them."""


def _boxes_of(dataset: Dataset, pair: Pair) -> Boxes:
    kept = _kept.setdefault(dataset, {})
    if pair not in kept:
        boxes = dataset.load(pair, labels=True).boxes
        if boxes is None:
            raise ImageError(
                f"{pair.name}: has no boxes, though its dataset has; `fusionbench data verify` says why"
            )
        kept[pair] = boxes
    return kept[pair]
