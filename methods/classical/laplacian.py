"""Laplacian-pyramid fusion: Burt & Adelson, "The Laplacian pyramid as a compact image code", IEEE Trans.
Commun. 31(4), 1983.

The stronger coefficient of each detail level, the mean of both base levels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .adapter import method_of
from .filters import replicate, stronger


def generating_kernel(a: float) -> tuple[float, float, float]:
    """Burt & Adelson's 5-tap kernel from its centre outwards: a, 1/4, 1/4 − a/2 (normalised, symmetric, equal
    contribution).
    """
    return a, 0.25, 0.25 - a / 2


def reduce_once(image: torch.Tensor, a: float) -> torch.Tensor:
    """REDUCE: filter and drop every other row and column; H×W → ⌈H/2⌉×⌈W/2⌉."""
    centre, near, far = generating_kernel(a)
    for dim in (-1, -2):
        size = image.shape[dim]
        padded = replicate(image, 2, dim)
        at = [
            padded.narrow(dim, k, size).index_select(dim, torch.arange(0, size, 2, device=image.device))
            for k in range(5)
        ]
        image = centre * at[2] + near * (at[1] + at[3]) + far * (at[0] + at[4])
    return image


def expand_once(image: torch.Tensor, size: Sequence[int], a: float) -> torch.Tensor:
    """EXPAND to ``size`` (H, W): insert zeros between samples and filter with twice the kernel along each
    dimension.

    Written for even and odd positions separately, so that no zero is multiplied.
    """
    centre, near, far = generating_kernel(a)
    for dim, length in ((-1, size[-1]), (-2, size[-2])):
        count = image.shape[dim]
        padded = replicate(image, 1, dim)
        before, here, after = (padded.narrow(dim, k, count) for k in range(3))
        even = 2 * (centre * here + far * (before + after))
        odd = 2 * near * (here + after)
        axis = image.ndim + dim
        image = torch.stack((even, odd), axis + 1).flatten(axis, axis + 1).narrow(dim, 0, length)
    return image


def laplacian_pyramid(image: torch.Tensor, levels: int, a: float = 0.4) -> list[torch.Tensor]:
    """Detail levels from fine to coarse, and the base last. N×C×H×W; fewer levels where the image gets down
    to one pixel.
    """
    pyramid = []
    for _ in range(levels):
        if max(image.shape[-2:]) < 2:
            break
        smaller = reduce_once(image, a)
        pyramid.append(image - expand_once(smaller, image.shape[-2:], a))
        image = smaller
    return [*pyramid, image]


def reconstruct(pyramid: Sequence[torch.Tensor], a: float = 0.4) -> torch.Tensor:
    """The image of a pyramid: exact up to float rounding, whatever the kernel."""
    image = pyramid[-1]
    for detail in reversed(pyramid[:-1]):
        image = detail + expand_once(image, detail.shape[-2:], a)
    return image


def fuse_laplacian(infrared: torch.Tensor, visible: torch.Tensor, *, levels: int, a: float) -> torch.Tensor:
    """Fuse N×1×H×W sources in [0,1]: max-abs details, mean base. ``a`` as in ``generating_kernel``."""
    first, second = laplacian_pyramid(visible, levels, a), laplacian_pyramid(infrared, levels, a)
    details = [stronger(v, i) for v, i in zip(first[:-1], second[:-1], strict=True)]
    return reconstruct([*details, (first[-1] + second[-1]) / 2], a)


build = method_of(fuse_laplacian)
