"""Reads semantic labels (images of class ids) and object boxes (YOLO text, Pascal VOC XML)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from fusionbench.contracts.dataset import Boxes
from fusionbench.errors import ImageError
from fusionbench.images.ids import read_ids
from fusionbench.images.reading import AS_STORED, Reading

IGNORED_ID = 255
"""The id that many tools use for "don't count this pixel"; kept as it is."""


@dataclass(frozen=True)
class BoxFile:
    """A parsed box file: boxes as written (pixels, not clipped), class indices, where in the file each stands (line of
    a YOLO file, object of a VOC file, from 1), what that number counts, and what is odd about the classes."""

    xyxy: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    counted: str = "line"
    oddities: tuple[str, ...] = ()
    empty: bool = False
    """The file holds nothing: no objects in this image."""


def read_labels(
    path: Path, size: tuple[int, int] | None, name: str, classes: int = 0, reading: Reading = AS_STORED
) -> npt.NDArray[np.uint8]:
    """Read an image of class ids, H×W uint8; see ``images.ids.read_ids``.

    Raises ``ImageError`` unless it is one channel of ``size`` (height, width; None: any), or if it holds an id that is neither
    below ``classes`` (0: any) nor ``IGNORED_ID``. Those are named.
    """
    ids = read_ids(path, reading)
    if size is not None and ids.shape != size:
        raise ImageError(
            f"{path}: the label image of {name} is {ids.shape[1]}×{ids.shape[0]}, its pair "
            f"{size[1]}×{size[0]}; "
            f"labels must have the pair's size (resize them with nearest-neighbour interpolation)"
        )
    unknown = np.flatnonzero(np.bincount(ids.ravel(), minlength=256))
    unknown = unknown[(unknown >= (classes or 256)) & (unknown != IGNORED_ID)]
    if len(unknown):
        known = f"known are 0 to {classes - 1}" if classes else "ids go from 0 to 255"
        raise ImageError(
            f"{path}: unknown class ids {_first(unknown)}; {known} ({IGNORED_ID}: ignored). Correct the file, or give the "
            "dataset its class names"
        )
    return ids.astype(np.uint8)


def _first(values: npt.NDArray[np.int64], count: int = 8) -> str:
    shown = ", ".join(str(v) for v in values[:count])
    return f"{shown} and {len(values) - count} more" if len(values) > count else shown


def read_box_file(
    path: Path,
    size: tuple[int, int],
    classes: Sequence[str],
    ids: Mapping[int, int] | None = None,
    names: Mapping[str, str] | None = None,
) -> BoxFile:
    """Read a box file of an image of ``size`` (height, width). An empty file means no objects.

    YOLO ``.txt``: ``class cx cy width height``, normalised, a sixth column (confidence) is ignored; ``ids``
    maps file ids to indices into ``classes``, other ids are left out and named in ``oddities``. VOC ``.xml``:
    ``bndbox`` coordinates are taken as pixel edges. Raises ``ImageError`` naming file and line where it can't
    be understood, or was drawn on an image of another size (VOC files say which).
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ImageError(f"{path}: can't be read ({error.strerror or error})") from error
    voc = path.suffix.lower() == ".xml"
    if voc:
        rows, unknown = _parse_voc(path, text, size, classes, names or {})
    else:
        rows, unknown = _parse_yolo(path, text, size, classes, ids)
    counted = "object" if voc else "line"
    known = (
        ", ".join(classes) if voc or ids is not None else f"0 to {len(classes) - 1} ({', '.join(classes)})"
    )
    oddities = [
        f"{_named(counted, places)}: the class {name!r} is unknown and left out; the dataset's classes are {known}"
        for name, places in unknown.items()
    ]
    return BoxFile(
        np.array([r[1] for r in rows], np.float64).reshape(-1, 4), np.array([r[0] for r in rows], np.int64),
        np.array([r[2] for r in rows], np.int64), counted, tuple(oddities), not text.strip(),
    )  # fmt: skip


def clip_boxes(boxes: BoxFile, size: tuple[int, int]) -> Boxes:
    """Clip boxes to the image of ``size`` (height, width) and drop those of which less than a pixel of width
    or height is left."""
    clipped, kept = _clipped(boxes, size)
    return Boxes(clipped[kept], boxes.classes[kept])


def box_notes(boxes: BoxFile, size: tuple[int, int], tolerance: float = 1.0) -> list[str]:
    """What a user should know about a box file that is used all the same: unknown classes, boxes that reach more than
    ``tolerance`` pixels beyond the image of ``size`` (height, width), boxes that are dropped; each with its place in the file."""
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
            f"{_named(boxes.counted, boxes.places[~kept])}: has less than a pixel of width or height in {image} and is dropped; "
            f"coordinates are {unit}"
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


_Row = tuple[int, tuple[float, float, float, float], int]
_Unknown = dict[int | str, list[int]]


def _parse_yolo(
    path: Path, text: str, size: tuple[int, int], classes: Sequence[str], ids: Mapping[int, int] | None
) -> tuple[list[_Row], _Unknown]:
    rows: list[_Row] = []
    unknown: _Unknown = {}
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
            unknown.setdefault(class_id, []).append(number)
            continue
        x0, y0 = (cx - width / 2) * size[1], (cy - height / 2) * size[0]
        rows.append((index, (x0, y0, x0 + width * size[1], y0 + height * size[0]), number))
    return rows, unknown


def _parse_voc(
    path: Path, text: str, size: tuple[int, int], classes: Sequence[str], names: Mapping[str, str]
) -> tuple[list[_Row], _Unknown]:
    if not text.strip():
        return [], {}
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ImageError(
            f"{path}: a VOC file needs no DOCTYPE or entities; refused (entities can be made to explode)"
        )
    try:
        tree = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ImageError(f"{path}: is not valid XML ({error})") from error
    drawn = [(tree.findtext(f"size/{side}") or "").strip() for side in ("width", "height")]
    if all(text.isdecimal() and int(text) for text in drawn) and drawn != [str(size[1]), str(size[0])]:
        raise ImageError(
            f"{path}: its boxes were drawn on an image of {'×'.join(drawn)}, the pair is {size[1]}×{size[0]}; "
            "scale the boxes, or use the images they belong to"
        )
    index = {name.lower(): i for i, name in enumerate(classes)}
    rows: list[_Row] = []
    unknown: _Unknown = {}
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
            unknown.setdefault(name, []).append(number)
            continue
        rows.append((index[name], (x0, y0, x1, y1), number))
    return rows, unknown
