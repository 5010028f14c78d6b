"""Reads published weight files into flat name → tensor dictionaries, without ever executing anything in them.

Understood: safetensors; PyTorch files through ``torch.load(weights_only=True)``, with the wrappers that the
authors used undone; NumPy arrays; and the data file of a TensorFlow checkpoint, which is nothing but
little-endian float32 values at known places.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from fusionbench.errors import InputError
from fusionbench.files.weight_files import check_stored

TensorflowLayout = Sequence[tuple[str, Sequence[int], int]]
"""(variable name, shape, byte offset) of each variable in the data file of a TensorFlow checkpoint."""

WRAPPERS = frozenset({"params", "model", "fuse_net"})
"""Names under which some files keep all their tensors."""
ARRAY_NAMES = {"fine_tuned_lut.npy": "lut"}
"""NumPy files that hold one tensor, and its name in the authors' training code (LUT-Fuse)."""


class UnsafeFileError(InputError):
    """A file that can't be read without executing what it contains (or that is damaged)."""


def read_checkpoints(
    paths: Sequence[Path], layout: TensorflowLayout | None = None
) -> dict[str, torch.Tensor]:
    """Read one or more files that together hold a network's tensors, on the CPU.

    Raises ``UnsafeFileError`` naming a file that isn't a known format or would have to execute code to be
    read.
    """
    tensors: dict[str, torch.Tensor] = {}
    for path in paths:
        tensors.update(_read(path, layout))
    return tensors


def _read(path: Path, layout: TensorflowLayout | None) -> dict[str, torch.Tensor]:
    if path.suffix == ".safetensors":
        return load_file(path)
    if ".data-" in path.name:
        return _read_tensorflow(path, layout or ())
    if path.suffix == ".npy":
        return _read_array(path)
    try:
        check_stored(path)
    except InputError as error:
        raise UnsafeFileError(str(error)) from None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise UnsafeFileError(
            f"{path}: can't be read as weights alone ({str(error).splitlines()[0][:200]}); files that hold"
            " program objects must be converted to safetensors first"
        ) from error
    return flatten(content, path.name)


def flatten(content: Mapping[str, Any], name: str = "") -> dict[str, torch.Tensor]:
    """Undo the authors' wrappers: a single entry of ``WRAPPERS``, a ``weight`` entry beside an ``epoch``,
    nested state dicts (joined by dots).
    """
    if len(content) == 1 and (wrapper := next(iter(content))) in WRAPPERS:
        return flatten(content[wrapper], name)
    if set(content) == {"weight", "epoch"}:  # DIDFuse: one file a part, told apart by the file's name
        part = "Encoder." if "encoder" in name.lower() else "Decoder."
        return {part + key: value for key, value in flatten(content["weight"]).items()}
    flat: dict[str, torch.Tensor] = {}
    for key, value in content.items():
        if isinstance(value, torch.Tensor):
            flat[key] = value
        elif isinstance(value, Mapping):
            flat.update({f"{key}.{inner}": tensor for inner, tensor in flatten(value).items()})
    return flat


def _read_array(path: Path) -> dict[str, torch.Tensor]:
    try:
        array = np.load(path, allow_pickle=False)
    except ValueError as error:
        raise UnsafeFileError(f"{path}: can't be read as an array alone ({error}); fetch it again") from error
    return {ARRAY_NAMES.get(path.name, path.stem): torch.from_numpy(array)}


def _read_tensorflow(path: Path, layout: TensorflowLayout) -> dict[str, torch.Tensor]:
    data = path.read_bytes()
    tensors = {}
    for name, shape, offset in layout:
        count = int(np.prod(shape))
        if offset + 4 * count > len(data):
            raise InputError(f"{path}: is too short to hold {name}; fetch it again")
        values = np.frombuffer(data, "<f4", count, offset).reshape(tuple(shape)).copy()
        tensors[name] = torch.from_numpy(values)
    return tensors
