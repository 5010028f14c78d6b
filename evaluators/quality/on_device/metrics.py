"""The common metrics in convention `cddfuse`, for whole batches on any torch device, differentiable where
the formula is.

Those that methods train on, too, come from `fusionbench.images.measures`; its docstring says what all take and
return. Here levels are integers for EN, MI and the equality tests of Qabf. Where a metric has no value (a
constant image, for example) the result is NaN; `scoring` knows the reason. EN and MI count levels and have no
gradient; the others (`DIFFERENTIABLE`) do, with respect to every image, finite on integer levels too. Qabf's
is that of its smooth parts, and a root's is taken as 0 at 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from fusionbench.errors import InputError
from fusionbench.images.measures import (
    correlation,
    entropy,
    kept_edges,
    mean,
    mutual_information,
    not_a_number,
    sobel,
    spatial_frequency,
    square_root,
    standard_deviation,
    sum_of_correlations_of_differences,
    visual_information_fidelity,
    window_moments,
)

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


def average_gradient(fused: Tensor) -> Tensor:
    """AG; NaN below 2×2 pixels."""
    if min(fused.shape[-2:]) < 2:
        return not_a_number(fused)
    gy, gx = torch.gradient(fused, dim=(-2, -1))
    return mean(square_root((gx**2 + gy**2) / 2))


def correlation_coefficient(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """CC; NaN where an image is constant."""
    return (correlation(infrared, fused) + correlation(visible, fused)) / 2


def mean_squared_error(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """MSE in squared grey levels."""
    return (mean((infrared - fused) ** 2) + mean((visible - fused) ** 2)) / 2


def root_mean_squared_error(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """RMSE = (√mse(A,F) + √mse(B,F))/2 in grey levels (convention `corrected`)."""
    errors = [square_root(mean((source - fused) ** 2)) for source in (infrared, visible)]
    return (errors[0] + errors[1]) / 2


def peak_signal_to_noise_ratio(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """PSNR with the fused image's maximum as peak; NaN where it would be infinite."""
    error, peak = mean_squared_error(infrared, visible, fused), fused.flatten(1).amax(1)
    value = 10 * torch.log10(peak**2 / error)
    return torch.where(value.isfinite(), value, torch.full_like(value, math.nan))


def structural_similarity(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """SSIM(A,F) + SSIM(B,F): Gaussian 11×11, σ = 1.5, whole windows, L = 255 (convention `vifb` on grey
    levels); NaN below 11×11 pixels.
    """
    if min(fused.shape[-2:]) < 11:
        return not_a_number(fused)
    similarity, _ = _similarities(infrared, visible, fused)
    return similarity.sum(1)


def _similarities(a: Tensor, b: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
    """Mean SSIM and mean contrast-structure term of each source: two N×2 tensors."""
    local = window_moments(torch.cat((a, b), 1), f, 11, 1.5)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    structure = (2 * local.covariance + c2) / (local.variance + local.other_variance + c2)
    luminance = (2 * local.mean * local.other_mean + c1) / (local.mean**2 + local.other_mean**2 + c1)
    return (structure * luminance).mean((2, 3)), structure.mean((2, 3))


def multi_scale_structural_similarity(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    """Sum of Wang's MS-SSIM with both sources, five scales, L = 255 (convention `ivif-zoo`); NaN below
    161×161 pixels.
    """
    if min(fused.shape[-2:]) < 161:
        return not_a_number(fused)
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
    dx, dy = sobel(image, border="constant")
    dx = -dx  # a true convolution turns the horizontal mask around
    square = dx**2 + dy**2
    vertical = dx == 0
    slope = dy / torch.where(vertical, torch.ones_like(dx), dx)
    angle = torch.where(vertical, torch.full_like(dx, _HALF_PI), torch.atan(slope))
    return square, square_root(square), angle


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
        kept = kept_edges(strength, orientation)
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
