"""Bootstrap draws over images that are the same for every method, so that differences of equal draws are paired.

Tasks are scored on whole sets (a confusion matrix, a precision-recall curve), so their intervals come from scoring resampled sets
of images. A draw is kept as how often it takes each image, which is all that such scores need.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

DRAWS = 1000


def image_draws(names: Sequence[str], draws: int = DRAWS) -> npt.NDArray[np.int64]:
    """How often each draw takes each image: int64, draws × len(names), every row sums to len(names).

    Decided by the set of names alone (columns follow the order given): draw b takes the same images for every method and task.
    """
    ordered = sorted(names)
    seed = int.from_bytes(hashlib.sha256("\n".join(ordered).encode()).digest()[:8], "big")
    generator = np.random.Generator(np.random.PCG64(seed))
    counts: npt.NDArray[Any] = generator.multinomial(
        len(ordered), np.full(len(ordered), 1 / len(ordered)), size=draws
    )
    place = {name: i for i, name in enumerate(ordered)}
    return counts[:, [place[name] for name in names]].astype(np.int64)
