"""Differentiable forms of the field's fusion metrics, and the histogram metrics that have no gradient.

They serve twice: as optional loss terms of the default preset (weight 0 in the preset `paper`) and as the
validation figures printed during training. Every function takes N×1×H×W float tensors in grey levels 0..255
and returns one value per image (shape N). The official numbers of a run come from `evaluators/quality`, never
from here.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

VIFP_NOISE_VARIANCE = 2.0
"""Variance of the human visual system's internal noise in vifp, in squared grey levels (Sheikh & Bovik,
2006).
"""


def sobel(image: Tensor) -> tuple[Tensor, Tensor]:
    """Horizontal and vertical Sobel responses of N×C×H×W, replicated border, unnormalised (a unit ramp gives
    8).

    The kernel is applied as its two separable parts, [1 2 1] and [-1 0 1], which is several times faster on a
    CPU than a one-channel convolution and equal to it.
    """
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
    smooth_rows = padded[..., :-2, :] + 2 * padded[..., 1:-1, :] + padded[..., 2:, :]
    smooth_columns = padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:]
    return smooth_rows[..., 2:] - smooth_rows[..., :-2], smooth_columns[..., 2:, :] - smooth_columns[
        ..., :-2, :
    ]


@lru_cache(maxsize=16)
def _gaussian_band(length: int, taps: int, sigma: float, stride: int) -> Tensor:
    """Matrix (outputs × length) whose product with a signal is its 'valid' Gaussian filtering, every
    `stride`-th.
    """
    offsets = torch.arange(taps, dtype=torch.float64) - (taps - 1) / 2
    window = torch.exp(-(offsets**2) / (2 * sigma**2))
    window = (window / window.sum()).float()
    outputs = (length - taps) // stride + 1
    band = torch.zeros(outputs, length)
    for row in range(outputs):
        band[row, row * stride : row * stride + taps] = window
    return band


def _gaussian_valid(image: Tensor, taps: int, stride: int = 1) -> Tensor:
    """Separable 'valid' Gaussian window of `taps` taps and sigma taps/5 over the last two axes.

    Two matrix products instead of a convolution: one-channel convolutions have no fast path on a CPU.
    """
    sigma = taps / 5
    rows = _gaussian_band(image.shape[-2], taps, sigma, stride).to(image.device, image.dtype)
    columns = _gaussian_band(image.shape[-1], taps, sigma, stride).to(image.device, image.dtype)
    return rows @ image @ columns.T


def vifp(reference: Tensor, distorted: Tensor) -> Tensor:
    """Pixel-domain visual information fidelity of `distorted` against `reference` (vifp, LIVE 2005), shape N.

    Smallest image: 41×41. Raises ValueError below it.
    """
    if min(reference.shape[-2:]) < 41:
        raise ValueError(f"vifp needs images of at least 41×41, got {tuple(reference.shape[-2:])}")
    centre = reference.mean(dim=(-2, -1), keepdim=True)  # variances do not change, float32 keeps more of them
    reference, distorted = reference - centre, distorted - centre
    gained = torch.zeros(reference.shape[0], device=reference.device)
    available = torch.zeros_like(gained)
    for scale in range(1, 5):
        taps = 2 ** (5 - scale) + 1
        if scale > 1:
            reference, distorted = _gaussian_valid(torch.stack((reference, distorted)), taps, stride=2)
        moments = torch.stack(
            (reference, distorted, reference * reference, distorted * distorted, reference * distorted)
        )
        mean_r, mean_d, square_r, square_d, product = _gaussian_valid(moments, taps)
        variance_r = (square_r - mean_r * mean_r).clamp_min(0)
        variance_d = (square_d - mean_d * mean_d).clamp_min(0)
        gain = (product - mean_r * mean_d) / (variance_r + 1e-10)
        # Without signal in the reference, without signal in the image, or with the contrast inverted, there
        # is no gain.
        gain = torch.where(
            (variance_r < 1e-10) | (variance_d < 1e-10), torch.zeros_like(gain), gain
        ).clamp_min(0)
        noise = variance_d - gain * gain * variance_r  # with gain = cov/var: variance_d − gain·cov
        noise = noise.clamp_min(1e-10)
        gained = gained + torch.log10(1 + gain**2 * variance_r / (noise + VIFP_NOISE_VARIANCE)).sum(
            dim=(1, 2, 3)
        )
        available = available + torch.log10(1 + variance_r / VIFP_NOISE_VARIANCE).sum(dim=(1, 2, 3))
    return gained / available.clamp_min(1e-6)


def vif(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """Sum of the fused image's vifp against both sources, shape N."""
    return vifp(infrared, fused) + vifp(visible, fused)


def scd(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """Sum of the correlations of differences, r(F − V, I) + r(F − I, V) (Aslantas & Bendes, 2015), shape
    N.
    """
    return correlation(fused - visible, infrared) + correlation(fused - infrared, visible)


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """Pearson correlation of two N×1×H×W tensors, image by image, shape N (0 where one of them is flat)."""
    first = first - first.mean(dim=(1, 2, 3), keepdim=True)
    second = second - second.mean(dim=(1, 2, 3), keepdim=True)
    norm = (first.square().mean(dim=(1, 2, 3)) * second.square().mean(dim=(1, 2, 3)) + 1e-8).sqrt()
    return (first * second).mean(dim=(1, 2, 3)) / norm


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
    return 0.9994 * torch.sigmoid(15 * (ratio - 0.5)) * 0.9879 * torch.sigmoid(22 * (angle - 0.8))


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


def standard_deviation(fused: Tensor) -> Tensor:
    """Population standard deviation (SD) in grey levels, shape N."""
    return (fused.var(dim=(1, 2, 3), correction=0) + 1e-8).sqrt()


def spatial_frequency(fused: Tensor) -> Tensor:
    """Spatial frequency (SF): root of the mean squared row and column differences, shape N."""
    rows = fused.diff(dim=-2).square().mean(dim=(1, 2, 3))
    columns = fused.diff(dim=-1).square().mean(dim=(1, 2, 3))
    return (rows + columns + 1e-8).sqrt()


def entropy(image: Tensor) -> Tensor:
    """Shannon entropy (EN) in bits of the rounded grey levels, shape N. No gradient."""
    levels = image.detach().round().clamp(0, 255).long().flatten(1)
    return torch.stack([_entropy_of_counts(torch.bincount(row, minlength=256)) for row in levels]) / math.log(
        2
    )


def mutual_information(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """MI(F, I) + MI(F, V) in nats, of the rounded grey levels, shape N. No gradient."""
    total = torch.zeros(fused.shape[0])
    fused_levels = fused.detach().round().clamp(0, 255).long().flatten(1)
    for source in (infrared, visible):
        levels = source.detach().round().clamp(0, 255).long().flatten(1)
        for index, (one, other) in enumerate(zip(levels, fused_levels, strict=True)):
            joint = _entropy_of_counts(torch.bincount(one * 256 + other, minlength=65536))
            single = _entropy_of_counts(torch.bincount(one)) + _entropy_of_counts(torch.bincount(other))
            total[index] += (single - joint).cpu()
    return total


def _entropy_of_counts(counts: Tensor) -> Tensor:
    share = counts[counts > 0].double()
    share = share / share.sum()
    return -(share * share.log()).sum()


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
