"""What a plan consists of: methods and datasets as they were selected, and the units of work about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..contracts.dataset import Dataset, DatasetSpec, Pair
from ..contracts.evaluator import EvaluatorSpec
from ..contracts.method import MethodSpec
from ..corruptions.choice import Corruption
from ..store.unit_id import UnitId


@dataclass(frozen=True)
class PlannedMethod:
    """A method of the run: its spec, the options given to it, and the folder where its images lie ready
    (``dir:``), or will lie when its official script has run (external methods, a folder a split)."""

    spec: MethodSpec
    options: dict[str, Any]
    folder: Path | None = None
    fingerprint: str = ""
    text: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What tells this variant of the method from others: options, precision, seed, the content of files."""
    entrant: str = ""
    """The variant's name in the run folder, where it isn't the method's."""

    @property
    def name(self) -> str:
        """What the method is called in the run folder: in rows, paths and reports."""
        return self.entrant or self.spec.name


@dataclass(frozen=True)
class PlannedDataset:
    """A dataset of the run, opened, with the pairs that were selected."""

    spec: DatasetSpec
    dataset: Dataset
    split: str
    pairs: tuple[Pair, ...]
    options: dict[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    entrant: str = ""
    corruption: Corruption | None = None
    """What methods see the pairs through; ``dataset`` and ``pairs`` stay clean."""
    clean: PlannedDataset | None = None
    """The dataset that this one is the corruption of."""
    frames: Mapping[str, Pair] = field(default_factory=dict)
    """By name, the pair that a corruption takes the infrared image from."""

    @property
    def name(self) -> str:
        """What the dataset is called in the run folder: its name, or that of this variant (other options)."""
        return self.entrant or self.spec.name


@dataclass(frozen=True)
class ScoreUnit:
    """An evaluator with one convention (or protocol), applied to one method on one split, or to the method
    itself."""

    id: UnitId
    evaluator: EvaluatorSpec
    metrics: tuple[str, ...] | None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """The protocol's recipe with the user's options in it."""
    pairs: tuple[Pair, ...] | None = None
    """The pairs that carry the labels the evaluator needs; None: all of the group's."""
    retrains: bool = False
    training: UnitId | None = None
    """The unit that fuses the training split, where the protocol names one."""
    training_pairs: tuple[Pair, ...] = ()

    @property
    def versions(self) -> list[int]:
        """The versions of the evaluator and of its convention: of two results the later definition's
        counts."""
        of_convention = (c.version for c in self.evaluator.conventions if c.name == self.id.convention)
        return [self.evaluator.version, next(of_convention, 0)]


@dataclass(frozen=True)
class Group:
    """All units about one method on one split."""

    method: PlannedMethod
    dataset: PlannedDataset
    fuse: UnitId
    scores: tuple[ScoreUnit, ...]

    @property
    def label(self) -> str:
        """How the user is told of it."""
        return f"{self.method.name} on {self.dataset.name}/{self.dataset.split}"


@dataclass(frozen=True)
class MethodUnit:
    """Units about a method itself (efficiency), at the given (height, width) sizes."""

    method: PlannedMethod
    score: ScoreUnit
    sizes: tuple[tuple[int, int], ...]
