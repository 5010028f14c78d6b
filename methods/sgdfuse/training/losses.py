"""Training objectives: Eq. 13–15 (stage I), Eq. 16–19 (stage II), and the default preset's extra terms.

Images are in [0, 1]; every function returns a scalar. Norms written 1/HW·‖·‖ in the paper are means over
pixels (and channels). ∇ is the Sobel operator on each channel (decision 8), compared component by component
with its sign.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import LossConfig, TreatmentConfig
from ..network.luma import rgb_to_luma
from ..network.treatment import gaussian, treat
from . import surrogates
from .surrogates import sobel

SF_GOAL = 1.25
"""Spatial frequency to strive for, relative to that of max(I_ir, I_vis)."""
SD_GOAL = 1.1
"""Standard deviation to strive for, relative to that of max(I_ir, I_vis)."""


def max_gradients(infrared: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
    """max(∇I_ir, ∇I_vis) of Eq. 18: in each direction the source gradient of larger magnitude, sign kept
    (decision 8).
    """
    pairs = zip(sobel(infrared), sobel(visible), strict=True)
    horizontal, vertical = (torch.where(i.abs() >= v.abs(), i, v) for i, v in pairs)
    return horizontal, vertical


def max_intensity(infrared: Tensor, visible: Tensor, min_share: float = 0.0) -> Tensor:
    """max(I_ir, I_vis) of Eq. 17, plus `min_share` × min(I_ir, I_vis), at most 1."""
    larger = torch.maximum(infrared, visible)
    return (larger + min_share * torch.minimum(infrared, visible)).clamp(max=1) if min_share else larger


def intensity_loss(fused: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean of |F − target|, each pixel times `weight` (N×1×H×W) if given: Eq. 14, Eq. 17."""
    difference = (fused - target).abs()
    return (difference if weight is None else weight * difference).mean()


def gradient_loss(fused: Tensor, target: tuple[Tensor, Tensor], weight: Tensor | None = None) -> Tensor:
    """Mean of |∇F − target| over pixels, both directions added: Eq. 13, Eq. 18."""
    difference = sum(
        ((own - wanted).abs() for own, wanted in zip(sobel(fused), target, strict=True)),
        start=torch.zeros(()),
    )
    return (difference if weight is None else weight * difference).mean()


def joint_mask(mask_ir: Tensor, mask_vi: Tensor, floor: float = 0.0) -> Tensor:
    """Eq. 16, M = max(M_ir, M_vis), with decision 6's floor: M̃ = floor + (1 − floor)·M."""
    return floor + (1 - floor) * torch.maximum(mask_ir, mask_vi)


def stage1_loss(
    preliminary: Tensor,
    infrared: Tensor,
    visible: Tensor,
    config: LossConfig,
    treatment: TreatmentConfig | None = None,
) -> dict[str, Tensor]:
    """Eq. 15, L_stage1 = L_int + L_grad, as weighted terms. Targets by decision 7: `ir`/`visible` are the
    paper's.
    """
    fused, infrared, visible = comparable(preliminary, infrared, visible, config.on_luma)
    if config.intensity_target == "outside":
        target = treat(infrared, visible, torch.zeros_like(infrared), treatment or TreatmentConfig())
    elif config.intensity_target == "ir":
        target = infrared
    else:
        target = max_intensity(infrared, visible, config.min_share)
    gradients = sobel(visible) if config.gradient_target == "visible" else max_gradients(infrared, visible)
    return {
        "intensity1": config.intensity1 * intensity_loss(fused, target.expand_as(fused)),  # Eq. 14
        "gradient1": config.gradient1 * gradient_loss(fused, gradients),  # Eq. 13
    }


def stage2_loss(
    fused: Tensor, infrared: Tensor, visible: Tensor, mask_ir: Tensor, mask_vi: Tensor, config: LossConfig
) -> dict[str, Tensor]:
    """Eq. 19, L_stage2 = λ1·L_int^mask + λ2·L_grad^mask (λ1 = 1.5, λ2 = 1), as weighted terms."""
    fused, infrared, visible = comparable(fused, infrared, visible, config.on_luma)
    mask = joint_mask(mask_ir, mask_vi, config.mask_floor)  # Eq. 16
    target = max_intensity(infrared, visible, config.min_share)
    return {
        "intensity2": config.intensity2 * intensity_loss(fused, target, mask),  # Eq. 17
        "gradient2": config.gradient2
        * gradient_loss(fused, max_gradients(infrared, visible), mask),  # Eq. 18
    }


