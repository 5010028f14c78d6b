"""Predicting the ids of an image with a trained segmenter."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from fusionbench.contracts import UInt8Array
from fusionbench.images.codec import as_rgb

from ..recipe import Recipe
from .samples import normalised, resize_image

MULTIPLE = 32
"""Sides are padded (by reflection) to multiples of this, the deepest stride an encoder may have."""


@torch.inference_mode()
def predict(network: nn.Module, image: UInt8Array, recipe: Recipe, device: str = "cpu") -> UInt8Array:
    """Ids, H×W uint8, of an image (uint8, H×W or H×W×3): resized as the recipe says, logits brought back to
    the image's size (bilinear) before the largest is taken.
    """
    height, width = image.shape[:2]
    tensor = normalised(resize_image(as_rgb(image), recipe.image_size)[None]).to(device)
    h, w = tensor.shape[-2:]
    bottom, right = -h % MULTIPLE, -w % MULTIPLE
    if bottom or right:
        mode = "reflect" if bottom < h and right < w else "replicate"
        tensor = F.pad(tensor, (0, right, 0, bottom), mode=mode)
    logits = network(tensor).float()[..., :h, :w]
    if (h, w) != (height, width):
        logits = F.interpolate(logits, (height, width), mode="bilinear", align_corners=False)
    return np.asarray(logits[0].argmax(0).to(torch.uint8).cpu().numpy(), np.uint8)
