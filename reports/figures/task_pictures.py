"""What the judges saw: boxes and masks drawn on the fused images, one row a method (the paper's Figs.

12 and 13).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from fusionbench.errors import FusionBenchError
from fusionbench.images.codec import as_rgb, read_image

from ..scores.details import Detail, by_table, details_of
from ..scores.frames import TableKey, lines_of
from ..scores.labels import REFERENCE_METHODS, entrant_title, slug
from .drawing import FONT, new_figure, pages, save
from .insets import SHARE, best_window
from .overlays import class_colours, draw_boxes, legend_patches, mask_overlay, outline
from .scenes import chosen_scenes, light_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fusionbench.contracts.dataset import PairImages
    from fusionbench.contracts.report import ReportInput, ReportSpec

METHODS = 20
"""Rows a page; figures of hundreds fit into no memory."""

PICTURE_INCHES = 2.4
_GAP = 0.03
_TOP = 0.22
_LEFT = 0.24
_BOTTOM = 0.42

Draw = Callable[["Axes", Detail | None, str], None]
"""Draws a scene as a method sees it (None: the ground truth)."""


@dataclass(frozen=True)
class TaskPictureReport:
    """Built by the spec's factory; see ``fusionbench.contracts.report.Report``."""

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write ``detection-<dataset>-<split>-<convention>.{png,pdf}`` and ``segmentation-….{png,pdf}``:
        ground truth, then a row a method, ``METHODS`` a page; scenes by day and by night on which the
        methods' results differ most (or those of the option ``scenes``).
        """
        files: list[Path] = []
        for key, details in by_table(details_of(data)).items():
            dataset, split, evaluator, convention = key
            own = list({d.entrant: d for d in reversed(details)}.values())[::-1]  # one seed: the first
            own.sort(key=lambda d: d.method not in REFERENCE_METHODS)
            if evaluator == "detection":
                own = [d for d in own if d.has("predictions") and d.has("truth")]
            elif evaluator == "segmentation":
                own = [d for d in own if (d.folder / "masks").is_dir()]
            else:
                continue
            if not own:
                continue
            boxes = {d.entrant: _Boxes.of(d) for d in own} if evaluator == "detection" else {}
            scenes = _scenes(data, key, own, boxes)
            if not scenes:
                continue
            draw = _boxes_on(data, boxes) if boxes else _masks_on(data, own)
            name = slug(f"{evaluator}-{dataset}-{split}-{convention}")
            for suffix, part in pages(own, METHODS):
                files += save(_figure(data, key, list(part), scenes, draw), folder, name + suffix, dpi=250)
        return files


def build(spec: ReportSpec) -> TaskPictureReport:
    """The factory of ``spec.py``."""
    return TaskPictureReport(spec)


@dataclass(frozen=True)
class _Boxes:
    """One method's boxes: ``predictions`` at least as sure as ``confidence``, and the ``truth``; ``unknown``
    are classes that the judge doesn't know, so that it can't miss them.
    """

    predictions: pd.DataFrame
    truth: pd.DataFrame
    confidence: float
    unknown: frozenset[str] = frozenset()

    @classmethod
    def of(cls, detail: Detail) -> _Boxes:
        predictions, truth = detail.table("predictions"), detail.table("truth")
        stated = detail.about.get("confidence")
        confidence = float(stated) if stated is not None else best_confidence(predictions, len(truth))
        unknown = frozenset(map(str, detail.about.get("classes_left_out") or ()))
        return cls(predictions[predictions["score"] >= confidence], truth, confidence, unknown)


def best_confidence(predictions: pd.DataFrame, objects: int) -> float:
    """The confidence with the best F1 = 2 TP / (predictions + objects) at IoU 0.5 over all classes together;
    above all scores where nothing is right.
    """
    ordered = predictions.sort_values("score", ascending=False, kind="stable")
    hits = ordered["tp50"].to_numpy(bool).cumsum()
    if not len(hits) or not hits[-1]:
        return float("inf")
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + objects)
    return float(ordered["score"].to_numpy(np.float64)[int(f1.argmax())])


def _scenes(
    data: ReportInput, key: tuple[str, ...], details: Sequence[Detail], boxes: dict[str, _Boxes]
) -> list[str]:
    dataset, split, evaluator, convention = key
    there = set.intersection(*(set(d.images) for d in details))
    with_objects = {image for b in boxes.values() for image in b.truth["image"]}
    there = (there & with_objects) or there
    fused = [d for d in details if d.method not in REFERENCE_METHODS]
    there = {image for image in there if all(_fused_path(d, image).is_file() for d in fused)}
    rows = data.rows
    rows = rows[(rows["dataset"] == dataset) & (rows["split"] == split) & (rows["evaluator"] == evaluator)]
    names = chosen_scenes(data, dataset, split, rows[rows["convention"] == convention], there)
    return [name for name in names if name in there and _pair(data, dataset, split, name) is not None]


def _pair(data: ReportInput, dataset: str, split: str, image: str) -> PairImages | None:
    try:
        return data.load_pair(dataset, split, image)
    except FusionBenchError:
        return None


def _fused_path(detail: Detail, image: str) -> Path:
    return detail.folder.parents[1] / "fused" / detail.method / detail.dataset / detail.split / f"{image}.png"


def _background(data: ReportInput, detail: Detail | None, key: tuple[str, str], image: str) -> Any:
    """What lies below the drawing: the fused image; below the ground truth, the mean of the two sensors."""
    if detail is not None and _fused_path(detail, image).is_file():
        return as_rgb(data.read_fused(_fused_path(detail, image)))
    pair = data.load_pair(*key, image)
    if detail is not None:
        return as_rgb(pair.infrared if detail.method == "infrared" else pair.visible)
    grey = as_rgb(pair.infrared).astype(np.uint16)
    return ((grey + as_rgb(pair.visible)) // 2).astype(np.uint8)


def _boxes_on(data: ReportInput, boxes: dict[str, _Boxes]) -> Draw:
    def draw(axes: Axes, detail: Detail | None, image: str) -> None:
        place = next(iter(boxes.values())).truth if detail is None else boxes[detail.entrant].truth
        truth = place[place["image"] == image]
        colours = class_colours(sorted(set(place["class_name"])))
        if detail is None:
            draw_boxes(axes, truth, colours)
            return
        own = boxes[detail.entrant]
        shown = own.predictions[own.predictions["image"] == image]
        colours |= class_colours(sorted(set(shown["class_name"])))
        known = truth[~truth["class_name"].isin(own.unknown)]
        outline(axes, known[~objects_found(known, shown[shown["tp50"]])])
        draw_boxes(axes, shown[~shown["tp50"]], colours, style="--", width=0.8)
        draw_boxes(axes, shown[shown["tp50"]], colours)

    return draw


def objects_found(truth: pd.DataFrame, correct: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which objects have a correct box of their class upon them: each correct box takes the object it
    overlaps most.
    """
    found = np.zeros(len(truth), bool)
    sides = ["x0", "y0", "x1", "y1"]
    corners = truth[sides].to_numpy(np.float64)
    for box in lines_of(correct):
        alike = (truth["class_name"] == box.class_name).to_numpy() & ~found
        if not alike.any():
            continue
        low = np.maximum(corners[:, :2], [box.x0, box.y0])
        high = np.minimum(corners[:, 2:], [box.x1, box.y1])
        common = np.clip(high - low, 0, None).prod(axis=1)
        areas = (corners[:, 2:] - corners[:, :2]).prod(axis=1) + (box.x1 - box.x0) * (box.y1 - box.y0)
        overlap = np.where(alike, common / (areas - common), -1)
        found[int(overlap.argmax())] = True
    return found


