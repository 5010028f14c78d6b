"""The one adapter of all natively ported networks, and the base class of those networks.

A port is a ``FusionNetwork`` (its ``forward`` is the official network, in the official scale) and a
``spec.py``. The spec's ``options`` say how to build it: ``network`` (import string), ``arguments`` (keywords
of its constructor) and, for a TensorFlow checkpoint, ``tensorflow_layout``. All artifacts of the spec
together hold the weights.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from fusionbench.contracts.method import MethodContext, MethodSpec
from fusionbench.errors import InputError
from fusionbench.plugins.catalog import build

from .checkpoints import UnsafeFileError, read_checkpoints
from .network import FusionNetwork, build_network


class NativeMethod:
    """A ported network as a ``fusionbench.contracts.method.Method``."""

    def __init__(self, spec: MethodSpec, context: MethodContext) -> None:
        self._spec = spec
        self._context = context
        self._options = _merged(spec, context.options)
        self._files: list[str] = []
        self.network: FusionNetwork | None = None

    def load(self, device: torch.device, precision: str) -> None:
        """Build the network and load its weights.

        Raises ``MissingWeightsError`` or ``InputError``; ``precision`` is the harness's.
        """
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
        """Rewrite official files (artifact name → path) as safetensors; see
        ``fusionbench.files.weight_conversion``.
        """
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
                f"{error}; run `fusionbench weights convert {names} --for {self._spec.name}` once, which"
                " rewrites them without executing anything"
            ) from error


def _merged(spec: MethodSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """The spec's options with the run's on top.

    Raises ``InputError`` for anything but keywords of the network's constructor.
    """
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


def create(spec: MethodSpec, context: MethodContext) -> NativeMethod:
    """The factory of every native port."""
    return NativeMethod(spec, context)
