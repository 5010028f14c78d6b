"""The formats that box labels come in: YOLO text (boxes and polygons), Pascal VOC XML, COCO JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from fusionbench.errors import ImageError
from fusionbench.files.regular import read_regular

MAX_BOXES = 10_000
"""Boxes of one image; a file with more is refused (scoring them would take all memory)."""

MAX_LABEL_BYTES = 16 * 2**20
"""Bytes of a YOLO or VOC file."""

MAX_COCO_BYTES = 256 * 2**20
"""Bytes of a COCO file, which holds the boxes of a whole set."""

Row = tuple[int, tuple[float, float, float, float], int]
"""Class index, x0 y0 x1 y1 in pixels, place in the file (from 1)."""

Unknown = dict[int | str, list[int]]
"""Classes that the dataset does not have, with the places of their boxes."""


@dataclass(frozen=True)
class Classes:
    """What a file's classes mean: names in order, ids → indices (None: they are the same), other names."""

    names: Sequence[str]
    ids: Mapping[int, int] | None = None
    other_names: Mapping[str, str] | None = None

    def of_id(self, number: int) -> int | None:
        index = number if self.ids is None else self.ids.get(number, -1)
        return index if 0 <= index < len(self.names) else None

    def of_name(self, name: str) -> int | None:
        own = (self.other_names or {}).get(name.lower(), name).casefold()
        return next((i for i, known in enumerate(self.names) if known.casefold() == own), None)


def read_text(path: Path) -> str:
    """The text of a label file, without a byte order mark.

    Raises ``ImageError`` if it can't be read or is too large.
    """
    data = read_regular(path, MAX_LABEL_BYTES, ImageError)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8-sig", errors="replace")


def check_count(path: Path, count: int) -> None:
    """Raise ``ImageError`` if a file holds more boxes than ``MAX_BOXES``."""
    if count > MAX_BOXES:
        raise ImageError(f"{path}: holds more than {MAX_BOXES} boxes of one image; that can't be meant")


def parse_yolo(path: Path, text: str, size: tuple[int, int], classes: Classes) -> tuple[list[Row], Unknown]:
    """YOLO lines: ``class cx cy width height``, optionally a confidence and a track id; or ``class x1 y1 x2
    y2 x3 y3 …``, a polygon, which counts as the box around it. ``class`` is an id or a name.

    Raises ``ImageError`` naming file and line, or saying that the file is in pixels.
    """
    rows: list[Row] = []
    unknown: Unknown = {}
    in_pixels: list[int] = []
    count = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        count += 1
        check_count(path, count)
        try:
            named, shares = _yolo_line(line)
        except (ValueError, OverflowError):
            raise ImageError(
                f"{path}, line {number}: expected 'class cx cy width height' or a polygon 'class x1 y1 x2 y2"
                f" …' (numbers, normalised to 0..1), got {line[:80]!r}"
            ) from None
        if max(abs(v) for v in shares) > 1.5:
            in_pixels.append(number)
        index = classes.of_id(named) if isinstance(named, int) else classes.of_name(named)
        if index is None:
            unknown.setdefault(named, []).append(number)
            continue
        rows.append((index, _pixels(shares, size), number))
    if count and len(in_pixels) == count:
        raise ImageError(
            f"{path}: its boxes are in pixels, it seems (line {in_pixels[0]}:"
            f" {text.splitlines()[in_pixels[0] - 1][:60]!r}); a YOLO file holds shares of the image's sides"
            " (0 to 1): divide x by the width, y by the height"
        )
    return rows, unknown


_INTEGER = re.compile(r"[+-]?\d+")


