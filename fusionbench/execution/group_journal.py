"""Records what happens to a group's images, as it happens: entries in the store's journals, failures by
name, progress."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..contracts.dataset import Pair
from ..contracts.method import HasProvenance
from ..errors import FusionBenchError, StoreError
from ..planning.units import Group, ScoreUnit
from ..store.journal import Entry
from ..store.run_store import RunStore
from ..terminal.progress import ProgressDisplay


@dataclass
class GroupResult:
    """What happened to a group: images that failed, by name, with the reason ("" names the whole group),
    and counts."""

    failures: dict[str, str] = field(default_factory=dict)
    fused: int = 0
    scored: int = 0
    provenance: dict[str, Any] | None = None
    """What the method says of itself, if it had to be loaded."""

    def sort_failures(self, pairs: Iterable[Pair]) -> None:
        """Put the failures in the order of ``pairs``; what concerns the whole group stands first."""
        order = {pair.name: number for number, pair in enumerate(pairs)}
        self.failures = dict(sorted(self.failures.items(), key=lambda item: order.get(item[0], -1)))

    def add(self, other: GroupResult) -> None:
        """Add what happened to other images of the group."""
        self.failures.update(other.failures)
        self.fused += other.fused
        self.scored += other.scored
        self.provenance = self.provenance or other.provenance


class Recorder(Protocol):
    """What the flow of images tells its results to. Every function may be called from any thread."""

    def fused(self, entry: Entry) -> None:
        """An image is fused and saved. Raises ``StoreError`` if that can't be recorded."""
        ...

    def scored(self, score: ScoreUnit, entry: Entry) -> None:
        """An image is scored for a unit. Raises ``StoreError`` if that can't be recorded."""
        ...

    def failed(self, image: str, error: Exception) -> None:
        """An image failed. Raises the error itself where that has to end the run."""
        ...

    def loaded(self, fuser: object) -> None:
        """The method is loaded: what it says of itself belongs to the images that follow."""
        ...

    def advance(self, count: int = 1) -> None:
        """So many images are done, or failed."""
        ...


class GroupJournal:
    """A ``Recorder`` that writes to the store's journals of a group. ``close`` it; ``result`` says what
    happened."""

    def __init__(
        self,
        group: Group,
        store: RunStore,
        worker: str,
        progress: ProgressDisplay,
        *,
        fail_fast: bool = False,
    ) -> None:
        self.result = GroupResult()
        self._label, self._progress, self._fail_fast = group.label, progress, fail_fast
        self._store = store
        self._fuse_journal = store.journal(group.fuse, worker)
        self._score_journals = {s.id.key: store.journal(s.id, worker) for s in group.scores}
        self._lock = threading.Lock()

    def fused(self, entry: Entry) -> None:
        self._store.check_in_place()
        with self._lock:
            self._fuse_journal.append(entry)
            self.result.fused += 1

    def scored(self, score: ScoreUnit, entry: Entry) -> None:
        with self._lock:
            self._score_journals[score.id.key].append(entry)
            self.result.scored += 1

    def failed(self, image: str, error: Exception, *, tell: bool = True) -> None:
        """See ``Recorder``. With ``tell`` the failure is also said at once."""
        if self._fail_fast or isinstance(error, StoreError):
            raise error
        text = str(error) if isinstance(error, FusionBenchError) else f"{type(error).__name__}: {error}"
        with self._lock:
            self.result.failures[image] = text
            if tell:
                said = ("failed", self._label, image, text)
                self._progress.message(": ".join(part for part in said if part))

    def loaded(self, fuser: object) -> None:
        if isinstance(fuser, HasProvenance):
            self._fuse_journal.note({"provenance": fuser.provenance()})

    def advance(self, count: int = 1) -> None:
        with self._lock:
            self._progress.advance(self._label, count)

    def close(self) -> None:
        """Close the journals' files."""
        for journal in (self._fuse_journal, *self._score_journals.values()):
            journal.close()
