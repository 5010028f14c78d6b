"""What methods see of a planned dataset's pairs: the clean images, or corrupted ones."""

from __future__ import annotations

from dataclasses import dataclass

from ..contracts.dataset import Pair, PairImages
from ..corruptions.engine import corrupt
from ..images.codec import check_same_size
from ..planning.units import PlannedDataset


@dataclass(frozen=True)
class LoadedPair:
    """A pair as it is (``clean``: what metrics compare with) and as the method sees it (``seen``)."""

    clean: PairImages
    seen: PairImages


def load_pair(dataset: PlannedDataset, pair: Pair, *, to_fuse: bool = True) -> LoadedPair:
    """Decode a pair, without labels; corrupt what is ``seen`` if it is to be fused.

    Raises ``ImageError`` naming the file.
    """
    clean = _load(dataset, pair)
    if dataset.corruption is None or not to_fuse:
        return LoadedPair(clean, clean)
    other = dataset.frames.get(pair.name)
    frame = _load(dataset, other) if other is not None else None
    seen = corrupt(clean, dataset.corruption, pair.name, frame)
    check_same_size(seen.infrared, seen.visible, pair.name)
    return LoadedPair(clean, seen)


def _load(dataset: PlannedDataset, pair: Pair) -> PairImages:
    images = dataset.dataset.load(pair)
    check_same_size(images.infrared, images.visible, pair.name)
    return images
