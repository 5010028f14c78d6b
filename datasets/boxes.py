"""Object boxes of an image, whatever format they come in: read, clipped, and what is odd about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fusionbench.contracts.dataset import Boxes

from .box_formats import Classes, parse_coco, parse_voc, parse_yolo, read_text


@dataclass(frozen=True)
class BoxFile:
    """A parsed box file: boxes as written (pixels, not clipped), class indices, where in the file each stands
    (line of a YOLO file, object of others, from 1), what that number counts, and what is odd about the
    classes.
    """

    xyxy: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    counted: str = "line"
    oddities: tuple[str, ...] = ()
    empty: bool = False
    """The file holds nothing: no objects in this image."""


def read_box_file(
    path: Path,
    size: tuple[int, int],
    classes: Sequence[str],
    ids: Mapping[int, int] | None = None,
    names: Mapping[str, str] | None = None,
    stem: str = "",
) -> BoxFile:
    """Read the boxes of an image of ``size`` (height, width) from a YOLO, VOC or COCO file.

    An empty file means no objects.

    ``ids`` maps file ids to indices into ``classes``, ``names`` other class names to those in ``classes``;
    other classes are left out and named in ``oddities``. ``stem`` is the image's name in a COCO file. Raises
    ``ImageError`` naming file and line where it can't be understood, is in the wrong unit, or was drawn on an
    image of another size.
    """
    meaning = Classes(classes, ids, names)
    crowds: list[int] = []
    suffix = path.suffix.lower()
    if suffix == ".json":
        rows, unknown, crowds = parse_coco(path, stem or path.stem, size, meaning)
        empty = not (rows or unknown or crowds)
    else:
        text = read_text(path)
        rows, unknown = (parse_voc if suffix == ".xml" else parse_yolo)(path, text, size, meaning)
        empty = not text.strip()
    counted = "line" if suffix == ".txt" else "object"
    named = ids is not None or suffix != ".txt"
    known = ", ".join(classes) if named else f"0 to {len(classes) - 1} ({', '.join(classes)})"
    oddities = [
        f"{_named(counted, places)}: the class {name!r} is unknown and left out; the dataset's classes are"
        f" {known}"
        for name, places in unknown.items()
    ]
    if crowds:
        oddities.append(f"{_named(counted, crowds)}: a crowd, not one object, and left out")
    return BoxFile(
        np.array([box for _, box, _ in rows], np.float64).reshape(-1, 4),
        np.array([index for index, _, _ in rows], np.int64),
        np.array([place for _, _, place in rows], np.int64),
        counted,
        tuple(oddities),
        empty,
    )


def clip_boxes(boxes: BoxFile, size: tuple[int, int]) -> Boxes:
    """Clip boxes to the image of ``size`` (height, width) and drop those of which less than a pixel of width
    or height is left."""
    clipped, kept = _clipped(boxes, size)
    return Boxes(clipped[kept], boxes.classes[kept])


def box_notes(boxes: BoxFile, size: tuple[int, int], tolerance: float = 1.0) -> list[str]:
    """What a user should know about a box file that is used all the same: unknown classes, boxes that reach
    more than ``tolerance`` pixels beyond the image of ``size`` (height, width), boxes that are dropped; each
    with its place in the file.
    """
    kept = _clipped(boxes, size)[1]
    limits = np.array([size[1], size[0], size[1], size[0]]) + tolerance
    beyond = ((boxes.xyxy < -tolerance) | (boxes.xyxy > limits)).any(axis=1) & kept
    image = f"the {size[1]}×{size[0]} image"
    notes = list(boxes.oddities)
    if beyond.any():
        notes.append(
            f"{_named(boxes.counted, boxes.places[beyond])}: reaches beyond {image} and is clipped to it"
        )
    if not kept.all():
        unit = "shares of the image's sides (0 to 1)" if boxes.counted == "line" else "pixels"
        notes.append(
            f"{_named(boxes.counted, boxes.places[~kept])}: has less than a pixel of width or height in"
            f" {image} and is dropped; coordinates are {unit}"
        )
    return notes


def _clipped(boxes: BoxFile, size: tuple[int, int]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    clipped = np.clip(boxes.xyxy, 0.0, np.array([size[1], size[0], size[1], size[0]], np.float64))
    return clipped, np.all(clipped[:, 2:] - clipped[:, :2] >= 1.0, axis=1)


def _named(counted: str, places: Sequence[int] | npt.NDArray[np.int64]) -> str:
    """Places in a file in words: ``line 3``, ``lines 3, 5 and 7 more``."""
    numbers = [int(n) for n in places]
    shown = ", ".join(map(str, numbers[:8])) + (f" and {len(numbers) - 8} more" if len(numbers) > 8 else "")
    return f"{counted}{'s' * (len(numbers) > 1)} {shown}"
