"""Joins run folders of several machines into a new one: complete, or refused with the names of what doesn't
fit.

Nothing is written before everything has been read and checked. Disjoint images of one unit are joined;
contradicting results, rows that don't belong to their unit, replaced images and unfinished units are refused.
A score of a whole set (detection, segmentation) holds for the images that it was computed from alone: where
the joined set is larger, it is left out, and said.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..contracts.evaluator import Value
from ..errors import StoreError
from ..files.atomic import write_atomic
from .entrants import Entrants, base_of
from .fused import is_unchanged
from .journal import Entry
from .manifest import Manifest, read_manifest
from .reading import strays, unfinished
from .rows_file import read_rows
from .run_store import RunStore
from .unit_id import UnitId

SHOWN = 10
"""Reasons that a refusal shows."""


@dataclass
class _Part:
    """A unit of one store, with its name in the joined one."""

    store: RunStore
    source: Manifest
    unit: UnitId
    entries: dict[str, Entry]


@dataclass
class _Joined:
    """A unit of the joined store: its entries, and the parts that they come from."""

    unit: UnitId
    entries: dict[str, Entry] = field(default_factory=dict)
    parts: list[_Part] = field(default_factory=list)

    @property
    def place(self) -> tuple[str, str, str]:
        """Where the unit's fused images lie."""
        return self.unit.method, self.unit.dataset, self.unit.split

    @property
    def label(self) -> str:
        """How the user is told of it."""
        unit = self.unit
        where = f" on {unit.dataset}/{unit.split}" if unit.dataset else ""
        return f"{' '.join(p for p in (unit.evaluator, unit.convention) if p)} of {unit.method}{where}"


@dataclass(frozen=True)
class Merged:
    """What a merge did: the new run folder, how much it holds, and what was left out, with the reason."""

    folder: Path
    units: int
    images: int
    notes: tuple[str, ...]


def merge(stores: Sequence[RunStore], out: Path) -> Merged:
    """Join run folders into the new folder ``out``.

    Raises ``StoreError`` that names every file, unit or image that doesn't fit, and says what to do; then
    nothing has been written.
    """
    if len(stores) < 2:
        raise StoreError("merge joins at least two runs; name them")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise StoreError(f"{out}: exists already; choose another --out for the joined run")
    refused: list[str] = []
    notes: list[str] = []
    methods, datasets = Entrants(), Entrants()
    parts: list[_Part] = []
    tables: list[dict[str, dict[str, Any]]] = []
    for store in stores:
        manifests = _sound_manifests(store, refused)
        names = {
            "methods": _renamed(methods, store.entrants("methods")),
            "datasets": _renamed(datasets, store.entrants("datasets")),
        }
        tables.append({table: _table(store, table, renamed) for table, renamed in names.items()})
        for manifest in manifests:
            unit = replace(
                manifest.unit,
                method=names["methods"].get(manifest.unit.method, manifest.unit.method),
                dataset=names["datasets"].get(manifest.unit.dataset, manifest.unit.dataset),
            )
            parts.append(_Part(store, manifest, unit, _entries(store, manifest, refused)))
    units = _join(parts, refused)
    images = _images(units, refused)
    kept = _complete(units, images, refused, notes)
    if refused:
        shown = list(dict.fromkeys(refused))
        more = f"\n  … and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
        raise StoreError(
            "these runs can't be joined, and nothing was written:\n  " + "\n  ".join(shown[:SHOWN]) + more
        )
    count = _write(out, kept, stores, tables)
    return Merged(out, len(kept), count, tuple(dict.fromkeys(notes)))


def _sound_manifests(store: RunStore, refused: list[str]) -> list[Manifest]:
    """A store's manifests; all that is damaged, unfinished or stray is refused."""
    found = []
    said: list[str] = []
    for path in sorted((store.folder / "units").glob("*.json")):
        try:
            found.append(read_manifest(path))
        except (StoreError, FileNotFoundError) as error:
            said.append(str(error))
    said += unfinished(store)
    said += strays(store, found, said)
    refused += said
    return found


def _renamed(known: Entrants, own: Entrants) -> dict[str, str]:
    """A store's names → those in the joined store, where another variant may have the name already."""
    return {
        name: known.name(base_of(name), settings) if settings is not None else name
        for name, settings in own.known.items()
    }


