"""A digest of a demo scene: pixels, labels and boxes."""

from __future__ import annotations

import hashlib

import numpy as np

from fusionbench.contracts.dataset import PairImages


def fingerprint(images: PairImages) -> str:
    """SHA-256 of all that a labelled pair holds."""
    assert images.labels is not None
    assert images.boxes is not None
    parts = (images.infrared, images.visible, images.labels, images.boxes.xyxy, images.boxes.classes)
    return hashlib.sha256(b"".join(np.ascontiguousarray(p).tobytes() for p in parts)).hexdigest()
