"""From sixteen bits to eight. A file doesn't say how many of its sixteen bits the sensor used; guessing
wrong leaves an almost black picture that scores well."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..errors import ImageError

UInt8Array = npt.NDArray[np.uint8]
UInt16Array = npt.NDArray[np.uint16]

SLIVER = 2**14
"""Sixteen-bit samples that span fewer values than this are refused unless their bits are said: a 14-bit
sensor spans at most these, so that a quarter of the range or less is used."""

PERCENTILES = (1.0, 99.0)
"""What the rule ``percentile`` maps to 0 and 255."""


def to_eight_bits(values: UInt16Array, name: str, rule: str = "", bits: int = 16) -> UInt8Array:
    """Samples of ``bits`` bits as uint8, rounded half up; the shape stays.

    ``rule`` "8", "10", "12", "14" or "16": the samples are integers of that many bits, ``v·255/(2^bits −
    1)``. ``percentile`` and ``minmax`` stretch each image by itself (all channels alike). Without a rule,
    eight-bit values that were widened (``v·257`` or ``v·256``) come back as they were, and others are taken
    for true 16-bit ones. Raises ``ImageError`` naming the image if these span less than ``SLIVER`` values, or
    if a sample exceeds the bits.
    """
    low, high = int(values.min()), int(values.max())
    if rule in {"percentile", "minmax"}:
        ends = np.percentile(values, PERCENTILES) if rule == "percentile" else (low, high)
        return _stretched(values, float(ends[0]), float(ends[1]))
    if rule and bits == 16:
        top = 2 ** int(rule) - 1
        if high > top:
            raise ImageError(
                f"{name}: holds the sample {high}, more than {rule} bits can ({top}); give the bits that the "
                "sensor used"
            )
        return _scaled(values, top)
    if bits < 16:  # the file says so
        return _scaled(values, 2**bits - 1)
    if not (values & 255).any() or np.array_equal(values >> 8, values & 255):
        return (values >> 8).astype(np.uint8)
    if high - low < SLIVER:
        likely = next(b for b in (8, 10, 12, 14, 16) if high < 2**b)
        raise ImageError(
            f"{name}: its 16-bit samples run from {low} to {high}, a sliver of 0 to 65535, and would come "
            "out almost "
            f"of one grey; say how to read them with the option bits: {likely} if the sensor has {likely} "
            "bits "
            "(also 8, 10, 12, 14, 16), percentile or minmax to stretch each image (--option NAME.bits=…; in "
            "score --bits, --fused-bits)"
        )
    return _scaled(values, 65535)


def _scaled(values: UInt16Array, top: int) -> UInt8Array:
    if top == 255:
        return values.astype(np.uint8)
    return ((values.astype(np.uint32) * 510 + top) // (2 * top)).astype(np.uint8)


def _stretched(values: UInt16Array, low: float, high: float) -> UInt8Array:
    if high <= low:
        return np.zeros(values.shape, np.uint8)
    share = np.clip((values.astype(np.float64) - low) / (high - low), 0.0, 1.0)
    return np.floor(share * 255 + 0.5).astype(np.uint8)
