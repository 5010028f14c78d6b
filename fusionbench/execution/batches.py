"""Which pairs are fused together, and which of those batches a worker takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..contracts.dataset import Dataset, Pair
from ..images.codec import image_size as size_of_file


@dataclass(frozen=True)
class Shard:
    """Which batches a worker takes: every ``count``-th, from ``index`` on. ``name`` distinguishes its
    journals."""

    index: int = 0
    count: int = 1

    @property
    def name(self) -> str:
        """What the worker's journals are called; empty for a run with one worker."""
        return f"w{self.index}" if self.count > 1 else ""

    def of(self, batches: Sequence[list[Pair]]) -> list[list[Pair]]:
        """The batches that the worker takes."""
        return list(batches[self.index :: self.count])


def compose_batches(dataset: Dataset, pairs: Sequence[Pair], size: int) -> Iterator[list[Pair]]:
    """Consecutive pairs of one image size, at most ``size`` of them.

    Give the whole selection, whatever is already done: a resumed run then computes the same floats as an
    undisturbed one.
    """
    batch: list[Pair] = []
    shape: tuple[int, int] | None = None
    for pair in pairs:
        this = image_size(dataset, pair) if size > 1 else None
        if batch and (len(batch) >= size or this != shape):
            yield batch
            batch = []
        batch.append(pair)
        shape = this
    if batch:
        yield batch


def image_size(dataset: Dataset, pair: Pair) -> tuple[int, int] | None:
    """(height, width) of a pair, without decoding it where that is possible; None if it can't be read."""
    if dataset.spec.size is not None:
        return dataset.spec.size
    try:
        if pair.infrared is None:
            return dataset.load(pair).infrared.shape[:2]
        return size_of_file(pair.infrared)
    except Exception:  # the decoder will say what is wrong with it
        return None
