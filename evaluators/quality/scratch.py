"""Work memory that a thread keeps from one image to the next: fresh pages cost as much as the transforms that fill them."""

from __future__ import annotations

import math
import threading

import numpy as np
from numpy.typing import NDArray

__all__ = ["LIMIT", "aligned", "scratch"]

Real = NDArray[np.float64]

LIMIT = 96 * 2**20
"""Bytes that a thread keeps at most; larger work memory is returned to the system after use."""


class _Kept(threading.local):
    def __init__(self) -> None:
        self.blocks: dict[str, Real] = {}


_kept = _Kept()


def aligned(*shape: int) -> Real:
    """Uninitialised float64 that begin at a multiple of 64 bytes, so that eight of them never lie across two lines of the cache."""
    count = math.prod(shape)
    block = np.empty(count + 8)
    start = -block.ctypes.data % 64 // 8
    return block[start : start + count].reshape(shape)


def scratch(purpose: str, *shape: int) -> Real:
    """As `aligned`, but the same memory each time a thread asks for the same purpose: its content lasts until then."""
    count = math.prod(shape)
    block = _kept.blocks.get(purpose)
    if block is None or block.size < count:
        block = aligned(count)
        others = sum(b.nbytes for p, b in _kept.blocks.items() if p != purpose)
        if others + block.nbytes <= LIMIT:
            _kept.blocks[purpose] = block
    return block[:count].reshape(shape)
