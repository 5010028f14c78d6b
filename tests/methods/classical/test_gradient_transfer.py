"""GTF against closed forms of TV-ℓ1 denoising, and against an independent convex solution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from fusionbench.methods.classical import gradient_transfer as gtf


def test_divergence_is_the_negative_adjoint_of_the_gradient() -> None:
    generator = torch.Generator().manual_seed(0)
    image, other = (torch.randn(2, 1, 7, 5, generator=generator, dtype=torch.float64) for _ in range(2))
    p, q = gtf.gradient(image)
    r, s = gtf.gradient(other)
    forward = (p * r + q * s).sum()
    assert forward.item() == pytest.approx(-(image * gtf.divergence(r, s)).sum().item())


def test_a_hot_object_larger_than_the_balance_keeps_its_temperature_and_a_small_one_vanishes() -> None:
    visible = torch.full((1, 1, 64, 64), 0.5)
    infrared = torch.full((1, 1, 64, 64), 0.2)
    infrared[..., 10:50, 10:50] = 0.9  # TV-ℓ1 removes what has area < λ · perimeter: here 1600 > 4 · 160
    infrared[..., 56:60, 56:60] = 0.9  # and here 16 < 4 · 16
    fused = gtf.fuse_gradient_transfer(infrared, visible, balance=4.0, steps=1500, primal_step=0.01)[0, 0]
    assert fused[30, 30].item() == pytest.approx(0.9, abs=0.01)
    assert fused[58, 58].item() == pytest.approx(0.2, abs=0.01)


def test_a_constant_offset_between_the_sources_goes_with_the_infrared() -> None:
    visible = 0.3 + 0.3 * torch.rand(1, 1, 20, 30, generator=torch.Generator().manual_seed(1))
    fused = gtf.fuse_gradient_transfer(visible + 0.2, visible, balance=4.0, steps=50, primal_step=0.01)
    torch.testing.assert_close(fused, visible + 0.2, atol=1e-5, rtol=0)


def test_one_row_reaches_the_minimum_found_by_linear_programming() -> None:
    """In one dimension the problem is a linear programme: minimise Σ a + λ Σ b with a ≥ ±(y − g), b ≥ ±∇y."""
    generator = torch.Generator().manual_seed(2)
    n, balance = 40, 2.0
    infrared, visible = (torch.rand(1, 1, 1, n, generator=generator) for _ in range(2))
    target = (infrared - visible)[0, 0, 0].double().numpy()
    difference = np.eye(n, k=1)[:-1] - np.eye(n)[:-1]
    identity, zero = np.eye(n), np.zeros
    upper = np.block(
        [
            [identity, -identity, zero((n, n - 1))],
            [-identity, -identity, zero((n, n - 1))],
            [difference, zero((n - 1, n)), -np.eye(n - 1)],
            [-difference, zero((n - 1, n)), -np.eye(n - 1)],
        ]
    )
    bound = np.concatenate([target, -target, zero(2 * n - 2)])
    cost = np.concatenate([zero(n), np.ones(n), np.full(n - 1, balance)])
    best = (
        linprog(cost, A_ub=upper, b_ub=bound, bounds=[(None, None)] * n + [(0, None)] * (2 * n - 1)).fun / n
    )
    fused = gtf.fuse_gradient_transfer(infrared, visible, balance=balance, steps=3000, primal_step=0.02)
    assert gtf.objective(fused, infrared, visible, balance).item() == pytest.approx(best, rel=2e-3)