def _yolo_line(line: str) -> tuple[int | str, list[float]]:
    """The class and the shares: four of a box, or six and more of a polygon. Raises ``ValueError``."""
    words = line.split()
    start = 1
    while start < len(words) and not _is_number(words[start]):  # class names may hold spaces
        start += 1
    named: int | str = " ".join(words[:start])
    if start == 1 and _is_number(words[0]):
        if float(words[0]) != int(float(words[0])):
            raise ValueError(line)
        named = int(float(words[0]))
    values = words[start:]
    numbers = [float(v) for v in values]
    if not all(map(math.isfinite, numbers)):
        raise ValueError(line)
    if len(values) in {4, 5}:  # a fifth number is a confidence
        return named, numbers[:4]
    if len(values) == 6 and _INTEGER.fullmatch(values[5]):  # a confidence and a track id, not a triangle
        if numbers[5] <= 1:
            raise ValueError(line)  # could be either
        return named, numbers[:4]
    if len(values) >= 6 and len(values) % 2 == 0:
        return named, numbers
    raise ValueError(line)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _pixels(shares: Sequence[float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    height, width = size
    if len(shares) == 4:
        cx, cy, w, h = shares
        x0, y0 = (cx - w / 2) * width, (cy - h / 2) * height
        return x0, y0, x0 + w * width, y0 + h * height
    xs, ys = shares[0::2], shares[1::2]
    return min(xs) * width, min(ys) * height, max(xs) * width, max(ys) * height


def parse_voc(path: Path, text: str, size: tuple[int, int], classes: Classes) -> tuple[list[Row], Unknown]:
    """Pascal VOC: ``bndbox`` coordinates are taken as pixel edges.

    Raises ``ImageError``, also where the file was drawn on an image of another size, or is normalised.
    """
    if not text.strip():
        return [], {}
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ImageError(
            f"{path}: a VOC file needs no DOCTYPE or entities; refused (entities can be made to explode)"
        )
    try:
        tree = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise ImageError(f"{path}: is not valid XML ({error})") from error
    drawn = [(tree.findtext(f"size/{side}") or "").strip() for side in ("width", "height")]
    if all(part.isdecimal() for part in drawn):
        check_drawn_on(path, (int(drawn[1][:9]), int(drawn[0][:9])), size)
    rows: list[Row] = []
    unknown: Unknown = {}
    for number, thing in enumerate(tree.iter("object"), 1):
        check_count(path, number)
        name = (thing.findtext("name") or "").strip()
        try:
            x0, y0, x1, y1 = (
                float(thing.findtext(f"bndbox/{k}") or "") for k in ("xmin", "ymin", "xmax", "ymax")
            )
            if not all(math.isfinite(v) for v in (x0, y0, x1, y1)):
                raise ValueError
        except ValueError:
            raise ImageError(
                f"{path}, object {number}: its bndbox has no numeric xmin, ymin, xmax, ymax"
            ) from None
        index = classes.of_name(name)
        if index is None:
            unknown.setdefault(name.lower(), []).append(number)
            continue
        rows.append((index, (x0, y0, x1, y1), number))
    check_in_pixels(path, rows)
    return rows, unknown


def check_drawn_on(path: Path, drawn: tuple[int, int], size: tuple[int, int]) -> None:
    """Raise ``ImageError`` if boxes were drawn on an image of another (height, width); 0: unknown."""
    if all(drawn) and drawn != size:
        raise ImageError(
            f"{path}: its boxes were drawn on an image of {drawn[1]}×{drawn[0]}, the pair is"
            f" {size[1]}×{size[0]}; scale the boxes, or use the images they belong to"
        )


def check_in_pixels(path: Path, rows: Sequence[Row]) -> None:
    """Raise ``ImageError`` if all boxes of a file whose unit is the pixel lie in the image's first pixel."""
    if rows and max(max(box) for _, box, _ in rows) <= 1:
        raise ImageError(
            f"{path}: its boxes lie in 0..1, it seems they are shares of the image's sides; this format holds"
            " pixels"
        )


@dataclass(frozen=True)
class CocoFile:
    """A COCO file: its images by stem, with (height, width) and (category name, bbox, crowd) of each object."""

    sizes: Mapping[str, tuple[int, int]]
    objects: Mapping[str, Sequence[tuple[str, Any, bool]]]


def read_coco(path: Path) -> CocoFile:
    """Parse a COCO file (kept in memory for the next image). Raises ``ImageError`` if it isn't one."""
    try:
        status = path.stat()
    except OSError as error:
        raise ImageError(f"{path}: can't be read ({error.strerror or error})") from error
    return _read_coco(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _read_coco(path: Path, changed: int, length: int) -> CocoFile:
    try:
        content = json.loads(read_regular(path, MAX_COCO_BYTES, ImageError).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ImageError(f"{path}: is not valid JSON ({error})") from error
    try:
        names = {c["id"]: str(c["name"]) for c in content["categories"]}
        stems = {i["id"]: Path(str(i["file_name"]).replace("\\", "/")).stem for i in content["images"]}
        sizes = {
            stems[i["id"]]: (int(i.get("height") or 0), int(i.get("width") or 0)) for i in content["images"]
        }
        objects: dict[str, list[tuple[str, Any, bool]]] = {stem: [] for stem in sizes}
        for thing in content["annotations"]:
            stem = stems.get(thing["image_id"])
            if stem is not None:
                name = names.get(thing["category_id"], str(thing["category_id"]))
                objects[stem].append((name, thing.get("bbox"), bool(thing.get("iscrowd"))))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ImageError(
            f"{path}: isn't a COCO file (images, annotations and categories expected; {type(error).__name__}:"
            f" {error})"
        ) from error
    if len(sizes) < len(stems):
        raise ImageError(
            f"{path}: several of its images have one file name, so their boxes can't be told apart"
        )
    return CocoFile(sizes, objects)


def parse_coco(
    path: Path, stem: str, size: tuple[int, int], classes: Classes
) -> tuple[list[Row], Unknown, list[int]]:
    """The boxes of one image (its ``stem`` in the file), and the places of crowds, which are left out. Raises
    ``ImageError``."""
    file = read_coco(path)
    if stem not in file.sizes:
        raise ImageError(f"{path}: has no image named {stem}")
    check_drawn_on(path, file.sizes[stem], size)
    check_count(path, len(file.objects[stem]))
    rows: list[Row] = []
    unknown: Unknown = {}
    crowds = []
    for number, (name, bbox, crowd) in enumerate(file.objects[stem], 1):
        if crowd:
            crowds.append(number)
            continue
        try:
            x, y, width, height = (float(v) for v in bbox)
            if not all(map(math.isfinite, (x, y, width, height))):
                raise ValueError
        except (TypeError, ValueError, OverflowError):
            raise ImageError(
                f"{path}, object {number} of {stem}: its bbox isn't x, y, width, height"
            ) from None
        index = classes.of_name(name)
        if index is None:
            unknown.setdefault(name, []).append(number)
            continue
        rows.append((index, (x, y, x + width, y + height), number))
    check_in_pixels(path, rows)
    return rows, unknown, crowds
