"""Diffusion of the five-channel I0 (3.4): forward process, posterior, noise loss, DDIM and ancestral DDPM
sampling.

Time steps are 1..T as in the paper; index 0 of a schedule's arrays is t = 0, where nothing is noisy (ᾱ_0 =
1). The network is told the continuous noise level sqrt(ᾱ), not t, as in SR3 and WaveGrad. Sampling always
runs on a strided subset of the training schedule: re-spacing β instead would end at another ᾱ than the one
trained for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""(noisy N×C×H×W, noise level sqrt(ᾱ) N) → predicted noise N×C×H×W."""


@dataclass(frozen=True)
class Schedule:
    """β_t and ᾱ_t for t = 0..T (float64, T+1 values; β_0 = 0, ᾱ_0 = 1)."""

    beta: Tensor
    alpha_bar: Tensor

    @property
    def timesteps(self) -> int:
        """T, the highest time step."""
        return self.beta.numel() - 1


def linear_schedule(timesteps: int = 1000, beta_start: float = 1e-6, beta_end: float = 1e-2) -> Schedule:
    """β linear from `beta_start` (t = 1) to `beta_end` (t = T); ᾱ_t is the product of α = 1 − β (below Eq.
    7).
    """
    rising = torch.linspace(beta_start, beta_end, timesteps, dtype=torch.float64, device="cpu")
    beta = torch.cat((rising.new_zeros(1), rising))
    return Schedule(beta, torch.cumprod(1 - beta, dim=0))


def strided_timesteps(t_start: int, steps: int) -> list[int]:
    """`steps` distinct time steps from `t_start` down, evenly spaced, the last interval ending at 0: (20, 2)
    → [20, 10].
    """
    if not 1 <= steps <= t_start:
        raise ValueError(f"cannot take {steps} steps from t = {t_start}")
    return [round(t_start * (steps - index) / steps) for index in range(steps)]


def diffuse_step(previous: Tensor, beta: float, noise: Tensor) -> Tensor:
    """Eq. 6: one forward step, I_t = sqrt(α_t) I_{t−1} + sqrt(1 − α_t) ε."""
    noisy: Tensor = (1 - beta) ** 0.5 * previous + beta**0.5 * noise
    return noisy


def diffuse(clean: Tensor, noise: Tensor, level: Tensor | float) -> Tensor:
    """Eq. 7: I_t = sqrt(ᾱ) I_0 + sqrt(1 − ᾱ) ε, with `level` = sqrt(ᾱ), a number or one per image (N)."""
    if isinstance(level, Tensor):
        level = level.reshape(-1, 1, 1, 1)
        return level * clean + (1 - level**2).clamp_min(0).sqrt() * noise
    noisy: Tensor = level * clean + max(0.0, 1 - level**2) ** 0.5 * noise
    return noisy


def predict_clean(noisy: Tensor, noise: Tensor, alpha_bar: float) -> Tensor:
    """Eq. 7 solved for I_0, given the (predicted) noise."""
    clean: Tensor = (noisy - (1 - alpha_bar) ** 0.5 * noise) / alpha_bar**0.5
    return clean


def posterior_mean(noisy: Tensor, noise: Tensor, schedule: Schedule, t: int) -> Tensor:
    """Eq. 11: mean of I_{t−1} given I_t and the predicted noise."""
    beta, alpha_bar = float(schedule.beta[t]), float(schedule.alpha_bar[t])
    mean: Tensor = (noisy - beta / (1 - alpha_bar) ** 0.5 * noise) / (1 - beta) ** 0.5
    return mean


def posterior_variance(schedule: Schedule, t: int) -> float:
    """Eq. 10: σ_t² = (1 − ᾱ_{t−1}) / (1 − ᾱ_t) · β_t; 0 at t = 1."""
    return float((1 - schedule.alpha_bar[t - 1]) / (1 - schedule.alpha_bar[t]) * schedule.beta[t])


def ancestral_step(noisy: Tensor, noise: Tensor, schedule: Schedule, t: int, fresh: Tensor) -> Tensor:
    """Eq. 9: a draw of I_{t−1} from N(μ_θ, σ_t²), with `fresh` standard normal noise."""
    drawn: Tensor = posterior_mean(noisy, noise, schedule, t) + posterior_variance(schedule, t) ** 0.5 * fresh
    return drawn


def ddim_step(
    noisy: Tensor, noise: Tensor, alpha_bar: float, alpha_bar_next: float, clip: bool = False
) -> Tensor:
    """Deterministic DDIM step (Song et al., 2021, η = 0) from ᾱ to ᾱ_next: Eq. 7 solved for I_0, then applied
    again.
    """
    clean = predict_clean(noisy, noise, alpha_bar)
    if clip:
        clean = clean.clamp(-1, 1)
        noise = (noisy - alpha_bar**0.5 * clean) / (1 - alpha_bar) ** 0.5
    less_noisy: Tensor = alpha_bar_next**0.5 * clean + (1 - alpha_bar_next) ** 0.5 * noise
    return less_noisy


def ddim_sample(
    denoiser: Denoiser, noisy: Tensor, schedule: Schedule, timesteps: list[int], clip: bool = False
) -> Tensor:
    """Run DDIM over `timesteps` (descending, the first is the level of `noisy`) and on to t = 0; returns
    I_0.
    """
    for t, t_next in zip(timesteps, [*timesteps[1:], 0], strict=True):
        alpha_bar, alpha_bar_next = float(schedule.alpha_bar[t]), float(schedule.alpha_bar[t_next])
        level = torch.full((noisy.shape[0],), alpha_bar**0.5, device=noisy.device)
        noisy = ddim_step(noisy, denoiser(noisy, level), alpha_bar, alpha_bar_next, clip)
    return noisy


def ddpm_sample(
    denoiser: Denoiser, noisy: Tensor, schedule: Schedule, t_start: int, fresh: Callable[[int], Tensor]
) -> Tensor:
    """Ancestral sampling (Eq. 9–11) from `t_start` to 0, one step at a time; `fresh(t)` gives the noise of
    step t.
    """
    for t in range(t_start, 0, -1):
        level = torch.full((noisy.shape[0],), float(schedule.alpha_bar[t]) ** 0.5, device=noisy.device)
        noisy = ancestral_step(noisy, denoiser(noisy, level), schedule, t, fresh(t))
    return noisy


def sample_levels(schedule: Schedule, count: int, generator: torch.Generator | None = None) -> Tensor:
    """`count` continuous noise levels: t uniform in 1..T, then sqrt(ᾱ) uniform between those of t − 1 and t
    (WaveGrad, SR3).
    """
    t = torch.randint(1, schedule.timesteps + 1, (count,), generator=generator)
    upper, lower = schedule.alpha_bar[t - 1].sqrt(), schedule.alpha_bar[t].sqrt()
    share = torch.rand(count, generator=generator, dtype=torch.float64)
    return (lower + share * (upper - lower)).float()


def noise_loss(denoiser: Denoiser, clean: Tensor, noise: Tensor, level: Tensor) -> Tensor:
    """Eq. 12, as a mean over pixels and channels: ‖γ − ε_θ(sqrt(ᾱ) I_0 + sqrt(1 − ᾱ) γ, ᾱ)‖²."""
    predicted = denoiser(diffuse(clean, noise, level), level)
    return (noise - predicted.float()).square().mean()
