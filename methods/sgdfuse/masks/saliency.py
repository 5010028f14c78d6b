"""The provider that needs no weights: regions that differ from their surroundings, by brightness (infrared)
or colour (visible).

Centre-surround contrast at several scales (Itti, Koch, Niebur 1998; box surrounds as in Achanta et al. 2009),
cut at several levels into connected regions, each region a segment with its mean contrast as score. It finds
what stands out, not what things are.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fusionbench.errors import InputError

from .objectness import objectness_from_labels
from .provider import Image, Objectness, check_image, is_grey, make_fingerprint

SURROUNDS = (1 / 12, 1 / 5, 1 / 2, 1.0)
"""Sides of the square surrounds as shares of the shorter image side: from a distant person to a near car."""

LEVELS = (0.35, 0.50, 0.65, 0.80)
"""Cuts of the normalised contrast; nested regions are resolved by the maximum."""

CONTRAST_FLOOR = 24.0
"""Grey levels of contrast that count as full at least: below it, noise in flat images would be stretched into
objects."""

TONE = 0.6
"""Exponent applied to infrared brightness: thermal cameras leave most of the scene near black, and without it
only a person's face and hands would stand out, not the clothed body."""

COOL_WEIGHT = 0.4
"""In infrared images what is colder than its surroundings counts this much of what is warmer."""


class SaliencyMasks:
    """Salient regions of one image. ``max_side`` bounds the working size in pixels (the map is scaled back to
    the image)."""

    name = "saliency"

    def __init__(self, max_side: int = 640) -> None:
        if max_side < 32:
            raise InputError(f"mask provider 'saliency': max_side must be at least 32, not {max_side}")
        self._max_side = max_side
        self.fingerprint = make_fingerprint(self.name, {"version": 1, "max_side": max_side})

    def objectness(self, image: Image, name: str | None = None) -> Objectness:
        """Objectness, float32 H×W in [0,1], of a uint8 H×W or H×W×3 image; grey images are taken as infrared
        (warm = bright)."""
        image = check_image(image)
        height, width = image.shape[:2]
        scale = min(1.0, self._max_side / max(height, width))
        if scale < 1.0:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        else:
            small = image
        objectness = _objectness_of_contrast(centre_surround_contrast(small))
        if scale < 1.0:
            enlarged = cv2.resize(objectness, (width, height), interpolation=cv2.INTER_LINEAR)
            objectness = np.asarray(enlarged, np.float32)
        return np.clip(objectness, 0.0, 1.0).astype(np.float32, copy=False)


def centre_surround_contrast(image: Image) -> npt.NDArray[np.float32]:
    """Contrast with the surroundings, float32 H×W in [0,1], largest over the surround sizes.

    Infrared (grey): brightness difference, warm counted in full. Visible: Euclidean distance in CIELAB.
    Normalised by the 99.5th percentile, but by no less than ``CONTRAST_FLOOR``.
    """
    short = min(image.shape[:2])
    sizes = [max(3, int(short * share) | 1) for share in SURROUNDS]
    contrast = np.zeros(image.shape[:2], dtype=np.float32)
    if is_grey(image):
        grey = image if image.ndim == 2 else np.ascontiguousarray(image[..., 0])
        toned = cv2.LUT(grey, 255 * (np.arange(256, dtype=np.float32) / 255) ** np.float32(TONE))
        centre = cv2.GaussianBlur(toned, (0, 0), 1.2)
        for size in sizes:
            difference = centre - cv2.blur(centre, (size, size), borderType=cv2.BORDER_REFLECT)
            np.maximum(contrast, np.maximum(difference, -COOL_WEIGHT * difference), out=contrast)
    else:
        # Foliage and gravel differ from pixel to pixel, objects do not: smooth the texture away first.
        smooth = cv2.GaussianBlur(cv2.medianBlur(image, 5), (0, 0), short / 240)
        lab = cv2.cvtColor(smooth.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        lab = np.asarray(
            lab * 2.55, np.float32
        )  # CIELAB lightness 0…100 to the 0…255 of the floor; a and b in the same unit
        for size in sizes[:-1]:  # against the whole scene, sky and walls would stand out most
            difference = lab - cv2.blur(lab, (size, size), borderType=cv2.BORDER_REFLECT)
            np.maximum(contrast, np.sqrt(np.einsum("hwc,hwc->hw", difference, difference)), out=contrast)
    full = max(float(np.percentile(contrast[::2, ::2], 99.5)), CONTRAST_FLOOR)
    return np.asarray(np.minimum(contrast / full, 1.0), np.float32)


def _objectness_of_contrast(contrast: npt.NDArray[np.float32]) -> Objectness:
    """Cut contrast into segments at every level and join their objectness by the maximum."""
    smallest = max(9, round(contrast.size * 1e-4))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    objectness = np.zeros(contrast.shape, dtype=np.float32)
    for level in LEVELS:
        cut: npt.NDArray[Any] = (contrast >= level).astype(np.uint8)
        cut = cv2.morphologyEx(
            cv2.morphologyEx(cut, cv2.MORPH_CLOSE, kernel), cv2.MORPH_OPEN, kernel[1:4, 1:4]
        )
        count, labels, stats, _ = cv2.connectedComponentsWithStats(cut, connectivity=8)
        if count < 2:
            break
        areas = stats[1:, cv2.CC_STAT_AREA]
        boxes = stats[1:, cv2.CC_STAT_WIDTH] * stats[1:, cv2.CC_STAT_HEIGHT]
        strength = np.bincount(labels.ravel(), weights=contrast.ravel(), minlength=count)[1:] / areas
        # Lane markings, kerbs and wires are thin: they fill little of their box. People and cars fill half of
        # it or more.
        compactness = np.clip(areas / boxes / 0.4, 0.0, 1.0)
        scores = np.where(areas >= smallest, strength * compactness, 0.0)
        np.maximum(objectness, objectness_from_labels(np.asarray(labels, np.int32), scores), out=objectness)
    return objectness
