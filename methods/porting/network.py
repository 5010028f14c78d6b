"""A network that a port runs: what the adapter expects, and how it is built from a spec."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import nn

from fusionbench.errors import InputError
from fusionbench.plugins.catalog import build


class FusionNetwork(nn.Module):
    """A published network under its official parameter names.

    ``forward(infrared, visible)`` maps the tensors that the official network gets to what it returns, both in
    its own scale. ``fuse`` wraps it for the harness: N×1×H×W or N×3×H×W in [0,1] on both sides.
    """

    unused: ClassVar[tuple[str, ...]] = ()
    """Regular expressions of official tensor names that the fused image doesn't depend on; dropped when
    loading.
    """
    tensorflow: ClassVar[bool] = False
    """Whether the official tensors are TensorFlow's: kernels height×width×in×out instead of
    out×in×height×width.
    """
    channels_last: ClassVar[bool] = False
    """Whether the kernels are kept in channels-last memory, so that convolutions return such maps: on a CPU
    mostly faster, but not with 128 channels and more, nor with batch normalisation by the image's statistics.
    """

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """The official network."""
        raise TypeError(f"{type(self).__name__} must define forward")

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """Fuse images in [0,1]; overridden where the official network wants another scale, tiling or padding."""
        fused: torch.Tensor = self(infrared, visible)
        return fused

    def official_name(self, key: str) -> str:
        """The official name of the tensor that this module's state dict calls ``key``."""
        return key

    def prepare(self) -> None:
        """Called once after loading; overridden where something can be computed from the weights in advance."""

    def official_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of every official tensor that is used, in the official layout."""
        shapes = {}
        for key, tensor in self.state_dict().items():
            shape = tuple(tensor.shape)
            if self.tensorflow and len(shape) == 4:
                shape = (shape[2], shape[3], shape[1], shape[0])
            shapes[self.official_name(key)] = shape
        return shapes

    def load_official(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Load the official tensors, strictly: none may be missing, be left over (but ``unused``), or differ
        in shape.

        Raises ``InputError`` naming the tensors.
        """
        state, wrong = {}, []
        expected = self.state_dict()
        for key, tensor in expected.items():
            value = tensors.get(self.official_name(key))
            if key.endswith("num_batches_tracked"):
                value = (
                    tensor  # without influence; absent from old PyTorch's files, and of other shapes in some
                )
            if value is not None and self.tensorflow and value.ndim == 4:
                value = value.permute(3, 2, 0, 1)
            if value is None or value.shape != tensor.shape:
                wrong.append(self.official_name(key))
            else:
                state[key] = value.contiguous()
        left_over = set(tensors) - {self.official_name(key) for key in expected}
        wrong += sorted(name for name in left_over if not any(re.search(p, name) for p in self.unused))
        if wrong:
            raise InputError(
                f"these weights don't belong to {type(self).__name__}: {len(wrong)} tensors are missing,"
                f" misshapen or unknown, e.g. {', '.join(wrong[:3])}; put the file named by `fusionbench info"
                " method` in place"
            )
        self.load_state_dict(state, strict=True)
        if self.channels_last:
            self.to(memory_format=torch.channels_last)
        self.prepare()


def build_network(options: Mapping[str, Any]) -> FusionNetwork:
    """Construct the network that a spec's ``options`` name, with random weights, on the CPU."""
    network: FusionNetwork = build(options["network"])(**options.get("arguments", {}))
    return network
