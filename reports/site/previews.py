"""Pictures of the site: WebP previews of sources, labels and fused images, boxes and masks of the tasks."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from fusionbench.errors import FusionBenchError
from fusionbench.files.atomic import write_atomic
from fusionbench.images.codec import as_rgb

from ..figures.overlays import class_colours
from ..figures.task_pictures import mask_of, objects_found
from ..scores.details import Detail, details_of
from ..scores.labels import entrant_title, slug

if TYPE_CHECKING:
    from fusionbench.contracts.dataset import UInt8Array
    from fusionbench.contracts.report import ReportInput

QUALITY = 82
SOURCES = (("infrared", "Infrared"), ("visible", "Visible"))


@dataclass
class Gallery:
    """The pictures of one dataset and split: ``layers`` name what can be shown, ``files`` hold image → layer → path.

    Paths are relative to the site. ``boxes`` hold protocol → image → entrant → boxes as lists (x0, y0, x1, y1 as
    shares of width and height, class, score or None, state ``hit``, ``false``, ``missed`` or ``truth``).
    """

    dataset: str
    split: str
    layers: list[tuple[str, str]] = field(default_factory=list)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    boxes: dict[str, dict[str, dict[str, list[list[Any]]]]] = field(default_factory=dict)
    masks: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """A plain name: ``msrs-test``."""
        return slug(f"{self.dataset}-{self.split}")


def webp(image: UInt8Array, width: int) -> bytes:
    """An image (uint8, H×W or H×W×3 or 4) as WebP, at most ``width`` pixels wide."""
    picture = Image.fromarray(image)
    if picture.width > width:
        picture = picture.resize(
            (width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS
        )
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=QUALITY, method=4)
    return buffer.getvalue()


def galleries(data: ReportInput, folder: Path, *, width: int, images: int, originals: bool) -> list[Gallery]:
    """Write the pictures below ``folder/images`` and return where they are, one gallery per dataset and split.

    At most ``images`` evenly spread images per split are shown (0: all). Pictures that can't be read are left out
    and named in ``data.notes``.
    """
    rows = data.rows[data.rows["image"] != ""]
    details = details_of(data)
    found = []
    for (dataset, split), part in rows.groupby(["dataset", "split"], sort=False):
        names = _chosen(sorted(set(map(str, part["image"]))), images)
        gallery = Gallery(str(dataset), str(split))
        methods = [m for m in data.methods if m in set(part["method"])]
        gallery.layers = [
            *SOURCES,
            *((m, entrant_title(m, m, data.methods)) for m in methods if m not in dict(SOURCES)),
        ]
        for name in names:
            gallery.files[name] = _write_image(data, gallery, name, folder, width, originals)
        own = [d for d in details if (d.dataset, d.split) == (dataset, split)]
        _add_boxes(gallery, [d for d in own if d.has("predictions")], names, data)
        _add_masks(gallery, [d for d in own if (d.folder / "masks").is_dir()], names, data, folder, width)
        found.append(gallery)
    return found


def _chosen(names: Sequence[str], count: int) -> list[str]:
    """At most ``count`` of the names, evenly spread."""
    if count <= 0 or len(names) <= count:
        return list(names)
    return [names[round((i + 0.5) * len(names) / count - 0.5)] for i in range(count)]


def _write_image(
    data: ReportInput, gallery: Gallery, name: str, folder: Path, width: int, originals: bool
) -> dict[str, str]:
    pictures: dict[str, UInt8Array] = {}
    try:
        pair = data.load_pair(gallery.dataset, gallery.split, name)
        pictures["infrared"], pictures["visible"] = pair.infrared, pair.visible
    except FusionBenchError as error:
        data.notes.append(f"site: {error}")
    for method, _ in gallery.layers:
        path = data.fused_dir / method / gallery.dataset / gallery.split / f"{name}.png"
        if method in pictures or not path.is_file():
            continue
        try:
            pictures[method] = data.read_fused(path)
        except FusionBenchError as error:
            data.notes.append(f"site: {error}")
    files = {}
    for layer, picture in pictures.items():
        suffix = "png" if originals else "webp"
        relative = f"images/{gallery.name}/{slug(layer)}/{slug(name)}.{suffix}"
        write_atomic(folder / relative, _png(picture) if originals else webp(as_rgb(picture), width))
        files[layer] = relative
    return files


def _png(image: UInt8Array) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def _add_boxes(gallery: Gallery, details: Iterable[Detail], names: Sequence[str], data: ReportInput) -> None:
    sizes: dict[str, tuple[int, int]] = {}
    for detail in details:
        protocol = gallery.boxes.setdefault(detail.convention, {})
        truth, predictions = detail.table("truth"), detail.table("predictions")
        for name in names:
            if name not in sizes:
                try:
                    height, width = data.load_pair(gallery.dataset, gallery.split, name).infrared.shape
                except FusionBenchError:
                    continue
                sizes[name] = (height, width)
            place = protocol.setdefault(name, {})
            place.setdefault("truth", _boxes(truth[truth["image"] == name], sizes[name], lambda box: "truth"))
            own = predictions[(predictions["image"] == name) & (predictions["score"] >= 0.25)]
            objects = truth[truth["image"] == name]
            missed = objects[~objects_found(objects, own[own["tp50"]])]
            place[detail.entrant] = [
                *_boxes(own, sizes[name], lambda box: "hit" if box.tp50 else "false"),
                *_boxes(missed, sizes[name], lambda box: "missed"),
            ]


def _boxes(frame: Any, size: tuple[int, int], state: Any) -> list[list[Any]]:
    height, width = size
    return [
        [
            round(float(box.x0) / width, 4),
            round(float(box.y0) / height, 4),
            round(float(box.x1) / width, 4),
            round(float(box.y1) / height, 4),
            str(box.class_name),
            round(float(box.score), 2) if hasattr(box, "score") else None,
            state(box),
        ]
        for box in frame.itertuples()
    ]


def _add_masks(
    gallery: Gallery,
    details: Sequence[Detail],
    names: Sequence[str],
    data: ReportInput,
    folder: Path,
    width: int,
) -> None:
    for detail in details:
        classes = [str(c) for c in detail.about.get("classes", ())]
        protocol = gallery.masks.setdefault(detail.convention, {})
        for name in names:
            place = protocol.setdefault(name, {})
            if "truth" not in place:
                try:
                    truth = data.load_pair(gallery.dataset, gallery.split, name).labels
                except FusionBenchError:
                    truth = None
                if truth is not None:
                    place["truth"] = _write_mask(gallery, "truth", name, truth, classes, folder, width)
            ids = mask_of(detail, name)
            if ids is not None:
                place[detail.entrant] = _write_mask(
                    gallery, detail.entrant, name, ids, classes, folder, width
                )


def _write_mask(
    gallery: Gallery, layer: str, name: str, ids: UInt8Array, classes: Sequence[str], folder: Path, width: int
) -> str:
    """Label ids as a transparent picture, so that the browser lays it over any image."""
    relative = f"images/{gallery.name}/masks-{slug(layer)}/{slug(name)}.webp"
    write_atomic(folder / relative, webp(_tinted(ids, classes, class_colours(classes)), width))
    return relative


def _tinted(
    ids: UInt8Array, classes: Sequence[str], colours: Mapping[str, tuple[int, int, int]]
) -> UInt8Array:
    picture = np.zeros((*ids.shape, 4), np.uint8)
    for index, name in enumerate(classes):
        if name in colours:
            picture[ids == index] = (*colours[name], 150)
    return picture
