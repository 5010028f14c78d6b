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
from fusionbench.statistics.comparison import entrant_names

from ..figures.overlays import class_colours
from ..figures.task_pictures import mask_of, objects_found
from ..scores.details import Detail, details_of
from ..scores.labels import REFERENCE_METHODS, entrant_title
from .names import plain, plain_of

if TYPE_CHECKING:
    import pandas as pd

    from fusionbench.contracts.dataset import PairImages, UInt8Array
    from fusionbench.contracts.report import ReportInput

QUALITY = 82
SHOWN_FROM = 0.25
"""Detections with a lower score are not drawn."""
SOURCES = (("infrared", "Infrared"), ("visible", "Visible"))
LABELS = ("labels/truth", "Labels")
"""The layer of label maps; the slash keeps it apart from every method's name."""


@dataclass
class Gallery:
    """The pictures of one dataset and split: ``layers`` name what can be shown (sources, labels, entrants),
    ``files`` hold image → layer → path.

    Paths are relative to the site. ``boxes`` hold protocol → image → entrant → boxes as lists (x0, y0, x1, y1
    as shares of width and height, class, score or None, state ``hit``, ``false``, ``missed`` or ``truth``).
    ``masks`` hold protocol → image → entrant → path, ``errors`` the share of wrong pixels (segmentation) or
    the number of false and missed objects (detection) instead. ``classes`` name the colours of masks.
    """

    dataset: str
    split: str
    layers: list[tuple[str, str]] = field(default_factory=list)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    boxes: dict[str, dict[str, dict[str, list[list[Any]]]]] = field(default_factory=dict)
    masks: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    errors: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    classes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """A plain name: ``msrs-test``."""
        return plain_of(self.dataset, self.split)


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
    """Write the pictures below ``folder/images`` and return where they are, one gallery per dataset and
    split.

    At most ``images`` evenly spread images per split are shown (0: all). Pictures that can't be read are left
    out and named in ``data.notes``.
    """
    named = data.rows.assign(entrant=entrant_names(data.rows))
    rows = named[named["image"] != ""]
    details = details_of(data)
    found = []
    for (dataset, split), part in rows.groupby(["dataset", "split"], sort=False):
        names = _chosen(sorted(set(map(str, part["image"]))), images)
        gallery = Gallery(str(dataset), str(split))
        makers = _makers(data, part)
        gallery.layers = [*SOURCES, *((m.entrant, m.title) for m in makers)]
        own = [d for d in details if (d.dataset, d.split) == (dataset, split)]
        boxed = [(d, d.table("truth"), d.table("predictions")) for d in own if d.has("predictions")]
        masked = [d for d in own if (d.folder / "masks").is_dir()]
        spec = data.datasets.get(str(dataset))
        classes = list(spec.semantic_classes) if spec else []
        gallery.classes = [(name, f"rgb{rgb}") for name, rgb in class_colours(classes).items()]
        for name in names:
            pair = _pair(data, gallery, name)
            gallery.files[name] = _write_image(data, gallery, name, pair, makers, folder, width, originals)
            if pair is None:
                continue
            if pair.labels is not None and classes:
                picture = _tinted(pair.labels, classes, class_colours(classes))
                gallery.files[name][LABELS[0]] = _write(
                    folder, gallery, LABELS[0], name, webp(picture, width)
                )
            _add_boxes(gallery, boxed, name, pair)
            _add_masks(gallery, masked, name, pair, folder, width)
        if any(LABELS[0] in files for files in gallery.files.values()):
            gallery.layers.insert(len(SOURCES), LABELS)
        found.append(gallery)
    return found


@dataclass(frozen=True)
class _Maker:
    """Who made a layer: a method of a run, by the name that its rows have in tables."""

    entrant: str
    method: str
    run: str
    title: str


def _makers(data: ReportInput, rows: pd.DataFrame) -> list[_Maker]:
    """The entrants of some rows in the order of ``data.methods``; single sensors are layers anyway."""
    rank = {name: i for i, name in enumerate(data.methods)}
    found = dict.fromkeys(rows[["entrant", "method", "run"]].astype(str).itertuples(index=False, name=None))
    ordered = sorted(found, key=lambda maker: rank.get(maker[1], len(rank)))
    return [
        _Maker(entrant, method, run, entrant_title(entrant, method, data.methods))
        for entrant, method, run in ordered
        if method not in REFERENCE_METHODS
    ]


