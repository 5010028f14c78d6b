"""Fuses and scores the images of one group (a method on a split): decode, fuse, quantise once, score those bytes, encode.

Decoding, scoring and encoding run on threads (their heavy parts release the interpreter's lock); fusing runs on the calling
thread. Batches are composed from the whole selection, whatever is already done, so that a resumed run computes the same
floats as an undisturbed one.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ..contracts.dataset import Dataset, Pair, PairImages
from ..contracts.evaluator import ImageEvaluator, Value
from ..errors import FusionBenchError, ImageError, StoreError
from ..external.folder import FolderFuser
from ..external.outputs import open_folder
from ..files.atomic import write_atomic
from ..images.codec import UInt8Array, check_same_size, decode_image, encode_png, read_image
from ..planning.units import Group, ScoreUnit
from ..store.journal import Entry
from ..store.run_store import RunStore
from ..terminal.progress import ProgressDisplay
from .fusing import Fuser


@dataclass
class GroupResult:
    """What happened to a group: images that failed, by name, with the reason."""

    failures: dict[str, str] = field(default_factory=dict)
    fused: int = 0
    scored: int = 0


@dataclass(frozen=True)
class Shard:
    """Which batches a worker takes: every ``count``-th, from ``index`` on. ``name`` tells its journals apart."""

    index: int = 0
    count: int = 1

    @property
    def name(self) -> str:
        return f"w{self.index}" if self.count > 1 else ""


@dataclass(frozen=True)
class _Work:
    """One image to do: whether it must be fused, and the score units that lack it."""

    pair: Pair
    source: str
    fuse: bool
    scores: tuple[ScoreUnit, ...]
    digest: str


_Task = Future[tuple[Entry | None, list[tuple[ScoreUnit, Entry]]]]
"""A worker's result for one image: its fused entry, if it was fused now, and its scores."""


