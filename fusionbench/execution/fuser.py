"""What turns pairs into fused images: the contract between the flow of images and methods, loaded or lying
in folders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ..contracts.dataset import Pair, PairImages, UInt8Array


class Fuser(Protocol):
    """A method on a device, or a folder of images that were fused elsewhere."""

    warnings: list[str]
    """What is worth knowing of the images or of what the method does, each once."""

    def fuse(self, pairs: Sequence[Pair], images: Sequence[PairImages]) -> list[UInt8Array]:
        """Fuse pairs of one size; returns one uint8 image (H×W or H×W×3 RGB) per pair, in order."""
        ...

    def provenance(self) -> dict[str, Any]:
        """JSON data to keep with the run."""
        ...
