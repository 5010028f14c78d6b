"""The anchor-based YOLOv5 (release v7.0), as the official weights need it: ultralytics' blocks with our own
head.

Ultralytics' package knows the same blocks but another, anchor-free head. Facts: the release's documentation
and its measured outputs. Sizes are read from the weights, so that n, s, m, l and x all load; the P6 variants
don't.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from fusionbench.errors import InputError
from fusionbench.files.ultralytics_gate import restricted_ultralytics

from .yolov5_file import read_yolov5_file

STRIDES = (8, 16, 32)
BOX_VALUES = 5
"""Of each anchor before its classes: x, y, w, h, objectness."""
_DOWN, _REDUCE, _BLOCK = "down", "reduce", "block"
_LAYERS: tuple[tuple[str, tuple[int, ...]], ...] = (
    (_DOWN, (-1,)),
    (_DOWN, (-1,)),
    (_BLOCK, (-1,)),
    (_DOWN, (-1,)),
    (_BLOCK, (-1,)),
    (_DOWN, (-1,)),
    (_BLOCK, (-1,)),
    (_DOWN, (-1,)),
    (_BLOCK, (-1,)),
    ("pool", (-1,)),
    (_REDUCE, (-1,)),
    ("up", (-1,)),
    ("join", (-1, 6)),
    (_BLOCK, (-1,)),
    (_REDUCE, (-1,)),
    ("up", (-1,)),
    ("join", (-1, 4)),
    (_BLOCK, (-1,)),
    (_DOWN, (-1,)),
    ("join", (-1, 14)),
    (_BLOCK, (-1,)),
    (_DOWN, (-1,)),
    ("join", (-1, 10)),
    (_BLOCK, (-1,)),
)
"""Layers 0 to 23: what each is, and the layers it reads (−1: the one before)."""
_SHORTCUTS = frozenset({2, 4, 6, 8})
"""Blocks whose bottlenecks add their input."""
_READ_BY_HEAD = (17, 20, 23)


class AnchorHead(nn.Module):
    """Layer 24: three 1×1 convolutions, and the decoding of their outputs into boxes.

    Output in evaluation: B×N×(5 + classes) with cx cy w h in input pixels, objectness and class values in
    [0,1]. Rows: stride 8, 16, 32; within a stride anchor by anchor, then row, then column.
    """

    anchors: Tensor

    def __init__(self, channels: Sequence[int], classes: int, anchors: Tensor) -> None:
        super().__init__()
        self.values = BOX_VALUES + classes
        self.m = nn.ModuleList(nn.Conv2d(c, anchors.shape[1] * self.values, 1) for c in channels)
        self.register_buffer("anchors", anchors.float())  # in units of the stride: scales × anchors × 2

    def raw(self, features: Sequence[Tensor]) -> list[Tensor]:
        """B×anchors×rows×columns×(5 + classes) of each stride, before any sigmoid."""
        outputs = []
        for convolution, feature in zip(self.m, features, strict=True):
            output: Tensor = convolution(feature)
            batch, _, rows, columns = output.shape
            split = output.view(batch, self.anchors.shape[1], self.values, rows, columns)
            outputs.append(split.permute(0, 1, 3, 4, 2).contiguous())
        return outputs

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        decoded = [self._decoded(raw, i) for i, raw in enumerate(self.raw(features))]
        return torch.cat(decoded, 1)

    def _decoded(self, raw: Tensor, scale: int) -> Tensor:
        stride = STRIDES[scale]
        batch, _, rows, columns, values = raw.shape
        share = raw.float().sigmoid()
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        cells = torch.stack([x, y], -1).to(share) - 0.5
        centres = (2 * share[..., :2] + cells) * stride
        sides = (2 * share[..., 2:4]) ** 2 * (self.anchors[scale] * stride)[None, :, None, None]
        return torch.cat([centres, sides, share[..., 4:]], -1).view(batch, -1, values)


class YoloV5(nn.Module):
    """The whole network: N×3×H×W RGB in [0,1], sides multiples of 32 → B×N×(5 + classes), see ``AnchorHead``."""

    has_objectness = True

    def __init__(self, layers: Sequence[nn.Module], names: Sequence[str]) -> None:
        super().__init__()
        self.model = nn.ModuleList(layers)
        self.names = dict(enumerate(names))
        self.stride = torch.tensor(STRIDES, dtype=torch.float32)
        self.stated = "COCO train2017, as the release's documentation states"

    def features(self, image: Tensor) -> list[Tensor]:
        """What the head reads: the outputs of layers 17, 20 and 23."""
        outputs: list[Tensor] = []
        current = image
        for layer, (_, sources) in zip(self.model, _LAYERS, strict=False):
            inputs = [current if s == -1 else outputs[s] for s in sources]
            current = layer(inputs if len(inputs) > 1 else inputs[0])
            outputs.append(current)
        return [outputs[i] for i in _READ_BY_HEAD]

    def forward(self, image: Tensor) -> Tensor:
        decoded: Tensor = self.model[-1](self.features(image))
        return decoded

    def fuse(self, verbose: bool = False) -> YoloV5:
        """Merge each normalisation into its convolution (in float32), as the official loader does before it
        runs the network.
        """
        del verbose
        unit: Any
        for unit in self.model.modules():
            if hasattr(unit, "bn") and hasattr(unit, "forward_fuse"):
                unit.conv = nn.utils.fusion.fuse_conv_bn_eval(unit.conv, unit.bn)
                del unit.bn
                unit.forward = unit.forward_fuse
        return self


def load_yolov5(path: Path) -> tuple[YoloV5, tuple[str, ...]]:
    """The network (float32, CPU, evaluation mode) and class names of an official ``.pt`` file, or of its
    tensors as ``.safetensors``.

    Raises ``InputError`` for files that hold something else; nothing in a file is run.
    """
    if path.suffix == ".safetensors":
        state, names = _read_tensors(path)
    else:
        state, names = read_yolov5_file(path)
    state = {k: v.float() for k, v in state.items() if not k.endswith("num_batches_tracked")}
    try:
        network = _built(state, names)
        network.load_state_dict(state, strict=False)
        own = {k for k in network.state_dict() if not k.endswith("num_batches_tracked")}
        if own != set(state):
            raise KeyError(sorted(own ^ set(state))[0])
    except (KeyError, RuntimeError, IndexError, ValueError) as error:
        raise InputError(
            f"{path}: isn't a YOLOv5 of three scales (n, s, m, l or x; release v6.0 to v7.0):"
            f" {' '.join(str(error).split())[:200]}"
        ) from None
    return network.eval(), names


def is_yolov5_metadata(metadata: Mapping[str, str]) -> bool:
    """Whether the metadata of a safetensors file are those of YOLOv5's tensors."""
    return "anchors_pixels" in metadata or metadata.get("network", "").startswith("yolov5")


