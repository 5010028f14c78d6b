"""The common metrics in convention `cddfuse`, for whole batches on any torch device, differentiable where
the formula is.

Images are N×1×H×W float32 or float64 tensors of grey levels 0…255 (integers for EN, MI and the equality tests
of Qabf); every function returns N values. In float64 they equal the CPU kernels to 1e-9, in float32 to about
1e-4. Where a metric has no value (a constant image, say) the result is NaN; `scoring` knows the reason. EN
and MI count levels and have no gradient; the others (`DIFFERENTIABLE`) do, with respect to every image,
finite on integer levels too. Qabf's is that of its smooth parts, and a root's is taken as 0 at 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from fusionbench.errors import InputError

from ..metrics.ssim import WANG_WEIGHTS

DIFFERENTIABLE = frozenset(
    {"SD", "SF", "AG", "CC", "SCD", "MSE", "RMSE", "PSNR", "VIF", "Qabf", "SSIM", "MS-SSIM"}
)
_HALF_PI = math.pi / 2


def _check(*images: Tensor) -> None:
    shapes = {tuple(image.shape) for image in images}
    if len(shapes) != 1 or images[0].ndim != 4 or images[0].shape[1] != 1:
        raise InputError(
            "batched metrics take N×1×H×W tensors of one shape, got"
            f" {', '.join(str(tuple(i.shape)) for i in images)}"
        )
    if not all(image.is_floating_point() for image in images):
        raise InputError(
            "batched metrics take float32 or float64 tensors of levels 0…255; call .double() on uint8 images"
        )


def _mean(values: Tensor) -> Tensor:
    return values.flatten(1).mean(1)


def _square_root(values: Tensor) -> Tensor:
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
    """EN in bits."""
    return _entropy_of_counts(_counts(_levels(fused), 256, fused.dtype)) / math.log(2)


def mutual_information(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """MI = I(A;F) + I(B;F) in nats."""
    total = torch.zeros(fused.shape[0], dtype=fused.dtype, device=fused.device)
    f = _levels(fused)
    for source in (infrared, visible):
        joint = _counts(_levels(source) * 256 + f, 65536, fused.dtype)
        table = joint.reshape(-1, 256, 256)
        total = (
            total
            + _entropy_of_counts(table.sum(2))
            + _entropy_of_counts(table.sum(1))
            - _entropy_of_counts(joint)
        )
    return total.clamp_min(0)


def standard_deviation(fused: Tensor) -> Tensor:
    """SD, population."""
    centred = fused - fused.mean((1, 2, 3), keepdim=True)
    return _square_root(_mean(centred**2))


def spatial_frequency(fused: Tensor) -> Tensor:
    """SF; NaN below 2×2 pixels."""
    rows, columns = fused[..., 1:] - fused[..., :-1], fused[..., 1:, :] - fused[..., :-1, :]
    return (
        _square_root(_mean(rows**2) + _mean(columns**2)) if rows.numel() and columns.numel() else _nan(fused)
    )


def average_gradient(fused: Tensor) -> Tensor:
    """AG; NaN below 2×2 pixels."""
    if min(fused.shape[-2:]) < 2:
        return _nan(fused)
    gy, gx = torch.gradient(fused, dim=(-2, -1))
    return _mean(_square_root((gx**2 + gy**2) / 2))


def _nan(image: Tensor) -> Tensor:
    return torch.full((image.shape[0],), math.nan, dtype=image.dtype, device=image.device)


def _pearson(x: Tensor, y: Tensor) -> Tensor:
    x = x - x.mean((1, 2, 3), keepdim=True)
    y = y - y.mean((1, 2, 3), keepdim=True)
    # 0/0 for a constant image gives the NaN that is meant.
    return _mean(x * y) / (torch.sqrt(_mean(x * x)) * torch.sqrt(_mean(y * y)))


def correlation_coefficient(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """CC; NaN where an image is constant."""
    return (_pearson(infrared, fused) + _pearson(visible, fused)) / 2


def sum_of_correlations_of_differences(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """SCD; NaN where a source or a difference is constant."""
    return _pearson(fused - visible, infrared) + _pearson(fused - infrared, visible)


def mean_squared_error(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """MSE in squared grey levels."""
    return (_mean((infrared - fused) ** 2) + _mean((visible - fused) ** 2)) / 2


def root_mean_squared_error(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """RMSE = (√mse(A,F) + √mse(B,F))/2 in grey levels (convention `corrected`)."""
    errors = [_square_root(_mean((source - fused) ** 2)) for source in (infrared, visible)]
    return (errors[0] + errors[1]) / 2


def peak_signal_to_noise_ratio(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """PSNR with the fused image's maximum as peak; NaN where it would be infinite."""
    error, peak = mean_squared_error(infrared, visible, fused), fused.flatten(1).amax(1)
    value = 10 * torch.log10(peak**2 / error)
    return torch.where(value.isfinite(), value, torch.full_like(value, math.nan))


