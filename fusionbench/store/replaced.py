"""Results that newer ones replace: the same method and dataset by name, fused with other code, weights or
data."""

from __future__ import annotations

from collections.abc import Mapping

from .manifest import Manifest
from .run_store import RunStore
from .unit_id import UnitId


def replaced_by(store: RunStore, unit: UnitId) -> list[UnitId]:
    """The finished units whose results a new ``fuse`` unit replaces: the same place, fused with other
    code or data."""
    manifests = store.manifests()
    place = (unit.method, unit.dataset, unit.split)
    same = [m for m in manifests if (m.unit.method, m.unit.dataset, m.unit.split) == place]
    old = {m.unit.key for m in same if m.unit.is_fusing and m.unit.key != unit.key}
    if not old:
        return []
    current = [m for m in same if m.unit.is_fusing and m.unit.key == unit.key]
    kept = dict(current[0].images) if current else {}
    return [m.unit for m in same if (m.unit.key in old if m.unit.is_fusing else _is_of(m, old, kept))]


def _is_of(manifest: Manifest, fused: set[str], kept: Mapping[str, str]) -> bool:
    """Whether a unit scored the images of these ``fuse`` keys; a unit of version 0.1 doesn't say, but for
    its digests."""
    key = manifest.facts.get("fuse")
    if key is not None:
        return key in fused
    return any(kept.get(image) != digest for image, digest in manifest.images.items())
