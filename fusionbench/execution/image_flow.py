"""The flow of a group's images: decode, fuse, quantise once, save, and score exactly the saved bytes.

Decoding, scoring and encoding run on threads (their heavy parts release the interpreter's lock); fusing runs
on the calling thread. What is finished is recorded at once, by the thread that finished it, so that a kill
costs no more than what is in work.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Protocol

from ..contracts.dataset import Pair, PairImages
from ..contracts.evaluator import BatchEvaluator, ImageEvaluator, Value
from ..errors import FusionBenchError, ImageError, StoreError
from ..images.codec import UInt8Array
from ..store.journal import Entry
from .fused_images import FusedImages
from .fuser import Fuser
from .group_journal import Recorder
from .missing import Work
from .seen_pairs import LoadedPair

_Together = Future[dict[tuple[str, str], list[Value]]]
"""What evaluators of batches said, by (unit key, image)."""


class Load(Protocol):
    """Decodes a pair; corrupts what a method sees of it where that is planned and the pair is ``to_fuse``."""

    def __call__(self, pair: Pair, *, to_fuse: bool) -> LoadedPair:
        """Raises ``ImageError`` naming the file."""
        ...


class LoadError(Exception):
    """A method that can't be built or loaded; ``reason`` is what it raised."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


def fuse_batch(
    fuser: Fuser,
    pairs: Sequence[Pair],
    images: Mapping[str, PairImages],
    failed: Callable[[str, Exception], None],
) -> dict[str, UInt8Array]:
    """Fuse a batch; if it fails as a whole, pair by pair, so that one bad pair doesn't take others along.

    Returns the fused images by name. ``failed`` is told of the others.
    """
    try:
        if len({images[p.name].infrared.shape for p in pairs}) > 1:
            raise ImageError("the pairs of a batch differ in size")
        results = fuser.fuse(pairs, [images[p.name] for p in pairs])
        return {p.name: result for p, result in zip(pairs, results, strict=True)}
    except Exception as error:
        if len(pairs) == 1:
            failed(pairs[0].name, error)
            return {}
    fused: dict[str, UInt8Array] = {}
    for pair in pairs:
        fused.update(fuse_batch(fuser, [pair], images, failed))
    return fused


