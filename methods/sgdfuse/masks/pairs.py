"""Both masks of a pair, by a provider that looks at each image alone or by one that looks at the pair."""

from typing import Protocol, runtime_checkable

import numpy as np

from fusionbench.images.codec import as_rgb

from .cache import MaskCache
from .provider import Image, MaskProvider, Objectness


@runtime_checkable
class PairMaskProvider(Protocol):
    """A provider that makes one map from both sensors."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    def of_pair(self, infrared: Image, visible: Image) -> Objectness:
        """Objectness, float32 H×W in [0,1], of infrared uint8 H×W and visible uint8 H×W×3."""
        ...


def pair_masks(
    provider: MaskProvider,
    infrared: Image,
    visible: Image,
    cache: MaskCache | None = None,
    name: str | None = None,
) -> tuple[Objectness, Objectness]:
    """M_ir and M_vi, float32 H×W in [0,1], of infrared uint8 H×W and visible uint8 H×W×3; from the cache
    where they are there.

    ``name`` is the pair's, for the providers that go by names (``ir/NAME`` and ``vi/NAME``).
    """
    if isinstance(provider, PairMaskProvider):
        both = _Joined(provider)
        stacked = np.concatenate((as_rgb(infrared), visible))
        joint = cache.objectness(both, stacked) if cache else both.objectness(stacked)
        half = joint[: joint.shape[0] // 2]
        return half, half
    stems = (None, None) if name is None else (f"ir/{name}", f"vi/{name}")
    found = [
        cache.objectness(provider, image, stem) if cache else provider.objectness(image, stem)
        for image, stem in zip((infrared, visible), stems, strict=True)
    ]
    return found[0], found[1]


class _Joined:
    """A pair as one image, infrared above visible, so that the cache can keep its map."""

    def __init__(self, provider: PairMaskProvider) -> None:
        self.name, self.fingerprint, self._provider = provider.name, provider.fingerprint, provider

    def objectness(self, image: Image, name: str | None = None) -> Objectness:
        """The pair's map twice, 2H×W."""
        del name
        height = image.shape[0] // 2
        found = self._provider.of_pair(np.ascontiguousarray(image[:height, :, 0]), image[height:])
        return np.concatenate((found, found))