def _masks_on(data: ReportInput, details: Sequence[Detail]) -> Draw:
    names = [str(c) for c in details[0].about.get("classes", ())]
    frames: dict[str, tuple[int, int, int, int] | None] = {}

    def draw(axes: Axes, detail: Detail | None, image: str) -> None:
        dataset, split = details[0].dataset, details[0].split
        truth = data.load_pair(dataset, split, image).labels
        ids = truth if detail is None else mask_of(detail, image)
        picture = _background(data, detail, (dataset, split), image)
        if ids is not None and ids.shape == picture.shape[:2]:
            axes.images[0].set_data(mask_overlay(picture, ids, names))
        if image not in frames:
            frames[image] = _differing(truth, [mask_of(d, image) for d in details])
        frame = frames[image]
        if frame is not None:
            x, y, w, h = frame
            axes.add_patch(Rectangle((x - 0.5, y - 0.5), w, h, fill=False, ec="red", lw=1.2))

    return draw


def mask_of(detail: Detail, image: str) -> Any:
    """A unit's predicted ids of an image, H×W uint8; None if it left none."""
    path = detail.folder / "masks" / f"{image}.png"
    if not path.is_file():
        return None
    mask = read_image(path)
    return mask if mask.ndim == 2 else mask[..., 0]


def _differing(truth: Any, masks: Sequence[Any]) -> tuple[int, int, int, int] | None:
    """The window in which some masks are right and others wrong most often, as in the paper's red boxes."""
    if truth is None or len(masks) < 2 or any(m is None or m.shape != truth.shape for m in masks):
        return None
    right = np.stack([m == truth for m in masks]).astype(np.float32).std(axis=0)
    if not right.any():
        return None
    height, width = truth.shape
    return best_window(right, (max(4, round(SHARE * width)), max(4, round(SHARE * height))), None)


