"""GTF: Ma, Chen, Li & Huang, "Infrared and visible image fusion via gradient transfer and total variation
minimization", Information Fusion 31, 2016, 100–109.

The fused image x keeps the infrared intensities u and the visible gradients ∇v: min ‖x − u‖₁ + λ‖∇x − ∇v‖₁.
With y = x − v that is TV-ℓ1 denoising of u − v. Theirs is solved by iteratively reweighted norms, ours by the
first-order primal-dual method of Chambolle & Pock (J. Math. Imaging Vis. 40, 2011, Alg. 1), which needs no
linear solver and runs on any device.
"""

from __future__ import annotations

import torch

from .adapter import method_of


def gradient(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Forward differences along x and y, zero at the last column and row; N×1×H×W each."""
    horizontal, vertical = torch.zeros_like(image), torch.zeros_like(image)
    torch.sub(image[..., 1:], image[..., :-1], out=horizontal[..., :-1])
    torch.sub(image[..., 1:, :], image[..., :-1, :], out=vertical[..., :-1, :])
    return horizontal, vertical


def divergence(horizontal: torch.Tensor, vertical: torch.Tensor) -> torch.Tensor:
    """The negative adjoint of ``gradient``, for fields that are zero in the last column (row)."""
    result = horizontal + vertical
    result[..., 1:] -= horizontal[..., :-1]
    result[..., 1:, :] -= vertical[..., :-1, :]
    return result


def objective(
    fused: torch.Tensor, infrared: torch.Tensor, visible: torch.Tensor, balance: float
) -> torch.Tensor:
    """‖x − u‖₁ + λ‖∇(x − v)‖₁ (isotropic) per image, divided by the number of pixels; N."""
    horizontal, vertical = gradient(fused - visible)
    return ((fused - infrared).abs() + balance * torch.hypot(horizontal, vertical)).mean((-3, -2, -1))


def fuse_gradient_transfer(
    infrared: torch.Tensor, visible: torch.Tensor, *, balance: float, steps: int, primal_step: float
) -> torch.Tensor:
    """Fuse N×1×H×W sources in [0,1]. ``balance`` is λ (published: 4); ``steps`` and ``primal_step`` (τ)
    control the solver only.
    """
    dual_step = 1 / (8 * primal_step)  # τσ‖∇‖² ≤ 1 with ‖∇‖² ≤ 8
    target = infrared - visible
    current, leading = target, target
    horizontal, vertical = torch.zeros_like(target), torch.zeros_like(target)
    for _ in range(steps):
        ahead, below = gradient(leading)
        horizontal = horizontal.add_(ahead, alpha=dual_step)
        vertical = vertical.add_(below, alpha=dual_step)
        excess = torch.hypot(horizontal, vertical).div_(balance).clamp_(min=1)
        horizontal, vertical = horizontal.div_(excess), vertical.div_(excess)
        residual = current - target + primal_step * divergence(horizontal, vertical)
        updated = target + torch.nn.functional.softshrink(residual, primal_step)
        leading = 2 * updated - current
        current = updated
    return visible + current


build = method_of(fuse_gradient_transfer)
