"""A pair and its fused image as grey levels, with the statistics that several metrics share computed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from fusionbench.errors import InputError

from . import pixel_sums
from .grey import to_grey
from .undefined import Undefined

T = TypeVar("T")

UInt8 = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]


def as_uint8(image: npt.ArrayLike, role: str) -> UInt8:
    """`image` as uint8 without loss: uint8 as it is, other types only if every value is an integer in 0…255.

    Raises ``InputError`` naming the `role` ("infrared", "visible", "fused") for anything else: metrics are defined on stored 8-bit
    images, and how a float image is quantised is a decision of its method.
    """
    array = np.asarray(image)
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind not in "iuf":
        raise InputError(f"the {role} image has type {array.dtype}; metrics are defined on 8-bit images")
    with np.errstate(invalid="ignore"):
        levels = array.astype(np.uint8)
    if not np.array_equal(levels, array):
        raise InputError(
            f"the {role} image ({array.dtype}) has values that are no integers in 0…255; metrics are defined on 8-bit images: "
            "quantise it first, e.g. (255 * image).round().clip(0, 255).astype(numpy.uint8)"
        )
    return levels


@dataclass(frozen=True)
class GreyTriple:
    """The grey levels of infrared, visible and fused image (H×W uint8, one size) and what is derived from them, lazily."""

    infrared: UInt8
    visible: UInt8
    fused: UInt8
    asked: set[str] = field(default_factory=set)
    """The metrics that will be computed, as far as known: where several share work, it is done for all of them in one pass."""

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = self.fused.shape
        return height, width

    @cached_property
    def _memo(self) -> dict[str, Any]:
        return {}

    def once(self, name: str, compute: Callable[[UInt8, UInt8, UInt8], T]) -> T:
        """`compute(infrared, visible, fused)`, kept under `name`: for functions that yield several metrics, or serve several conventions."""
        if name not in self._memo:
            try:
                self._memo[name] = compute(self.infrared, self.visible, self.fused)
            except Undefined as why:
                self._memo[name] = why
        result = self._memo[name]
        if isinstance(result, Undefined):
            raise result
        return result  # type: ignore[no-any-return]

    @cached_property
    def joint_histograms(self) -> tuple[Int64, Int64]:
        """256×256 counts of (infrared, fused) and of (visible, fused) levels."""
        infrared, visible = pixel_sums.joint_histograms(self.infrared, self.visible, self.fused)
        return infrared, visible

    @cached_property
    def histograms(self) -> tuple[Int64, Int64, Int64]:
        """256-bin histograms of infrared, visible and fused image."""
        infrared, visible = self.joint_histograms
        return infrared.sum(1), visible.sum(1), infrared.sum(0)

    @cached_property
    def moments(self) -> pixel_sums.Moments:
        """Exact first and second moments."""
        return pixel_sums.moments(self.infrared, self.visible, *self.joint_histograms)

    @cached_property
    def squared_differences(self) -> tuple[int, int]:
        """Σ of squared neighbour differences of the fused image, along rows and along columns."""
        along_rows, along_columns = pixel_sums.squared_differences(self.fused)
        return int(along_rows), int(along_columns)

    @cached_property
    def gradient_sum(self) -> float:
        """Σ √((gx²+gy²)/2) of the fused image."""
        return float(pixel_sums.gradient_magnitude_sum(self.fused))


@dataclass(frozen=True)
class Triple:
    """The decoded images (uint8, H×W or H×W×3 RGB) and, per grey conversion, their grey levels."""

    infrared: UInt8
    visible: UInt8
    fused: UInt8
    asked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for role in ("infrared", "visible", "fused"):
            shape = getattr(self, role).shape
            if len(shape) not in (2, 3):
                raise InputError(f"the {role} image must be H×W or H×W×3, got shape {shape}")
        sizes = {role: getattr(self, role).shape[:2] for role in ("infrared", "visible", "fused")}
        if len(set(sizes.values())) != 1:
            listed = ", ".join(f"{role} {size[1]}×{size[0]}" for role, size in sizes.items())
            raise InputError(f"infrared, visible and fused image must have one size, got {listed}")
        if 0 in self.fused.shape:
            raise InputError("the images are empty (a side of length 0)")

    @classmethod
    def of(cls, infrared: npt.ArrayLike, visible: npt.ArrayLike, fused: npt.ArrayLike) -> Triple:
        """Check types and shapes. Raises ``InputError`` that says which image is wrong."""
        return cls(as_uint8(infrared, "infrared"), as_uint8(visible, "visible"), as_uint8(fused, "fused"))

    @cached_property
    def _grey(self) -> dict[str, GreyTriple]:
        return {}

    def grey(self, conversion: str) -> GreyTriple:
        """The grey levels by a conversion of ``grey.CONVERSIONS``, converted once."""
        if conversion not in self._grey:
            infrared, visible, fused = (
                to_grey(image, conversion) for image in (self.infrared, self.visible, self.fused)
            )
            self._grey[conversion] = GreyTriple(infrared, visible, fused, self.asked)
        return self._grey[conversion]

    @cached_property
    def channels(self) -> list[GreyTriple]:
        """The colour channels as VIFB takes them: three triples for a colour fused image (grey sources repeated), else one of grey levels."""
        if self.fused.ndim == 2 or self.fused.shape[2] == 1:
            return [self.grey("matlab")]
        split = [[np.ascontiguousarray(i if i.ndim == 2 else i[:, :, min(c, i.shape[2] - 1)]) for c in range(3)]
                 for i in (self.infrared, self.visible, self.fused)]  # fmt: skip
        return [GreyTriple(a, b, f) for a, b, f in zip(*split, strict=True)]