def treatment_loss(
    fused: Tensor,
    infrared: Tensor,
    visible: Tensor,
    truth: Tensor,
    config: LossConfig,
    treatment: TreatmentConfig,
) -> dict[str, Tensor]:
    """Eq. 19 with a word on M = 0, as weighted terms: `truth` is the true joint mask, N×1×H×W.

    Intensity: T(M) in place of Eq. 17's maximum. Gradients: Eq. 18's inside, those of T outside. Pixels weigh
    M̃ (decision 6).
    """
    fused, infrared, visible = comparable(fused, infrared, visible, True)
    soft = gaussian(truth, treatment.softness)
    target = treat(infrared, visible, soft, treatment)
    weight = config.mask_floor + (1 - config.mask_floor) * soft
    inside = max_gradients(infrared, visible.clamp(1e-4, 1) ** treatment.gamma)
    horizontal, vertical = (
        soft * sharp + (1 - soft) * plain for sharp, plain in zip(inside, sobel(target), strict=True)
    )
    return {
        "intensity2": config.intensity2 * intensity_loss(fused, target, weight),  # Eq. 17
        "gradient2": config.gradient2 * gradient_loss(fused, (horizontal, vertical), weight),  # Eq. 18
    }


def mask_loss(logits: Tensor, truth: Tensor, softness: float) -> Tensor:
    """Cross-entropy of the corrected joint mask with the true one (softened alike); objects, being rare,
    count four times.
    """
    soft = gaussian(truth, softness)
    return F.binary_cross_entropy_with_logits(logits, soft, 1 + 3 * soft)


def comparable(
    fused: Tensor, infrared: Tensor, visible: Tensor, on_luma: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """The three images with equal channels: luma of all (clipped as it will be saved), or infrared repeated
    to three channels.
    """
    if on_luma:
        return rgb_to_luma(fused.clamp(0, 1)), infrared, rgb_to_luma(visible)
    return fused, infrared.expand_as(visible), visible


def metric_terms(fused: Tensor, infrared: Tensor, visible: Tensor, config: LossConfig) -> dict[str, Tensor]:
    """The default preset's extra terms: differentiable metrics of the fused luma, negated and weighted; empty
    in `paper`.
    """
    if not any((config.vif, config.qabf, config.scd, config.sf, config.sd, config.smooth, config.range)):
        return {}
    luma = 255 * rgb_to_luma(fused.clamp(0, 1))
    infrared, visible = 255 * infrared, 255 * rgb_to_luma(visible)
    terms: dict[str, Tensor] = {}
    if config.vif:
        terms["vif"] = -config.vif * surrogates.vif(infrared, visible, luma).mean()
    if config.qabf:
        terms["qabf"] = -config.qabf * surrogates.qabf(infrared, visible, luma).mean()
    if config.scd:
        terms["scd"] = -config.scd * surrogates.scd(infrared, visible, luma).mean()
    # Both are wanted up to a bound only: unbounded, they end in noise (training-log.md, runs c and 2b).
    reference = torch.maximum(infrared, visible)
    if config.sf:
        ratio = surrogates.spatial_frequency(luma) / surrogates.spatial_frequency(reference).clamp_min(1)
        terms["sf"] = config.sf * (SF_GOAL - ratio).clamp_min(0).mean()
    if config.sd:
        ratio = surrogates.standard_deviation(luma) / surrogates.standard_deviation(reference).clamp_min(1)
        terms["sd"] = config.sd * (SD_GOAL - ratio).clamp_min(0).mean()
    if config.smooth:
        terms["smooth"] = config.smooth * invented_gradients(luma, infrared, visible) / 255
    if config.range:
        terms["range"] = config.range * (fused - fused.clamp(0, 1)).abs().mean()
    return terms


def invented_gradients(fused: Tensor, infrared: Tensor, visible: Tensor) -> Tensor:
    """Mean of what |∇F| exceeds |∇I_ir| + |∇I_vis| by, direction by direction: halos, ringing and grain."""
    excess = [
        (own.abs() - i.abs() - v.abs()).clamp_min(0)
        for own, i, v in zip(sobel(fused), sobel(infrared), sobel(visible), strict=True)
    ]
    return (excess[0] + excess[1]).mean()
