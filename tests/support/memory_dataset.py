"""The part of a small ``Dataset`` in memory that doesn't depend on what its images show."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence

from fusionbench.contracts.dataset import DatasetSpec, Finding, Pair, PairImages
from fusionbench.contracts.evaluator import FusedSet


class MemoryDataset(ABC):
    """Sub-classes set ``spec`` and render pairs by name."""

    spec: DatasetSpec

    @abstractmethod
    def pairs(self, split: str) -> Sequence[Pair]: ...

    @abstractmethod
    def load(self, pair: Pair, *, labels: bool = False) -> PairImages: ...

    def digest(self, pair: Pair) -> str:
        return hashlib.sha256(pair.name.encode()).hexdigest()

    def verify(self, split: str | None = None) -> list[Finding]:
        return []

    def fused(self, split: str = "test", *, training: bool = False) -> FusedSet:
        """The set as a method would leave it that returns the infrared image."""
        pairs = {p.name: p for p in self.pairs(split)}
        return FusedSet(
            "echo",
            self,
            split,
            tuple(pairs.values()),
            lambda name: self.load(pairs[name]).infrared,
            training=self.fused("train") if training else None,
            digest="d",
        )