def _figure(
    data: ReportInput,
    key: TableKey,
    details: Sequence[Detail],
    scenes: list[str],
    draw: Draw,
) -> Figure:
    dataset, split, evaluator, convention = key
    lines: list[Detail | None] = [None, *details]
    pictures = {
        (i, image): _background(data, d, (dataset, split), image)
        for i, d in enumerate(lines)
        for image in scenes
    }
    shape = max(p.shape[0] / p.shape[1] for p in pictures.values())
    width = _LEFT + PICTURE_INCHES * len(scenes)
    height = _TOP + _BOTTOM + (shape * PICTURE_INCHES + _GAP) * len(lines)
    figure = new_figure(width, height)
    figure.set_layout_engine("none")
    for row, detail in enumerate(lines):
        title = (
            "Ground truth" if detail is None else entrant_title(detail.entrant, detail.method, data.methods)
        )
        bottom = height - _TOP - (row + 1) * (shape * PICTURE_INCHES + _GAP)
        figure.text(
            0.5 * _LEFT / width,
            (bottom + shape * PICTURE_INCHES / 2) / height,
            title,
            rotation=90,
            ha="center",
            va="center",
            fontsize=FONT + 1,
        )
        for column, image in enumerate(scenes):
            place = (
                (_LEFT + column * PICTURE_INCHES) / width,
                bottom / height,
                (PICTURE_INCHES - _GAP) / width,
                shape * PICTURE_INCHES / height,
            )
            axes = figure.add_axes(place)
            axes.set_axis_off()
            picture = pictures[row, image]
            axes.imshow(picture, interpolation="antialiased")
            draw(axes, detail, image)
            axes.set(xlim=(-0.5, picture.shape[1] - 0.5), ylim=(picture.shape[0] - 0.5, -0.5))
            if row == 0:
                light = light_of(data, dataset, split, image)
                axes.set_title(f"{image} ({light})" if light else image, fontsize=FONT, pad=2)
    handles = _legend(evaluator, details)
    figure.legend(
        handles=handles,
        loc="lower center",
        ncols=min(9, len(handles)),
        fontsize=FONT - 1,
        frameon=False,
        bbox_to_anchor=(0.5, 0.16 / height),
        borderpad=0.1,
        columnspacing=1.2,
    )
    place_name = data.datasets[dataset].title if dataset in data.datasets else dataset
    figure.text(
        0.5,
        0.04 / height,
        f"{place_name} ({split}), {convention}",
        ha="center",
        va="bottom",
        fontsize=FONT - 1,
    )
    return figure


def _legend(evaluator: str, details: Sequence[Detail]) -> list[Any]:
    if evaluator == "segmentation":
        names = [str(c) for c in details[0].about.get("classes", ())]
        return [
            *legend_patches(class_colours(names), names),
            Rectangle((0, 0), 1, 1, fill=False, ec="red", label="differ most"),
        ]
    names = sorted(set(details[0].table("truth")["class_name"]))
    unknown = set(details[0].about.get("classes_left_out") or ())
    told = {n: f"{n.replace('_', ' ')} (unknown to the judge)" for n in names if n in unknown}
    lines = [("correct (IoU ≥ 0.5)", "-", "0.3"), ("false", "--", "0.3"), ("missed", ":", "0.6")]
    return [
        *legend_patches(class_colours(names), names, told),
        *(Line2D([], [], color=colour, ls=style, lw=1.2, label=label) for label, style, colour in lines),
    ]
