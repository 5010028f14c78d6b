"""Semantic labels: images whose samples are class ids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from fusionbench.errors import ImageError
from fusionbench.images.ids import read_ids
from fusionbench.images.reading import AS_STORED, Reading

IGNORED_ID = 255
"""The id that many tools use for "don't count this pixel"; kept as it is."""


def read_labels(
    path: Path, size: tuple[int, int] | None, name: str, classes: int = 0, reading: Reading = AS_STORED
) -> npt.NDArray[np.uint8]:
    """Read an image of class ids, H×W uint8; see ``images.ids.read_ids``.

    Raises ``ImageError`` unless it is one channel of ``size`` (height, width; None: any), or if it holds an
    id that is neither below ``classes`` (0: any) nor ``IGNORED_ID``. Those are named.
    """
    ids = read_ids(path, reading)
    if size is not None and ids.shape != size:
        raise ImageError(
            f"{path}: the label image of {name} is {ids.shape[1]}×{ids.shape[0]}, its pair "
            f"{size[1]}×{size[0]}; "
            "labels must have the pair's size (resize them with nearest-neighbour interpolation)"
        )
    unknown = np.flatnonzero(np.bincount(ids.ravel(), minlength=256))
    unknown = unknown[(unknown >= (classes or 256)) & (unknown != IGNORED_ID)]
    if len(unknown):
        known = f"known are 0 to {classes - 1}" if classes else "ids go from 0 to 255"
        raise ImageError(
            f"{path}: unknown class ids {_first(unknown)}; {known} ({IGNORED_ID}: ignored). Correct the file,"
            " or give the dataset its class names"
        )
    return ids.astype(np.uint8)


def _first(values: npt.NDArray[np.int64], count: int = 8) -> str:
    shown = ", ".join(str(v) for v in values[:count])
    return f"{shown} and {len(values) - count} more" if len(values) > count else shown