def _read_tensors(path: Path) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        return state, tuple(json.loads(metadata["names"]))
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise InputError(f"{path}: holds no tensors of YOLOv5 ({type(error).__name__}: {error})") from None


def _built(state: Mapping[str, Tensor], names: Sequence[str]) -> YoloV5:
    with restricted_ultralytics():
        from ultralytics.nn.modules import C3, SPPF, Concat, Conv

        def channels(key: str) -> tuple[int, int]:
            out, into = state[f"{key}.conv.weight"].shape[:2]
            return into, out

        layers: list[nn.Module] = []
        for i, (kind, _) in enumerate(_LAYERS):
            key = f"model.{i}"
            if kind in (_DOWN, _REDUCE):
                size = state[f"{key}.conv.weight"].shape[-1]
                padding = 2 if i == 0 else None
                layers.append(Conv(*channels(key), size, 1 if kind == _REDUCE else 2, padding))
            elif kind == _BLOCK:
                repeats = len({k.split(".")[3] for k in state if k.startswith(f"{key}.m.")})
                into, out = channels(f"{key}.cv1")[0], channels(f"{key}.cv3")[1]
                layers.append(C3(into, out, repeats, i in _SHORTCUTS))
            elif kind == "pool":
                pool = SPPF(channels(f"{key}.cv1")[0], channels(f"{key}.cv2")[1], 5)
                pool.cv1.act = nn.SiLU()  # which the package's own leaves out
                layers.append(pool)
            elif kind == "up":
                layers.append(nn.Upsample(scale_factor=2, mode="nearest"))
            else:
                layers.append(Concat(1))
    head_channels = [state[f"model.24.m.{i}.weight"].shape[1] for i in range(len(STRIDES))]
    layers.append(AnchorHead(head_channels, len(names), state["model.24.anchors"]))
    for module in (m for layer in layers for m in layer.modules()):
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-3
    return YoloV5(layers, names)
