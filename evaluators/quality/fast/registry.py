"""Which definitions have a fast version."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T", bound=Callable[..., Any])

FAST: dict[str, str] = {
    "information:joint_histogram": "pixels:joint_histogram",
    "features:average_gradient": "pixels:average_gradient",
    "qabf:qabf": "edges:qabf",
    "vif:information": "windows:information",
    "ssim:ssim": "windows:ssim_of_both",
    "ssim:ms_ssim": "windows:ms_ssim",
    "piella:weighted": "windows:weighted",
    "piella:weighted_of_edges": "windows:weighted_of_edges",
    "fmi:fmi": "fmi:fmi",
    "qp:qp": "congruency:qp",
}
"""Definition → its fast version, as module:function names below `metrics` and `fast`."""


@cache
def _fast_version(name: str) -> Callable[..., Any]:
    module, _, function = FAST[name].partition(":")
    return getattr(importlib.import_module(f".{module}", __package__), function)  # type: ignore[no-any-return]


def swift(definition: T) -> T:
    """The fast version of a definition where there is one, else the definition; numba is imported with the
    first one.
    """
    name = f"{definition.__module__.rpartition('.')[2]}:{definition.__name__}"
    return _fast_version(name) if name in FAST else definition  # type: ignore[return-value]
