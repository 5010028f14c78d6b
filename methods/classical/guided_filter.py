"""GFF: Li, Kang & Hu, "Image fusion with guided filtering", IEEE Trans. Image Process. 22(7), 2013.

Two scales by a 31×31 mean, saliency maps (Laplacian, then Gaussian), binary weight maps refined by guided
filters: a wide, smooth one for the base, a narrow, sharp one for the detail.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from .adapter import method_of
from .filters import box_mean, box_mean_replicated, convolve_symmetric, gaussian_taps


def guided_filter(guide: torch.Tensor, image: torch.Tensor, radius: int, epsilon: float) -> torch.Tensor:
    """Guided filter of He, Sun & Tang (TPAMI 35(6), 2013): both N×1×H×W, guide in [0,1]; returns the image's
    type.

    ``epsilon`` is added to the variance of the guide. Box means shrink at the border. Moments are float64:
    with ε = 1e-6 the variance E[x²] − E[x]² must be right to better than that.
    """
    guide64, image64 = guide.double(), image.double()
    mean_guide, mean_image = box_mean(guide64, radius), box_mean(image64, radius)
    variance = box_mean(guide64 * guide64, radius) - mean_guide**2
    covariance = box_mean(guide64 * image64, radius) - mean_guide * mean_image
    slope = covariance / (variance.clamp(min=0) + epsilon)
    offset = mean_image - slope * mean_guide
    return (box_mean(slope, radius) * guide64 + box_mean(offset, radius)).to(image.dtype)


def saliency(image: torch.Tensor, *, sigma: float = 5.0, radius: int = 5) -> torch.Tensor:
    """The salience of each pixel: |3×3 Laplacian| smoothed by an 11×11 Gaussian of standard deviation 5."""
    padded = F.pad(image, [1] * 4, mode="replicate")
    neighbours = (
        padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1] + padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]
    )
    return convolve_symmetric((neighbours - 4 * image).abs(), gaussian_taps(sigma, radius))


def fuse_guided_filter(
    infrared: torch.Tensor,
    visible: torch.Tensor,
    *,
    base_radius: int,
    r1: int,
    eps1: float,
    r2: int,
    eps2: float,
) -> torch.Tensor:
    """Fuse N×1×H×W sources in [0,1]. ``base_radius`` 15 is the paper's 31×31 mean."""
    sources = (infrared, visible)
    strengths = [saliency(s) for s in sources]
    strongest = torch.maximum(*strengths)
    fused = torch.zeros_like(infrared)
    bases = [box_mean_replicated(s, base_radius) for s in sources]
    layers = ((bases, r1, eps1), ([s - b for s, b in zip(sources, bases, strict=True)], r2, eps2))
    for parts, radius, epsilon in layers:
        # One where the source is the most salient; where both are, both count, and normalisation halves them.
        weights = [
            guided_filter(s, (strength == strongest).to(s.dtype), radius, epsilon).clamp(min=0) + 1e-12
            for s, strength in zip(sources, strengths, strict=True)
        ]
        total = weights[0] + weights[1]
        fused = fused + (weights[0] / total) * parts[0] + (weights[1] / total) * parts[1]
    return fused


build = method_of(fuse_guided_filter)
