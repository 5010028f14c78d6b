"""What the harness does for every method alike: input colour, padding, precision, out-of-memory fallback,
quantisation.

A method only maps tensors to a tensor (see ``contracts.Method``); this module feeds it from decoded images
and turns what it returns into the uint8 image that is saved and scored.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..contracts.dataset import Pair, PairImages
from ..contracts.method import HasProvenance, Method, MethodContext, MethodSpec
from ..errors import FusionBenchError, ImageError, InputError
from ..files import artifacts
from ..images.codec import UInt8Array
from ..images.grey import to_grey
from ..images.padding import pad_tensor, padding
from ..images.quantisation import finish
from ..plugins import catalog
from ..plugins.guard import guarded
from .memory import reuse_freed_memory

TILE = 512
TILE_OVERLAP = 64
OTHER_SCALE = 2.0
"""Where most values of an image are above this, they are on another scale than [0,1]."""
OVERSHOOT, CLIPPED_SHARE = 0.05, 0.05
"""Networks overshoot a little at edges; more than this, in more than this share of the values, is said."""
FloatArray = npt.NDArray[np.float32]
PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def weights_resolver(spec: MethodSpec) -> Callable[[str], Path]:
    """The function that gives a method the verified local path of its artifacts by name."""
    by_name = {artifact.name: artifact for artifact in spec.artifacts}

    def resolve(name: str) -> Path:
        if name not in by_name:
            raise InputError(
                f"method {spec.name} has no artifact {name!r}; its spec lists {', '.join(by_name) or 'none'}"
            )
        return artifacts.locate(by_name[name])

    return resolve


def build_method(spec: MethodSpec, context: MethodContext, device: str, precision: str) -> Method:
    """Build a method and load it on a device. Raises ``MissingWeightsError`` or ``InputError`` with what
    to do."""
    if spec.external is not None:
        raise InputError(
            f"{spec.name} runs in its official repository, on whole datasets: `fusionbench run --method "
            f"{spec.name} --dataset …`, "
            f"or `fusionbench fuse FOLDER FOLDER --method {spec.name}`"
        )
    with guarded(spec.name):
        method: Method = catalog.build(spec.factory)(spec, context)
    if precision not in PRECISIONS:
        raise InputError(f"--precision {precision!r}: choose one of {', '.join(PRECISIONS)}")
    if torch.device(device).type == "cpu":
        reuse_freed_memory()
    with guarded(spec.name):
        method.load(torch.device(device), precision)
    return method


class MethodFuser:
    """A loaded method with the harness around it; a ``Fuser``."""

    def __init__(
        self, spec: MethodSpec, context: MethodContext, device: str, precision: str, *, grey: bool = False
    ) -> None:
        self.spec = spec
        self.device = torch.device(device)
        self.precision = precision
        self.grey = grey
        self._context = context
        self._method = build_method(spec, context, device, precision)
        self._cpu_method: Method | None = None
        self.fallbacks: list[str] = []
        self.warnings: list[str] = []

    def provenance(self) -> dict[str, Any]:
        extra = self._method.provenance() if isinstance(self._method, HasProvenance) else {}
        said = {"warnings": self.warnings} if self.warnings else {}
        return {
            "device": str(self.device),
            "precision": self.precision,
            "fallbacks": self.fallbacks,
            **said,
            **extra,
        }

    def fuse(self, pairs: Sequence[Pair], images: Sequence[PairImages]) -> list[UInt8Array]:
        with _threads(1 if self.spec.family == "classical" else torch.get_num_threads()):
            return self._fuse(pairs, images)

    def _fuse(self, pairs: Sequence[Pair], images: Sequence[PairImages]) -> list[UInt8Array]:
        infrared, visible = self._inputs(images)
        fused = self._fuse_within_memory(infrared, visible).float().cpu().numpy()
        results = []
        for pair, source, output in zip(pairs, images, fused, strict=True):
            if not np.isfinite(output).all():
                raise ImageError(
                    f"{pair.name}: {self.spec.name} returned non-finite values; try --precision fp32"
                )
            self._check_range(pair.name, output)
            results.append(finish(output, source.visible, self.spec, grey=self.grey))
        return results

    def _inputs(self, images: Sequence[PairImages]) -> tuple[torch.Tensor, torch.Tensor]:
        infrared = (
            torch.from_numpy(np.stack([image.infrared for image in images])[:, None]).to(self.device).float()
            / 255
        )
        if self.spec.input == "rgb":
            rgb = torch.from_numpy(np.stack([image.visible for image in images])).to(self.device)
            return infrared, rgb.permute(0, 3, 1, 2).contiguous().float() / 255
        luma = np.stack([to_grey(image.visible, self.spec.grey) for image in images])[:, None]
        return infrared, torch.from_numpy(luma).to(self.device) / 255

    def _fuse_within_memory(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """Fuse; when memory runs out halve the batch, then tile (where tiles give the same result), then
        go to the CPU."""
        try:
            return self._fuse_padded(self._method, infrared, visible)
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if len(infrared) > 1:
            self._note(f"out of memory at batch {len(infrared)}: halved")
            half = len(infrared) // 2
            parts = [(infrared[:half], visible[:half]), (infrared[half:], visible[half:])]
            return torch.cat([self._fuse_within_memory(i, v) for i, v in parts])
        if self.spec.tileable:
            self._note(
                f"out of memory at {infrared.shape[-1]}×{infrared.shape[-2]}: fused in tiles of {TILE}"
            )
            return fuse_in_tiles(lambda i, v: self._fuse_padded(self._method, i, v), infrared, visible)
        if self.device.type != "cpu":
            self._note(f"out of memory at {infrared.shape[-1]}×{infrared.shape[-2]}: fused on the CPU")
            if self._cpu_method is None:
                self._cpu_method = build_method(self.spec, self._context, "cpu", "fp32")
            return self._fuse_padded(self._cpu_method, infrared.cpu(), visible.cpu())
        raise FusionBenchError(
            f"{self.spec.name}: not enough memory for a {infrared.shape[-1]}×{infrared.shape[-2]} pair; use "
            "smaller images or more memory"
        )

    def _check_range(self, name: str, output: FloatArray) -> None:
        """Values outside [0,1] are clipped: refuse another scale, warn of one that loses more than a little.

        Raises ``ImageError`` where most of an image would become white.
        """
        if self.spec.quantise != "clip" or self.spec.rounding == "wrap":
            return
        if np.mean(output > OTHER_SCALE) > 0.5:
            raise ImageError(
                f"{name}: {self.spec.name} returned values up to {output.max():.4g}, but [0,1] is expected; "
                "divide by 255 if its images go from 0 to 255"
            )
        outside = float(np.mean((output < -OVERSHOOT) | (output > 1 + OVERSHOOT)))
        if outside > CLIPPED_SHARE:
            self._warn(
                f"{self.spec.name} returned values outside [0,1] (in {name}: {output.min():.3g} to "
                f"{output.max():.3g}, {outside:.0%} of them outside), which are clipped; if its images go "
                "from "
                "-1 to 1, it must return (x + 1) / 2"
            )

    def _warn(self, message: str) -> None:
        """Warn once of one kind, whatever the image."""
        kind = message.partition("(")[0]
        if not any(said.startswith(kind) for said in self.warnings):
            self.warnings.append(message)

    def _note(self, message: str) -> None:
        if message not in self.fallbacks:
            self.fallbacks.append(message)

    def _fuse_padded(self, method: Method, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        height, width = infrared.shape[-2:]
        bottom, right = padding(height, self.spec), padding(width, self.spec)
        # Always copies: a method may change what it gets, and a second try must start from the same pixels.
        if bottom or right:
            infrared, visible = pad_tensor(infrared, bottom, right), pad_tensor(visible, bottom, right)
        else:
            infrared, visible = infrared.clone(), visible.clone()
        with (
            torch.inference_mode(),
            _autocast(infrared.device, self.precision),
            guarded(self.spec.name, self._warn),
        ):
            fused = method.fuse(infrared, visible)
        if not isinstance(fused, torch.Tensor):
            raise InputError(
                f"{self.spec.name}.fuse returned {type(fused).__name__}, expected a torch tensor (float, in "
                "[0,1])"
            )
        channels = 1 if self.spec.output == "luma" else 3
        expected = (len(infrared), channels, height + bottom, width + right)
        if tuple(fused.shape) != expected:
            raise InputError(
                f"{self.spec.name}.fuse returned shape {tuple(fused.shape)}, expected {expected} (output "
                f"{self.spec.output!r})"
            )
        if not fused.is_floating_point():
            raise InputError(
                f"{self.spec.name}.fuse returned {str(fused.dtype).removeprefix('torch.')} values, expected "
                "float values in [0,1] (x.float() / 255 if they go from 0 to 255)"
            )
        return fused[..., :height, :width]


def fuse_in_tiles(
    fuse: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], infrared: torch.Tensor, visible: torch.Tensor
) -> torch.Tensor:
    """Fuse in overlapping tiles, blended linearly across the overlap so that no seam shows. Same shapes as
    ``Method.fuse``."""
    height, width = infrared.shape[-2:]
    total: torch.Tensor | None = None
    weight = torch.zeros(1, 1, height, width, device=infrared.device)
    for top in _tile_starts(height):
        for left in _tile_starts(width):
            window = (..., slice(top, min(top + TILE, height)), slice(left, min(left + TILE, width)))
            fused = fuse(infrared[window], visible[window])
            ramp = _ramp(fused.shape[-2], top > 0, top + TILE < height)[:, None] * _ramp(
                fused.shape[-1], left > 0, left + TILE < width
            )
            ramp = ramp.to(fused.device)
            if total is None:
                total = torch.zeros(*fused.shape[:2], height, width, device=fused.device)
            total[window] += fused * ramp
            weight[window] += ramp
    assert total is not None
    return total / weight


def _tile_starts(length: int) -> Iterator[int]:
    last = max(length - TILE, 0)
    yield from range(0, last, TILE - TILE_OVERLAP)
    yield last


def _ramp(length: int, rises: bool, falls: bool) -> torch.Tensor:
    ramp = torch.ones(length)
    edge = torch.linspace(1 / TILE_OVERLAP, 1, TILE_OVERLAP)[:length]
    if rises:
        ramp[: len(edge)] *= edge
    if falls:
        ramp[length - len(edge) :] *= edge.flip(0)
    return ramp


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Use so many threads inside torch's operations. Waking a second one costs more than a classical
    method's few operations."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return "out of memory" in text or "can't allocate memory" in text or "failed to allocate" in text


def _autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    dtype = PRECISIONS[precision]
    return torch.autocast(device.type, dtype=dtype) if dtype is not None else contextlib.nullcontext()
