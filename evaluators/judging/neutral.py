"""Neutral training images for judges: random blends of both sensors, so that no fusion rule is the look a
judge was trained on.

A judge that is trained on one fusion rule (the mean of both sensors, say) favours the methods that come close
to that rule. Here each training image is fused by a rule drawn at random, after both sensors were changed by
a random gain and gamma.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

UInt8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

RULES: Mapping[str, float] = {
    "blend": 0.5,
    "maximum": 0.15,
    "minimum": 0.1,
    "infrared": 0.125,
    "visible": 0.125,
}
"""How often each rule makes a training image.

``blend`` is a·infrared + (1 − a)·visible with a drawn uniformly from [0,1].
"""

FIXED = ("infrared", "visible", "blend-0.25", "blend-0.5", "blend-0.75", "maximum", "minimum")
"""The images on which a judge shows its neutrality: each sensor alone and five blends; the number is the
infrared's share.
"""

GAIN, GAMMA = 1.3, 1.5
"""Each sensor's levels become gain·level^gamma; both are drawn log-uniformly from 1/limit to limit."""

DESCRIPTION = (
    "random blends of infrared and visible (mean with random weights, maximum, minimum, each alone; gain and"
    " gamma varied)"
)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def stacked(infrared: UInt8Array, visible: UInt8Array) -> UInt8Array:
    """Infrared (H×W) and visible (H×W×3 RGB) as one uint8 array H×W×4, so that a crop or a warp changes both
    alike.
    """
    return np.dstack([visible, infrared])


def neutral_image(sensors: UInt8Array, generator: np.random.Generator) -> UInt8Array:
    """A training image (uint8 H×W×3 RGB) of ``stacked`` sensors (uint8 H×W×4), by a rule and tones drawn from
    the generator.

    The rule fuses infrared and the visible luma. The visible chroma is kept whole in half of the images,
    otherwise a share of it.
    """
    rule = str(generator.choice(list(RULES), p=list(RULES.values())))
    share = float(generator.uniform())
    chroma = 1.0 if generator.random() < 0.5 else float(generator.uniform())
    visible = _toned(sensors[..., :3], generator)
    infrared = _toned(sensors[..., 3], generator)
    return _fused(infrared, visible, rule, share, 1.0 if rule == "visible" else chroma)


def fixed_blend(infrared: UInt8Array, visible: UInt8Array, name: str) -> UInt8Array:
    """One of the images named in ``FIXED`` (uint8 H×W×3 RGB), with the sensors' own tones and the whole
    chroma.
    """
    rule, _, share = name.partition("-")
    return _fused(infrared, visible, rule, float(share or 0), 1.0)


def _fused(infrared: UInt8Array, visible: UInt8Array, rule: str, share: float, chroma: float) -> UInt8Array:
    if rule == "infrared":
        return np.repeat(infrared[..., None], 3, axis=2)
    colour = visible.astype(np.float32)
    luma: FloatArray = colour @ _LUMA
    other = infrared.astype(np.float32)
    rules: Mapping[str, Callable[[], FloatArray]] = {
        "blend": lambda: share * other + (1 - share) * luma,
        "maximum": lambda: np.maximum(other, luma),
        "minimum": lambda: np.minimum(other, luma),
        "visible": lambda: luma,
    }
    result = chroma * (colour - luma[..., None]) + rules[rule]()[..., None]
    levels: UInt8Array = np.clip(np.rint(result), 0, 255).astype(np.uint8)
    return levels


def _toned(image: UInt8Array, generator: np.random.Generator) -> UInt8Array:
    """The image with its levels changed by a random gain and gamma."""
    gain, gamma = (math.exp(generator.uniform(-1, 1) * math.log(limit)) for limit in (GAIN, GAMMA))
    table = np.clip(255 * gain * (np.arange(256) / 255) ** gamma + 0.5, 0, 255).astype(np.uint8)
    result: npt.NDArray[Any] = cv2.LUT(np.ascontiguousarray(image), table)
    return np.asarray(result, np.uint8).reshape(image.shape)
