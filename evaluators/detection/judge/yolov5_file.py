"""Reads the tensors of an official YOLOv5 file (``yolov5n.pt``: a pickled network) without running anything
that the file names.

The pickle is read by an unpickler that knows a short list of names. Tensors are rebuilt by the code below,
layers become inert containers, and any other name is refused.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fusionbench.errors import InputError

_STORAGES = {
    "FloatStorage": (np.float32, torch.float32),
    "HalfStorage": (np.float16, torch.float16),
    "LongStorage": (np.int64, torch.int64),
}
_MOST_BYTES = 1 << 30
"""Of all tensors of a file together: YOLOv5x has 170 MB."""
_LAYERS = {"torch.nn.modules", "models.common", "models.yolo", "__torch__"}


class _Layer:
    """Stands for every layer of the file: holds what the file says of it, does nothing."""

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)


class _Reader(pickle.Unpickler):
    def __init__(self, archive: zipfile.ZipFile, prefix: str) -> None:
        self._archive, self._prefix, self._bytes = archive, prefix, 0
        self._storages: dict[str, Tensor] = {}
        super().__init__(archive.open(f"{prefix}/data.pkl"))

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module in {"builtins", "__builtin__"} and name == "set":
            return set
        if module == "torch" and name in _STORAGES:
            return name
        if module == "torch._utils" and name == "_rebuild_tensor_v2":
            return _tensor
        if module == "torch._utils" and name == "_rebuild_parameter":
            return _parameter
        if any(module == known or module.startswith(f"{known}.") for known in _LAYERS):
            return _Layer
        raise pickle.UnpicklingError(f"names {module}.{name}")

    def persistent_load(self, pid: Any) -> Tensor:
        _, kind, key, _, count = pid
        if key not in self._storages:
            name = f"{self._prefix}/data/{key}"
            self._bytes += self._archive.getinfo(name).file_size
            if kind not in _STORAGES or self._bytes > _MOST_BYTES:
                raise pickle.UnpicklingError(f"has a storage of {count} {kind}")
            values = np.frombuffer(self._archive.read(name), _STORAGES[kind][0])
            self._storages[key] = torch.from_numpy(values.copy())
        return self._storages[key]


def _tensor(storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Tensor:
    """``torch._utils._rebuild_tensor_v2``: a view of a storage. torch checks its bounds."""
    return torch.as_strided(storage, size, stride, offset)


def _parameter(data: Tensor, *_: Any) -> Tensor:
    """``torch._utils._rebuild_parameter`` without the gradient."""
    return data


def read_yolov5_file(path: Path) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The state dict of the network in the file, and its class names.

    Raises ``InputError`` for any other file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            inside = next((n for n in archive.namelist() if n.endswith("/data.pkl")), None)
            if inside is None:
                raise pickle.UnpicklingError("holds no data.pkl")
            content = _Reader(archive, inside.removesuffix("/data.pkl")).load()
        network = content["model"]
        names = network.names
        state = dict(_tensors(network, ""))
    except (pickle.UnpicklingError, zipfile.BadZipFile, OSError, KeyError, ValueError) as error:
        raise InputError(
            f"{path}: is no network of YOLOv5 that can be read without running code ({error})"
        ) from None
    except (AttributeError, TypeError, IndexError, EOFError, RuntimeError) as error:
        raise InputError(f"{path}: is no network of YOLOv5 ({type(error).__name__}: {error})") from None
    listed = [names[i] for i in range(len(names))]  # a list, or a dictionary by number
    return state, tuple(str(name) for name in listed)


def is_yolov5_file(path: Path) -> bool:
    """Whether the pickle of a torch file names YOLOv5's own modules (``models.yolo``); nothing is loaded."""
    try:
        with zipfile.ZipFile(path) as archive:
            inside = next((n for n in archive.namelist() if n.endswith("/data.pkl")), None)
            return inside is not None and b"models.yolo" in archive.read(inside)
    except (zipfile.BadZipFile, OSError):
        return False


def _tensors(layer: Any, prefix: str) -> Any:
    """(name, tensor) of a layer and of those in it, as a state dict names them."""
    for name in ("_parameters", "_buffers"):
        for key, value in (getattr(layer, name, None) or {}).items():
            if isinstance(value, Tensor):
                yield prefix + key, value
    for key, inner in (getattr(layer, "_modules", None) or {}).items():
        yield from _tensors(inner, f"{prefix}{key}.")
