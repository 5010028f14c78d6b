"""The driver's loop: gives pieces to workers, keeps what comes back, and takes the work of workers that ended
to others.

Workers take pieces of the next group as soon as one has no more, so that a slow piece delays nobody else. The
number of pieces in flight is bounded, and so is what lies in the object store.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import ray

from ...errors import FusionBenchError
from ...files.atomic import write_atomic
from ...planning.config import RunConfig
from ...planning.units import Group
from ...store.run_store import RunStore
from ...terminal.progress import ProgressDisplay
from ..fused_images import fused_path
from ..group_journal import GroupJournal, GroupResult
from . import connection
from .logs import keep_log
from .pieces import Piece, Setting
from .places import Packed, Place, Sent
from .stages import ATTEMPTS, STAGED, Finished, FusingWorker, Note, finish, load, read_fused, read_log

DEPTH = 2
"""Pieces that a worker has at once: the one it works on, and the next."""
PATIENCE_S = 2.0
REFRESH_S = 10.0
"""So often nodes are looked for that have joined."""
WAITING_S = 120.0
LOST = 20
"""So often a piece is done again whose data went down with a node."""


class _Provenance:
    """What a method's workers say of it; a ``HasProvenance``."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    def provenance(self) -> dict[str, Any]:
        return self.content


@dataclass(eq=False)
class OpenGroup:
    """A group in work."""

    group: Group
    journal: GroupJournal
    dataset: Sent
    sent: Sent
    places: tuple[Place, ...]
    pending: deque[Piece]
    provenance: dict[str, Any] = field(default_factory=dict)
    """What an earlier, unfinished run recorded; ``workers`` grows."""
    flights: int = 0
    warned: set[str] = field(default_factory=set)

    @property
    def needs_worker(self) -> bool:
        """Whether its next piece is fused by a worker that holds the method."""
        return self.pending[0].fuses and self.group.method.folder is None

    def fail(self, error: FusionBenchError) -> None:
        """The method fails: its pieces aren't tried."""
        self.pending.clear()
        if "" not in self.journal.result.failures:
            self.journal.failed("", error)


@dataclass(eq=False)
class Worker:
    """A fusing worker: its actor, its node, and its pieces in order."""

    actor: Any
    node: connection.Node
    ready: Any
    log: Path | None = None
    flights: deque[Flight] = field(default_factory=deque)
    group: OpenGroup | None = None


@dataclass(eq=False)
class Flight:
    """A piece on its way: references to what its stages return."""

    piece: Piece
    group: OpenGroup
    worker: Worker | None
    note: Any
    result: Any
    refs: tuple[Any, ...]
    """What must live until the result is there."""


