"""A training's history: one JSON object a line, of which a kill may tear the last."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .atomic import write_atomic


def read_history(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a history; torn and damaged ones are left out, and a missing file is an empty
    history."""
    if not path.exists():
        return []
    found = []
    for line in path.read_bytes().split(b"\n"):
        with contextlib.suppress(ValueError, RecursionError):
            content = json.loads(line)
            if isinstance(content, dict):
                found.append(content)
    return found


def trim_history(path: Path, keep: Callable[[dict[str, Any]], bool]) -> None:
    """Keep only some lines of a history, atomically. Raises ``StoreError`` if it can't be written."""
    if path.exists():
        kept = [line for line in read_history(path) if keep(line)]
        write_atomic(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
