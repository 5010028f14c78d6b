"""Finds objects in images: letterbox, network, non-maximum suppression; the same images always give the same boxes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torchvision.ops import batched_nms

from fusionbench.errors import InputError
from fusionbench.files.ultralytics_gate import restricted_ultralytics

from ..scores.average_precision import Found
from ..scores.class_maps import ClassMap
from .network import load_network, stated_training
from .scenes import PADDING

UInt8Array = npt.NDArray[np.uint8]
_MOST_CANDIDATES = 30_000
"""Boxes that reach suppression, best first, as in ultralytics' validation."""


@dataclass(frozen=True)
class Thresholds:
    """``image_size``: longer side the network sees, pixels. ``confidence``: least score kept. ``nms_iou``: of two boxes of one class
    that overlap more, the weaker is dropped. ``max_detections``: boxes kept an image."""

    image_size: int = 640
    confidence: float = 0.001
    nms_iou: float = 0.6
    max_detections: int = 300

    def __post_init__(self) -> None:
        if self.image_size < 32 or self.max_detections < 1:
            raise InputError("detection: image_size must be at least 32, and max_detections at least 1")
        if not (0 <= self.confidence < 1 and 0 < self.nms_iou <= 1):
            raise InputError("detection: confidence must lie in [0,1), and nms_iou in (0,1]")


class Detector:
    """A network ready to find objects. ``names`` are its classes in order; ``training`` is what its file says it was trained on."""

    def __init__(self, network: nn.Module, names: tuple[str, ...], device: str) -> None:
        self.names = names
        self.training = stated_training(network)
        self._device = torch.device(device)
        with restricted_ultralytics():
            # Convolution and normalisation as one layer: the same function, a third faster.
            fused: Any = network.fuse(verbose=False)  # type: ignore[operator]
        self._network: nn.Module = fused.to(self._device).eval()
        self._stride = int(max(float(s) for s in network.stride))  # type: ignore[union-attr]

    def find(self, image: UInt8Array, thresholds: Thresholds, classes: ClassMap) -> Found:
        """The objects in an image (uint8 H×W×3 RGB) of the mapped classes, best first; boxes in the image's pixels, clipped to it."""
        canvas, factor, (left, top) = letterbox(image, thresholds.image_size, self._stride)
        tensor = torch.from_numpy(canvas).to(self._device).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            output = self._network(tensor.contiguous(memory_format=torch.channels_last))
        output = (output[0] if isinstance(output, list | tuple) else output).float().cpu()
        boxes, scores, found = _candidates(output[0], len(self.names), thresholds.confidence, classes)
        kept = batched_nms(boxes, scores, found, thresholds.nms_iou)[: thresholds.max_detections]
        xyxy = boxes[kept].double().numpy()
        xyxy = (xyxy - np.array([left, top, left, top])) / factor
        limits = np.array([image.shape[1], image.shape[0]] * 2, np.float64)
        return Found(np.clip(xyxy, 0, limits), scores[kept].double().numpy(), found[kept].numpy())


@lru_cache(maxsize=2)
def load_detector(path: Path, sha256: str, device: str) -> Detector:
    """The detector of a checkpoint; loaded once for all methods (``sha256`` tells a changed file). Raises ``InputError``."""
    del sha256
    return Detector(*load_network(path), device)


def letterbox(image: UInt8Array, size: int, stride: int) -> tuple[UInt8Array, float, tuple[int, int]]:
    """The image with its longer side at ``size`` pixels, padded on both sides to multiples of ``stride``; the scale, and the place
    (left, top) where it begins."""
    height, width = image.shape[:2]
    factor = size / max(height, width)
    wide, high = max(1, round(width * factor)), max(1, round(height * factor))
    if factor != 1:
        image = np.asarray(cv2.resize(image, (wide, high), interpolation=cv2.INTER_LINEAR), np.uint8)
    right, bottom = math.ceil(wide / stride) * stride - wide, math.ceil(high / stride) * stride - high
    left, top = right // 2, bottom // 2
    padded = cv2.copyMakeBorder(
        image, top, bottom - top, left, right - left, cv2.BORDER_CONSTANT, value=(PADDING,) * 3
    )
    return np.asarray(padded, np.uint8), factor, (left, top)


def _candidates(
    output: Tensor, names: int, confidence: float, classes: ClassMap
) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes (x0 y0 x1 y1), scores and dataset classes above the confidence, from a network's output for one image: either
    (4 + classes)×anchors with cx cy w h, or (networks that need no suppression) N×6 with x0 y0 x1 y1 score class."""
    index = torch.tensor(classes.index)
    if output.shape[-1] == 6 and output.shape[0] != 4 + names:
        mapped = index[output[:, 5].long()]
        chosen = (output[:, 4] > confidence) & (mapped >= 0)
        return output[chosen, :4], output[chosen, 4], mapped[chosen]
    if output.shape[0] != 4 + names:
        raise InputError(
            f"the judge's output of shape {tuple(output.shape)} isn't that of a detector of {names} classes"
        )
    kept = torch.nonzero(index >= 0)[:, 0]
    scores = output[4:][kept]
    rows, anchors = torch.nonzero(scores > confidence, as_tuple=True)  # a box may be of several classes
    values = scores[rows, anchors]
    if len(values) > _MOST_CANDIDATES:
        best = torch.argsort(values, descending=True, stable=True)[:_MOST_CANDIDATES]
        rows, anchors, values = rows[best], anchors[best], values[best]
    centre, half = output[:2, anchors].T, output[2:4, anchors].T / 2
    return torch.cat([centre - half, centre + half], 1), values, index[kept][rows]
