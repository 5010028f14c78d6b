"""Object boxes from semantic labels: one box around each connected component of a class that is large enough.

Limits: objects that touch in the labels become one box, and an object that something else cuts in two becomes
two. So these boxes tell methods apart (every method is judged by the same boxes), but they are not the boxes
that a person would draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fusionbench.contracts.dataset import Boxes


@dataclass(frozen=True)
class BoxRule:
    """Which components become boxes: the least number of pixels by class name, and the least sides of the box
    in pixels.
    """

    least_pixels: Mapping[str, int]
    least_height: int = 8
    least_width: int = 4

    def __str__(self) -> str:
        classes = ", ".join(f"{name} from {count} px" for name, count in self.least_pixels.items())
        return (
            f"connected components (8 neighbours) of the semantic labels: {classes}; "
            f"at least {self.least_height} px high and {self.least_width} px wide"
        )


MSRS_RULE = BoxRule({"person": 60, "car": 120, "bike": 60})


def boxes_from_labels(
    labels: npt.NDArray[np.uint8],
    semantic_classes: Sequence[str],
    box_classes: Sequence[str],
    rule: BoxRule,
) -> Boxes:
    """The boxes of an image of class ids (H×W), sorted by class, then by place (row by row).

    ``rule`` must name only classes that both lists have.
    """
    from scipy.ndimage import find_objects  # here: every command reads this module, few need these
    from skimage.measure import label

    ids = {semantic_classes.index(name): name for name in rule.least_pixels}
    wanted = np.where(np.isin(labels, list(ids)), labels, 0)
    components = np.asarray(label(wanted, connectivity=2))  # type: ignore[no-untyped-call]
    pixels = np.bincount(components.ravel())
    boxes: list[tuple[int, tuple[int, int, int, int]]] = []
    for number, (rows, columns) in enumerate(find_objects(components), 1):
        name = ids[int(wanted[rows, columns][components[rows, columns] == number][0])]
        high, wide = rows.stop - rows.start, columns.stop - columns.start
        large = pixels[number] >= rule.least_pixels[name]
        if large and high >= rule.least_height and wide >= rule.least_width:
            boxes.append((box_classes.index(name), (columns.start, rows.start, columns.stop, rows.stop)))
    boxes.sort(key=lambda box: box[0])
    return Boxes(
        np.array([xyxy for _, xyxy in boxes], np.float64).reshape(-1, 4),
        np.array([index for index, _ in boxes], np.int64),
        rule=str(rule),
    )
