"""What trainings of judges share: how the learning rate runs, the order of samples, and a state that survives
being killed.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fusionbench.errors import InputError
from fusionbench.files.atomic import write_atomic
from fusionbench.files.weight_files import check_stored


def cosine_share(step: int, total: int, warm: int, floor: float = 0.01) -> float:
    """The learning rate's share at a step: linear up to 1 over ``warm`` steps, then a cosine down to
    ``floor``.
    """
    if step < warm:
        return (step + 1) / warm
    done = (step - warm) / max(1, total - warm)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))


def poly_share(step: int, total: int, warm: int, power: float) -> float:
    """The learning rate's share at a step: linear over ``warm`` steps, then (1 − t/T)^power."""
    if step < warm:
        return (step + 1) / (warm + 1)
    return float((1 - (step - warm) / max(1, total - warm)) ** power)


def shuffled(count: int, key: Sequence[int]) -> npt.NDArray[np.int64]:
    """A permutation of ``count`` samples that ``key`` (seed, epoch, …) decides alone, so that all methods see
    one order.
    """
    return np.random.default_rng(list(key)).permutation(count)


@dataclass(frozen=True)
class TrainingState:
    """The state of one training on disk: written atomically every few steps, so that a killed training goes
    on from there.

    ``identity`` is a hash or text of all that the training depends on. ``path`` None: nothing is kept.
    """

    path: Path | None
    identity: str
    every: int

    def due(self, step: int, total: int) -> bool:
        """Whether the state is to be written after so many steps."""
        return self.path is not None and step % self.every == 0 and step < total

    def save(self, state: Mapping[str, Any]) -> None:
        """Write tensors, numbers and texts. Raises ``StoreError`` if the disk doesn't take them."""
        import torch

        if self.path is None:
            return
        sink = io.BytesIO()
        torch.save({**state, "identity": self.identity}, sink)
        write_atomic(self.path, sink.getvalue())

    def restore(self) -> dict[str, Any] | None:
        """What ``save`` wrote last, read without running code; None if there is nothing, or nothing that can
        be read.

        Then the training begins again, which costs time but never gives a wrong result. Raises ``InputError``
        for the state of another training, or a file that is no state.
        """
        import torch

        if self.path is None or not self.path.is_file():
            return None
        check_stored(self.path)
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception:  # cut short, or another version's
            return None
        if not isinstance(state, dict):
            return None
        if state.get("identity") != self.identity:
            raise InputError(
                f"{self.path}: is of another training (other images, labels, settings or seed); "
                "choose another folder, or delete it"
            )
        return state

    def remove(self) -> None:
        """Delete the state: the training is done."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
