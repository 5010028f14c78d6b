"""Weights of the first version as a start for the second, whose HFAH reads and makes other things."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..network.network import SGDFuseNetwork


def fitted(weights: Mapping[str, Tensor], network: SGDFuseNetwork) -> dict[str, Tensor]:
    """`weights` in the shapes of `network`. Those that fit already come back as they are.

    HFAH's reduction of concatenated steps becomes the sum over the steps (the mean of their features is what
    it sees then). A network with treatment starts with T(M) alone: HFAH's last layer, which made something
    else, starts again, close to zero.
    """
    result = dict(weights)
    for name, wanted in network.state_dict().items():
        given = result.get(name)
        if given is None or given.shape == wanted.shape or not name.startswith("hfah.reduce."):
            continue
        steps = given.shape[1] // wanted.shape[1]
        result[name] = given.reshape(given.shape[0], steps, *wanted.shape[1:]).sum(dim=1)
    reshaped = any(weights[name].shape != result[name].shape for name in weights)
    if reshaped and network.config.treatment.used:
        generator = torch.Generator().manual_seed(0)
        for name in ("hfah.out.weight", "hfah.out.bias"):
            noise = torch.randn(result[name].shape, generator=generator)
            result[name] = 0.002 * noise if name.endswith("weight") else torch.zeros_like(result[name])
    return result
