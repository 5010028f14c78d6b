"""Measures of fused images on torch tensors, differentiable where the formula is. Each is defined here once.

The batched quality evaluator scores whole batches with them; a method may train on them. Images are
N×1×H×W float tensors of grey levels 0…255, on any device and in any floating precision; a measure returns N
values. In float64 they equal the definitions in `evaluators/quality/metrics` to 1e-9, in float32 to about
1e-4. Where a measure has no value (a constant image, for example) the result is NaN, unless a `floor` is
given. `entropy` and `mutual_information` count levels and have no gradient.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

VIF_NOISE_VARIANCE = 2.0
"""Variance of the visual system's internal noise in vifp, in squared grey levels (Sheikh & Bovik, 2006)."""
VIF_SMALLEST = 41
"""The least height and width of an image that vifp's four scales fit into."""


def mean(values: Tensor) -> Tensor:
    """The mean of each image, shape N."""
    return values.flatten(1).mean(1)


def not_a_number(image: Tensor) -> Tensor:
    """N times NaN."""
    return torch.full((image.shape[0],), math.nan, dtype=image.dtype, device=image.device)


def square_root(values: Tensor) -> Tensor:
    """√ with gradient 0 (not ∞) at 0."""
    positive = values > 0
    return torch.where(
        positive, torch.sqrt(torch.where(positive, values, torch.ones_like(values))), torch.zeros_like(values)
    )


def _levels(image: Tensor) -> Tensor:
    return image.detach().round().clamp(0, 255).to(torch.int64).flatten(1)


def _entropy_of_counts(counts: Tensor) -> Tensor:
    """−Σ p ln p along the last axis, in nats."""
    p = counts / counts.sum(-1, keepdim=True)
    entropy: Tensor = torch.special.entr(p).sum(-1)
    return entropy


def _counts(index: Tensor, bins: int, dtype: torch.dtype) -> Tensor:
    batch = index.shape[0]
    offset = torch.arange(batch, device=index.device)[:, None] * bins
    return torch.bincount((index + offset).flatten(), minlength=batch * bins).reshape(batch, bins).to(dtype)


def entropy(fused: Tensor) -> Tensor:
    """EN in bits, of the rounded levels."""
    return _entropy_of_counts(_counts(_levels(fused), 256, fused.dtype)) / math.log(2)


