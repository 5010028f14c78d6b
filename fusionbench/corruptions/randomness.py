"""Random numbers that are the same on any machine and in any order of the images.

NumPy guarantees the raw words of a bit generator for all versions and machines, but not what it makes of them.
So everything here comes from raw words by exact arithmetic."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class Random:
    """A stream of random numbers that a text decides."""

    def __init__(self, text: str) -> None:
        digest = hashlib.sha256(text.encode()).digest()
        self._bits = np.random.Philox(key=int.from_bytes(digest[:16], "little"))

    def number(self) -> float:
        """One number, uniform in [0, 1)."""
        return float(self.uniform(1)[0])

    def uniform(self, *shape: int) -> FloatArray:
        """Numbers uniform in [0, 1), float64 of the given shape."""
        words = self._bits.random_raw(math.prod(shape))
        numbers: FloatArray = (np.asarray(words, np.uint64) >> np.uint64(11)).astype(np.float64)
        return numbers.reshape(shape) * 2.0**-53

    def normal(self, *shape: int) -> FloatArray:
        """Numbers with mean 0 and variance 1, nearly normal: float64 of the given shape, within ±6.

        Each is the sum of twelve 16-bit integers (Irwin and Hall), which no mathematical library can change.
        """
        count = math.prod(shape)
        words = np.asarray(self._bits.random_raw(3 * count), np.uint64).astype("<u8")
        parts = words.view("<u2").reshape(12, count).sum(axis=0, dtype=np.int64)
        numbers: FloatArray = (parts - 12 * 65535 // 2).astype(np.float64)
        return numbers.reshape(shape) / 65536