def _gaussian(size: int, sigma: float, like: Tensor) -> Tensor:
    offsets = torch.arange(size, dtype=torch.float64) - size // 2
    taps = torch.exp(-(offsets**2) / (2 * sigma**2))
    return (taps / taps.sum()).to(like)


def _filter(images: Tensor, taps: Tensor, stride: int = 1) -> Tensor:
    """Separable 'valid' filtering of each channel."""
    batch, channels, height, width = images.shape
    flat = images.reshape(batch * channels, 1, height, width)
    flat = functional.conv2d(flat, taps.reshape(1, 1, -1, 1), stride=(stride, 1))
    flat = functional.conv2d(flat, taps.reshape(1, 1, 1, -1), stride=(1, stride))
    return flat.reshape(batch, channels, *flat.shape[-2:])


def _moments(a: Tensor, b: Tensor, f: Tensor, taps: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """(source means, fused mean, source variances, fused variance, covariances) per window; sources as two
    channels.
    """
    local = _filter(torch.cat((a, b, f, a * a, b * b, f * f, a * f, b * f), 1), taps)
    mean, fused_mean = local[:, :2], local[:, 2:3]
    return (
        mean,
        fused_mean,
        local[:, 3:5] - mean**2,
        local[:, 5:6] - fused_mean**2,
        local[:, 6:8] - mean * fused_mean,
    )


def visual_information_fidelity(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """VIF = vifp(A,F) + vifp(B,F); NaN below 41×41 pixels and where a source is constant."""
    if min(fused.shape[-2:]) < 41:
        return _nan(fused)
    images = torch.cat((infrared, visible, fused), 1)
    if images.dtype == torch.float32:
        # Variances don't feel a shift, but E[x²] − E[x]² loses fewer digits.
        images = images - images.detach().mean((2, 3), keepdim=True)
    numerator = denominator = torch.zeros(1, dtype=fused.dtype, device=fused.device)
    zero = torch.zeros((), dtype=fused.dtype, device=fused.device)
    for scale in range(1, 5):
        size = 2 ** (5 - scale) + 1
        taps = _gaussian(size, size / 5, fused)
        if scale > 1:
            images = _filter(images, taps, stride=2)
        _, _, s1, s2, s12 = _moments(images[:, :1], images[:, 1:2], images[:, 2:], taps)
        s1, s2 = s1.clamp_min(0), s2.clamp_min(0)
        g = s12 / (s1 + 1e-10)
        sv = s2 - g * s12
        flat = s1 < 1e-10
        g, sv, s1 = (
            torch.where(flat, zero, g),
            torch.where(flat, s2.expand_as(sv), sv),
            torch.where(flat, zero, s1),
        )
        flat = (s2 < 1e-10).expand_as(g)
        g, sv = torch.where(flat, zero, g), torch.where(flat, zero, sv)
        negative = g < 0
        sv, g = torch.where(negative, s2.expand_as(sv), sv).clamp_min(1e-10), torch.where(negative, zero, g)
        numerator = numerator + torch.log10(1 + g**2 * s1 / (sv + 2)).sum((2, 3))
        denominator = denominator + torch.log10(1 + s1 / 2).sum((2, 3))
    return (numerator / denominator).sum(1)


def structural_similarity(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """SSIM(A,F) + SSIM(B,F): Gaussian 11×11, σ = 1.5, whole windows, L = 255 (convention `vifb` on grey
    levels); NaN below 11×11 pixels.
    """
    if min(fused.shape[-2:]) < 11:
        return _nan(fused)
    similarity, _ = _similarities(infrared, visible, fused)
    return similarity.sum(1)


def _similarities(a: Tensor, b: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
    """Mean SSIM and mean contrast-structure term of each source: two N×2 tensors."""
    mean, fused_mean, v1, v2, v12 = _moments(a, b, f, _gaussian(11, 1.5, f))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    structure = (2 * v12 + c2) / (v1 + v2 + c2)
    luminance = (2 * mean * fused_mean + c1) / (mean**2 + fused_mean**2 + c1)
    return (structure * luminance).mean((2, 3)), structure.mean((2, 3))


def multi_scale_structural_similarity(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """Sum of Wang's MS-SSIM with both sources, five scales, L = 255 (convention `ivif-zoo`); NaN below
    161×161 pixels.
    """
    if min(fused.shape[-2:]) < 161:
        return _nan(fused)
    images = [infrared, visible, fused]
    product = torch.ones((fused.shape[0], 2), dtype=fused.dtype, device=fused.device)
    for scale, weight in enumerate(WANG_WEIGHTS):
        if scale:
            height, width = images[0].shape[-2:]
            images = [
                functional.avg_pool2d(functional.pad(i, (0, width % 2, 0, height % 2), mode="replicate"), 2)
                for i in images
            ]
        similarity, structure = _similarities(*images)
        last = scale == len(WANG_WEIGHTS) - 1
        product = product * (similarity if last else structure).clamp_min(0) ** weight
    return product.sum(1)


def _edges(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Squared Sobel strength, strength, and orientation; zero border."""
    x = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]).to(image)
    y = torch.tensor([[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]]).to(image)
    gradient = functional.conv2d(image, torch.stack((x, y))[:, None], padding=1)
    dx, dy = gradient[:, :1], gradient[:, 1:]
    square = dx**2 + dy**2
    vertical = dx == 0
    angle = torch.where(
        vertical,
        torch.full_like(dx, _HALF_PI),
        torch.atan(dy / torch.where(vertical, torch.ones_like(dx), dx)),
    )
    return square, _square_root(square), angle


def qabf(
    infrared: Tensor, visible: Tensor, fused: Tensor, *, wrapped: bool = False, equal_gain: float = 1.0
) -> Tensor:
    """Qabf; NaN where both sources are zero everywhere. `wrapped` and `equal_gain` as in `qabf.qabf`."""
    square_f, g_f, angle_f = _edges(fused)
    weighted = weight = torch.zeros(1, dtype=fused.dtype, device=fused.device)
    for source in (infrared, visible):
        square, g, angle = _edges(source)
        larger = torch.maximum(g, g_f)
        ratio = torch.minimum(g, g_f) / torch.where(larger > 0, larger, torch.ones_like(larger))
        equal = g_f * equal_gain if equal_gain else torch.ones_like(g_f)
        strength = torch.where(square == square_f, equal, ratio)
        turn = (angle - angle_f).abs()
        turn = _HALF_PI - (turn - _HALF_PI).abs() if wrapped else turn
        orientation = 1 - turn / _HALF_PI
        kept = (
            0.9994 * torch.sigmoid(15 * (strength - 0.5)) * 0.9879 * torch.sigmoid(22 * (orientation - 0.8))
        )
        weighted = weighted + (kept * g).flatten(1).sum(1)
        weight = weight + g.flatten(1).sum(1)
    return weighted / weight


METRICS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "EN": lambda a, b, f: entropy(f),
    "SD": lambda a, b, f: standard_deviation(f),
    "SF": lambda a, b, f: spatial_frequency(f),
    "AG": lambda a, b, f: average_gradient(f),
    "MI": mutual_information,
    "SCD": sum_of_correlations_of_differences,
    "CC": correlation_coefficient,
    "VIF": visual_information_fidelity,
    "Qabf": qabf,
    "MSE": mean_squared_error,
    "RMSE": root_mean_squared_error,
    "PSNR": peak_signal_to_noise_ratio,
    "SSIM": structural_similarity,
    "MS-SSIM": multi_scale_structural_similarity,
}
EIGHT = ("EN", "SD", "SF", "AG", "MI", "SCD", "VIF", "Qabf")


def score_batch(
    infrared: Tensor, visible: Tensor, fused: Tensor, metrics: Sequence[str] = EIGHT
) -> dict[str, Tensor]:
    """Several metrics of a batch: {name: N values}, on the tensors' device and in their precision.

    All but RMSE, SSIM and MS-SSIM (see their docstrings) follow convention `cddfuse`. Raises ``InputError``
    for shapes, types or names it doesn't know.
    """
    _check(infrared, visible, fused)
    unknown = [name for name in metrics if name not in METRICS]
    if unknown:
        raise InputError(f"no batched metric {unknown[0]!r}; there are: {', '.join(METRICS)}")
    return {name: METRICS[name](infrared, visible, fused) for name in metrics}
