"""A finished unit's manifest: what the unit is, which images it holds, what they were made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import StoreError
from ..files.atomic import write_atomic
from .unit_id import UnitId

SCHEMA_VERSION = 1

_TEXTS = ("evaluator", "method", "dataset", "split", "convention", "key")
_AGAIN = "delete it and run the same command again: the unit is computed again"


@dataclass(frozen=True)
class Manifest:
    """``images`` maps each image of the unit to the digest of what its result was computed from.

    ``facts`` holds the rest: ``failures``, ``provenance``, ``settings`` (what tells this variant of a method
    from others), ``fuse`` (the key of the unit whose images were scored), ``scored`` (their digests, for
    whole sets) and ``rows_sha256``.
    """

    unit: UnitId
    images: Mapping[str, str]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """The content of the manifest's file."""
        content = {
            **self.facts,
            "schema_version": SCHEMA_VERSION,
            **asdict(self.unit),
            "images": dict(self.images),
        }
        sealed = {**content, "content_sha256": _seal(content)}
        return json.dumps(sealed, indent=1, ensure_ascii=False, sort_keys=True).encode(
            errors="backslashreplace"
        )


def _seal(content: Mapping[str, Any]) -> str:
    """A digest of all that a manifest says, so that a changed field is found whatever its type."""
    text = json.dumps(content, sort_keys=True)  # in ASCII: also names that are no valid Unicode
    return hashlib.sha256(text.encode()).hexdigest()


class NewerSchemaError(StoreError):
    """A file of a later fusionbench: it is never overwritten."""


def manifest_path(folder: Path, stem: str) -> Path:
    """Where a unit's manifest lies in a run folder."""
    return folder / "units" / f"{stem}.json"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a manifest atomically. Raises ``StoreError``."""
    write_atomic(manifest_path(folder, manifest.unit.stem), manifest.to_json())


def read_manifest(path: Path) -> Manifest:
    """Read and check a manifest. Raises ``StoreError`` that names the file and says what to do,
    ``FileNotFoundError``."""
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path}: is damaged ({error}); {_AGAIN}") from error
    except OSError as error:
        raise StoreError(
            f"{path}: can't be read ({error.strerror or error}); make it readable, or {_AGAIN}"
        ) from error
    if not isinstance(content, dict):
        raise StoreError(f"{path}: is damaged (it holds no JSON object); {_AGAIN}")
    check_schema(path, content)
    seal = content.pop("content_sha256", None)  # none: a version before 0.2 wrote it
    wrong = _wrong_field(content)
    if not wrong and seal is not None and seal != _seal(content):
        wrong = "its content was changed after it was written"
    if wrong:
        raise StoreError(f"{path}: is damaged ({wrong}); {_AGAIN}")
    unit = UnitId(**{name: content[name] for name in UnitId.__dataclass_fields__})
    if unit.stem != path.stem:
        raise StoreError(f"{path}: describes another unit, {unit.stem}; {_AGAIN}")
    known = {*UnitId.__dataclass_fields__, "images", "schema_version"}
    return Manifest(unit, content["images"], {k: v for k, v in content.items() if k not in known})


def check_schema(path: Path, content: Mapping[str, Any]) -> None:
    """Raise ``StoreError`` if a file of the store has another schema version than this fusionbench reads."""
    version = content.get("schema_version")
    if version == SCHEMA_VERSION:
        return
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise NewerSchemaError(
            f"{path}: has schema version {version}, this fusionbench reads {SCHEMA_VERSION}; "
            f"use the version that made it, or choose another --name"
        )
    raise StoreError(f"{path}: is damaged (its schema version is {version!r}); {_AGAIN}")


def _wrong_field(content: Mapping[str, Any]) -> str:
    """What is wrong with a manifest's fields; "" if nothing is."""
    for name in _TEXTS:
        if not isinstance(content.get(name), str):
            return f"{name} is no text"
    if not isinstance(content.get("seed"), int):
        return "seed is no whole number"
    images = content.get("images")
    if not isinstance(images, dict) or not all(isinstance(v, str) for v in images.values()):
        return "images is no mapping of names to digests"
    for name in ("failures", "settings", "scored"):
        if not isinstance(content.get(name, {}), dict):
            return f"{name} is no mapping"
    for name in ("fuse", "training", "rows_sha256"):
        if not isinstance(content.get(name, ""), str):
            return f"{name} is no text"
    versions = content.get("versions", [])
    if not isinstance(versions, list) or not all(isinstance(v, int) for v in versions):
        return "versions is no list of whole numbers"
    if not isinstance(content.get("evaluator_version", 0), int):
        return "evaluator_version is no whole number"
    if not isinstance(content.get("provenance"), dict | None):
        return "provenance is no mapping"
    return ""
