"""The fusion metrics as terms of the loss, and the figures that training prints.

The measures are those of `fusionbench.images.measures`, with floors where a flat image would have no value or no
gradient. Only Qabf has a form of its own: a smooth one. Every function takes N×1×H×W float tensors in grey
levels 0…255 and returns one value per image (shape N). The official numbers of a run come from
`evaluators/quality`, never from here.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fusionbench.images.measures import (
    VIF_SMALLEST,
    entropy,
    kept_edges,
    mutual_information,
    sobel,
    spatial_frequency,
    standard_deviation,
    sum_of_correlations_of_differences,
    visual_information_fidelity,
)

__all__ = [
    "entropy",
    "mutual_information",
    "qabf",
    "scd",
    "sobel",
    "spatial_frequency",
    "standard_deviation",
    "validation_metrics",
    "vif",
]


def vif(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """VIF, 0 for a flat source. Raises ValueError below 41×41 pixels."""
    if min(fused.shape[-2:]) < VIF_SMALLEST:
        raise ValueError(f"VIF needs images of at least 41×41, got {tuple(fused.shape[-2:])}")
    return visual_information_fidelity(infrared, visible, fused, floor=1e-6)


def scd(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """SCD, with correlation 0 where an image is flat."""
    return sum_of_correlations_of_differences(infrared, visible, fused, floor=1e-8)


def _edge_preservation(source: tuple[Tensor, Tensor], fused: tuple[Tensor, Tensor]) -> Tensor:
    """Q^{XF} of Xydeas & Petrović, pixel by pixel, from Sobel responses; the angle is taken modulo π (no
    jumps).
    """
    (source_x, source_y), (fused_x, fused_y) = source, fused
    strength_s = (source_x**2 + source_y**2 + 1e-4).sqrt()
    strength_f = (fused_x**2 + fused_y**2 + 1e-4).sqrt()
    ratio = torch.minimum(strength_s, strength_f) / torch.maximum(strength_s, strength_f)
    cross = (source_x * fused_y - source_y * fused_x).abs()
    along = (source_x * fused_x + source_y * fused_y).abs()
    angle = 1 - torch.atan2(cross + 1e-6, along + 1e-6) / (math.pi / 2)
    return kept_edges(ratio, angle)


def qabf(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """Edge transfer Q^{AB/F} (Xydeas & Petrović, 2000), shape N, in its smooth form: angles modulo π.

    The published code compares arctangents without wrapping, which is lower by up to about 0.05.
    """
    gradients_i, gradients_v, gradients_f = sobel(infrared), sobel(visible), sobel(fused)
    weight_i = torch.hypot(*gradients_i)
    weight_v = torch.hypot(*gradients_v)
    kept = _edge_preservation(gradients_i, gradients_f) * weight_i
    kept = kept + _edge_preservation(gradients_v, gradients_f) * weight_v
    return kept.sum(dim=(1, 2, 3)) / (weight_i + weight_v).sum(dim=(1, 2, 3)).clamp_min(1e-6)


def validation_metrics(infrared: Tensor, visible: Tensor, fused: Tensor) -> dict[str, Tensor]:
    """The seven metrics of the paper's Table 1 (Qabf in its smooth form), each of shape N, for validation
    during training.
    """
    fused = fused.round().clamp(0, 255)
    return {
        "EN": entropy(fused),
        "SD": standard_deviation(fused),
        "SF": spatial_frequency(fused),
        "MI": mutual_information(infrared, visible, fused),
        "SCD": scd(infrared, visible, fused),
        "VIF": vif(infrared, visible, fused),
        "Qabf": qabf(infrared, visible, fused),
    }
