"""Checkpoints of training (atomic, resumable) and shipped weights (safetensors with the configuration
inside).
"""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from fusionbench.errors import InputError, MissingWeightsError
from fusionbench.files.atomic import write_atomic
from fusionbench.files.safetensors_header import sorted_metadata
from fusionbench.files.weight_files import check_stored

from .config import Config, config_from_dict
from .network.network import SGDFuseNetwork, build_network

FORMAT = "fusionbench-sgdfuse-1"


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain data; a kill at any moment leaves the previous file whole."""
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **state}, buffer)
    write_atomic(path, buffer.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint (tensors and plain data only). Raises InputError if it is not one of ours."""
    try:
        check_stored(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a dozen types for damaged or foreign files
        raise InputError(
            f"{path} can't be read as a checkpoint ({type(error).__name__}: {error}); delete it to start"
            " afresh"
        ) from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise InputError(
            f"{path} is not a checkpoint of `fusionbench train sgdfuse` (format {FORMAT}); choose another"
            " --out"
        )
    return state


def save_weights(
    path: Path, weights: dict[str, Tensor], config: Config, facts: dict[str, Any], half: bool = False
) -> None:
    """Ship weights: safetensors whose metadata holds the configuration and `facts` (steps, mask provider,
    data).

    Paths of the machine that trained are no part of it.
    """
    local = dataclasses.replace(config.train, init=Path(config.train.init).name, boxes={})
    config = dataclasses.replace(config, train=local)
    dtype = torch.float16 if half else torch.float32
    tensors = {name: value.detach().cpu().to(dtype).contiguous() for name, value in weights.items()}
    metadata = {"format": FORMAT, "config": json.dumps(config.to_dict()), "facts": json.dumps(facts)}
    write_atomic(path, sorted_metadata(save(tensors, metadata)))


def load_weights(path: Path) -> tuple[SGDFuseNetwork, dict[str, Any]]:
    """The network of a weights file, in evaluation mode and float32, with its facts. Raises
    InputError/MissingWeightsError.
    """
    if not path.is_file():
        raise MissingWeightsError(
            f"SGDFuse weights {path} don't exist; train them with `fusionbench train sgdfuse`"
        )
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is not a safetensors file: {error}") from error
    if metadata.get("format") != FORMAT:
        raise InputError(f"{path} holds no SGDFuse weights (its metadata lacks format {FORMAT})")
    config = config_from_dict(json.loads(metadata["config"]), origin=str(path))
    network = build_network(config).eval()
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError(f"{path}: tensors don't fit its own configuration: {error}") from error
    return network, json.loads(metadata.get("facts", "{}"))
