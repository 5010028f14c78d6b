"""Random weights by rule: every value follows from its tensor's name, so two programs get the same network
without a file.

They prove a port where the real weights are not available, against outputs of the official code under the same
rule.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping

import numpy as np
import torch


def fixture_tensor(
    name: str, shape: tuple[int, ...], gain: float, *, tensorflow: bool = False
) -> torch.Tensor:
    """The tensor of that name: uniform noise seeded by the CRC-32 of the name, scaled by what kind of tensor
    it is.
    """
    last = name.replace("/", ".").rsplit(".", 1)[-1]
    if last == "num_batches_tracked":
        return torch.tensor(100)
    seed = zlib.crc32(name.encode())
    noise = np.random.RandomState(seed).uniform(-1.0, 1.0, int(np.prod(shape))).reshape(shape)
    if last in {"running_mean", "bias"}:
        value = 0.1 * noise
    elif last == "running_var":
        value = 1 + 0.5 * noise
    elif last in {"temperature", "scale", "gamma"} or len(shape) < 2:
        value = 1 + 0.25 * noise
    else:
        fan_in = int(np.prod(shape[:-1] if tensorflow else shape[1:]))
        value = gain * np.sqrt(3 / fan_in) * noise
    return torch.from_numpy(value.astype(np.float32))


def fixture_weights(
    shapes: Mapping[str, tuple[int, ...]], gain: Callable[[str], float], *, tensorflow: bool = False
) -> dict[str, torch.Tensor]:
    """Tensors by rule for every name; ``gain(name)`` scales the weights so that activations stay in a useful
    range.
    """
    return {
        name: fixture_tensor(name, shape, gain(name), tensorflow=tensorflow) for name, shape in shapes.items()
    }
