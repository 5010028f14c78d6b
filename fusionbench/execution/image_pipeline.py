"""Fuses and scores the images of one group (a method on a split): finds what is missing, lets it flow,
keeps a journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..contracts.dataset import Pair
from ..contracts.evaluator import ImageEvaluator
from ..errors import FusionBenchError
from ..external.outputs import open_folder
from ..planning.units import Group
from ..store.run_store import RunStore
from ..terminal.progress import ProgressDisplay
from .batches import Shard, compose_batches
from .fused_images import FusedImages, images_of
from .fuser import Fuser
from .group_journal import GroupJournal, GroupResult
from .image_flow import ImageFlow, LoadError
from .missing import Work, find_missing
from .source_digests import group_sources


@dataclass(frozen=True)
class FlowSettings:
    """How a group is done: ``jobs`` threads, ``batch_size`` pairs fused at once, this worker's ``shard``.

    With ``redo`` everything is done again, with ``fail_fast`` the first failure ends the run.
    """

    jobs: int
    batch_size: int
    shard: Shard
    redo: bool = False
    fail_fast: bool = False


def run_group(
    group: Group,
    store: RunStore,
    make_fuser: Callable[[], Fuser],
    evaluators: Mapping[str, ImageEvaluator],
    settings: FlowSettings,
    progress: ProgressDisplay,
) -> GroupResult:
    """Fuse and score what a group's shard lacks; ``evaluators`` are those of its image units, by unit key.

    Results go to the store's journals as they come. Raises ``StoreError`` if they can't be written; other
    failures are in the result, image by image.
    """
    label, dataset = group.label, group.dataset.dataset
    size = settings.batch_size if group.method.spec.batchable else 1
    batches = settings.shard.of(list(compose_batches(dataset, group.dataset.pairs, size)))
    pairs = [pair for batch in batches for pair in batch]
    journal = GroupJournal(group, store, settings.shard.name, progress, fail_fast=settings.fail_fast)
    images = images_of(store, group)
    flow = ImageFlow(group.dataset, images, make_fuser, evaluators, journal, jobs=settings.jobs)
    folder = open_folder(group.method.spec, group.method.folder) if group.method.folder is not None else None
    where = f"{group.dataset.spec.name}/{group.dataset.split}"
    sources, unusable = group_sources(group.dataset, pairs, folder, progress, f"reading {where}")
    work = _missing(group, store, images, pairs, sources, progress, redo=settings.redo)
    progress.start(label, len(pairs), len(pairs) - len(work) - len(unusable))
    try:
        for name, error in unusable.items():
            journal.failed(name, error)
            journal.advance()
        flow.run(batches, work)
        if flow.fuser is not None:
            journal.loaded(flow.fuser)  # what it had to fall back to meanwhile
            for text in flow.fuser.warnings:
                progress.message(f"warning: {label}: {text}")
    except LoadError as error:  # this method's images stay undone, other methods go on
        journal.failed("", _load_failure(error.reason))
    finally:
        journal.close()
    progress.finish(label)
    result = journal.result
    order = {pair.name: number for number, pair in enumerate(pairs)}
    result.failures = dict(sorted(result.failures.items(), key=lambda item: order.get(item[0], -1)))
    result.provenance = flow.fuser.provenance() if flow.fuser is not None else None
    return result


def _missing(
    group: Group,
    store: RunStore,
    images: FusedImages,
    pairs: Sequence[Pair],
    sources: Mapping[str, str],
    progress: ProgressDisplay,
    *,
    redo: bool,
) -> dict[str, Work]:
    scores = [s for s in group.scores if s.evaluator.scope == "image"]
    fused = {} if redo else store.entries(group.fuse)
    scored = {s.id.key: {} if redo else store.entries(s.id) for s in scores}
    unchanged, changed = images.unchanged(fused, [p.name for p in pairs])
    for name, path in changed.items():
        if name in sources and fused[name].digest.startswith(sources[name]):
            progress.message(f"{group.label}: {path} was changed after it was fused; it is fused again")
    return find_missing(pairs, sources, scores, fused, scored, unchanged)


def _load_failure(reason: Exception) -> FusionBenchError:
    if isinstance(reason, FusionBenchError):
        return reason
    return FusionBenchError(f"can't be loaded: {type(reason).__name__}: {reason}")
