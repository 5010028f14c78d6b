"""Where the objects of a training pair are: from semantic labels, boxes, or instances that another network
found.

A map of truth is float32 H×W in [0, 1]. It weighs losses and is what degraded masks are made from. It is for
training pairs alone: no label of a test split is ever read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from fusionbench.contracts.dataset import Boxes, DatasetSpec, PairImages
from fusionbench.errors import InputError

from ..masks import MaskCache, get_provider

LABELS = "labels"
"""The mask provider of training that knows the objects: true masks, degraded (`masks/degrade.py`)."""

FloatMap = npt.NDArray[np.float32]

COCO_ROAD_USERS = (0, 1, 2, 3, 5, 7)
TEACHER_SIZES = {"ir": 640, "vi": 640, "max": 960}
"""Longer side that the teacher sees of each view."""

ROAD_USERS = ("person", "people", "rider", "car", "bike", "bicycle", "motorcycle", "bus", "truck")
"""Classes that count as objects, by the names that datasets give them."""

DOUBT, TRUST = 0.10, 0.50
"""An instance counts nothing at the first confidence, fully at the second, and in proportion between."""

FILL = 0.3
"""An instance that fills this share of a box gives the box its shape; other boxes get an ellipse."""


class Teacher:
    """YOLOv8n-seg on infrared, visible and their maximum: where road users are, with its confidence."""

    def __init__(self, cache: MaskCache | None, device: str = "cpu") -> None:
        self._cache = cache
        self._providers = {
            view: get_provider("yolo-seg", image_size=size, classes=COCO_ROAD_USERS, device=device)
            for view, size in TEACHER_SIZES.items()
        }

    def find(self, images: PairImages) -> FloatMap:
        """Confidence, float32 H×W in [0, 1], the largest over the views."""
        maximum = np.maximum(images.visible, images.infrared[..., None])
        views = {"ir": images.infrared, "vi": images.visible, "max": maximum}
        found = np.zeros(images.infrared.shape, np.float32)
        for view, provider in self._providers.items():
            image = np.ascontiguousarray(views[view])
            own = self._cache.objectness(provider, image) if self._cache else provider.objectness(image)
            np.maximum(found, own, out=found)
        return found


def known_objects(
    images: PairImages,
    dataset: str,
    name: str,
    spec: DatasetSpec,
    boxes: Path | None,
    teacher: Teacher | None,
) -> FloatMap | None:
    """The map of truth of a training pair by the best that is known of it; None where nothing is.

    In this order: semantic labels; boxes, from the dataset or from the YOLO file `boxes`/`name`.txt; the
    teacher alone. Boxes of a dataset that `spec` does not call person or car boxes would be other things:
    only LLVIP's own are taken.
    """
    if images.labels is not None:
        return truth_map(images, spec.semantic_classes)
    file = boxes / f"{name}.txt" if boxes is not None else None
    found = images.boxes if dataset == "llvip" else None
    if file is not None and file.is_file():
        found = read_yolo_boxes(file, *images.infrared.shape)
    if found is None and teacher is None:
        return None
    bare = PairImages(images.infrared, images.visible, None, found)
    return truth_map(bare, (), teacher.find(images) if teacher is not None else None)


def truth_map(
    images: PairImages, semantic_classes: Sequence[str], instances: FloatMap | None = None
) -> FloatMap:
    """Objects of a pair: its labels where it has them, else its boxes, joined with found `instances`
    (confidence, H×W).

    Boxes name some classes only (LLVIP: persons), so instances outside them count too.
    """
    shape = images.infrared.shape[:2]
    found = np.zeros(shape, np.float32) if instances is None else np.asarray(instances, np.float32)
    if images.labels is not None:
        wanted = [index for index, name in enumerate(semantic_classes) if name.lower() in ROAD_USERS]
        return np.asarray(np.isin(images.labels, wanted), np.float32)
    graded: FloatMap = np.clip((found - DOUBT) / (TRUST - DOUBT), 0.0, 1.0).astype(np.float32)
    if images.boxes is not None:
        for box in images.boxes.xyxy:
            _fill_box(graded, found, box)
    return graded


def read_yolo_boxes(path: Path, height: int, width: int) -> Boxes:
    """Boxes of a YOLO text file (class, centre, size, as shares of the image) in pixels. Raises InputError
    for other text.
    """
    try:
        rows = [
            [float(word) for word in line.split()] for line in path.read_text("utf-8").splitlines() if line
        ]
        classes = np.array([int(row[0]) for row in rows], np.int64)
        centre_size = np.array([row[1:5] for row in rows], np.float64).reshape(-1, 4)
    except (ValueError, IndexError, OSError) as error:
        raise InputError(f"{path} can't be read as YOLO boxes: {error}") from error
    centre, half = centre_size[:, :2], centre_size[:, 2:] / 2
    xyxy = np.concatenate((centre - half, centre + half), axis=1) * [width, height, width, height]
    return Boxes(xyxy, classes)


def _fill_box(target: FloatMap, found: FloatMap, box: npt.NDArray[np.float64]) -> None:
    x0, y0, x1, y1 = (round(float(value)) for value in box)
    rows, columns = slice(max(0, y0), max(0, y1)), slice(max(0, x0), max(0, x1))
    inside = found[rows, columns]
    if inside.size == 0:
        return
    shape = inside >= DOUBT
    if shape.mean() < FILL:
        ellipse = np.zeros(inside.shape, np.uint8)
        height, width = inside.shape
        centre = ((width - 1) / 2, (height - 1) / 2)
        cv2.ellipse(ellipse, (centre, (float(width), float(height)), 0.0), 1, -1)
        shape = ellipse > 0
    target[rows, columns][shape] = 1.0
