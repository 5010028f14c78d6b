"""How image files are to be read, where a file alone doesn't say: its sensor's bits, and how large it may
be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputError

MAX_PIXELS = 89_478_485
"""Pixels of the largest image that is read unless more are allowed (Pillow's own limit)."""

BIT_RULES = ("8", "10", "12", "14", "16", "percentile", "minmax")
"""What ``bits`` may be: the bits that a sensor used of its 16-bit files, or a stretch of each image by
itself."""

READING_OPTIONS: Mapping[str, Any] = {"bits": "", "max_pixels": 0}
"""The options by which a dataset, or a folder of fused images, is told how its files are to be read."""


@dataclass(frozen=True)
class Reading:
    """``bits``: what the samples of 16-bit files mean (see ``depth.to_eight_bits``). ``max_pixels``: the size
    above which a file is refused before it is decoded."""

    bits: str = ""
    max_pixels: int = MAX_PIXELS

    @property
    def max_bytes(self) -> int:
        """Bytes of the largest file that is read: eight per pixel, and 64 MiB for whatever else it holds."""
        return 8 * self.max_pixels + 2**26


AS_STORED = Reading()
"""How files are read unless something else is said."""


def reading_of(options: Mapping[str, Any], owner: str) -> Reading:
    """The reading that the options ``bits`` and ``max_pixels`` of ``owner`` describe. Raises
    ``InputError``."""
    bits = str(options.get("bits") or "").strip().lower()
    if bits and bits not in BIT_RULES:
        raise InputError(f"{owner}: bits = {bits!r} is unknown; choose one of {', '.join(BIT_RULES)}")
    pixels = options.get("max_pixels") or MAX_PIXELS
    if isinstance(pixels, bool) or not isinstance(pixels, int) or pixels < 1:
        raise InputError(f"{owner}: max_pixels = {pixels!r} isn't a positive whole number")
    return Reading(bits, pixels)
