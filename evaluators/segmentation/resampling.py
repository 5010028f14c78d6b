"""Bootstrap over images: the same draws for every method, so that reports compare methods draw by draw."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

DRAWS = 1000


def draw_weights(names: Sequence[str], draws: int = DRAWS) -> npt.NDArray[np.int64]:
    """How often each draw takes each image: ``draws``×N, rows sum to N; columns follow ``names``.

    The draws depend on the set of names alone (not on their order, the method or any seed), so draw b takes the same images for every
    method scored on the same images.
    """
    ordered = sorted(names)
    seed = int.from_bytes(hashlib.sha256("\n".join(ordered).encode()).digest()[:8], "big")
    picks = np.random.default_rng(seed).integers(0, len(ordered), (draws, len(ordered)))
    counts = np.stack([np.bincount(row, minlength=len(ordered)) for row in picks])
    place = {name: i for i, name in enumerate(ordered)}
    return counts[:, [place[name] for name in names]]
