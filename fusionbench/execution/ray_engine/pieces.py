"""The work of a group in pieces: whole batches, small enough that no worker waits long for another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...contracts.dataset import Pair
from ...planning.config import RunConfig
from ...planning.units import Group, PlannedMethod, ScoreUnit
from ..missing import Work

PIECE_PAIRS = 8
PIECE_BYTES = 32 << 20
"""Of the files of a piece; large images make small pieces."""


@dataclass(frozen=True)
class Setting:
    """What all work of a run has in common. ``folder`` is the run folder where workers see it, else None."""

    config: RunConfig
    cwd: Path
    folder: Path | None
    token: str
    keeps_images: bool
    device: str


@dataclass(frozen=True)
class GroupOnWorker:
    """What workers know of a group: the method, and the units that score image by image."""

    label: str
    method: PlannedMethod
    scores: tuple[ScoreUnit, ...]
    images: Path
    """The folder of its fused images."""

    @classmethod
    def of(cls, group: Group, images: Path) -> GroupOnWorker:
        """The group without its pairs, which travel with the pieces."""
        scores = tuple(replace(s, pairs=None) for s in group.scores if s.evaluator.scope == "image")
        return cls(group.label, group.method, scores, images)


@dataclass(frozen=True)
class Task:
    """``missing.Work`` as data that travels: units by their keys. ``saved`` is the saved image, where workers
    can't read it themselves."""

    source: str
    fuse: bool
    scores: tuple[str, ...]
    digest: str
    saved: bytes | None = None


@dataclass(frozen=True)
class Piece:
    """Batches that are done together. ``tasks`` are those of the images that lack something, by image."""

    batches: tuple[tuple[Pair, ...], ...]
    tasks: Mapping[str, Task]
    crashes: int = 0
    """How many workers have ended while they did it."""

    @property
    def pairs(self) -> list[Pair]:
        """All pairs, in order."""
        return [pair for batch in self.batches for pair in batch]

    @property
    def fuses(self) -> bool:
        """Whether an image must be fused."""
        return any(task.fuse for task in self.tasks.values())

    def apart(self) -> list[Piece]:
        """One piece per batch, after a worker ended: that shows which batch it was."""
        found = []
        for batch in self.batches:
            tasks = {p.name: self.tasks[p.name] for p in batch if p.name in self.tasks}
            found.append(Piece((batch,), tasks, self.crashes + 1))
        return found


def cut(
    batches: Iterable[Sequence[Pair]], work: Mapping[str, Work], images: Path, *, send_saved: bool
) -> Iterator[Piece]:
    """Cut the batches that lack something into pieces; those that are only scored apart from those that are
    fused. With ``send_saved`` saved images travel along."""
    together: dict[bool, list[Sequence[Pair]]] = {True: [], False: []}
    for batch in batches:
        wanted = [work[p.name] for p in batch if p.name in work]
        if not wanted:
            continue
        kind = any(w.fuse for w in wanted)
        together[kind].append(batch)
        if _is_full(together[kind]):
            yield _piece(together[kind], work, images, send_saved)
            together[kind] = []
    for rest in together.values():
        if rest:
            yield _piece(rest, work, images, send_saved)


def _is_full(batches: Sequence[Sequence[Pair]]) -> bool:
    pairs = [pair for batch in batches for pair in batch]
    return len(pairs) >= PIECE_PAIRS or sum(map(_bytes, pairs)) >= PIECE_BYTES


def _bytes(pair: Pair) -> int:
    try:
        return sum(path.stat().st_size for path in (pair.infrared, pair.visible) if path is not None)
    except OSError:
        return 0


def _piece(
    batches: Sequence[Sequence[Pair]], work: Mapping[str, Work], images: Path, send_saved: bool
) -> Piece:
    tasks = {}
    for pair in (p for batch in batches for p in batch if p.name in work):
        w = work[pair.name]
        saved = None
        if send_saved and not w.fuse:
            saved = (images / f"{pair.name}.png").read_bytes()
        tasks[pair.name] = Task(w.source, w.fuse, tuple(s.id.key for s in w.scores), w.digest, saved)
    return Piece(tuple(map(tuple, batches)), tasks)
