"""A made-up pair and its fused image, on which every metric has a value."""

from typing import Any

import numpy as np


def scene(height: Any = 96, width: Any = 112, seed: Any = 0, colour: Any = False) -> Any:
    """Infrared (a hot disc), visible (waves; RGB if `colour`) and their mean, uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    infrared = np.clip(
        60
        + 150 * ((x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2)
        + rng.normal(0, 4, (height, width)),
        0,
        255,
    )
    shape = (height, width, 3) if colour else (height, width)
    texture = 110 + 70 * np.sin(x / 5) * np.cos(y / 7)
    visible = np.clip((texture[..., None] if colour else texture) + rng.normal(0, 6, shape), 0, 255)
    fused = np.clip(0.5 * infrared + 0.5 * (visible.mean(-1) if colour else visible), 0, 255)
    return tuple(np.rint(image).astype(np.uint8) for image in (infrared, visible, fused))