def _table(store: RunStore, table: str, renamed: Mapping[str, str]) -> dict[str, Any]:
    return {renamed.get(name, name): about for name, about in store.info().get(table, {}).items()}


def _entries(store: RunStore, manifest: Manifest, refused: list[str]) -> dict[str, Entry]:
    entries = {image: Entry(image, digest) for image, digest in manifest.images.items()}
    if manifest.unit.is_fusing:
        return entries
    try:
        frame = read_rows(store.folder, manifest)
    except StoreError as error:
        refused.append(str(error))
        return entries
    columns = [frame[n].tolist() for n in ("image", "metric", "value", "class_name", "reason", "convention")]
    for image, *value in zip(*columns, strict=True):
        entries[image].values.append(Value(*value))
    return entries


def _join(parts: Iterable[_Part], refused: list[str]) -> list[_Joined]:
    """Join the parts of each unit; whole sets and methods themselves are joined only where they agree."""
    units: dict[str, _Joined] = {}
    for part in parts:
        joined = units.setdefault(part.unit.stem, _Joined(part.unit))
        joined.parts.append(part)
        if part.unit.dataset == "" and len(joined.parts) > 1:
            continue  # a measurement of a method: no two are equal, the first run's counts
        if _is_set(part) and len(joined.parts) > 1:
            continue  # chosen by ``_complete``
        for image, entry in part.entries.items():
            old = joined.entries.get(image)
            if old is None:
                joined.entries[image] = Entry(image, entry.digest, list(entry.values))
                continue
            if reason := _contradiction(old, entry):
                places = f"{joined.parts[0].store.folder} and {part.store.folder}"
                refused.append(f"{joined.label}: image {image}: {reason} in {places}; keep one of the two")
                continue
            have = {_meaning(v) for v in old.values}
            old.values += [v for v in entry.values if _meaning(v) not in have]
    return list(units.values())


def _is_set(part: _Part) -> bool:
    if part.unit.is_fusing or not part.unit.dataset:
        return False
    digests = [entry.digest for entry in part.entries.values()]
    return "scored" in part.source.facts or bool(digests and not any(":" in d for d in digests))


def _meaning(value: Value) -> tuple[str, str | None, str]:
    return value.metric, value.convention, value.class_name


def _contradiction(a: Entry, b: Entry) -> str:
    """How two results of one image differ; "" if they agree in all that both hold."""
    if a.digest != b.digest:
        return "was fused to other pixels or from other sources"
    known = {_meaning(v): v.value for v in a.values}
    for value in b.values:
        other = known.get(_meaning(value))
        if other is not None and other != value.value and not (math.isnan(other) and math.isnan(value.value)):
            return f"{value.metric} is {other:g} and {value.value:g}"
    return ""


def _images(units: Iterable[_Joined], refused: list[str]) -> dict[tuple[str, str, str], _Joined]:
    """The fused images by place; two units that would write to one place are refused, and so are replaced
    images."""
    found: dict[tuple[str, str, str], _Joined] = {}
    for joined in units:
        if not joined.unit.is_fusing:
            continue
        first = found.setdefault(joined.place, joined)
        if first is not joined:
            folders = f"{first.parts[0].store.folder} and {joined.parts[0].store.folder}"
            refused.append(
                f"{joined.label}: was run with other code, weights or data in {folders}; run one of them "
                "again"
            )
        for image, entry in joined.entries.items():
            holders = [p for p in joined.parts if image in p.entries]
            if not any(is_unchanged(_file(p, image), entry.digest) for p in holders):
                refused.append(
                    f"{_file(holders[0], image)}: is missing or was changed after it was fused; run the same "
                    "command "
                    "again to fuse it again"
                )
    return found


def _file(part: _Part, image: str) -> Path:
    unit = part.source.unit
    return part.store.fused_path(unit.method, unit.dataset, unit.split, image)


