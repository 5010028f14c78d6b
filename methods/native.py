"""The one adapter of all natively ported networks, and the base class of those networks.

A port is a ``FusionNetwork`` (its ``forward`` is the official network, in the official scale) and a ``spec.py``. The
spec's ``options`` say how to build it: ``network`` (import string), ``arguments`` (keywords of its constructor) and, for a
TensorFlow checkpoint, ``tensorflow_layout``. All artifacts of the spec together hold the weights.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from fusionbench.contracts.method import MethodContext, MethodSpec
from fusionbench.errors import InputError
from fusionbench.plugins.catalog import build

from .checkpoints import UnsafeFileError, read_checkpoints


class FusionNetwork(nn.Module):
    """A published network under its official parameter names.

    ``forward(infrared, visible)`` maps the tensors that the official network gets to what it returns, both in its own
    scale. ``fuse`` wraps it for the harness: N×1×H×W or N×3×H×W in [0,1] on both sides.
    """

    unused: ClassVar[tuple[str, ...]] = ()
    """Regular expressions of official tensor names that the fused image doesn't depend on; dropped when loading."""
    tensorflow: ClassVar[bool] = False
    """Whether the official tensors are TensorFlow's: kernels height×width×in×out instead of out×in×height×width."""
    channels_last: ClassVar[bool] = False
    """Whether the kernels are kept in channels-last memory, so that convolutions return such maps: on a CPU mostly faster, but
    not with 128 channels and more, nor with batch normalisation by the image's statistics."""

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
        """Load the official tensors, strictly: none may be missing, be left over (but ``unused``), or differ in shape.

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
                f"these weights don't belong to {type(self).__name__}: {len(wrong)} tensors are missing, misshapen or "
                f"unknown, e.g. {', '.join(wrong[:3])}; put the file named by `fusionbench info method` in place"
            )
        self.load_state_dict(state, strict=True)
        if self.channels_last:
            self.to(memory_format=torch.channels_last)
        self.prepare()


class NativeMethod:
    """A ported network as a ``fusionbench.contracts.method.Method``."""

    def __init__(self, spec: MethodSpec, context: MethodContext) -> None:
        self._spec = spec
        self._context = context
        self._options = _merged(spec, context.options)
        self._files: list[str] = []
        self.network: FusionNetwork | None = None

    def load(self, device: torch.device, precision: str) -> None:
        """Build the network and load its weights. Raises ``MissingWeightsError`` or ``InputError``; ``precision`` is the harness's."""
        network = build_network(self._options)
        network.load_official(self._read_weights())
        self.network = network.eval().requires_grad_(False).to(device)

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """Fuse a batch; see ``fusionbench.contracts.method.Method``."""
        if self.network is None:
            raise InputError(f"{self._spec.name}: load() must come before fuse()")
        return self.network.fuse(infrared, visible)

    def provenance(self) -> dict[str, Any]:
        """The weight files in use."""
        return {"weights": self._files}

    def convert(self, files: Mapping[str, Path], out: Path) -> None:
        """Rewrite official files (artifact name → path) as safetensors; see ``fusionbench.files.weight_conversion``."""
        from .conversion import convert

        convert(self._spec, files, out)

    def _read_weights(self) -> dict[str, torch.Tensor]:
        paths = list(dict.fromkeys(self._context.weights(artifact.name) for artifact in self._spec.artifacts))
        self._files = [path.name for path in paths]
        try:
            return read_checkpoints(paths, self._spec.options.get("tensorflow_layout"))
        except UnsafeFileError as error:
            names = " ".join(path.name for path in paths)
            raise InputError(
                f"{error}; run `fusionbench weights convert {names} --for {self._spec.name}` once, which rewrites them without executing anything"
            ) from error


def _merged(spec: MethodSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """The spec's options with the run's on top. Raises ``InputError`` for anything but keywords of the network's constructor."""
    arguments = given.get("arguments", {})
    changed = {
        name for name, value in given.items() if name != "arguments" and value != spec.options.get(name)
    }
    if changed or not isinstance(arguments, Mapping):
        raise InputError(
            f"{spec.name} has one option, arguments, the keywords of its network's constructor: "
            f"--option '{spec.name}.arguments={{NAME: VALUE}}'"
        )
    known = inspect.signature(build(spec.options["network"])).parameters
    for name in arguments:
        if name not in known:
            raise InputError(
                f"{spec.name}'s network has no argument {name!r}; it has {', '.join(known) or 'none'}"
            )
    return {**spec.options, "arguments": {**spec.options.get("arguments", {}), **arguments}}


def build_network(options: Mapping[str, Any]) -> FusionNetwork:
    """Construct the network that a spec's ``options`` name, with random weights, on the CPU."""
    network: FusionNetwork = build(options["network"])(**options.get("arguments", {}))
    return network


def create(spec: MethodSpec, context: MethodContext) -> NativeMethod:
    """The factory of every native port."""
    return NativeMethod(spec, context)
