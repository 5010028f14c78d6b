"""Providers for ablations: ``none`` (no mask at all) and ``random`` (rectangles that know nothing of the
scene)."""

import math

import numpy as np

from fusionbench.errors import InputError

from .objectness import Segment, objectness_from_segments
from .provider import Image, MaskProvider, Objectness, check_image, image_hash, make_fingerprint


class NoMask:
    """Objectness 0 everywhere."""

    name = "none"
    fingerprint = make_fingerprint("none", {})

    def objectness(self, image: Image, name: str | None = None) -> Objectness:
        """Zeros, H×W."""
        return np.zeros(check_image(image).shape[:2], dtype=np.float32)


class OneSided:
    """Another provider's masks for one source alone, ``ir`` or ``vi``; the other source's are blank.

    For Table 3's "w/o IR SAM" and "w/o VIS SAM". The source is read off the image's name (``ir/00001D``); an
    image without a name gets its mask.
    """

    def __init__(self, provider: MaskProvider, side: str) -> None:
        if side not in {"ir", "vi"}:
            raise InputError(f"mask provider '{provider.name}@{side}': the source is `ir` or `vi`")
        self._provider, self._side = provider, side
        self.name = f"{provider.name}@{side}"
        self.fingerprint = f"{provider.fingerprint}@{side}"

    def objectness(self, image: Image, name: str | None = None) -> Objectness:
        """The provider's map, or zeros H×W for the other source's images."""
        if name is not None and name.partition("/")[0] != self._side:
            return np.zeros(check_image(image).shape[:2], dtype=np.float32)
        return self._provider.objectness(image, name)


class RandomRectangles:
    """Randomly cropped rectangles in place of segments, Table 3's "w/o SAM".

    The paper replaces "the semantic masks with randomly cropped patches from the original images" and says no
    more. ``content`` settles what a patch carries: ``ones`` (default: a rectangle is a segment of score 1, so
    that only the semantics is taken away) or ``image`` (the image's own brightness within the rectangles).
    ``count`` rectangles, each with an area drawn log-uniformly from 0.2 % to 10 % of the image and sides in a
    ratio of 1:3 to 3:1, the range of people and vehicles. Seeded by ``seed`` and the image's content.
    """

    name = "random"

    def __init__(self, count: int = 6, content: str = "ones", seed: int = 0) -> None:
        if count < 0 or content not in {"ones", "image"}:
            raise InputError(
                "mask provider 'random': count must be at least 0 and content `ones` or `image`, "
                f"not {count} and {content!r}"
            )
        self._count, self._content, self._seed = count, content, seed
        self.fingerprint = make_fingerprint(self.name, {"count": count, "content": content, "seed": seed})

    def objectness(self, image: Image, name: str | None = None) -> Objectness:
        """Rectangles of objectness 1 × area prior (``ones``), or the brightness within them (``image``)."""
        image = check_image(image)
        height, width = image.shape[:2]
        generator = np.random.default_rng([self._seed, int(image_hash(image)[:16], 16)])
        segments = []
        for _ in range(self._count):
            area = height * width * math.exp(generator.uniform(math.log(0.002), math.log(0.1)))
            ratio = math.exp(generator.uniform(-math.log(3), math.log(3)))
            rows = int(np.clip(round(math.sqrt(area * ratio)), 1, height))
            columns = int(np.clip(round(math.sqrt(area / ratio)), 1, width))
            top = int(generator.integers(0, height - rows + 1))
            left = int(generator.integers(0, width - columns + 1))
            mask = np.zeros((height, width), dtype=bool)
            mask[top : top + rows, left : left + columns] = True
            segments.append(Segment(mask, 1.0))
        objectness = objectness_from_segments(segments, (height, width))
        if self._content == "image":
            brightness = image if image.ndim == 2 else image.mean(axis=2)
            return ((objectness > 0) * (brightness.astype(np.float32) / 255)).astype(np.float32)
        return objectness
