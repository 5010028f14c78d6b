"""The one door to the package ultralytics (AGPL-3.0): offline, quiet, and without running code out of weight
files.

ultralytics unpickles a whole model object from its ``.pt`` files, downloads what is missing, installs
packages that a file names, keeps settings in the user's home, and changes torch's thread count. Here a file
is loaded through its restricted loader (``weights_only=True`` with an allow-list of its own layer classes),
or not at all; settings go to fusionbench's cache.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import MissingWeightsError
from . import artifacts

OLDEST = "8.4.190"
"""The first release whose restricted loader is used here."""


class UltralyticsError(MissingWeightsError):
    """The package is missing or too old, or a weight file isn't one that it can load."""


@contextmanager
def restricted_ultralytics() -> Iterator[Any]:
    """Within the block ultralytics loads weight files restrictedly and prints nothing; yields the package.

    Raises ``UltralyticsError`` when the package is missing or too old to load restrictedly.
    """
    os.environ.setdefault("YOLO_OFFLINE", "true")  # no look-ups on import, no telemetry
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_VERBOSE", "false")
    os.environ.setdefault("YOLO_CONFIG_DIR", str(artifacts.cache_dir()))
    import torch

    threads = torch.get_num_threads()
    try:
        import ultralytics
        from ultralytics.nn import tasks
    except ImportError as error:
        raise UltralyticsError(
            f"the package ultralytics can't be imported ({error}); install it with `pip install "
            "ultralytics-opencv-headless`"
        ) from error
    if not hasattr(tasks, "SAFE_LOAD") or not getattr(getattr(tasks, "_SafeLoad", None), "SUPPORTED", False):
        raise UltralyticsError(
            f"ultralytics {ultralytics.__version__} can't load weights without running code from them; "
            f"install ultralytics {OLDEST} or newer with torch 2.5 or newer"
        )
    before, level = tasks.SAFE_LOAD, ultralytics.utils.LOGGER.level
    tasks.SAFE_LOAD = True
    ultralytics.utils.LOGGER.setLevel(logging.ERROR)
    try:
        yield ultralytics
    finally:
        tasks.SAFE_LOAD = before
        ultralytics.utils.LOGGER.setLevel(level)
        torch.set_num_threads(threads)


def unreadable(path: Path, error: Exception, advice: str) -> UltralyticsError:
    """The error for a weight file that the restricted loader refuses; ``advice`` says what to do if it is
    damaged."""
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return UltralyticsError(
        f"{path} can't be used: {reason} (weights are loaded with weights_only=True, which refuses code in "
        f"the file). {advice}"
    )