class ImageFlow:
    """Does the work on batches. ``fuser`` is the method once it had to be loaded."""

    def __init__(
        self,
        load: Load,
        images: FusedImages,
        make_fuser: Callable[[], Fuser],
        evaluators: Mapping[str, ImageEvaluator],
        recorder: Recorder,
        *,
        jobs: int,
    ) -> None:
        self.fuser: Fuser | None = None
        self._load, self._images, self._make_fuser = load, images, make_fuser
        self._evaluators, self._recorder, self._jobs = evaluators, recorder, jobs
        self._batched = {k: e for k, e in evaluators.items() if isinstance(e, BatchEvaluator)}

    def run(self, batches: Sequence[list[Pair]], work: Mapping[str, Work]) -> None:
        """Do all work on the images of ``batches``. A batch is fused whole, even where only one of its images
        is missing.

        Raises ``LoadError`` for a method that can't be loaded, and whatever the recorder raises.
        """
        pool = ThreadPoolExecutor(self._jobs, thread_name_prefix="fusionbench")
        try:
            self._run([b for b in batches if any(p.name in work for p in b)], work, pool)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, batches: Sequence[list[Pair]], work: Mapping[str, Work], pool: ThreadPoolExecutor) -> None:
        depth = 2 * self._jobs
        ahead: deque[list[Future[LoadedPair]]] = deque()
        upcoming = iter(batches)

        def prefetch() -> None:
            batch = next(upcoming, None)
            if batch is not None:
                to_fuse = any(work[p.name].fuse for p in batch if p.name in work)
                ahead.append([pool.submit(self._load, p, to_fuse=to_fuse) for p in batch])

        largest = max((len(b) for b in batches), default=1)
        for _ in range(max(1, depth // largest)):
            prefetch()
        pending: deque[Future[None]] = deque()
        for batch in batches:
            loads = ahead.popleft()
            prefetch()
            images = self._loaded(batch, loads, work)
            pending += self._begin(batch, images, work, pool)
            while pending and (pending[0].done() or len(pending) > depth + len(batch)):
                pending.popleft().result()
        while pending:
            pending.popleft().result()

    def _loaded(
        self, batch: Sequence[Pair], loads: Sequence[Future[LoadedPair]], work: Mapping[str, Work]
    ) -> dict[str, LoadedPair]:
        images: dict[str, LoadedPair] = {}
        for pair, load in zip(batch, loads, strict=True):
            try:
                images[pair.name] = load.result()
            except Exception as error:
                self._recorder.failed(pair.name, error)
                if pair.name in work:
                    self._recorder.advance()
        return images

    def _begin(
        self,
        batch: Sequence[Pair],
        images: Mapping[str, LoadedPair],
        work: Mapping[str, Work],
        pool: ThreadPoolExecutor,
    ) -> list[Future[None]]:
        """Fuse a batch if one of its images must be, and hand its images to the threads."""
        good = [p for p in batch if p.name in images]
        wanted = [work[p.name] for p in good if p.name in work]
        fused = self._fuse(good, images) if any(w.fuse for w in wanted) else {}
        here = [w for w in wanted if w.pair.name in fused or not w.fuse]
        self._recorder.advance(len(wanted) - len(here))  # those that could not be fused
        # Submitted first, so that a worker which waits for it never keeps it from starting.
        together = pool.submit(self._score_together, here, images, fused) if self._batched else None
        return [
            pool.submit(self._finish, w, images[w.pair.name], fused.get(w.pair.name), together) for w in here
        ]

    def _fuse(self, pairs: Sequence[Pair], images: Mapping[str, LoadedPair]) -> dict[str, UInt8Array]:
        if self.fuser is None:
            try:
                self.fuser = self._make_fuser()
            except Exception as error:
                raise LoadError(error) from error
            self._recorder.loaded(self.fuser)
        seen = {pair.name: images[pair.name].seen for pair in pairs}
        return fuse_batch(self.fuser, pairs, seen, self._recorder.failed)

    # On worker threads

    def _score_together(
        self, batch: Sequence[Work], images: Mapping[str, LoadedPair], fused: Mapping[str, UInt8Array]
    ) -> dict[tuple[str, str], list[Value]]:
        """What evaluators of batches say. What fails here is left to ``_finish``, image by image."""
        ready: dict[str, UInt8Array] = {}
        for work in batch:
            name = work.pair.name
            with contextlib.suppress(FusionBenchError, OSError):
                ready[name] = fused[name] if work.fuse else self._images.read(name, work.digest)
        results: dict[tuple[str, str], list[Value]] = {}
        for key, evaluator in self._batched.items():
            names = [
                w.pair.name for w in batch if w.pair.name in ready and any(s.id.key == key for s in w.scores)
            ]
            with contextlib.suppress(Exception):
                values = evaluator.score_batch([ready[n] for n in names], [images[n].clean for n in names])
                results |= {(key, name): v for name, v in zip(names, values, strict=True)}
        return results

    def _finish(
        self, work: Work, loaded: LoadedPair, fused: UInt8Array | None, together: _Together | None
    ) -> None:
        """Save an image (or read the saved one) and score it, unless it was scored in a batch."""
        name = work.pair.name
        try:
            digest = work.digest
            if work.fuse and fused is not None:
                digest = self._images.save(
                    name, fused, work.source, lambda found: self._recorder.fused(Entry(name, found))
                )
            else:
                fused = self._images.read(name, digest)
            known = together.result() if together is not None else {}
            for score in work.scores:
                values = known.get((score.id.key, name))
                if values is None:
                    values = self._evaluators[score.id.key].score(fused, loaded.clean)
                self._recorder.scored(score, Entry(name, digest, values))
        except (StoreError, CancelledError):
            raise
        except Exception as error:
            self._recorder.failed(name, error)
        self._recorder.advance()
