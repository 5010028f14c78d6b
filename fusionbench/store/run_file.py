"""run.json: the run folder's configurations, provenance, and what its methods and datasets are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import StoreError
from ..files.atomic import write_atomic
from .manifest import SCHEMA_VERSION, NewerSchemaError, check_schema

RUN_FILE = "run.json"


def read_run_file(folder: Path) -> dict[str, Any]:
    """The content of run.json ({} if there is none yet). Raises ``StoreError`` if it is damaged or of
    another schema."""
    path = folder / RUN_FILE
    advice = "run the same command again: the file is written again, and all results are kept"
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path}: is damaged ({error}); {advice}") from error
    except OSError as error:
        raise StoreError(
            f"{path}: can't be read ({error.strerror or error}); make it readable, or move it away and "
            f"{advice}"
        ) from error
    if not isinstance(content, dict):
        raise StoreError(f"{path}: is damaged (it holds no JSON object); {advice}")
    try:
        check_schema(path, content)
    except NewerSchemaError:
        raise
    except StoreError as error:
        raise StoreError(f"{path}: is damaged (no schema version); {advice}") from error
    if wrong := _wrong_field(content):
        raise StoreError(f"{path}: is damaged ({wrong}); {advice}")
    return content


def write_run_file(folder: Path, content: Mapping[str, Any]) -> None:
    """Write run.json atomically. Raises ``StoreError``."""
    text = json.dumps(
        {**content, "schema_version": SCHEMA_VERSION}, indent=1, ensure_ascii=False, default=str
    )
    # A path that isn't UTF-8 stands in JSON as the escape that reads back as the same path.
    write_atomic(folder / RUN_FILE, text.encode(errors="backslashreplace"))


def set_aside(folder: Path) -> str:
    """Move a damaged run.json away; returns a sentence that says so. Raises ``StoreError`` if it can't be
    moved."""
    path, aside = folder / RUN_FILE, folder / f"{RUN_FILE}.damaged"
    try:
        path.replace(aside)
    except OSError as error:
        raise StoreError(
            f"{path}: is damaged and can't be moved ({error.strerror or error}); remove it"
        ) from error
    return f"{path}: was damaged; it is kept as {aside.name}, and written again"


def _wrong_field(content: Mapping[str, Any]) -> str:
    """What is wrong with the fields that fusionbench reads; "" if nothing is."""
    for name in ("methods", "datasets"):
        table = content.get(name, {})
        if not isinstance(table, dict) or not all(isinstance(v, dict) for v in table.values()):
            return f"{name} is no mapping of names"
    invocations = content.get("invocations", [])
    if not isinstance(invocations, list):
        return "invocations is no list"
    for invocation in invocations:
        if not isinstance(invocation, dict) or not isinstance(invocation.get("config", {}), dict):
            return "an invocation is no mapping"
        config = invocation.get("config", {})
        for name in ("data_root", "dataset_options", "method_options"):
            if not isinstance(config.get(name, {}), dict):
                return f"an invocation's {name} is no mapping"
        if not isinstance(invocation.get("provenance", {}), dict | None):
            return "an invocation's provenance is no mapping"
    return ""