def mutual_information(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """MI = I(A;F) + I(B;F) in nats, of the rounded levels."""
    total = torch.zeros(fused.shape[0], dtype=fused.dtype, device=fused.device)
    f = _levels(fused)
    for source in (infrared, visible):
        joint = _counts(_levels(source) * 256 + f, 65536, fused.dtype)
        table = joint.reshape(-1, 256, 256)
        singles = _entropy_of_counts(table.sum(2)) + _entropy_of_counts(table.sum(1))
        total = total + singles - _entropy_of_counts(joint)
    return total.clamp_min(0)


def standard_deviation(fused: Tensor) -> Tensor:
    """SD: the population standard deviation in grey levels."""
    centred = fused - fused.mean((1, 2, 3), keepdim=True)
    return square_root(mean(centred**2))


def spatial_frequency(fused: Tensor) -> Tensor:
    """SF: the root of the mean squared differences along rows and columns; NaN below 2×2 pixels."""
    if min(fused.shape[-2:]) < 2:
        return not_a_number(fused)
    return square_root(mean(fused.diff(dim=-1) ** 2) + mean(fused.diff(dim=-2) ** 2))


def correlation(first: Tensor, second: Tensor, floor: float = 0.0) -> Tensor:
    """Pearson's correlation.

    Where an image is constant it is NaN; with a `floor` (added to the product of the variances) it is 0 there
    and its gradient stays finite.
    """
    first = first - first.mean((1, 2, 3), keepdim=True)
    second = second - second.mean((1, 2, 3), keepdim=True)
    variances = mean(first * first), mean(second * second)
    if floor:
        return mean(first * second) / torch.sqrt(variances[0] * variances[1] + floor)
    return mean(first * second) / (torch.sqrt(variances[0]) * torch.sqrt(variances[1]))


def sum_of_correlations_of_differences(
    infrared: Tensor, visible: Tensor, fused: Tensor, floor: float = 0.0
) -> Tensor:
    """SCD = r(F − B, A) + r(F − A, B) (Aslantas & Bendes, 2015); `floor` as in `correlation`."""
    return correlation(fused - visible, infrared, floor) + correlation(fused - infrared, visible, floor)


@lru_cache(maxsize=32)
def _gaussian_band(
    length: int, taps: int, sigma: float, stride: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """The matrix (outputs × length) that filters a signal with a 'valid' Gaussian, every `stride`-th output."""
    # A tensor made in inference mode may not take part in training later, and this one is kept.
    with torch.inference_mode(False):
        offsets = torch.arange(taps, dtype=torch.float64) - (taps - 1) / 2
        window = torch.exp(-(offsets**2) / (2 * sigma**2))
        window = (window / window.sum()).to(dtype)
        outputs = (length - taps) // stride + 1
        band = torch.zeros(outputs, length, dtype=dtype)
        for row in range(outputs):
            band[row, row * stride : row * stride + taps] = window
        return band.to(device)


def gaussian_windows(images: Tensor, taps: int, sigma: float, stride: int = 1) -> Tensor:
    """Gaussian means over whole windows of the last two axes, every `stride`-th in both directions.

    Two matrix products instead of a convolution: on a CPU they are two to six times faster up to 1500×2000.
    """
    height, width = images.shape[-2:]
    rows = _gaussian_band(height, taps, sigma, stride, images.dtype, images.device)
    columns = _gaussian_band(width, taps, sigma, stride, images.dtype, images.device)
    return rows @ images @ columns.T


class Moments(NamedTuple):
    """First and second moments of windows: N×K maps of K references, N×1 of the other image."""

    mean: Tensor
    other_mean: Tensor
    variance: Tensor
    other_variance: Tensor
    covariance: Tensor


def window_moments(references: Tensor, other: Tensor, taps: int, sigma: float) -> Moments:
    """Gaussian-weighted moments of N×K references and of another N×1 image in every whole window."""
    k = references.shape[1]
    stack = (references, other, references * references, other * other, references * other)
    local = gaussian_windows(torch.cat(stack, 1), taps, sigma)
    means, other_mean = local[:, :k], local[:, k : k + 1]
    return Moments(
        means,
        other_mean,
        local[:, k + 1 : 2 * k + 1] - means**2,
        local[:, 2 * k + 1 : 2 * k + 2] - other_mean**2,
        local[:, 2 * k + 2 :] - means * other_mean,
    )


def pixel_visual_information_fidelity(references: Tensor, distorted: Tensor, floor: float = 0.0) -> Tensor:
    """vifp of an N×1 image against each of N×K references: N×K values (Sheikh & Bovik, 2006, pixel domain).

    NaN below 41×41 pixels and where a reference is constant; with a `floor` (the least denominator) it is 0
    where a reference is constant.
    """
    count = references.shape[1]
    if min(distorted.shape[-2:]) < VIF_SMALLEST:
        return not_a_number(distorted)[:, None].expand(-1, count)
    images = torch.cat((references, distorted), 1)
    if images.dtype == torch.float32:
        # Variances don't feel a shift, but E[x²] − E[x]² loses fewer digits.
        images = images - images.detach().mean((2, 3), keepdim=True)
    gained = available = torch.zeros(1, dtype=images.dtype, device=images.device)
    zero = torch.zeros((), dtype=images.dtype, device=images.device)
    for scale in range(1, 5):
        taps = 2 ** (5 - scale) + 1
        if scale > 1:
            images = gaussian_windows(images, taps, taps / 5, stride=2)
        local = window_moments(images[:, :count], images[:, count:], taps, taps / 5)
        s1, s2 = local.variance.clamp_min(0), local.other_variance.clamp_min(0).expand_as(local.variance)
        gain = local.covariance / (s1 + 1e-10)
        noise = s2 - gain * local.covariance
        # Without signal in the reference, without signal in the image, or with the contrast inverted, there is
        # no gain: all of the image's variance is noise.
        flat, blank = s1 < 1e-10, s2 < 1e-10
        lost = flat | blank | (gain < 0)
        gain, noise = torch.where(lost, zero, gain), torch.where(lost, s2, noise).clamp_min(1e-10)
        s1 = torch.where(flat, zero, s1)
        gained = gained + torch.log10(1 + gain**2 * s1 / (noise + VIF_NOISE_VARIANCE)).sum((2, 3))
        available = available + torch.log10(1 + s1 / VIF_NOISE_VARIANCE).sum((2, 3))
    return gained / (available.clamp_min(floor) if floor else available)


def visual_information_fidelity(
    infrared: Tensor, visible: Tensor, fused: Tensor, floor: float = 0.0
) -> Tensor:
    """VIF = vifp(A,F) + vifp(B,F); NaN and `floor` as in `pixel_visual_information_fidelity`."""
    return pixel_visual_information_fidelity(torch.cat((infrared, visible), 1), fused, floor).sum(1)


def sobel(image: Tensor, border: Literal["replicate", "constant"] = "replicate") -> tuple[Tensor, Tensor]:
    """Horizontal (right minus left) and vertical (below minus above) Sobel responses of N×C×H×W.

    Unnormalised: a unit ramp gives 8. Beyond the border the image is repeated, or zero (`constant`). The mask
    is applied as its two parts, [1 2 1] and [-1 0 1], which is several times faster on a CPU than a
    one-channel convolution; on integer levels both are exact.
    """
    padded = F.pad(image, (1, 1, 1, 1), mode=border)
    smooth_rows = padded[..., :-2, :] + 2 * padded[..., 1:-1, :] + padded[..., 2:, :]
    smooth_columns = padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:]
    horizontal = smooth_rows[..., 2:] - smooth_rows[..., :-2]
    vertical = smooth_columns[..., 2:, :] - smooth_columns[..., :-2, :]
    return horizontal, vertical


def kept_edges(strength: Tensor, orientation: Tensor) -> Tensor:
    """Q^XF = Q_g·Q_α of Qabf from relative strength G and orientation A (Xydeas & Petrović, 2000, eq. 5 to 7)."""
    return 0.9994 * torch.sigmoid(15 * (strength - 0.5)) * 0.9879 * torch.sigmoid(22 * (orientation - 0.8))
