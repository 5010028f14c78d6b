"""Fuses and scores the images of one group (a method on a split): finds what is missing, lets it flow,
keeps a journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ..contracts.dataset import Pair
from ..contracts.evaluator import ImageEvaluator
from ..errors import FusionBenchError
from ..external.outputs import open_folder
from ..planning.units import Group
from ..store.run_store import RunStore
from ..terminal.progress import ProgressDisplay
from .batches import Shard, compose_batches
from .fused_images import images_of
from .fuser import Fuser
from .group_journal import GroupJournal, GroupResult
from .image_flow import ImageFlow, LoadError
from .missing import Work, find_missing
from .seen_pairs import load_pair
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
    label = group.label
    batches = settings.shard.of(group_batches(group, settings.batch_size))
    pairs = [pair for batch in batches for pair in batch]
    journal = GroupJournal(group, store, settings.shard.name, progress, fail_fast=settings.fail_fast)
    images = images_of(store, group)
    load = partial(load_pair, group.dataset)
    flow = ImageFlow(load, images, make_fuser, evaluators, journal, jobs=settings.jobs)
    work, unusable = find_work(group, store, pairs, progress, redo=settings.redo)
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
        journal.failed("", load_failure(error.reason))
    finally:
        journal.close()
    progress.finish(label)
    result = journal.result
    result.sort_failures(pairs)
    result.provenance = flow.fuser.provenance() if flow.fuser is not None else None
    return result


def group_batches(group: Group, size: int) -> list[list[Pair]]:
    """A group's pairs, as they are fused together: at most ``size`` at once where the method can."""
    size = size if group.method.spec.batchable else 1
    return list(compose_batches(group.dataset.dataset, group.dataset.pairs, size))


def find_work(
    group: Group, store: RunStore, pairs: Sequence[Pair], progress: ProgressDisplay, *, redo: bool
) -> tuple[dict[str, Work], dict[str, Exception]]:
    """What is left to do of a group's pairs, by image; and why others can't be used, by image. With ``redo``
    everything is done again."""
    method, dataset = group.method, group.dataset
    folder = open_folder(method.spec, method.folder) if method.folder is not None else None
    label = f"reading {dataset.spec.name}/{dataset.split}"
    sources, unusable = group_sources(dataset, pairs, folder, progress, label)
    images = images_of(store, group)
    scores = [s for s in group.scores if s.evaluator.scope == "image"]
    fused = {} if redo else store.entries(group.fuse)
    scored = {s.id.key: {} if redo else store.entries(s.id) for s in scores}
    unchanged, changed = images.unchanged(fused, [p.name for p in pairs])
    for name, path in changed.items():
        if name in sources and fused[name].digest.startswith(sources[name]):
            progress.message(f"{group.label}: {path} was changed after it was fused; it is fused again")
    return find_missing(pairs, sources, scores, fused, scored, unchanged), unusable


def load_failure(reason: Exception) -> FusionBenchError:
    """The error that says that a method can't be built or loaded."""
    if isinstance(reason, FusionBenchError):
        return reason
    return FusionBenchError(f"can't be loaded: {type(reason).__name__}: {reason}")
