"""Small local filters on N×C×H×W tensors, any size from 1×1 up, borders replicated unless a function says
otherwise.

They are sums of shifted slices rather than convolutions: cuDNN and oneDNN choose their algorithm, and with it
the last bits of a result, by batch size; here an image gives the same bits alone and in a batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F


def convolve_symmetric(image: torch.Tensor, taps: Sequence[float]) -> torch.Tensor:
    """Filter rows and columns with a symmetric kernel given from its centre outwards: ``taps[0]`` at 0,
    ``taps[k]`` at ±k.
    """
    for dim in (-1, -2):
        image = _filter_along(image, taps, dim)
    return image


def _filter_along(image: torch.Tensor, taps: Sequence[float], dim: int) -> torch.Tensor:
    radius = len(taps) - 1
    size = image.shape[dim]
    padded = replicate(image, radius, dim)
    result = image * taps[0]
    for offset, weight in enumerate(taps[1:], start=1):
        result = result + weight * (
            padded.narrow(dim, radius - offset, size) + padded.narrow(dim, radius + offset, size)
        )
    return result


def replicate(image: torch.Tensor, radius: int, dim: int) -> torch.Tensor:
    """Repeat the border samples ``radius`` times on both sides of one of the last two dimensions."""
    sides = [radius, radius, 0, 0] if dim in (-1, 3) else [0, 0, radius, radius]
    return F.pad(image, sides, mode="replicate")


def gaussian_taps(sigma: float, radius: int) -> list[float]:
    """A Gaussian sampled at 0…radius, normalised so that the whole symmetric kernel sums to one."""
    offsets = torch.arange(radius + 1, dtype=torch.float64)
    half = torch.exp(-(offsets**2) / (2 * sigma**2))
    return (half / (2 * half.sum() - half[0])).tolist()


def box_sum(image: torch.Tensor, radius: int) -> torch.Tensor:
    """Sum over the (2r+1)×(2r+1) window, which shrinks at the border (samples outside count as zero).

    Cost is independent of the radius (running sums). The running sums are kept in float64: a difference of
    two float32 sums over a row would lose the small variances that guided filters divide by. Returns float64.
    """
    total = image.double()
    for dim in (-1, -2):
        size = total.shape[dim]
        cumulative = torch.cumsum(total, dim)
        index = torch.arange(size, device=image.device)
        upper = cumulative.index_select(dim, (index + radius).clamp(max=size - 1))
        lower_index = index - radius - 1
        keep = (lower_index >= 0).to(torch.float64)
        keep = keep if dim == -1 else keep[:, None]
        total = upper - keep * cumulative.index_select(dim, lower_index.clamp(min=0))
    return total


def box_mean(image: torch.Tensor, radius: int) -> torch.Tensor:
    """Mean over the part of the (2r+1)×(2r+1) window that lies inside the image. Returns float64."""
    rows, columns = (_window_length(size, radius, image.device) for size in image.shape[-2:])
    return box_sum(image, radius) / (rows[:, None] * columns)


def _window_length(size: int, radius: int, device: torch.device) -> torch.Tensor:
    at = torch.arange(size, device=device, dtype=torch.float64)
    return (at + radius).clamp(max=size - 1) - (at - radius).clamp(min=0) + 1


def box_mean_replicated(image: torch.Tensor, radius: int) -> torch.Tensor:
    """Mean over the full (2r+1)×(2r+1) window with the border replicated. Returns the image's own type."""
    padded = F.pad(image, [radius] * 4, mode="replicate")
    inner = box_sum(padded, radius)[..., radius : radius + image.shape[-2], radius : radius + image.shape[-1]]
    return (inner / (2 * radius + 1) ** 2).to(image.dtype)


def median3(image: torch.Tensor) -> torch.Tensor:
    """3×3 median. Sorts each column of three, then takes the median of (largest minimum, median of medians,
    smallest maximum).
    """
    height, width = image.shape[-2:]
    padded = F.pad(image, [1] * 4, mode="replicate")
    low, middle, high = _sort3(*(padded[..., k : k + height, :] for k in range(3)))
    columns = [[part[..., k : k + width] for k in range(3)] for part in (low, middle, high)]
    largest_minimum = torch.maximum(torch.maximum(columns[0][0], columns[0][1]), columns[0][2])
    smallest_maximum = torch.minimum(torch.minimum(columns[2][0], columns[2][1]), columns[2][2])
    return _sort3(largest_minimum, _sort3(*columns[1])[1], smallest_maximum)[1]


def _sort3(
    a: torch.Tensor, b: torch.Tensor, c: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    a, b = torch.minimum(a, b), torch.maximum(a, b)
    b, c = torch.minimum(b, c), torch.maximum(b, c)
    a, b = torch.minimum(a, b), torch.maximum(a, b)
    return a, b, c


def stronger(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """The coefficient of larger magnitude at each place; ``first`` where both are equally strong."""
    return torch.where(first.abs() >= second.abs(), first, second)
