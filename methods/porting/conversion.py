"""Turns official weight files into safetensors (``fusionbench weights convert``).

Nothing in the files is executed. Files that hold whole modules (DAFusion's) are read by a restricted
unpickler that rebuilds tensors itself and knows every other class as an inert container; anything it doesn't
know is refused by name.
"""

from __future__ import annotations

import collections
import pickle
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from safetensors.torch import save_file

from fusionbench.contracts.method import MethodSpec
from fusionbench.errors import InputError

from .checkpoints import read_checkpoints
from .network import build_network


class _Container:
    """Stands for any module: keeps its state, has no behaviour."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def _rebuild_tensor(
    storage: np.ndarray[Any, Any], offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> torch.Tensor:
    return torch.as_strided(torch.from_numpy(storage), size, stride, offset).clone()


def _rebuild_parameter(data: torch.Tensor, *_: object) -> torch.Tensor:
    return data


class _ModuleReader(pickle.Unpickler):
    """Reads a pickled module without importing or calling anything that the file names."""

    KNOWN: ClassVar[dict[tuple[str, str], Any]] = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("builtins", "set"): set,
        ("__builtin__", "set"): set,
        ("torch", "FloatStorage"): np.dtype("<f4"),
        ("torch", "LongStorage"): np.dtype("<i8"),
        ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
        ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    }
    MODULES: ClassVar[tuple[str, ...]] = ("torch.nn.modules.", "net.", "net_utilis.", "models.")

    def __init__(self, archive: zipfile.ZipFile, root: str) -> None:
        super().__init__(archive.open(f"{root}/data.pkl"))
        self._archive, self._root = archive, root

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in of a class or function; ``pickle.UnpicklingError`` if it has none."""
        if (module, name) in self.KNOWN:
            return self.KNOWN[module, name]
        if f"{module}.".startswith(self.MODULES):
            return _Container
        raise pickle.UnpicklingError(f"{module}.{name} isn't needed to hold weights")

    def persistent_load(self, pid: Any) -> np.ndarray[Any, Any]:
        """A tensor's storage: raw little-endian values."""
        _, dtype, key, *_ = pid
        return np.frombuffer(self._archive.read(f"{self._root}/data/{key}"), dtype).copy()


def read_pickled_module(path: Path) -> dict[str, torch.Tensor]:
    """Parameters and buffers of a module saved whole, by dotted name.

    Raises ``InputError`` with what the file asks for.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            root = next(n for n in archive.namelist() if n.endswith("/data.pkl")).rsplit("/", 1)[0]
            module = _ModuleReader(archive, root).load()
        if isinstance(module, dict) and len(module) == 1:  # CAF: a dictionary around the module
            (module,) = module.values()
        return dict(_tensors(module, ""))
    except (
        zipfile.BadZipFile,
        StopIteration,
        KeyError,
        pickle.UnpicklingError,
        AttributeError,
        TypeError,
    ) as error:
        raise InputError(
            f"{path}: isn't a module saved by PyTorch that can be read safely ({error})"
        ) from error


def _tensors(module: Any, prefix: str) -> Iterator[tuple[str, torch.Tensor]]:
    for group in (module._parameters, module._buffers):
        for name, tensor in group.items():
            if tensor is not None:
                yield prefix + name, tensor
    for name, child in module._modules.items():
        if child is not None:
            yield from _tensors(child, f"{prefix}{name}.")


def convert(spec: MethodSpec, files: Mapping[str, Path], out: Path) -> None:
    """Write the tensors of a port's official files (artifact name → path) to ``out`` (safetensors), after
    checking that its network takes them.
    """
    tensors: dict[str, torch.Tensor] = {}
    for artifact, path in files.items():
        part = spec.options.get("pickled_parts", {}).get(artifact)
        if part is not None:
            prefix = f"{part}." if part else ""
            tensors.update({prefix + name: value for name, value in read_pickled_module(path).items()})
        else:
            tensors.update(read_checkpoints([path], spec.options.get("tensorflow_layout")))
    build_network(spec.options).load_official(tensors)
    save_file({name: value.contiguous() for name, value in tensors.items()}, out, metadata={"format": "pt"})