class Dispatcher:
    """Does the pieces of groups. ``groups`` are opened one after the other, as workers have room."""

    def __init__(
        self,
        setting: Setting,
        store: RunStore,
        progress: ProgressDisplay,
        groups: Iterator[OpenGroup],
        checked: Sequence[connection.Node],
        check: Callable[[Sequence[connection.Node]], None],
        *,
        gpus: float,
    ) -> None:
        self._checked, self._check = {node.id for node in checked}, check
        self._refreshed, self._idle_since = 0.0, time.monotonic()
        self._setting, self._store, self._progress = setting, store, progress
        self._sent_setting = ray.put(setting)
        self._upcoming, self._gpus = groups, gpus
        self._open: list[OpenGroup] = []
        self._workers: list[Worker] = []
        self._flights: set[Flight] = set()
        self._lost: dict[frozenset[str], int] = {}
        self._room = 0
        self.results: dict[str, GroupResult] = {}

    def run(self) -> dict[str, GroupResult]:
        """Do everything; returns what happened, by the key of each group's fuse unit.

        Raises ``StoreError`` if results can't be written, ``FusionBenchError`` for a worker that lacks what
        the others have.
        """
        try:
            if self._next(None) is not None or any(group.pending for group in self._open):
                self._refresh()
            while self._fill():
                self._wait()
            return self.results
        finally:
            for group in self._open:
                group.journal.close()
            for worker in self._workers:
                ray.kill(worker.actor)

    # Workers

    def _refresh(self) -> None:
        """Look at nodes that have joined, and start workers where there is room for more."""
        alive = connection.nodes()
        if joined := [node for node in alive if node.id not in self._checked]:
            self._check(joined)
            self._checked |= {node.id for node in joined}
        self._refreshed = time.monotonic()
        self._room = 2 + sum(n.cpus for n in alive)
        for node in alive:
            there = sum(w.node.id == node.id for w in self._workers)
            for _ in range(there, slots(node, self._setting.config, self._setting.device, self._gpus)):
                actor = (
                    cast(Any, FusingWorker)
                    .options(
                        num_cpus=0,
                        num_gpus=self._gpus if self._setting.device != "cpu" else 0,
                        scheduling_strategy=connection.on_node(node),
                    )
                    .remote(self._sent_setting)
                )
                self._workers.append(Worker(actor, node, actor.ready.remote()))

    def _fill(self) -> bool:
        """Send pieces on their way while there is room. False when all is done."""
        while len(self._flights) < self._room + DEPTH * len(self._workers):
            free = [w for w in self._workers if w.log is not None and len(w.flights) < DEPTH]
            worker = min(free, key=lambda w: len(w.flights), default=None)
            group = self._next(worker)
            if group is None:
                break
            held = worker if group.needs_worker else None
            self._send(group, group.pending.popleft(), held)
        return bool(self._flights or self._open or self._open_next())

    def _next(self, worker: Worker | None) -> OpenGroup | None:
        """The group to take a piece from: the one that the worker holds, else the first with one."""
        while True:
            with_pieces = [g for g in self._open if g.pending and (worker or not g.needs_worker)]
            if worker is not None and worker.group in with_pieces:
                return worker.group
            if with_pieces:
                return with_pieces[0]
            if any(g.pending for g in self._open) or not self._open_next():
                return None

    def _open_next(self) -> bool:
        group = next(self._upcoming, None)
        if group is None:
            return False
        self._open.append(group)
        self._close_if_done(group)
        return True

    def _send(self, group: OpenGroup, piece: Piece, worker: Worker | None) -> None:
        packed = Packed.of(piece, group.places, group.group.label)
        loaded = load.remote(group.dataset, group.sent, packed)
        note: Any = None
        fused: Any = ray.put({})
        if worker is not None:
            fused, note = worker.actor.fuse.remote(group.sent, packed, loaded)
        elif piece.fuses:
            fused, note = cast(Any, read_fused).remote(group.sent, packed, loaded)
        result = finish.remote(self._sent_setting, group.sent, packed, loaded, fused)
        flight = Flight(piece, group, worker, note, result, (loaded, fused))
        self._flights.add(flight)
        group.flights += 1
        if worker is not None:
            worker.flights.append(flight)
            worker.group = group

    # What comes back

    def _wait(self) -> None:
        waiting: dict[Any, tuple[str, Any]] = {f.result: ("result", f) for f in self._flights}
        waiting |= {f.note: ("note", f) for f in self._flights if f.note is not None}
        waiting |= {w.ready: ("ready", w) for w in self._workers if w.log is None}
        if time.monotonic() - self._refreshed > REFRESH_S:
            self._refresh()
        if not waiting:
            time.sleep(PATIENCE_S)
            return
        ready, _ = ray.wait(list(waiting), timeout=PATIENCE_S, fetch_local=False)
        if not ready:
            self._say_waiting()
            return
        self._idle_since = time.monotonic()
        ready, _ = ray.wait(list(waiting), num_returns=len(waiting), timeout=0, fetch_local=False)
        for ref in ready:
            kind, what = waiting[ref]
            if kind == "ready":
                self._is_ready(what)
            elif what in self._flights:  # else it was taken back meanwhile
                (self._has_note if kind == "note" else self._has_result)(what)

    def _say_waiting(self) -> None:
        """Say once that no worker has started: other work may hold what the cluster has."""
        if time.monotonic() - self._idle_since > WAITING_S and not any(w.log for w in self._workers):
            self._progress.message("Ray: no worker has started yet; is the cluster busy? The dashboard says")
            self._idle_since = float("inf")

    def _is_ready(self, worker: Worker) -> None:
        try:
            worker.log = ray.get(worker.ready)
        except ray.exceptions.RayError:
            if worker in self._workers:
                self._workers.remove(worker)

    def _has_note(self, flight: Flight) -> None:
        """A worker is done with a piece, or ended."""
        try:
            note: Note = ray.get(flight.note)
        except ray.exceptions.RayActorError as error:
            self._worker_ended(flight.worker, error)
            return
        except ray.exceptions.RayError:
            note = Note("")  # the result says what was wrong
        flight.note = None
        if flight.worker is not None:
            flight.worker.flights.remove(flight)
        group = flight.group
        keep_log(self._store.folder, group.group.fuse.stem, note.where, note.log)
        if note.failure is not None:
            self._take_back(flight)
            group.fail(note.failure)
            self._close_if_done(group)
        elif note.where:
            self._keep_provenance(group, note)

    def _worker_ended(self, worker: Worker | None, error: Exception) -> None:
        """Take back the pieces of a worker that ended; the one that it was doing has one more crash."""
        if worker is None or worker not in self._workers:
            return
        self._workers.remove(worker)
        ray.kill(worker.actor)  # should it only have been out of reach
        flights = list(worker.flights)
        for number, flight in reversed(list(enumerate(flights))):
            self._take_back(flight)
            if number:
                flight.group.pending.appendleft(flight.piece)
        culprit = flights[0]
        keep_log(
            self._store.folder,
            culprit.group.group.fuse.stem,
            f"{worker.node}: a worker ended",
            f"{self._log_of(worker)}\n{error}",
        )
        self._try_again(culprit, f"a worker on {worker.node} ended while it fused")
        for group in {f.group for f in flights}:
            self._close_if_done(group)
        self._refresh()

    def _log_of(self, worker: Worker) -> str:
        try:
            strategy = connection.on_node(worker.node)
            reading: Any = read_log.options(scheduling_strategy=strategy)
            return str(ray.get(reading.remote(worker.log), timeout=10))
        except ray.exceptions.RayError:  # its node is gone too
            return ""

    def _try_again(self, flight: Flight, what: str) -> None:
        """Do a piece again, batch by batch, after work on it ended a worker; or give the method up."""
        group, piece = flight.group, flight.piece
        names = ", ".join(list(piece.tasks)[:3]) + (" …" if len(piece.tasks) > 3 else "")
        if piece.crashes + 1 < ATTEMPTS:
            self._progress.message(f"{group.group.label}: {what} {names}; it is done again")
            group.pending.extendleft(reversed(piece.apart()))
            return
        log = self._store.folder / "logs" / f"{group.group.fuse.stem}.log"
        group.fail(
            FusionBenchError(f"{ATTEMPTS} times {what} {names}; see {log}, or leave it out with --images")
        )

    def _take_back(self, flight: Flight) -> None:
        self._flights.discard(flight)
        flight.group.flights -= 1

    def _has_result(self, flight: Flight) -> None:
        try:
            finished: Finished = ray.get(flight.result)
        except ray.exceptions.RayActorError as error:
            if flight.worker in self._workers and flight in flight.worker.flights:
                self._worker_ended(flight.worker, error)
                return
            self._is_lost(flight, error)
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise cause if isinstance(cause, FusionBenchError) else FusionBenchError(str(error)) from error
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
            self._withdraw(flight)
            keep_log(self._store.folder, flight.group.group.fuse.stem, "a scoring worker ended", str(error))
            once = Flight(**{**vars(flight), "piece": _worn(flight.piece)})
            self._try_again(
                once if len(flight.piece.batches) == 1 else flight,
                "workers ended while they loaded or scored",
            )
        except ray.exceptions.RayError as error:  # what it needed went down with a node
            self._is_lost(flight, error)
        else:
            self._withdraw(flight)
            self._keep(flight.group, finished)
        self._close_if_done(flight.group)

    def _is_lost(self, flight: Flight, error: Exception) -> None:
        """Do a piece again whose data went down with a node. Raises ``FusionBenchError`` if that doesn't end."""
        self._withdraw(flight)
        key = frozenset(flight.piece.tasks)
        self._lost[key] = self._lost.get(key, 0) + 1
        if self._lost[key] > LOST:
            raise FusionBenchError(f"{flight.group.group.label}: nodes keep ending ({error})") from error
        flight.group.pending.appendleft(flight.piece)

    def _withdraw(self, flight: Flight) -> None:
        self._take_back(flight)
        if flight.note is not None and flight.worker is not None and flight in flight.worker.flights:
            flight.worker.flights.remove(flight)

    def _keep(self, group: OpenGroup, finished: Finished) -> None:
        """Record what became of a piece, and put its images in their places."""
        journal = group.journal
        for entry in finished.fused:
            self._keep_image(
                group, entry.image, finished.files.get(entry.image), lambda e=entry: journal.fused(e)
            )
        units = {score.id.key: score for score in group.group.scores}
        for key, entry in finished.scored:
            journal.scored(units[key], entry)
        for name, error in finished.failures.items():
            journal.failed(name, error)
        self._keep_where(group, "scored_on", finished.where)
        keep_log(self._store.folder, group.group.fuse.stem, f"{finished.where} (scoring)", finished.log)

    def _keep_image(self, group: OpenGroup, name: str, file: bytes | str | None, record: Any) -> None:
        path = fused_path(self._store, group.group, name)
        if file is None:
            record()
        elif isinstance(file, bytes):
            write_atomic(path, file, before=record)
        else:  # it lies in the run folder already: an image that is there is recorded
            record()
            path.parent.mkdir(parents=True, exist_ok=True)
            (self._store.folder / STAGED / file).replace(path)

    def _keep_provenance(self, group: OpenGroup, note: Note) -> None:
        said = {k: v for k, v in note.provenance.items() if k != "fallbacks"}
        fallbacks = [*group.provenance.get("fallbacks", []), *note.provenance.get("fallbacks", [])]
        before = dict(group.provenance)
        group.provenance |= {k: v for k, v in said.items() if k not in group.provenance or k == "warnings"}
        group.provenance |= {"fallbacks": sorted(set(fallbacks))} if "fallbacks" in note.provenance else {}
        if group.provenance != before:
            group.journal.loaded(_Provenance(group.provenance))
        self._keep_where(group, "workers", note.where)
        for text in note.warnings:
            if text not in group.warned:
                group.warned.add(text)
                self._progress.message(f"warning: {group.group.label}: {text}")

    def _keep_where(self, group: OpenGroup, key: str, where: str) -> None:
        known = group.provenance.get(key, [])
        if where not in known:
            group.provenance[key] = sorted([*known, where])
            group.journal.loaded(_Provenance(group.provenance))

    def _close_if_done(self, group: OpenGroup) -> None:
        if group.pending or group.flights or group not in self._open:
            return
        self._open.remove(group)
        group.journal.close()
        self._progress.finish(group.group.label)
        result = group.journal.result
        result.sort_failures(group.group.dataset.pairs)
        result.provenance = group.provenance or None
        self.results[group.group.fuse.key] = result


def _worn(piece: Piece) -> Piece:
    """A piece that isn't tried any more: Ray has tried its scoring ``ATTEMPTS`` times."""
    return Piece(piece.batches, piece.tasks, ATTEMPTS)


def slots(node: connection.Node, config: RunConfig, device: str, gpus: float) -> int:
    """How many fusing workers a node holds: by its GPUs, or on CPUs by its cores and ``--jobs``."""
    if device != "cpu":
        return int(node.gpus / gpus + 1e-6)
    return max(1, node.cpus // (config.jobs or node.cpus)) if node.cpus else 0
