"""How a pixel is treated inside and outside the masks (3.1 of the paper): the second version's target, and
the base of its image.

Section 3.1 wants fusion to "preserve the thermal features of a target while enhancing the texture of the
background". Eq. 17–18 say the first half with max(I_ir, I_vis) under M and leave M = 0 without a word. Here
both halves are one image:

    T(M) = M · (max(V, I_ir) + heat · H) + (1 − M) · ((1 − share) · V + share · max(V, I_ir))

V = I_vis^gamma (dark regions lifted), H = what the infrared exceeds its own surroundings by. With M = 1,
gamma = 1 and heat = 0 it is Eq. 17's target. Outside, the visible image decides; the infrared's structure
enters by `share`, so that a missed object does not vanish. All images are luma in [0, 1].
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import TreatmentConfig

_POOL = 4
"""The surroundings are smooth: they are computed at 1/4 of the resolution."""


def treat(infrared: Tensor, visible: Tensor, mask: Tensor, settings: TreatmentConfig) -> Tensor:
    """T(M) for infrared, visible luma and mask, N×1×H×W in [0, 1]; the result is clamped to [0, 1]."""
    lifted = visible.clamp(1e-4, 1) ** settings.gamma
    maximum = torch.maximum(lifted, infrared)
    inside = maximum
    if settings.heat:
        inside = maximum + settings.heat * (infrared - surroundings(infrared, settings.sigma)).clamp_min(0)
    outside = lifted + settings.share * (maximum - lifted)
    return (outside + mask * (inside - outside)).clamp(0, 1)


def surroundings(image: Tensor, sigma: float) -> Tensor:
    """Gaussian mean of N×1×H×W with `sigma` pixels, borders repeated."""
    height, width = image.shape[-2:]
    padding = (0, -width % _POOL, 0, -height % _POOL)
    padded = F.pad(image, padding, mode="replicate") if any(padding) else image
    small = gaussian(F.avg_pool2d(padded, _POOL), sigma / _POOL)
    wide = F.interpolate(small, scale_factor=float(_POOL), mode="bilinear", align_corners=False)
    return wide[..., :height, :width]


def gaussian(image: Tensor, sigma: float) -> Tensor:
    """N×1×H×W smoothed by a Gaussian of `sigma` pixels (cut at 3 sigma), borders repeated."""
    if sigma <= 0:
        return image
    radius = math.ceil(3 * sigma)
    kernel = _kernel(radius, sigma).to(image.device, image.dtype)
    padded = F.pad(image, (radius, radius, radius, radius), mode="replicate")
    rows = F.conv2d(padded, kernel.reshape(1, 1, 1, -1))
    return F.conv2d(rows, kernel.reshape(1, 1, -1, 1))


@lru_cache(maxsize=8)
def _kernel(radius: int, sigma: float) -> Tensor:
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64, device="cpu")
    weights = torch.exp(-(offsets**2) / (2 * sigma**2))
    return (weights / weights.sum()).float()
