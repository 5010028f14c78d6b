"""Boxes and masks drawn on images: colours by class, tinted label maps, boxes on matplotlib axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import colormaps
from matplotlib.patches import Rectangle

from ..scores.frames import lines_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    UInt8Array = npt.NDArray[np.uint8]

Colour = tuple[int, int, int]

KNOWN: dict[str, Colour] = {
    "person": (255, 221, 0),
    "people": (255, 221, 0),
    "car": (40, 140, 255),
    "bike": (0, 224, 110),
    "bicycle": (0, 224, 110),
    "curve": (0, 224, 255),
    "car_stop": (190, 90, 230),
    "guardrail": (150, 160, 255),
    "color_cone": (255, 140, 0),
    "bump": (255, 130, 190),
    "bus": (0, 200, 180),
    "lamp": (255, 150, 120),
    "motorcycle": (150, 220, 60),
    "truck": (200, 110, 255),
}
"""RGB of classes that several datasets share, the same in every picture; no pure red, which frames
differences.
"""

UNLABELLED = ("unlabelled", "background", "")
TINT = 0.5


def class_colours(names: Sequence[str]) -> dict[str, Colour]:
    """An RGB colour for each class; ``unlabelled`` has none."""
    palette = colormaps["tab20"]
    found: dict[str, Colour] = {}
    for i, name in enumerate(n for n in names if n not in UNLABELLED):
        spare = tuple(round(255 * float(c)) for c in palette(i % 20)[:3])
        found[name] = KNOWN.get(name.lower(), (spare[0], spare[1], spare[2]))
    return found


def mask_overlay(image: UInt8Array, ids: UInt8Array, names: Sequence[str]) -> UInt8Array:
    """An H×W×3 image tinted by its H×W label ids, each region with its outline; ``unlabelled`` and ids
    without a name stay as they are.
    """
    colours = class_colours(names)
    drawn: UInt8Array = image.copy()
    for i, name in enumerate(names):
        region = ids == i
        if name not in colours or not region.any():
            continue
        colour = np.array(colours[name], np.float32)
        drawn[region] = np.round((1 - TINT) * image[region] + TINT * colour).astype(np.uint8)
        outlines, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawn, outlines, -1, colours[name], 1)
    return drawn


def draw_boxes(
    axes: Axes,
    boxes: pd.DataFrame,
    colours: Mapping[str, Colour],
    *,
    style: str = "-",
    width: float = 1.1,
    fontsize: float = 5.0,
) -> None:
    """Boxes (class_name, x0, y0, x1, y1 in pixels, perhaps score) as rectangles, with the score above them
    where there is one.
    """
    for box in lines_of(boxes):
        colour = _unit(colours.get(str(box.class_name), (255, 255, 255)))
        axes.add_patch(
            Rectangle(
                (box.x0 - 0.5, box.y0 - 0.5),
                box.x1 - box.x0,
                box.y1 - box.y0,
                fill=False,
                ec=colour,
                lw=width,
                ls=style,
            )
        )
        if hasattr(box, "score"):
            inside = box.y0 < 8  # no room above
            axes.text(
                box.x0,
                box.y0 + (1 if inside else -1),
                f"{box.score:.2f}".lstrip("0"),
                fontsize=fontsize,
                color="black",
                va="top" if inside else "bottom",
                ha="left",
                clip_on=True,
                bbox={"facecolor": colour, "edgecolor": "none", "pad": 0.4, "alpha": 0.85},
            )


def outline(axes: Axes, boxes: pd.DataFrame) -> None:
    """Thin white dotted boxes: objects that were not found."""
    for box in lines_of(boxes):
        axes.add_patch(
            Rectangle(
                (box.x0 - 0.5, box.y0 - 0.5),
                box.x1 - box.x0,
                box.y1 - box.y0,
                fill=False,
                ec="white",
                lw=0.9,
                ls=":",
            )
        )


def legend_patches(
    colours: Mapping[str, Colour], names: Iterable[str], told: Mapping[str, str] | None = None
) -> list[Any]:
    """Legend handles, one a class; ``told`` replaces the names of some."""
    texts = told or {}
    return [
        Rectangle(
            (0, 0), 1, 1, fc=_unit(colours[name]), ec="none", label=texts.get(name, name.replace("_", " "))
        )
        for name in names
        if name in colours
    ]


def _unit(colour: Colour) -> tuple[float, float, float]:
    return colour[0] / 255, colour[1] / 255, colour[2] / 255
