"""Random scenes to measure with, and the calls that fuse them."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
import torch.nn.functional as F

from fusionbench.contracts.method import Method, MethodSpec
from fusionbench.execution.fusing import PRECISIONS
from fusionbench.images.padding import padding


def random_scene(channels: int, height: int, width: int, generator: torch.Generator) -> torch.Tensor:
    """Soft blobs with a little noise, 1×C×H×W in [0,1]: closer to an image than noise is, for methods whose
    cost depends on content.
    """
    coarse = torch.rand(1, channels, max(2, height // 32), max(2, width // 32), generator=generator)
    blobs = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
    return (blobs + 0.03 * torch.randn(1, channels, height, width, generator=generator)).clamp(0, 1)


class SceneFuser:
    """Fuses random scenes of one size with a loaded method, as the harness does: padded, in its precision.

    ``prepare`` gives every call other pixels (the scene, shifted), so that a method that remembers what it
    has seen gains nothing by it.
    """

    def __init__(
        self,
        spec: MethodSpec,
        method: Method,
        size: tuple[int, int],
        device: torch.device,
        precision: str,
        seed: int,
    ) -> None:
        self._method, self._device, self._precision = method, device, precision
        height, width = (length + padding(length, spec) for length in size)
        generator = torch.Generator().manual_seed(seed)
        self._infrared = random_scene(1, height, width, generator).to(device)
        self._visible = random_scene(3 if spec.input == "rgb" else 1, height, width, generator).to(device)
        self._shift = 0
        self.prepare()

    def prepare(self, batch: int = 1) -> None:
        """Make the next call's pairs (not part of what is timed)."""
        shifts = range(self._shift, self._shift + batch)
        self._shift += batch
        self._pairs = tuple(
            torch.cat([scene.roll(shift, dims=-1) for shift in shifts])
            for scene in (self._infrared, self._visible)
        )

    def __call__(self) -> torch.Tensor:
        """Fuse the prepared pairs."""
        with torch.inference_mode(), self._autocast():
            return self._method.fuse(*self._pairs)

    def count(self) -> torch.Tensor:
        """Fuse the prepared pairs outside inference mode: there composite operators would reach a counter
        undivided.
        """
        with torch.no_grad(), self._autocast():
            return self._method.fuse(*self._pairs)

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        dtype = PRECISIONS[self._precision]
        return torch.autocast(self._device.type, dtype=dtype) if dtype else contextlib.nullcontext()
