"""Two-scale saliency fusion (TSIFVS, "TIF"): Bavirisetti & Dhuli, Infrared Physics & Technology 76, 2016,
52–64.
"""

from __future__ import annotations

import torch

from .adapter import method_of
from .filters import box_mean_replicated, median3


def fuse_two_scale(infrared: torch.Tensor, visible: torch.Tensor, *, radius: int) -> torch.Tensor:
    """Fuse N×1×H×W sources in [0,1].

    Base: mean over (2r+1)² (the paper's 35×35 is r = 17), averaged over the sources. Detail: source − base,
    weighted by the sources' saliency |mean − 3×3 median|; equal weights where neither source is salient.
    """
    bases = [box_mean_replicated(s, radius) for s in (infrared, visible)]
    strengths = [(b - median3(s)).abs() + 1e-12 for s, b in zip((infrared, visible), bases, strict=True)]
    weight = strengths[0] / (strengths[0] + strengths[1])
    detail = weight * (infrared - bases[0]) + (1 - weight) * (visible - bases[1])
    return (bases[0] + bases[1]) / 2 + detail


build = method_of(fuse_two_scale)
