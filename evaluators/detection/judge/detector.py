"""Finds objects in images: letterbox, network, non-maximum suppression; the same images always give the same
boxes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torchvision.ops import nms

from fusionbench.errors import InputError
from fusionbench.files.ultralytics_gate import restricted_ultralytics

from ..scores.average_precision import Found
from ..scores.class_maps import ClassMap
from .letterbox import letterbox
from .network import load_network, stated_training

UInt8Array = npt.NDArray[np.uint8]
_MOST_CANDIDATES = 30_000
"""Boxes that reach suppression, best first, as in ultralytics' validation."""
_CLASS_SHIFT = 7680
"""Pixels between the boxes of two classes during suppression, as there."""


@dataclass(frozen=True)
class Thresholds:
    """``image_size``: longer side the network sees, pixels.

    ``confidence``: least score kept. ``nms_iou``: of two boxes of one class that overlap more, the weaker is
    dropped. ``max_detections``: boxes kept per image. ``letterbox``: ``val`` or ``detect``.
    """

    image_size: int = 640
    confidence: float = 0.001
    nms_iou: float = 0.6
    max_detections: int = 300
    letterbox: str = "val"

    def __post_init__(self) -> None:
        if self.image_size < 32 or self.max_detections < 1:
            raise InputError("detection: image_size must be at least 32, and max_detections at least 1")
        if not (0 <= self.confidence < 1 and 0 < self.nms_iou <= 1):
            raise InputError("detection: confidence must lie in [0,1), and nms_iou in (0,1]")


class Detector:
    """A network ready to find objects.

    ``names`` are its classes in order; ``training`` is what its file says it was trained on.
    """

    def __init__(self, network: nn.Module, names: tuple[str, ...], device: str) -> None:
        self.names = names
        self.training = stated_training(network)
        self._device = torch.device(device)
        self._objectness = bool(getattr(network, "has_objectness", False))
        with restricted_ultralytics():
            # Convolution and normalisation as one layer: the same function, a third faster.
            fused: Any = network.fuse(verbose=False)  # type: ignore[operator]
        self._network: nn.Module = fused.to(self._device).eval()
        self._stride = int(max(float(s) for s in network.stride))  # type: ignore[union-attr]

    def find(self, image: UInt8Array, thresholds: Thresholds, classes: ClassMap) -> Found:
        """The objects in an image (uint8 H×W×3 RGB) of the mapped classes, best first; boxes in the image's
        pixels, clipped to it.
        """
        boxed = letterbox(image, thresholds.image_size, self._stride, thresholds.letterbox)
        tensor = torch.from_numpy(boxed.canvas).to(self._device).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            output = self._network(tensor.contiguous(memory_format=torch.channels_last))
        output = (output[0] if isinstance(output, list | tuple) else output).float().cpu()
        boxes, scores, found = self._found(output[0], thresholds)
        mapped = torch.tensor(classes.index)[found]
        known = mapped >= 0
        xyxy = boxed.boxes_back(boxes[known].double().numpy(), image.shape)
        return Found(xyxy, scores[known].double().numpy(), mapped[known].numpy())

    def _found(self, output: Tensor, thresholds: Thresholds) -> tuple[Tensor, Tensor, Tensor]:
        """Boxes in input pixels, scores and the judge's classes: of all classes, so that the cap of
        detections is the judge's own.
        """
        if output.shape[-1] == 6 and output.shape[0] != 4 + len(
            self.names
        ):  # N×6, which needs no suppression
            chosen = output[output[:, 4] > thresholds.confidence][: thresholds.max_detections]
            return chosen[:, :4], chosen[:, 4], chosen[:, 5].long()
        boxes, scores, classes = _candidates(output, len(self.names), thresholds.confidence, self._objectness)
        kept = _suppressed(boxes, scores, classes, thresholds)
        return boxes[kept], scores[kept], classes[kept]


@lru_cache(maxsize=2)
def load_detector(path: Path, sha256: str, device: str) -> Detector:
    """The detector of a checkpoint; loaded once for all methods (``sha256`` tells a changed file). Raises
    ``InputError``."""
    del sha256
    return Detector(*load_network(path), device)


def _candidates(
    output: Tensor, names: int, confidence: float, objectness: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes (x0 y0 x1 y1, float32), scores and the judge's classes above the confidence, from a network's
    output for one image.

    The output is (4 + classes)×anchors with cx cy w h; or, with ``objectness``, anchors×(5 + classes), where
    a class's score is objectness · class value. A box may be of several classes.
    """
    if objectness:
        output = output[output[:, 4] > confidence]
        output = torch.cat([output[:, :4], output[:, 4:5] * output[:, 5:]], 1).T
    if output.shape[0] != 4 + names:
        raise InputError(
            f"the judge's output of shape {tuple(output.shape)} isn't that of a detector of {names} classes"
        )
    rows, anchors = torch.nonzero(output[4:] > confidence, as_tuple=True)
    values = output[4:][rows, anchors]
    best = torch.argsort(values, descending=True, stable=True)[:_MOST_CANDIDATES]
    rows, anchors, values = rows[best], anchors[best], values[best]
    centre, half = output[:2, anchors].T, output[2:4, anchors].T / 2
    return torch.cat([centre - half, centre + half], 1), values, rows


def _suppressed(boxes: Tensor, scores: Tensor, classes: Tensor, thresholds: Thresholds) -> Tensor:
    """The places of the boxes that stay, best first: of two of one class that overlap too much, the weaker
    goes.

    Classes are kept apart by a shift of all coordinates, in float32, as YOLO's own suppression does: its
    rounding decides some boxes.
    """
    shifted = boxes + (classes.float() * _CLASS_SHIFT)[:, None]
    kept: Tensor = nms(shifted, scores, thresholds.nms_iou)
    return kept[: thresholds.max_detections]
