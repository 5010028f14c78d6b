"""What looks wrong with an infrared and a visible image though both can be read. Asked, not decided: a
user may know better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

COLOUR_LEVELS, COLOUR_SHARE = 12, 0.02
"""An image is in colour if more than this share of its pixels has channels further apart than so many
levels (a grey picture saved as a colour JPEG stays below)."""


def in_colour(image: npt.NDArray[Any]) -> bool:
    """Whether an H×W or H×W×3 uint8 image shows colours, beyond what JPEG does to a grey one."""
    if image.ndim == 2:
        return False
    small = image[:: max(1, image.shape[0] // 200), :: max(1, image.shape[1] // 200)].astype(np.int16)
    return bool((np.ptp(small, axis=2) > COLOUR_LEVELS).mean() > COLOUR_SHARE)


def pair_questions(pairs: Mapping[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]]) -> list[str]:
    """Sentences about pairs (name → infrared and visible, uint8, as decoded): equal pictures, sensors
    swapped, infrared in colour."""
    same = [name for name, (one, other) in pairs.items() if np.array_equal(one, other)]
    colour = [name for name, (one, _) in pairs.items() if name not in same and in_colour(one)]
    grey = {name for name, (_, other) in pairs.items() if not in_colour(other)}
    found = []
    if same:
        found.append(
            f"infrared and visible are the same picture in {_of(same, pairs)}: is one folder or file given "
            "twice?"
        )
    if colour and set(colour) <= grey:
        found.append(
            f"infrared is in colour and visible is grey in {_of(colour, pairs)}: are the two swapped? The "
            "infrared folder "
            "or file comes first"
        )
    elif colour:
        found.append(
            f"infrared is in colour in {_of(colour, pairs)}: a false-colour picture's luma is no "
            "temperature; use the "
            "sensor's grey images if there are any"
        )
    return found


def _of(names: Sequence[str], looked: Mapping[str, Any]) -> str:
    if len(looked) == 1:
        return names[0]
    first = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
    return f"{len(names)} of {len(looked)} pairs looked at ({first})"
