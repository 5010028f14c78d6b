"""The boxes that a set of pairs is judged by: read once for all methods; a pair whose boxes can't be used is
left out by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fusionbench.contracts.dataset import Boxes, Dataset, Pair
from fusionbench.errors import ImageError

from ..judging.labelled import ReadOnce, read_usable


@dataclass(frozen=True)
class BoxedSet:
    """The pairs whose boxes can be used, their boxes by name, why others can't be used, and what is odd about
    the files.
    """

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
    usable = read_usable(dataset, pairs, _boxes_of, "boxes")
    boxes = usable.values
    notes = tuple(note for found in boxes.values() for note in found.notes)
    rule = next((found.rule for found in boxes.values() if found.rule), "")
    return BoxedSet(usable.pairs, boxes, usable.excluded, notes, rule)


def _read(dataset: Dataset, pair: Pair) -> Boxes:
    boxes = dataset.load(pair, labels=True).boxes
    if boxes is None:
        raise ImageError(
            f"{pair.name}: has no boxes, though its dataset has; `fusionbench data verify` says why"
        )
    return boxes


_boxes_of = ReadOnce(_read)