def _pair(data: ReportInput, gallery: Gallery, name: str) -> PairImages | None:
    try:
        return data.load_pair(gallery.dataset, gallery.split, name)
    except FusionBenchError as error:
        data.notes.append(f"site: {error}")
        return None


def _chosen(names: Sequence[str], count: int) -> list[str]:
    """At most ``count`` of the names, evenly spread."""
    if count <= 0 or len(names) <= count:
        return list(names)
    return [names[round((i + 0.5) * len(names) / count - 0.5)] for i in range(count)]


def _write_image(
    data: ReportInput,
    gallery: Gallery,
    name: str,
    pair: PairImages | None,
    makers: Sequence[_Maker],
    folder: Path,
    width: int,
    originals: bool,
) -> dict[str, str]:
    pictures: dict[str, UInt8Array] = {}
    if pair is not None:
        pictures["infrared"], pictures["visible"] = pair.infrared, pair.visible
    for maker in makers:
        path = data.fused_path(maker.run, maker.method, gallery.dataset, gallery.split, name)
        if path is None or not _is_file(path):
            continue
        try:
            pictures[maker.entrant] = data.read_fused(path)
        except FusionBenchError as error:
            data.notes.append(f"site: {error}")
    suffix = "png" if originals else "webp"
    return {
        layer: _write(
            folder,
            gallery,
            layer,
            name,
            _png(picture) if originals else webp(as_rgb(picture), width),
            suffix,
        )
        for layer, picture in pictures.items()
    }


def _is_file(path: Path) -> bool:
    """Whether there is such a file; a name that is too long for the disk has none."""
    try:
        return path.is_file()
    except OSError:
        return False


def _write(
    folder: Path, gallery: Gallery, layer: str, name: str, content: bytes, suffix: str = "webp"
) -> str:
    relative = f"images/{gallery.name}/{plain(layer)}/{plain(name)}.{suffix}"
    write_atomic(folder / relative, content)
    return relative


def _png(image: UInt8Array) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def _add_boxes(
    gallery: Gallery, units: Iterable[tuple[Detail, Any, Any]], name: str, pair: PairImages
) -> None:
    size = (pair.infrared.shape[0], pair.infrared.shape[1])
    for detail, truth, predictions in units:
        place = gallery.boxes.setdefault(detail.convention, {}).setdefault(name, {})
        objects = truth[truth["image"] == name]
        place.setdefault(LABELS[0], _boxes(objects, size, lambda box: "truth"))
        own = predictions[(predictions["image"] == name) & (predictions["score"] >= SHOWN_FROM)]
        missed = objects[~objects_found(objects, own[own["tp50"]])]
        place[detail.entrant] = [
            *_boxes(own, size, lambda box: "hit" if box.tp50 else "false"),
            *_boxes(missed, size, lambda box: "missed"),
        ]
        wrong = float((~own["tp50"].astype(bool)).sum() + len(missed))
        gallery.errors.setdefault(detail.convention, {}).setdefault(name, {})[detail.entrant] = wrong


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
    gallery: Gallery, units: Sequence[Detail], name: str, pair: PairImages, folder: Path, width: int
) -> None:
    truth = pair.labels
    for detail in units:
        classes = [str(c) for c in detail.about.get("classes", ())]
        colours = class_colours(classes)
        place = gallery.masks.setdefault(detail.convention, {}).setdefault(name, {})
        if LABELS[0] not in place and truth is not None:
            picture = webp(_tinted(truth, classes, colours), width)
            place[LABELS[0]] = _write(folder, gallery, "masks/truth", name, picture)
        ids = mask_of(detail, name)
        if ids is None:
            continue
        layer = f"masks/{plain(detail.convention)}/{detail.entrant}"
        place[detail.entrant] = _write(
            folder, gallery, layer, name, webp(_tinted(ids, classes, colours), width)
        )
        if truth is not None and truth.shape == ids.shape:
            share = round(float((ids != truth).mean()), 5)
            gallery.errors.setdefault(detail.convention, {}).setdefault(name, {})[detail.entrant] = share


def _tinted(
    ids: UInt8Array, classes: Sequence[str], colours: Mapping[str, tuple[int, int, int]]
) -> UInt8Array:
    """Label ids as a transparent picture (H×W×4), so that the browser lays it over any image."""
    picture = np.zeros((*ids.shape, 4), np.uint8)
    for index, name in enumerate(classes):
        if name in colours:
            picture[ids == index] = (*colours[name], 150)
    return picture
