"""Training scenes for a detector: images with boxes, read when they are first used, and augmented."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ...judging.neutral import neutral_image
from .letterbox import PADDING

UInt8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]
_KEPT_BYTES = 1_500_000_000


@dataclass(frozen=True)
class Scene:
    """An image, its boxes (N×4 x0 y0 x1 y1, pixels) and their class indices (N).

    The image is uint8 H×W×3 RGB, or H×W×4 with the infrared as its last channel: then every view of it is
    another neutral blend.
    """

    image: UInt8Array
    xyxy: FloatArray
    classes: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random changes: scale (log-uniform, 1/s to s), shift (share of the side), and of
    brightness and gamma (log-uniform), saturation (0: grey to 1.2), chance of a mirror image.
    """

    scale: float = 1.5
    shift: float = 0.12
    gain: float = 1.5
    gamma: float = 1.5
    saturation: bool = True
    mirror: float = 0.5


NO_AUGMENTATION = Augmentation(1.0, 0.0, 1.0, 1.0, False, 0.0)


class SceneStore:
    """Scenes by number, each loaded once and kept at the training size (the longer side ``image_size``
    pixels) while memory allows.
    """

    def __init__(self, loaders: Sequence[Callable[[], Scene]], image_size: int) -> None:
        self._loaders, self._image_size = loaders, image_size
        self._kept: dict[int, Scene] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._loaders)

    def __getitem__(self, number: int) -> Scene:
        scene = self._kept.get(number)
        if scene is None:
            scene = resized(self._loaders[number](), self._image_size)
            if self._bytes + scene.image.nbytes <= _KEPT_BYTES:
                self._kept[number] = scene
                self._bytes += scene.image.nbytes
        return scene


def resized(scene: Scene, image_size: int) -> Scene:
    """The scene with its longer side at ``image_size`` pixels."""
    height, width = scene.image.shape[:2]
    factor = image_size / max(height, width)
    if factor == 1:
        return scene
    size = max(1, round(width * factor)), max(1, round(height * factor))
    mode = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    image = cv2.resize(scene.image, size, interpolation=mode)
    return Scene(np.asarray(image, np.uint8), scene.xyxy * factor, scene.classes)


def canvas_size(shapes: Sequence[tuple[int, int]], image_size: int, stride: int = 32) -> tuple[int, int]:
    """(height, width) that all scenes of these (height, width) are put on: multiples of the stride, the
    longer side ``image_size``.
    """
    scaled = [(h * image_size / max(h, w), w * image_size / max(h, w)) for h, w in shapes]
    high, wide = max(round(h) for h, _ in scaled), max(round(w) for _, w in scaled)
    return math.ceil(high / stride) * stride, math.ceil(wide / stride) * stride


def augmented(
    scene: Scene, canvas: tuple[int, int], ranges: Augmentation, generator: np.random.Generator
) -> Scene:
    """A random view of a scene on a canvas of (height, width).

    Boxes of which less than a quarter stays, or less than two pixels of a side, are dropped.
    """
    height, width = scene.image.shape[:2]
    factor = math.exp(generator.uniform(-1, 1) * math.log(ranges.scale))
    mirror = generator.random() < ranges.mirror
    shift = generator.uniform(-1, 1, 2) * ranges.shift * np.array([canvas[1], canvas[0]])
    offset = np.array([canvas[1], canvas[0]]) / 2 - factor * np.array([width, height]) / 2 + shift
    direction = -factor if mirror else factor
    start = offset[0] + factor * width if mirror else offset[0]
    # Pixel centres lie at +0.5, which is where edges of boxes have whole numbers.
    matrix = np.array(
        [
            [direction, 0, start + 0.5 * direction - 0.5],
            [0, factor, offset[1] + 0.5 * factor - 0.5],
        ]
    )
    image = cv2.warpAffine(
        scene.image,
        matrix,
        (canvas[1], canvas[0]),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(PADDING,) * 4,
    )
    view: UInt8Array = np.asarray(image, np.uint8)
    view = neutral_image(view, generator) if view.shape[2] == 4 else _recoloured(view, ranges, generator)
    x = start + direction * scene.xyxy[:, [0, 2]]
    y = offset[1] + factor * scene.xyxy[:, [1, 3]]
    boxes = np.stack([x.min(1), y.min(1), x.max(1), y.max(1)], 1)
    clipped = np.clip(boxes, 0, [canvas[1], canvas[0], canvas[1], canvas[0]])
    sides, whole = clipped[:, 2:] - clipped[:, :2], boxes[:, 2:] - boxes[:, :2]
    kept = (sides.min(1, initial=np.inf) >= 2) & (sides.prod(1) >= 0.25 * whole.prod(1))
    return Scene(view, clipped[kept], scene.classes[kept])


def _recoloured(image: UInt8Array, ranges: Augmentation, generator: np.random.Generator) -> UInt8Array:
    gain = math.exp(generator.uniform(-1, 1) * math.log(ranges.gain))
    gamma = math.exp(generator.uniform(-1, 1) * math.log(ranges.gamma))
    saturation = generator.uniform(0, 1.2) if ranges.saturation else 1.0
    if saturation != 1.0:
        grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        image = np.asarray(cv2.addWeighted(image, saturation, grey, 1 - saturation, 0), np.uint8)
    if (gain, gamma) == (1.0, 1.0):
        return image
    table = np.clip(255 * gain * (np.arange(256) / 255) ** gamma + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table), np.uint8)