def _complete(
    units: Iterable[_Joined],
    images: Mapping[tuple[str, str, str], _Joined],
    refused: list[str],
    notes: list[str],
) -> list[_Joined]:
    """The units that hold for the joined images."""
    kept = []
    by_key = {joined.unit.key: joined for joined in images.values()}
    for joined in units:
        if joined.unit.is_fusing:
            kept.append(joined)
        elif not joined.unit.dataset:
            if any(p.entries != joined.parts[0].entries for p in joined.parts[1:]):
                notes.append(f"{joined.label}: measured in several runs; the first run's numbers are kept")
            kept.append(joined)
        elif joined.place not in images:
            refused.append(
                f"{joined.label}: there is no unit of its fused images; run the same command again"
            )
        elif _is_set(joined.parts[0]):
            kept += _whole_sets(joined, images[joined.place], by_key, refused, notes)
        else:
            fused = images[joined.place].entries
            strange = sorted(
                i for i, e in joined.entries.items() if i not in fused or fused[i].digest != e.digest
            )
            if strange:
                refused.append(
                    f"{joined.label}: image {strange[0]} was fused again since it was scored; run the same "
                    "command again"
                )
            kept.append(joined)
    return kept


def _whole_sets(
    joined: _Joined, fused: _Joined, by_key: Mapping[str, _Joined], refused: list[str], notes: list[str]
) -> list[_Joined]:
    """A whole set's unit, if one of the runs scored all of the joined images."""
    complete = [p for p in joined.parts if _scored_all(p, fused, by_key)]
    if not complete:
        most = max(len(p.source.facts.get("scored", p.entries)) for p in joined.parts)
        notes.append(
            f"{joined.label}: left out, no run scored all {len(fused.entries)} images of the joined set (at "
            f"most {most}); "
            "run the command with the joined folder to score it"
        )
        return []
    first = complete[0]
    for other in complete[1:]:
        for image, entry in other.entries.items():
            old = first.entries.get(image)
            reason = _contradiction(old, entry) if old is not None else "is in one of the two only"
            if reason:
                places = f"{first.store.folder} and {other.store.folder}"
                refused.append(
                    f"{joined.label}: {image or 'the whole set'}: {reason} in {places}; keep one of the two"
                )
                break
    return [_Joined(joined.unit, first.entries, [first])]


def _scored_all(part: _Part, fused: _Joined, by_key: Mapping[str, _Joined]) -> bool:
    """Whether a run had all of the joined images (and of the training split) when it scored this set."""
    own = {p.store.folder: set(p.entries) for p in fused.parts}.get(part.store.folder, set())
    if own != set(fused.entries):
        return False
    scored = part.source.facts.get("scored", {})
    if any(image not in fused.entries or fused.entries[image].digest != d for image, d in scored.items()):
        return False
    training = by_key.get(str(part.source.facts.get("training", "")))
    if training is None:
        return True
    trained = {p.store.folder: set(p.entries) for p in training.parts}.get(part.store.folder, set())
    return trained == set(training.entries)


def _write(
    out: Path,
    units: Sequence[_Joined],
    stores: Sequence[RunStore],
    tables: Sequence[dict[str, dict[str, Any]]],
) -> int:
    """Write the joined store; run.json comes last. Returns how many images it holds."""
    store, count = RunStore.open(out), 0
    try:
        for joined in units:
            if joined.unit.is_fusing:
                for image, entry in joined.entries.items():
                    files = (_file(p, image) for p in joined.parts if image in p.entries)
                    source = next(f for f in files if is_unchanged(f, entry.digest))
                    write_atomic(store.fused_path(*joined.place, image), source.read_bytes())
                    count += 1
            details = joined.parts[0].store.details_path(joined.parts[0].source.unit)
            if details.is_dir():
                shutil.copytree(details, store.details_path(joined.unit))
            facts = {k: v for k, v in joined.parts[0].source.facts.items() if k != "rows_sha256"}
            if any("failures" in p.source.facts for p in joined.parts):
                failures = {n: r for p in joined.parts for n, r in p.source.facts.get("failures", {}).items()}
                facts["failures"] = {n: r for n, r in failures.items() if n not in joined.entries}
            store.finish(joined.unit, joined.entries.values(), facts)
        infos = [s.info() for s in stores]
        invocations = [i for info in infos for i in info.get("invocations", [])]
        store.write_info(
            {
                "name": out.resolve().name,
                "merged_from": [str(s.folder) for s in stores],
                "methods": _first_of(t["methods"] for t in tables),
                "datasets": _first_of(t["datasets"] for t in tables),
                "invocations": sorted(invocations, key=lambda i: str(i.get("started", ""))),
            }
        )
    finally:
        store.close()
    return count


def _first_of(tables: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for table in tables:
        for name, about in table.items():
            joined.setdefault(name, about)
    return joined
