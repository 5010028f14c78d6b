"""Diffusion equations against closed forms and hand-computed values."""

import math
from typing import Any

import pytest
import torch

from fusionbench.methods.sgdfuse.network import diffusion as D

SCHEDULE = D.linear_schedule(1000, 1e-6, 1e-2)


def test_schedule_ends() -> None:
    assert SCHEDULE.timesteps == 1000
    assert float(SCHEDULE.beta[1]) == pytest.approx(1e-6)
    assert float(SCHEDULE.beta[1000]) == pytest.approx(1e-2)
    assert float(SCHEDULE.alpha_bar[0]) == 1
    # ln ᾱ_T = Σ ln(1 − β), and Σβ = 1000·(1e-6 + 1e-2)/2 = 5.0005
    assert math.log(float(SCHEDULE.alpha_bar[1000])) == pytest.approx(
        -5.0005 - 0.5 * 1000 * 1e-4 / 3, rel=2e-3
    )


def test_two_forward_steps_by_hand() -> None:
    schedule = D.linear_schedule(2, 0.19, 0.36)  # α = 0.81, 0.64; ᾱ_2 = 0.5184 = 0.72²
    assert float(schedule.alpha_bar[2]) == pytest.approx(0.5184)
    image = torch.full((1, 5, 1, 1), 0.5)
    one = D.diffuse_step(image, 0.19, torch.ones_like(image))
    assert float(one[0, 0]) == pytest.approx(0.9 * 0.5 + math.sqrt(0.19))
    assert float(D.diffuse(image, torch.ones_like(image), 0.72)[0, 0]) == pytest.approx(
        0.36 + math.sqrt(0.4816)
    )


def test_composed_steps_have_the_closed_form_variance() -> None:
    """Noise variances of Eq. 6 applied t times add up to 1 − ᾱ_t (Eq. 7)."""
    variance = 0.0
    for t in range(1, 51):
        beta = float(SCHEDULE.beta[t])
        variance = (1 - beta) * variance + beta
    assert variance == pytest.approx(1 - float(SCHEDULE.alpha_bar[50]), rel=1e-9)


def test_true_noise_gives_back_the_image() -> None:
    clean, noise = torch.randn(2, 5, 4, 4), torch.randn(2, 5, 4, 4)
    alpha_bar = float(SCHEDULE.alpha_bar[700])
    noisy = D.diffuse(clean, noise, alpha_bar**0.5)
    torch.testing.assert_close(D.predict_clean(noisy, noise, alpha_bar), clean, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("t", [2, 30, 500, 1000])
def test_posterior_equals_bayes(t: Any) -> None:
    """q(I_{t−1} | I_t, I_0) by completing the square, independent of the paper's form (Eq. 10–11)."""
    beta, now, before = (
        float(x) for x in (SCHEDULE.beta[t], SCHEDULE.alpha_bar[t], SCHEDULE.alpha_bar[t - 1])
    )
    precision = (1 - beta) / beta + 1 / (1 - before)
    assert D.posterior_variance(SCHEDULE, t) == pytest.approx(1 / precision, rel=1e-9)
    clean, noise = (
        torch.tensor([[[[0.3]]]], dtype=torch.float64),
        torch.tensor([[[[-1.2]]]], dtype=torch.float64),
    )
    noisy = now**0.5 * clean + (1 - now) ** 0.5 * noise
    mean = ((1 - beta) ** 0.5 / beta * noisy + before**0.5 / (1 - before) * clean) / precision
    assert float(D.posterior_mean(noisy, noise, SCHEDULE, t)) == pytest.approx(float(mean), rel=1e-9)


def test_first_step_is_deterministic() -> None:
    assert D.posterior_variance(SCHEDULE, 1) == 0


def test_ddim_step_with_true_noise_stays_on_the_trajectory() -> None:
    clean, noise = torch.randn(1, 5, 3, 3), torch.randn(1, 5, 3, 3)
    a, b = float(SCHEDULE.alpha_bar[800]), float(SCHEDULE.alpha_bar[300])
    stepped = D.ddim_step(D.diffuse(clean, noise, a**0.5), noise, a, b)
    torch.testing.assert_close(stepped, D.diffuse(clean, noise, b**0.5), atol=1e-5, rtol=1e-4)


def test_samplers_reach_a_gaussians_mean() -> None:
    """For I_0 ~ N(m, s²) the best ε_θ is linear and known; both samplers must then reproduce that
    distribution.
    """
    mean, spread = 0.4, 0.05

    def denoiser(noisy: Any, level: Any) -> Any:
        level = level.reshape(-1, 1, 1, 1)
        variance = level**2 * spread**2 + 1 - level**2
        return (1 - level**2).sqrt() * (noisy - level * mean) / variance

    generator = torch.Generator().manual_seed(0)
    # From ᾱ_T = 0.0066 pure noise is nearly the right start.
    start = torch.randn(64, 5, 8, 8, generator=generator)
    by_ddim = D.ddim_sample(denoiser, start, SCHEDULE, D.strided_timesteps(1000, 250))
    by_ddpm = D.ddpm_sample(
        denoiser, start, SCHEDULE, 1000, lambda t: torch.randn(start.shape, generator=generator)
    )
    for sample, tolerance in ((by_ddim, 0.01), (by_ddpm, 0.005)):
        assert float(sample.mean()) == pytest.approx(mean, abs=tolerance)
        assert float(sample.std()) == pytest.approx(spread, rel=0.12)


def test_strided_timesteps() -> None:
    assert D.strided_timesteps(20, 2) == [20, 10]
    assert D.strided_timesteps(1000, 4) == [1000, 750, 500, 250]
    with pytest.raises(ValueError, match="steps"):
        D.strided_timesteps(2, 3)


def test_noise_levels_lie_on_the_schedule() -> None:
    levels = D.sample_levels(SCHEDULE, 4000, torch.Generator().manual_seed(0))
    assert float(levels.max()) <= 1
    assert float(levels.min()) >= float(SCHEDULE.alpha_bar[-1].sqrt()) - 1e-6
    # sqrt(ᾱ_500) is the median of a uniform t
    assert float(levels.median()) == pytest.approx(float(SCHEDULE.alpha_bar[500].sqrt()), abs=0.02)


def test_noise_loss_by_hand() -> None:
    clean, noise = torch.zeros(1, 5, 2, 2), torch.full((1, 5, 2, 2), 2.0)
    # The denoiser sees 0.8·0 + 0.6·2 = 1.2; predicting that is 0.8 off: 0.64.
    loss = D.noise_loss(lambda noisy, level: noisy, clean, noise, torch.tensor([0.8]))
    assert float(loss) == pytest.approx(0.64, rel=1e-5)
