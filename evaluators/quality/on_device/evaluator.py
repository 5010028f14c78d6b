"""The quality evaluator on a CUDA device: whole batches in torch where a metric has a torch version, the
rest on the CPU.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Sequence

import numpy as np
import torch

from fusionbench.contracts import UInt8Array
from fusionbench.contracts.dataset import PairImages
from fusionbench.contracts.evaluator import Value

from ..cpu_evaluator import QualityEvaluator
from ..inputs.triple import GreyTriple, Triple
from .conventions import BATCHED, CHANNELS

MEMORY = 2 << 30
"""Bytes that one call may take on the device: larger batches are cut."""
BYTES_PER_PIXEL = 8 * 60
"""An upper estimate: VIF, the hungriest, holds fewer than sixty planes of a pair in float64 at once."""


class BatchedQualityEvaluator(QualityEvaluator):
    """Scores batches on a device in float64, within 1e-9 of the CPU's values. A value that comes out NaN is
    computed again on the CPU, which knows the reason.
    """

    def __init__(
        self,
        metrics: Sequence[str] | None,
        conventions: Sequence[str],
        device: str,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__(metrics, conventions)
        self._device, self._dtype = device, dtype
        self._lock = threading.Lock()
        """One batch at a time on the device: threads would only compete for its memory."""

    def score(self, fused: UInt8Array, sources: PairImages) -> list[Value]:
        """As a batch of one."""
        return self.score_batch([fused], [sources])[0]

    def score_batch(self, fused: Sequence[UInt8Array], sources: Sequence[PairImages]) -> list[list[Value]]:
        """The values of several fused images (any sizes), in their order: `score` of each."""
        triples = [Triple.of(s.infrared, s.visible, f) for f, s in zip(fused, sources, strict=True)]
        known: list[dict[tuple[str, str], float]] = [{} for _ in triples]
        groups: dict[tuple[int, ...], list[int]] = {}
        for index, triple in enumerate(triples):
            groups.setdefault(triple.fused.shape, []).append(index)
        for shape, indices in groups.items():
            size = max(1, MEMORY // (BYTES_PER_PIXEL * math.prod(shape)))
            for start in range(0, len(indices), size):
                self._score_alike(triples, indices[start : start + size], known)
        return [self._values(triple, values) for triple, values in zip(triples, known, strict=True)]

    def _score_alike(
        self, triples: Sequence[Triple], indices: Sequence[int], known: list[dict[tuple[str, str], float]]
    ) -> None:
        """Add to `known` what torch computes for the triples at `indices`, which have one shape."""
        for convention, metrics in self._metrics.items():
            conversion, formulas = BATCHED.get(convention, ("", {}))
            chosen = [name for name in metrics if name in formulas]
            if not chosen:
                continue
            grey = [_greys(triples[i], conversion) for i in indices]
            # What doesn't fit into the device's memory is left to the CPU.
            with self._lock, torch.inference_mode(), contextlib.suppress(torch.OutOfMemoryError):
                images = [
                    self._upload([getattr(t, role) for ts in grey for t in ts])
                    for role in ("infrared", "visible", "fused")
                ]
                for name in chosen:
                    values = formulas[name](*images).reshape(len(indices), -1).mean(1).tolist()
                    for index, value in zip(indices, values, strict=True):
                        if math.isfinite(value):
                            known[index][convention, name] = value

    def _upload(self, images: Sequence[UInt8Array]) -> torch.Tensor:
        return torch.from_numpy(np.stack(images)[:, None]).to(self._device).to(self._dtype)


def _greys(triple: Triple, conversion: str) -> list[GreyTriple]:
    return triple.channels if conversion == CHANNELS else [triple.grey(conversion)]
