"""fusionbench: the downstream-task benchmark for infrared-visible image fusion.

The Python API says the same words as the command line: ``run``, ``fuse``, ``score``, ``report``, ``compare``.
Importing this package is cheap; torch and the other heavy libraries are imported when a function needs them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .api import compare, fuse, report, run, score
    from .planning.config import RunConfig

_LAZY = {
    "run": "api",
    "fuse": "api",
    "score": "api",
    "report": "api",
    "compare": "api",
    "RunConfig": "planning.config",
}

__all__ = ["RunConfig", "__version__", "compare", "fuse", "report", "run", "score"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
