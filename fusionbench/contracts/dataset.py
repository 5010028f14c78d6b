"""Datasets: spec, pairs, their images and labels, findings of a verification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    UInt8Array = npt.NDArray[np.uint8]
else:
    UInt8Array = Any  # plugins may import the name at run time; NumPy stays unimported here
from .artifact import Artifact, _Spec
from .names import PlainName


class DatasetSpec(_Spec):
    """A dataset as data. ``splits`` are its official splits, the first one the default for ``run``."""

    name: PlainName
    title: str
    summary: str = ""
    splits: tuple[str, ...] = ("test",)
    licence: str = ""
    citation: str = ""
    year: int | None = None
    url: str = ""
    size: tuple[int, int] | None = None
    """(height, width) if all pairs have one size."""
    semantic_classes: tuple[str, ...] = ()
    box_classes: tuple[str, ...] = ()
    box_splits: Mapping[str, str] = {}
    """Split without box files → the split that has boxes for (some of) its pairs; tasks that need boxes
    take them from there."""
    artifacts: tuple[Artifact, ...] = ()
    frames: str = ""
    """Where pairs are frames of videos: a pattern of their names with the groups ``scene`` and ``frame``."""
    layout: str = ""
    """The folders and files expected below the root, in words (shown when something is missing)."""
    needs_root: bool = True
    default: bool = False
    """``run`` takes this dataset where none is named."""
    takes_folders: bool = False
    """The dataset reads any two folders, given as its options ``ir`` and ``vi``; ``fuse`` and ``score``
    use it."""
    factory: str = ""
    options: Mapping[str, Any] = {}
    version: int = 1


@dataclass(frozen=True)
class Boxes:
    """Object boxes of one image: ``xyxy`` float64 N×4 in pixels (x right, y down, right and lower edges
    exclusive), ``classes`` int64 N, indices into the dataset's ``box_classes``.

    ``notes`` name what the file holds and these do not have (boxes of unknown classes, boxes outside the image),
    with file and line. ``rule`` says how the boxes were made where nobody drew them; it is part of what a
    protocol's hash covers."""

    xyxy: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]
    notes: tuple[str, ...] = ()
    rule: str = ""


@dataclass(frozen=True)
class Pair:
    """One scene of a dataset. ``name`` is the stem that also names the fused image; stable, unique in its
    split, a plain file name."""

    name: str
    infrared: Path | None = None
    visible: Path | None = None
    labels: Path | None = None
    boxes: Path | None = None


@dataclass(frozen=True)
class PairImages:
    """The decoded images of a pair: uint8, ``infrared`` H×W, ``visible`` H×W×3 RGB; ``labels`` H×W uint8
    ids and ``boxes`` where the dataset has them."""

    infrared: UInt8Array
    visible: UInt8Array
    labels: UInt8Array | None = None
    boxes: Boxes | None = None


@dataclass(frozen=True)
class Finding:
    """Something wrong with a dataset: the ``file`` (or image name), what kind of problem, and what to do."""

    file: str
    problem: Literal["missing", "unreadable", "mismatched", "duplicate", "label", "warning"]
    message: str


@runtime_checkable
class Dataset(Protocol):
    """An opened dataset. Built by ``factory(spec, root)``; opening raises ``MissingDataError`` with the
    expected layout."""

    spec: DatasetSpec

    def pairs(self, split: str) -> Sequence[Pair]:
        """All pairs of a split, in a stable order (sorted by name unless the dataset's own list says
        otherwise)."""
        ...

    def load(self, pair: Pair, *, labels: bool = False) -> PairImages:
        """Decode a pair (with labels and boxes if asked). Raises ``ImageError`` naming the file."""
        ...

    def digest(self, pair: Pair) -> str:
        """A hash of the pair's content (file bytes, or the recipe for procedural data): 64 hex digits.

        A dataset whose labels may change on their own also fulfils ``HasLabelDigest``.
        """
        ...

    def verify(self, split: str | None = None) -> list[Finding]:
        """Everything missing, unreadable, mismatched or duplicate, by file name; empty if all is well."""
        ...


@runtime_checkable
class HasLabelDigest(Protocol):
    """A dataset whose labels may change on their own: tasks are then scored again without fusing."""

    def label_digest(self, pair: Pair) -> str:
        """A hash of the pair's labels and boxes (what ``Dataset.digest`` leaves out): 64 hex digits."""
        ...


@runtime_checkable
class Questioning(Protocol):
    """A dataset that looks at its pairs before a run."""

    def questions(self, pairs: Sequence[Pair]) -> list[str]:
        """Sentences about what looks wrong though every file can be read (sensors swapped, …). Never
        raises."""
        ...
