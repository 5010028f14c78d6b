"""What reports see of a store: the rows that belong together, and a sentence for all that they had to leave
out.

A report never leaves out silently what a run folder holds. Whatever can't be read, or isn't finished, or was
computed from images that have been replaced since, is named in ``problems`` with what to do.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ..contracts.rows import COLUMNS, details_frame
from ..errors import StoreError
from .fused import is_unchanged
from .journal import Journal
from .manifest import Manifest, read_manifest
from .rows_file import dtype_of, read_rows

if TYPE_CHECKING:
    from .run_store import RunStore

Keys = Mapping[str, "set[str] | None"]
"""A selection of units: key → the names of its images (None: all)."""

_KEY_DIGITS = 12


@dataclass
class _Units:
    """A store's readable manifests, and the digests of the fused images that are current."""

    manifests: list[Manifest]
    fused: dict[tuple[str, str, str], dict[str, str]] = field(default_factory=dict)
    """(method, dataset, split) → image → digest."""


def read_rows_of(
    store: RunStore, keys: Keys | None = None, problems: list[str] | None = None
) -> pd.DataFrame:
    """The rows of finished units as a frame with ``COLUMNS``.

    ``keys`` restricts to units by key, each to a set of image names (None: all its images). What can't be
    read is added to ``problems``; without such a list it is raised as ``StoreError``.
    """
    said: list[str] = []
    units = _readable(store, keys, said)
    frames = []
    for manifest in units.manifests:
        unit = manifest.unit
        if unit.is_fusing or (keys is not None and unit.key not in keys):
            continue
        try:
            frame = read_rows(store.folder, manifest)
        except StoreError as error:
            said.append(str(error))
            continue
        if newer := _newer(manifest, units):
            said += _only_older(frame, manifest, newer)
            continue
        frame = _current(frame, manifest, units, said)
        images = None if keys is None else keys[unit.key]
        frames.append(frame if images is None else frame[frame["image"].isin(images | {""})])
    if keys is None:
        said += unfinished(store)
        said += strays(store, units.manifests, said)
    if problems is None and said:
        raise StoreError(said[0])
    if problems is not None:
        problems += said
    frames = [f for f in frames if len(f)]
    if not frames:
        return pd.DataFrame({name: pd.Series(dtype=dtype_of(name)) for name in COLUMNS})
    joined = pd.concat(frames, ignore_index=True).drop(columns="digest")
    joined.insert(0, "run", store.folder.resolve().name)
    return joined


def read_details(store: RunStore, keys: Iterable[str] | None = None) -> pd.DataFrame:
    """The finished units (all, or those of these keys) that left tables or masks, with ``DETAIL_COLUMNS``."""
    wanted = None if keys is None else set(keys)
    found = []
    units = _readable(store, None, [])
    for manifest in units.manifests:
        unit = manifest.unit
        folder = store.details_path(unit)
        if (wanted is None or unit.key in wanted) and folder.is_dir() and _is_current_set(manifest, units):
            found.append({**asdict(unit), "protocol": unit.convention, "folder": folder})
    return details_frame(found)


def fused_digests(store: RunStore) -> dict[tuple[str, str, str], dict[str, str]]:
    """The digests of a store's fused images by (method, dataset, split) and image."""
    return _readable(store, None, []).fused


def unfinished(store: RunStore) -> list[str]:
    """A sentence for each unit that was begun and isn't finished."""
    counts: dict[str, int] = {}
    for path in sorted((store.folder / "journal").glob("*.jsonl")):
        if path.is_dir():
            continue
        try:
            counts[str(path)] = sum(1 for _ in Journal.read(path))
        except OSError:
            counts[str(path)] = 0
    return [
        f"{path}: {count} image{'s' * (count != 1)} of a unit that isn't finished, left out; run the same "
        "command again"
        for path, count in counts.items()
    ]


def strays(store: RunStore, manifests: Iterable[Manifest], said: Iterable[str] = ()) -> list[str]:
    """A sentence for rows and fused images that no readable unit names (unless ``said`` names the unit
    already)."""
    units = list(manifests)
    stems = {m.unit.stem for m in units}
    told = "\n".join(said)
    found = [
        f"{path}: left out, there is no units/{path.stem}.json that says what it is; join runs with "
        "`fusionbench merge`, or delete the file and run the same command again"
        for path in sorted((store.folder / "rows").glob("*.parquet"))
        if path.stem not in stems and path.stem not in told
    ]
    known: dict[tuple[str, str, str], set[str]] = {}
    for m in units:
        if m.unit.is_fusing:
            known.setdefault((m.unit.method, m.unit.dataset, m.unit.split), set()).update(m.images)
    for (method, dataset, split), names in _fused_files(store.folder):
        begun = f"fuse--{method}--{dataset}--{split}"
        missing = sorted(names - known.get((method, dataset, split), set()))
        if missing and begun not in told:
            some = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
            found.append(
                f"{store.folder / 'fused' / method / dataset / split}: {len(missing)} "
                f"image{'s' * (len(missing) != 1)} "
                f"belong to no finished unit ({some}), so no report counts them; join runs with `fusionbench "
                "merge`, or "
                "run the same command again"
            )
    return found