class _LoadError(Exception):
    """A method that can't be built or loaded; ``reason`` is what it raised."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


class GroupPipeline:
    """Runs one group on one shard. Call ``run``; results go to the store's journals as they come."""

    def __init__(
        self,
        group: Group,
        store: RunStore,
        make_fuser: Callable[[], Fuser],
        evaluators: Mapping[str, ImageEvaluator],
        *,
        jobs: int,
        batch_size: int,
        shard: Shard = Shard(),
        redo: bool = False,
        fail_fast: bool = False,
        skip: frozenset[str] = frozenset(),
    ) -> None:
        self.group, self.store, self.shard = group, store, shard
        self._make_fuser = make_fuser
        self._fuser: Fuser | None = None
        self._evaluators = evaluators
        self._batched = {key: e.score_batch for key, e in evaluators.items() if hasattr(e, "score_batch")}
        self._jobs, self._batch_size = jobs, batch_size
        self._redo, self._fail_fast, self._skip = redo, fail_fast, skip
        self.result = GroupResult()
        self._pending: deque[tuple[str, _Task]] = deque()
        self._fuse_journal = store.journal(group.fuse, shard.name)
        self._score_journals = {s.id.key: store.journal(s.id, shard.name) for s in group.scores}

    def run(self, progress: ProgressDisplay) -> GroupResult:
        """Do what is missing. Raises ``StoreError`` if results can't be written; other failures are per image."""
        pairs = self.group.dataset.pairs
        label = self.group.label
        work = self._missing(pairs)
        batches = [b for i, b in enumerate(self._batches(pairs)) if i % self.shard.count == self.shard.index]
        total = sum(len(b) for b in batches)
        todo = sum(p.name in work for b in batches for p in b)
        progress.start(
            label, total, total - todo - sum(p.name in self.result.failures for b in batches for p in b)
        )
        pool = ThreadPoolExecutor(self._jobs, thread_name_prefix="fusionbench")
        try:
            self._run_batches([b for b in batches if any(p.name in work for p in b)], work, pool, progress)
        except _LoadError as error:  # this method's images stay undone, other methods go on
            known = isinstance(error.reason, FusionBenchError)
            self._fail(
                "",
                error.reason
                if known
                else FusionBenchError(f"can't be loaded: {type(error.reason).__name__}: {error.reason}"),
                progress,
            )
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            self._keep_finished()
            for journal in (self._fuse_journal, *self._score_journals.values()):
                journal.close()
        progress.finish(label)
        return self.result

    def provenance(self) -> dict[str, object] | None:
        """What the method says of itself, if it had to be loaded."""
        return self._fuser.provenance() if self._fuser is not None else None

    def _missing(self, pairs: Sequence[Pair]) -> dict[str, _Work]:
        fused = {} if self._redo else self.store.entries(self.group.fuse)
        scored = {s.id.key: {} if self._redo else self.store.entries(s.id) for s in self.group.scores}
        folder = self._fuser_folder()
        work: dict[str, _Work] = {}
        for pair in pairs:
            if pair.name in self._skip:
                continue
            try:
                source = self.group.dataset.dataset.digest(pair)[:32]
                if folder is not None:
                    source = _digest(source.encode(), folder.file(pair).read_bytes())
            except (FusionBenchError, OSError) as error:
                self._fail(pair.name, error)
                continue
            entry = fused.get(pair.name)
            there = entry is not None and entry.digest.startswith(source) and self._path(pair).is_file()
            digest = entry.digest if entry is not None and there else ""
            lacking = tuple(
                s for s in self.group.scores
                if s.evaluator.scope == "image" and not (there and _is_scored(scored[s.id.key].get(pair.name), digest, s))
            )  # fmt: skip
            if not there or lacking:
                work[pair.name] = _Work(pair, source, not there, lacking, digest)
        return work

    def _fuser_folder(self) -> FolderFuser | None:
        method = self.group.method
        return open_folder(method.spec, method.folder) if method.folder is not None else None

    def _batches(self, pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
        """Consecutive pairs of one size, at most ``batch_size`` of them."""
        size = self._batch_size if self.group.method.spec.batchable else 1
        batch: list[Pair] = []
        shape: tuple[int, int] | None = None
        for pair in pairs:
            this = image_size(self.group.dataset.dataset, pair) if size > 1 else None
            if batch and (len(batch) >= size or this != shape):
                yield batch
                batch = []
            batch.append(pair)
            shape = this
        if batch:
            yield batch

    def _run_batches(
        self,
        batches: Sequence[list[Pair]],
        work: Mapping[str, _Work],
        pool: ThreadPoolExecutor,
        progress: ProgressDisplay,
    ) -> None:
        ahead: deque[list[Future[PairImages]]] = deque()
        upcoming = iter(batches)
        depth = 2 * self._jobs

        def prefetch() -> None:
            batch = next(upcoming, None)
            if batch is not None:
                ahead.append([pool.submit(self._load, pair) for pair in batch])

        for _ in range(max(1, depth // max(1, self._batch_size))):
            prefetch()
        pending = self._pending
        for batch in batches:
            loads = ahead.popleft()
            prefetch()
            images: dict[str, PairImages] = {}
            for pair, load in zip(batch, loads, strict=True):
                try:
                    images[pair.name] = load.result()
                except Exception as error:
                    self._fail(pair.name, error, progress)
                    if pair.name in work:
                        progress.advance(self.group.label)
            good = [p for p in batch if p.name in images]
            fused = (
                self._fuse(good, images, progress)
                if any(p.name in work and work[p.name].fuse for p in good)
                else {}
            )
            here = [
                work[p.name] for p in good if p.name in work and (p.name in fused or not work[p.name].fuse)
            ]
            for _ in range(sum(p.name in work for p in good) - len(here)):  # could not be fused
                progress.advance(self.group.label)
            # Submitted first, so that a worker which waits for it never keeps it from starting.
            together = pool.submit(self._score_together, here, images, fused) if self._batched else None
            for one in here:
                name = one.pair.name
                pending.append(
                    (name, pool.submit(self._finish, one, images[name], fused.get(name), together))
                )
            # What is finished is recorded at once, so that a kill costs no more than what is in work.
            while pending and (pending[0][1].done() or len(pending) > depth + len(batch)):
                self._collect(*pending.popleft(), progress)
        while pending:
            self._collect(*pending.popleft(), progress)

    def _load(self, pair: Pair) -> PairImages:
        images = self.group.dataset.dataset.load(pair)
        check_same_size(images.infrared, images.visible, pair.name)
        return images

    def _fuse(
        self, pairs: Sequence[Pair], images: Mapping[str, PairImages], progress: ProgressDisplay
    ) -> dict[str, UInt8Array]:
        """Fuse a batch; if it fails as a whole, pair by pair, so that one bad pair doesn't take others along."""
        if self._fuser is None:
            try:
                self._fuser = self._make_fuser()
            except Exception as error:
                raise _LoadError(error) from error
        same_size = len({images[p.name].infrared.shape for p in pairs}) == 1
        try:
            if not same_size:
                raise ImageError("the pairs of a batch differ in size")
            return dict(
                zip(
                    [p.name for p in pairs],
                    self._fuser.fuse(pairs, [images[p.name] for p in pairs]),
                    strict=True,
                )
            )
        except Exception as error:
            if len(pairs) == 1:
                self._fail(pairs[0].name, error, progress)
                return {}
        fused: dict[str, UInt8Array] = {}
        for pair in pairs:
            fused.update(self._fuse([pair], images, progress))
        return fused

    def _score_together(
        self, batch: Sequence[_Work], images: Mapping[str, PairImages], fused: Mapping[str, UInt8Array]
    ) -> dict[tuple[str, str], list[Value]]:
        """On a worker thread: what evaluators that take batches say, by (unit key, image). What fails here is left to ``_finish``,
        image by image, so that a bad one doesn't take others along."""
        ready: dict[str, UInt8Array] = {}
        for work in batch:
            with contextlib.suppress(FusionBenchError, OSError):
                name = work.pair.name
                ready[name] = (
                    fused[name] if work.fuse else self._read_saved(self._path(work.pair), work.digest)
                )
        results: dict[tuple[str, str], list[Value]] = {}
        for key, score_batch in self._batched.items():
            names = [
                w.pair.name for w in batch
                if w.pair.name in ready and any(s.id.key == key for s in w.scores)
            ]  # fmt: skip
            with contextlib.suppress(Exception):
                values = score_batch([ready[n] for n in names], [images[n] for n in names])
                results |= {(key, name): v for name, v in zip(names, values, strict=True)}
        return results

    def _finish(
        self,
        work: _Work,
        sources: PairImages,
        fused: UInt8Array | None,
        together: Future[dict[tuple[str, str], list[Value]]] | None,
    ) -> tuple[Entry | None, list[tuple[ScoreUnit, Entry]]]:
        """On a worker thread: save the fused image (or read the saved one), score it, unless it was scored in a batch."""
        path = self._path(work.pair)
        entry: Entry | None = None
        digest = work.digest
        if fused is not None and work.fuse:
            data = encode_png(fused)
            digest = f"{work.source}:{hashlib.sha256(data).hexdigest()[:32]}"
            write_atomic(path, data)
            entry = Entry(work.pair.name, digest)
        else:
            fused = self._read_saved(path, digest)
        scored = []
        known = together.result() if together is not None else {}
        for score in work.scores:
            values = known.get((score.id.key, work.pair.name))
            if values is None:
                values = self._evaluators[score.id.key].score(fused, sources)
            scored.append((score, Entry(work.pair.name, digest, values)))
        return entry, scored

    def _read_saved(self, path: Path, digest: str) -> UInt8Array:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest()[:32] != digest.partition(":")[2]:
            raise ImageError(
                f"{path}: was changed after it was fused; delete it and run again to fuse it anew"
            )
        return decode_image(data, str(path))

    def _collect(
        self,
        name: str,
        task: _Task,
        progress: ProgressDisplay,
    ) -> None:
        try:
            self._record(task)
        except StoreError:
            raise
        except Exception as error:
            self._fail(name, error, progress)
        progress.advance(self.group.label)

    def _record(self, task: _Task) -> None:
        entry, scored = task.result()
        if entry is not None:
            self._fuse_journal.append(entry)
            self.result.fused += 1
        for score, values in scored:
            self._score_journals[score.id.key].append(values)
            self.result.scored += 1

    def _keep_finished(self) -> None:
        """After an interruption: record the images that worker threads finished meanwhile."""
        for _, task in self._pending:
            if not task.cancelled():
                with contextlib.suppress(Exception):  # the error that led here is the one to tell
                    self._record(task)

    def _fail(self, name: str, error: BaseException, progress: ProgressDisplay | None = None) -> None:
        if self._fail_fast or isinstance(error, StoreError):
            raise error
        known = isinstance(error, FusionBenchError)
        text = str(error) if known else f"{type(error).__name__}: {error}"
        self.result.failures[name] = text
        if progress is not None:
            progress.message(": ".join(part for part in ("failed", self.group.label, name, text) if part))

    def _path(self, pair: Pair) -> Path:
        group = self.group
        return self.store.fused_path(
            group.method.spec.name, group.dataset.spec.name, group.dataset.split, pair.name
        )


def _is_scored(entry: Entry | None, digest: str, score: ScoreUnit) -> bool:
    if entry is None or entry.digest != digest:
        return False
    return score.metrics is None or set(score.metrics) <= {v.metric for v in entry.values}


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:32]


def image_size(dataset: Dataset, pair: Pair) -> tuple[int, int] | None:
    """(height, width) of a pair without decoding it where that is possible; None if it can't be read."""
    if dataset.spec.size is not None:
        return dataset.spec.size
    path = pair.infrared
    try:
        if path is None:
            return dataset.load(pair).infrared.shape[:2]
        from PIL import Image

        with Image.open(path) as image:
            return image.height, image.width
    except Exception:  # the decoder will say what is wrong with it
        return None


def read_fused(store: RunStore, group: Group) -> Callable[[str], UInt8Array]:
    """A function that decodes a group's fused image by name, for evaluators that see whole sets."""

    def read(name: str) -> UInt8Array:
        return read_image(
            store.fused_path(group.method.spec.name, group.dataset.spec.name, group.dataset.split, name)
        )

    return read


def scored_images(values: Iterable[tuple[str, Value]], digest: str) -> list[Entry]:
    """Group a dataset evaluator's values by image."""
    entries: dict[str, Entry] = {}
    for image, value in values:
        entries.setdefault(image, Entry(image, digest)).values.append(value)
    return list(entries.values())
