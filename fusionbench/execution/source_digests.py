"""Digests of sources and labels, each file read once a process: several methods are fused from the same
pairs."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..contracts.dataset import Dataset, HasLabelDigest, Pair
from ..errors import FusionBenchError
from ..external.folder import FolderFuser
from ..files.artifacts import file_hashes
from ..planning.units import PlannedDataset
from ..terminal.progress import ProgressDisplay

SILENT_S = 1.0
"""Hashing that takes longer is shown."""

_known: dict[tuple[object, ...], str] = {}


def source_digest(dataset: Dataset, pair: Pair) -> str:
    """What ``dataset.digest`` says of a pair, remembered as long as its files stay the same (path, size,
    times, inode)."""
    key = ("source", *_identity(dataset), pair.name, *_states(pair.infrared, pair.visible))
    if key not in _known:
        _known[key] = dataset.digest(pair)
    return _known[key]


def seen_digest(dataset: PlannedDataset, pair: Pair) -> str:
    """32 hex digits that hash what a method sees of a pair: its sources, and the frame that takes the place of one.

    What a corruption does with them is part of the unit's key.
    """
    own = source_digest(dataset.dataset, pair)
    other = dataset.frames.get(pair.name)
    if other is None:
        return own[:32]
    return _joined(own.encode(), source_digest(dataset.dataset, other).encode())


def label_digest(dataset: Dataset, pair: Pair) -> str:
    """What ``dataset.label_digest`` says of a pair, remembered likewise; "" for a dataset that has none."""
    if not isinstance(dataset, HasLabelDigest):
        return ""
    key = ("labels", *_identity(dataset), pair.name, *_states(pair.labels, pair.boxes))
    if key not in _known:
        _known[key] = dataset.label_digest(pair)
    return _known[key]


def group_sources(
    dataset: PlannedDataset,
    pairs: Sequence[Pair],
    folder: FolderFuser | None,
    progress: ProgressDisplay,
    label: str,
) -> tuple[dict[str, str], dict[str, Exception]]:
    """What each image is fused from: 32 hex digits by image name; and why others can't be used, by name.

    Images that were fused elsewhere (``folder``) are made from the file there too.
    """
    sources: dict[str, str] = {}
    unusable: dict[str, Exception] = {}
    for pair in _shown(pairs, progress, label):
        try:
            source = seen_digest(dataset, pair)
            if folder is not None:
                fused_elsewhere = file_hashes(folder.file(pair))[0]
                source = _joined(hashlib.sha256(source.encode()).digest(), bytes.fromhex(fused_elsewhere))
        except (FusionBenchError, OSError) as error:
            unusable[pair.name] = error
        else:
            sources[pair.name] = source
    return sources, unusable


def _shown(pairs: Sequence[Pair], progress: ProgressDisplay, label: str) -> Iterator[Pair]:
    """The pairs, with a progress display as soon as they take long."""
    begun, shown = time.monotonic(), False
    for done, pair in enumerate(pairs):
        if not shown and time.monotonic() - begun > SILENT_S:
            progress.start(label, len(pairs), done)
            shown = True
        yield pair
        if shown:
            progress.advance(label)
    if shown:
        progress.finish(label)


def _identity(dataset: Dataset) -> tuple[object, ...]:
    return type(dataset), dataset.spec.name, dataset.spec.version, repr(dataset.spec.options)


def _states(*paths: Path | None) -> Iterator[object]:
    for path in paths:
        try:
            state = path.stat() if path is not None else None
        except OSError:
            state = None
        yield path
        if state is not None:
            yield state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino


def _joined(*digests: bytes) -> str:
    return hashlib.sha256(b"".join(digests)).hexdigest()[:32]
