"""Reads semantic labels (images of class ids) and object boxes (YOLO text, Pascal VOC XML)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from fusionbench.contracts import Boxes
from fusionbench.errors import ImageError
from fusionbench.images import read_image

IGNORED_ID = 255
"""The id that many tools use for "don't count this pixel"; kept as it is."""


@dataclass(frozen=True)
class BoxFile:
    """A parsed box file: boxes as written (pixels, not clipped), class indices, and what is odd about it."""

    xyxy: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]
    oddities: tuple[str, ...] = ()


def read_labels(path: Path, size: tuple[int, int], name: str) -> npt.NDArray[np.uint8]:
    """Read an image of class ids, H×W uint8. Raises ``ImageError`` unless it is one channel (or equal
    channels) of ``size`` (height, width)."""
    image = read_image(path)
    if image.ndim == 3:
        if not ((image[..., 0] == image[..., 1]).all() and (image[..., 1] == image[..., 2]).all()):
            raise ImageError(f"{path}: holds colours, not class ids; save the labels as one channel of ids")
        image = np.ascontiguousarray(image[..., 0])
    if image.shape != size:
        raise ImageError(
            f"{path}: the label image of {name} is {image.shape[1]}×{image.shape[0]}, its pair "
            f"{size[1]}×{size[0]}; "
            f"labels must have the pair's size (resize them with nearest-neighbour interpolation)"
        )
    return image


def read_box_file(
    path: Path,
    size: tuple[int, int],
    classes: Sequence[str],
    ids: Mapping[int, int] | None = None,
    names: Mapping[str, str] | None = None,
) -> BoxFile:
    """Read a box file of an image of ``size`` (height, width).

    YOLO ``.txt``: ``class cx cy width height``, normalised, a sixth column (confidence) is ignored; ``ids``
    maps file ids to indices into ``classes``, other ids are left out and named in ``oddities``. VOC ``.xml``:
    ``bndbox`` coordinates are taken as pixel edges. Raises ``ImageError`` naming file and line where it can't
    be understood.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ImageError(f"{path}: can't be read ({error.strerror or error})") from error
    if path.suffix.lower() == ".xml":
        rows, oddities = _parse_voc(path, text, classes, names or {})
    else:
        rows, oddities = _parse_yolo(path, text, size, classes, ids)
    if not text.strip():
        oddities.append("the file is empty: no objects in this image")
    xyxy = np.array([r[1] for r in rows], np.float64).reshape(-1, 4)
    return BoxFile(xyxy, np.array([r[0] for r in rows], np.int64), tuple(oddities))


def clip_boxes(boxes: BoxFile, size: tuple[int, int]) -> Boxes:
    """Clip boxes to the image of ``size`` (height, width) and drop those of which less than a pixel of width
    or height is left."""
    limits = np.array([size[1], size[0], size[1], size[0]], np.float64)
    clipped = np.clip(boxes.xyxy, 0.0, limits)
    kept = (clipped[:, 2] - clipped[:, 0] >= 1.0) & (clipped[:, 3] - clipped[:, 1] >= 1.0)
    return Boxes(clipped[kept], boxes.classes[kept])


def outside(boxes: BoxFile, size: tuple[int, int], tolerance: float = 1.0) -> int:
    """How many boxes reach more than ``tolerance`` pixels beyond the image, or have no area in it."""
    height, width = size
    x0, y0, x1, y1 = boxes.xyxy.T
    beyond = (x0 < -tolerance) | (y0 < -tolerance) | (x1 > width + tolerance) | (y1 > height + tolerance)
    return int((beyond | (x1 <= x0) | (y1 <= y0)).sum())


_Row = tuple[int, tuple[float, float, float, float]]


def _parse_yolo(
    path: Path, text: str, size: tuple[int, int], classes: Sequence[str], ids: Mapping[int, int] | None
) -> tuple[list[_Row], list[str]]:
    rows: list[_Row] = []
    unknown: dict[int, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.split()
        if not parts:
            continue
        try:
            if len(parts) not in (5, 6):
                raise ValueError
            class_id = int(float(parts[0]))
            cx, cy, width, height = (float(p) for p in parts[1:5])
            if not all(math.isfinite(v) for v in (cx, cy, width, height)):
                raise ValueError
        except (ValueError, OverflowError):
            raise ImageError(
                f"{path}, line {number}: expected 'class cx cy width height' (numbers, normalised to "
                f"0..1), got {line[:80]!r}"
            ) from None
        index = class_id if ids is None else ids.get(class_id, -1)
        if not 0 <= index < len(classes):
            unknown[class_id] = unknown.get(class_id, 0) + 1
            continue
        x0, y0 = (cx - width / 2) * size[1], (cy - height / 2) * size[0]
        rows.append((index, (x0, y0, x0 + width * size[1], y0 + height * size[0])))
    return rows, [f"{count} box(es) of unknown class id {i} left out" for i, count in sorted(unknown.items())]


def _parse_voc(
    path: Path, text: str, classes: Sequence[str], names: Mapping[str, str]
) -> tuple[list[_Row], list[str]]:
    if not text.strip():
        return [], []
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ImageError(
            f"{path}: a VOC file needs no DOCTYPE or entities; refused (entities can be made to explode)"
        )
    try:
        tree = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ImageError(f"{path}: is not valid XML ({error})") from error
    index = {name.lower(): i for i, name in enumerate(classes)}
    rows: list[_Row] = []
    unknown: dict[str, int] = {}
    for number, thing in enumerate(tree.iter("object"), 1):
        name = (thing.findtext("name") or "").strip().lower()
        name = names.get(name, name).lower()
        try:
            x0, y0, x1, y1 = (
                float(thing.findtext(f"bndbox/{k}") or "") for k in ("xmin", "ymin", "xmax", "ymax")
            )
            if not all(math.isfinite(v) for v in (x0, y0, x1, y1)):
                raise ValueError
        except ValueError:
            raise ImageError(
                f"{path}, object {number}: its bndbox lacks numeric xmin, ymin, xmax, ymax"
            ) from None
        if name not in index:
            unknown[name] = unknown.get(name, 0) + 1
            continue
        rows.append((index[name], (x0, y0, x1, y1)))
    return rows, [f"{count} box(es) of unknown class {n!r} left out" for n, count in sorted(unknown.items())]
