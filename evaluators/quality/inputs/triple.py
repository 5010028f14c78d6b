"""A pair and its fused image: decoded, as grey levels, and as colour channels, with shared values computed
once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from fusionbench.errors import InputError

from ..fast import swift
from ..undefined import Undefined
from .grey import UInt8, to_grey

T = TypeVar("T")
ROLES = ("infrared", "visible", "fused")


def as_uint8(image: npt.ArrayLike, role: str) -> UInt8:
    """`image` as uint8 without loss: uint8 as it is, other types only if every value is an integer in 0…255.

    Raises ``InputError`` naming the `role` ("infrared", "visible", "fused") for anything else. Metrics are
    defined on stored 8-bit images; how a float image is quantised is a decision of its method.
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
            f"the {role} image ({array.dtype}) has values that are no integers in 0…255; metrics are defined"
            " on 8-bit images: quantise it first, e.g. (255 * image).round().clip(0,"
            " 255).astype(numpy.uint8)"
        )
    return levels


@dataclass(frozen=True)
class GreyTriple:
    """The grey levels of infrared, visible and fused image (H×W uint8, one size), and what was computed
    from them.
    """

    infrared: UInt8
    visible: UInt8
    fused: UInt8
    _memo: dict[Any, Any] = field(default_factory=dict, repr=False)

    def of(self, definition: Callable[..., T], **options: Any) -> T:
        """`definition(infrared, visible, fused, **options)`, computed once, by the fast version where there
        is one.
        """
        return self._once(definition, ROLES, options)

    def of_fused(self, definition: Callable[..., T], **options: Any) -> T:
        """`definition(fused, **options)`, as `of`."""
        return self._once(definition, ("fused",), options)

    def of_two(self, definition: Callable[..., T], first: str, second: str) -> T:
        """`definition` of two of the images, named by their role, as `of`."""
        return self._once(definition, (first, second), {})

    def _once(self, definition: Callable[..., T], roles: tuple[str, ...], options: dict[str, Any]) -> T:
        key = definition, roles, tuple(sorted(options.items()))
        if key not in self._memo:
            try:
                self._memo[key] = swift(definition)(*(getattr(self, role) for role in roles), **options)
            except Undefined as why:
                self._memo[key] = why
        result = self._memo[key]
        if isinstance(result, Undefined):
            raise result
        return result  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Triple:
    """The decoded images (uint8, H×W or H×W×3 RGB) and, per grey conversion, their grey levels."""

    infrared: UInt8
    visible: UInt8
    fused: UInt8

    def __post_init__(self) -> None:
        for role in ROLES:
            shape = getattr(self, role).shape
            if len(shape) not in (2, 3):
                raise InputError(f"the {role} image must be H×W or H×W×3, got shape {shape}")
        sizes = {role: getattr(self, role).shape[:2] for role in ROLES}
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
            infrared, visible, fused = (to_grey(getattr(self, role), conversion) for role in ROLES)
            self._grey[conversion] = GreyTriple(infrared, visible, fused)
        return self._grey[conversion]

    @cached_property
    def channels(self) -> list[GreyTriple]:
        """The colour channels as VIFB and MEFB take them.

        Three triples if the fused image has colour (a grey source is repeated), otherwise one of MATLAB
        grey levels.
        """
        if self.fused.ndim == 2 or self.fused.shape[2] == 1:
            return [self.grey("matlab")]
        split = [[_channel(getattr(self, role), channel) for role in ROLES] for channel in range(3)]
        return [GreyTriple(infrared, visible, fused) for infrared, visible, fused in split]


def _channel(image: UInt8, channel: int) -> UInt8:
    """One channel of an H×W×C image, or an H×W image itself."""
    return np.ascontiguousarray(image if image.ndim == 2 else image[:, :, min(channel, image.shape[2] - 1)])
