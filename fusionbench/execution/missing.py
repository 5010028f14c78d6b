"""What a group still lacks, decided from data alone: the sources' digests, the store's entries, the files
that are there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..contracts.dataset import Pair
from ..planning.units import ScoreUnit
from ..store.journal import Entry


@dataclass(frozen=True)
class Work:
    """One image to do.

    ``source`` hashes what it is fused from, ``fuse`` says whether it must be fused, ``scores`` are the units
    that lack it, and ``digest`` is that of the saved image ("" if it must be fused).
    """

    pair: Pair
    source: str
    fuse: bool
    scores: tuple[ScoreUnit, ...]
    digest: str


def find_missing(
    pairs: Sequence[Pair],
    sources: Mapping[str, str],
    scores: Sequence[ScoreUnit],
    fused: Mapping[str, Entry],
    scored: Mapping[str, Mapping[str, Entry]],
    saved: Collection[str],
) -> dict[str, Work]:
    """The work left, by image, in the order of ``pairs``.

    ``sources`` maps images to the digest of what they are fused from (images without one are left out);
    ``fused`` and ``scored`` (by unit key) are the store's entries by image; ``saved`` names the images whose
    file is there.
    """
    work: dict[str, Work] = {}
    for pair in pairs:
        name = pair.name
        if name not in sources:
            continue
        entry = fused.get(name)
        current = entry is not None and entry.digest.startswith(sources[name]) and name in saved
        digest = entry.digest if entry is not None and current else ""
        missing = tuple(
            s for s in scores if not current or not _is_scored(scored[s.id.key].get(name), digest, s)
        )
        if not current or missing:
            work[name] = Work(pair, sources[name], not current, missing, digest)
    return work


def _is_scored(entry: Entry | None, digest: str, score: ScoreUnit) -> bool:
    if entry is None or entry.digest != digest:
        return False
    return score.metrics is None or set(score.metrics) <= {v.metric for v in entry.values}
