"""Builds and loads YOLO networks: official ``.pt`` files, architectures (``.yaml``), and our own
``.safetensors``.

Networks are ultralytics' ``DetectionModel`` (AGPL-3.0, imported as a library, offline and without unpickling
code; see ``fusionbench.files.ultralytics_gate``). Our own files hold float16 tensors and, as metadata, the
architecture and the class names.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from fusionbench.errors import InputError
from fusionbench.files.atomic import write_atomic
from fusionbench.files.safetensors_header import sorted_metadata
from fusionbench.files.ultralytics_gate import restricted_ultralytics, unreadable
from fusionbench.files.weight_files import check_stored
from fusionbench.files.yaml_text import read_value

from .yolov5 import YoloV5, is_yolov5_metadata, load_yolov5
from .yolov5_file import is_yolov5_file

_ADVICE = (
    "Name a YOLO detection checkpoint: one of ultralytics (.pt), or one made by `fusionbench train detection`"
    " (.safetensors)."
)


def load_network(path: Path) -> tuple[nn.Module, tuple[str, ...]]:
    """The network of a checkpoint (float32, CPU, evaluation mode) and its class names.

    Raises ``InputError`` for a file that isn't there, isn't a YOLO, or is one of another task.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file. {_ADVICE}")
    if path.suffix == ".safetensors":
        return load_yolov5(path) if is_yolov5_metadata(_metadata(path)) else _load_own(path)
    check_stored(path)
    if is_yolov5_file(path):
        return load_yolov5(path)
    with restricted_ultralytics() as ultralytics:
        from ultralytics.nn.tasks import DetectionModel, RTDETRDetectionModel

        try:
            loaded = ultralytics.YOLO(str(path))
            network = loaded.model
        except Exception as error:  # ultralytics raises whatever it met: TypeError, RuntimeError, KeyError…
            raise unreadable(path, error, _ADVICE) from error
        if (
            loaded.task != "detect"
            or not isinstance(network, DetectionModel)
            or isinstance(network, RTDETRDetectionModel)
        ):
            kind = f"a {type(network).__name__} for the task {loaded.task!r}"
            raise InputError(f"{path}: is {kind}, not a YOLO that detects. {_ADVICE}")
        names = dict(network.names) if isinstance(network.names, dict) else dict(enumerate(network.names))
    return network.float().eval(), tuple(str(names[i]) for i in range(len(names)))


def build_network(architecture: dict[str, Any] | str | Path, names: Sequence[str], seed: int) -> nn.Module:
    """A network with random weights, decided by ``seed``.

    ``architecture`` is ultralytics' YAML: its content, a file, or the name of one that ships with ultralytics
    (``yolov5n.yaml``). Raises ``InputError`` if it describes no detector.
    """
    with restricted_ultralytics():
        from ultralytics.nn.tasks import DetectionModel, yaml_model_load

        try:
            content = (
                architecture
                if isinstance(architecture, dict)
                else _architecture(architecture, yaml_model_load)
            )
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                network: nn.Module = DetectionModel(dict(content), ch=3, nc=len(names), verbose=False)
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"{architecture}: isn't the architecture of a YOLO detector ({type(error).__name__}: {error})"
            ) from error
    network.names = dict(enumerate(names))  # type: ignore[assignment]
    return network


def with_classes(pretrained: nn.Module, names: Sequence[str], seed: int) -> nn.Module:
    """A network of the same architecture for other classes: all weights that fit are taken over (the class
    layers don't).
    """
    if isinstance(pretrained, YoloV5):
        raise InputError(
            "det-retrain can't train the anchor-based YOLOv5; name another checkpoint, such as yolov5nu.pt"
        )
    architecture: Any = pretrained.yaml
    content = {k: v for k, v in architecture.items() if k not in {"nc", "ch", "channels"}}
    network = build_network({**content, "nc": len(names)}, names, seed)
    own, given = network.state_dict(), pretrained.float().state_dict()
    network.load_state_dict(
        {k: given[k] if k in given and given[k].shape == v.shape else v for k, v in own.items()}
    )
    return network


def save_network(path: Path, network: nn.Module, names: Sequence[str], facts: dict[str, Any]) -> None:
    """Save as safetensors: float16 tensors; architecture, names and ``facts`` (how it was trained) as
    metadata. Written atomically.
    """
    tensors = {
        k: (v.half() if v.is_floating_point() else v).cpu().contiguous()
        for k, v in network.state_dict().items()
    }
    architecture: Any = network.yaml
    content = {k: v for k, v in architecture.items() if k != "yaml_file"}
    metadata = {
        "architecture": json.dumps(content),
        "names": json.dumps(list(names)),
        "facts": json.dumps(facts, sort_keys=True),
    }
    write_atomic(path, sorted_metadata(save(tensors, metadata)))


def stated_training(network: nn.Module) -> str:
    """What a loaded checkpoint says of its training, in words; "" if it says nothing."""
    facts: dict[str, Any] = getattr(network, "facts", {})
    if "input" in facts:  # of `fusionbench train detection`
        schedule = ", ".join(f"{facts[k]} {k}" for k in ("pairs", "epochs") if k in facts)
        return (
            f"{facts.get('dataset')}/train, {facts['input']}, {schedule}, seed {facts.get('seed')}, from"
            " random weights"
        )
    if stated := getattr(network, "stated", ""):
        return str(stated)
    arguments = getattr(network, "args", None)
    data = arguments.get("data") if isinstance(arguments, dict) else None
    return f"{Path(str(data)).name}, as its file states" if data else ""


def _metadata(path: Path) -> dict[str, str]:
    try:
        with safe_open(path, "pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: is no safetensors file ({error}). {_ADVICE}") from error


def _load_own(path: Path) -> tuple[nn.Module, tuple[str, ...]]:
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        names = tuple(json.loads(metadata["names"]))
        network = build_network(json.loads(metadata["architecture"]), names, 0)
        network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
        network.facts = json.loads(metadata.get("facts", "{}"))
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{path}: holds no detector of ours ({type(error).__name__}:"
            f" {' '.join(str(error).split())[:200]}). {_ADVICE}"
        ) from error
    return network.eval(), names


def _architecture(source: str | Path, load_named: Any) -> dict[str, Any]:
    path = Path(source)
    if path.is_file():
        content = read_value(path.read_text(encoding="utf-8"), str(path))
        if not isinstance(content, dict):
            raise InputError(f"{path}: isn't the architecture of a YOLO detector (expected a mapping)")
        return content
    content = load_named(str(source))
    return dict(content)
