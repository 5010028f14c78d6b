"""ADF: Bavirisetti & Dhuli, "Fusion of infrared and visible sensor images based on anisotropic diffusion and
Karhunen-Loeve transform", IEEE Sensors Journal 16(1), 2016, 203–209.

Base: Perona–Malik diffusion, averaged. Detail: source − base, weighted by the leading eigenvector of the
details' covariance.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from .adapter import method_of


def diffuse(image: torch.Tensor, *, steps: int, kappa: float, rate: float) -> torch.Tensor:
    """Perona–Malik diffusion with eight neighbours and conductance exp(−(∇/κ)²); κ in the image's own units.

    Diagonal neighbours are √2 away, so their flow counts half. Outside the image lies black: that is what the
    images published with VIFB show, and a border brighter than about 2κ loses nothing to it.
    """
    directions = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]
    height, width = image.shape[-2:]
    for _ in range(steps):
        padded = F.pad(image, [1] * 4)
        flow = torch.zeros_like(image)
        for dy, dx in directions:
            gradient = padded[..., 1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] - image
            flow = flow + torch.exp(-((gradient / kappa) ** 2)) * gradient / (dy * dy + dx * dx)
        image = image + rate * flow
    return image


def principal_weights(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The Karhunen–Loève weights of two detail layers: the components of the leading eigenvector of their 2×2
    covariance, normalised to sum one.

    N×1×H×W → two N×1×1×1 tensors in [0,1]; one half each where there is no detail at all.
    """
    a, b = (d.double() - d.double().mean((-2, -1), keepdim=True) for d in (first, second))
    aa, bb, ab = ((x * y).mean((-2, -1), keepdim=True) for x, y in ((a, a), (b, b), (a, b)))
    # Leading eigenvector of [[aa, ab], [ab, bb]] is (cos t, sin t) with tan 2t = 2 ab / (aa − bb).
    angle = torch.atan2(2 * ab, aa - bb) / 2
    cosine, sine = torch.cos(angle).abs(), torch.sin(angle).abs()
    weight = cosine / (cosine + sine)
    weight = torch.where(aa + bb > 0, weight, 0.5).to(first.dtype)
    return weight, 1 - weight


def fuse_anisotropic_diffusion(
    infrared: torch.Tensor, visible: torch.Tensor, *, steps: int, kappa: float, rate: float
) -> torch.Tensor:
    """Fuse N×1×H×W sources in [0,1]. ``kappa`` is in grey levels of 255, as published."""
    bases = [diffuse(s, steps=steps, kappa=kappa / 255, rate=rate) for s in (infrared, visible)]
    details = [infrared - bases[0], visible - bases[1]]
    weights = principal_weights(details[0], details[1])
    return (bases[0] + bases[1]) / 2 + weights[0] * details[0] + weights[1] * details[1]


build = method_of(fuse_anisotropic_diffusion)
