"""The mask provider `labels` of training: true masks with the faults that run-time masks have.

A network that saw perfect masks alone would trust any mask. Objects are dropped, grown, shrunk and moved,
false ones are added, scores vary, and each fault is drawn per object.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

DROPPED = 0.15
"""Share of objects that are missed."""
MOST_FALSE = 2
"""False objects in a crop, at most."""


def degrade(truth: npt.NDArray[np.float32], generator: np.random.Generator) -> npt.NDArray[np.float32]:
    """A true joint mask H×W in [0, 1] → what a provider could have made of it, H×W in [0, 1]."""
    height, width = truth.shape
    result = np.zeros_like(truth)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((truth > 0.5).astype(np.uint8), connectivity=8)
    for index in range(1, count):
        if generator.random() < DROPPED:
            continue
        size = np.sqrt(stats[index, cv2.CC_STAT_AREA])
        region = (labels == index).astype(np.float32)
        result = np.maximum(result, generator.uniform(0.4, 1.0) * _changed(region, float(size), generator))
    for _ in range(int(generator.integers(0, MOST_FALSE + 1))):
        rows, columns = generator.uniform(6, 50), generator.uniform(4, 40)
        centre = (generator.uniform(0, width), generator.uniform(0, height))
        blob = np.zeros((height, width), np.uint8)
        cv2.ellipse(blob, (centre, (float(columns), float(rows)), float(generator.uniform(-15, 15))), 1, -1)
        result = np.maximum(result, generator.uniform(0.1, 0.6) * blob.astype(np.float32))
    return cv2.GaussianBlur(result, (0, 0), generator.uniform(0.3, 2.0)).astype(np.float32)


def _changed(
    region: npt.NDArray[np.float32], size: float, generator: np.random.Generator
) -> npt.NDArray[np.float32]:
    """One object grown, shrunk or kept, and moved by a few pixels."""
    reach = round(generator.uniform(-0.15, 0.25) * size)
    if reach:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * min(abs(reach), 12) + 1,) * 2)
        region = np.asarray(
            cv2.dilate(region, kernel) if reach > 0 else cv2.erode(region, kernel), np.float32
        )
    dx, dy = generator.normal(0, 0.05 * size + 0.5, 2)
    shift = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    moved = cv2.warpAffine(region, shift, (region.shape[1], region.shape[0]), flags=cv2.INTER_LINEAR)
    return np.asarray(moved, np.float32)
