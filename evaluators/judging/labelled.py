"""The labels that a set of pairs is judged by: read once for all methods; a pair whose labels can't be used
is left out by name.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from fusionbench.contracts.dataset import Dataset, Pair
from fusionbench.errors import FusionBenchError, InputError

T = TypeVar("T")
Read = Callable[[Dataset, Pair], T]


@dataclass(frozen=True)
class Usable(Generic[T]):
    """The pairs whose labels can be used, the labels by name, and why the others can't."""

    pairs: tuple[Pair, ...]
    values: dict[str, T]
    excluded: dict[str, str]


def read_usable(dataset: Dataset, pairs: Sequence[Pair], read: Read[T], what: str) -> Usable[T]:
    """Read the labels (``what``: boxes, labels) of pairs; an error of ``read`` excludes its pair with its
    message as the reason.

    Raises ``InputError`` if no pair is left.
    """
    values: dict[str, T] = {}
    excluded: dict[str, str] = {}
    for pair in pairs:
        try:
            values[pair.name] = read(dataset, pair)
        except FusionBenchError as error:
            excluded[pair.name] = str(error)
    if not values:
        first = next(iter(excluded.values()), "there are no pairs")
        raise InputError(f"{dataset.spec.name}: no pair has {what} that can be used ({first})")
    return Usable(tuple(p for p in pairs if p.name in values), values, excluded)


class ReadOnce(Generic[T]):
    """``read`` remembered by dataset and pair: decoding a pair costs more than keeping its labels, and every
    method is judged by them.
    """

    def __init__(self, read: Read[T]) -> None:
        self._read = read
        self._kept: weakref.WeakKeyDictionary[Dataset, dict[Pair, T]] = weakref.WeakKeyDictionary()

    def __call__(self, dataset: Dataset, pair: Pair) -> T:
        kept = self._kept.setdefault(dataset, {})
        if pair not in kept:
            kept[pair] = self._read(dataset, pair)
        return kept[pair]