def _readable(store: RunStore, keys: Keys | None, said: list[str]) -> _Units:
    """The readable manifests; ``said`` gets a sentence for each other one (of a selected key)."""
    units = _Units([])
    prefixes = None if keys is None else {key[:_KEY_DIGITS] for key in keys}
    for path in sorted((store.folder / "units").glob("*.json")):
        try:
            units.manifests.append(read_manifest(path))
        except FileNotFoundError:
            continue
        except StoreError as error:
            if prefixes is None or path.stem.rpartition("--")[2] in prefixes:
                said.append(str(error))
    places: dict[tuple[str, str, str], list[Manifest]] = {}
    for manifest in units.manifests:
        unit = manifest.unit
        if unit.is_fusing:
            places.setdefault((unit.method, unit.dataset, unit.split), []).append(manifest)
    units.fused = {place: _joined(store, place, found) for place, found in places.items()}
    return units


def _joined(store: RunStore, place: tuple[str, str, str], manifests: list[Manifest]) -> dict[str, str]:
    """Image → digest of the fused images at one place.

    A store of version 0.1 may hold several units that wrote to one place; then the file decides whose image
    it is.
    """
    digests: dict[str, str] = {}
    for manifest in manifests:
        for image, digest in manifest.images.items():
            if image in digests and digests[image] != digest:
                path = store.fused_path(*place, image)
                digests[image] = digest if is_unchanged(path, digest) else digests[image]
            else:
                digests[image] = digest
    return digests


def _current(frame: pd.DataFrame, manifest: Manifest, units: _Units, said: list[str]) -> pd.DataFrame:
    """A unit's rows without those of images that were fused again since; ``said`` names what is left out."""
    unit = manifest.unit
    if not unit.dataset:
        return frame
    place = (unit.method, unit.dataset, unit.split)
    label = f"{unit.evaluator} {unit.convention} of {unit.method} on {unit.dataset}/{unit.split}".replace(
        "  ", " "
    )
    if place not in units.fused:
        said.append(
            f"{label}: kept, but no readable unit says what its images were fused from; run the same command "
            "again"
        )
        return frame
    fused = units.fused[place]
    if "scored" in manifest.facts:  # a whole set counts whole or not at all
        if _is_current_set(manifest, units):
            return frame
        said.append(f"{label}: left out, its images were fused again since; run the same command again")
        return frame[:0]
    if not any(
        ":" in digest for digest in manifest.images.values()
    ):  # version 0.1 doesn't say which images it scored
        return frame
    digests = [fused.get(image) for image in frame["image"]]
    kept = frame[[d == own for d, own in zip(digests, frame["digest"], strict=True)]]
    if lost := sorted(set(frame["image"]) - set(kept["image"])):
        some = ", ".join(lost[:3]) + (" …" if len(lost) > 3 else "")
        said.append(
            f"{label}: {len(lost)} image{'s' * (len(lost) != 1)} left out ({some}), fused again since they "
            "were scored; "
            "run the same command again"
        )
    return kept


def _newer(manifest: Manifest, units: _Units) -> list[Manifest]:
    """The units that scored the same by a later definition: their numbers count."""
    own = replace(manifest.unit, key="")
    return [
        m for m in units.manifests if replace(m.unit, key="") == own and _versions(m) > _versions(manifest)
    ]


def _versions(manifest: Manifest) -> list[int]:
    return list(manifest.facts.get("versions", [manifest.facts.get("evaluator_version", 0)]))


def _only_older(frame: pd.DataFrame, manifest: Manifest, newer: list[Manifest]) -> list[str]:
    """A sentence for images that only the older definition has a number of."""
    lost = sorted(set(frame["image"]) - {image for m in newer for image in m.images})
    if not lost:
        return []
    return [
        f"{manifest.unit.stem}: {len(lost)} image{'s' * (len(lost) != 1)} left out, scored by an older "
        "definition only; "
        "run the same command again"
    ]


def _is_current_set(manifest: Manifest, units: _Units) -> bool:
    """Whether the images that a unit of whole sets scored are those that are there; version 0.1 doesn't
    say."""
    fused = units.fused.get((manifest.unit.method, manifest.unit.dataset, manifest.unit.split), {})
    scored = manifest.facts.get("scored")
    return scored is None or all(fused.get(image) == digest for image, digest in scored.items())


def _fused_files(folder: Path) -> Iterator[tuple[tuple[str, str, str], set[str]]]:
    """(method, dataset, split) and the names of the images that lie there (``sub-folder/name`` below one)."""
    for root, _, files in os.walk(folder / "fused"):
        parts = Path(root).relative_to(folder / "fused").parts
        names = {f.removesuffix(".png") for f in files if f.endswith(".png") and not f.startswith(".")}
        if len(parts) >= 3 and names:
            yield (parts[0], parts[1], parts[2]), {"/".join([*parts[3:], name]) for name in names}
