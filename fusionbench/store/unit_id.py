"""What names a unit of work in the store."""

from __future__ import annotations

from dataclasses import dataclass

FUSING = "fuse"
"""Stands in the place of an evaluator's name for the fusing itself."""


@dataclass(frozen=True)
class UnitId:
    """What a unit is about. ``evaluator`` is ``FUSING`` for the fusing itself; ``key`` hashes all that its
    result depends on.

    ``method`` and ``dataset`` are names within the run folder: a method's name, or ``name@what-differs`` for
    its second variant (see ``entrants``).
    """

    evaluator: str
    method: str
    dataset: str
    split: str
    convention: str
    seed: int
    key: str

    @property
    def is_fusing(self) -> bool:
        """Whether it is the fusing itself."""
        return self.evaluator == FUSING

    @property
    def stem(self) -> str:
        """The unit's file name: readable, and unique by the key's beginning."""
        parts = [self.evaluator, self.method, self.dataset, self.split, self.convention, self.key[:12]]
        return "--".join(
            "".join(c if c.isalnum() or c in "+-_.@" else "-" for c in part) for part in parts if part
        )
