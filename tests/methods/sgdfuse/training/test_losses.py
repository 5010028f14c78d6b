"""Losses Eq. 13–19 on images small enough to work out by hand."""

from typing import Any

import pytest
import torch

from fusionbench.methods.sgdfuse.config import LossConfig
from fusionbench.methods.sgdfuse.training import losses
from fusionbench.methods.sgdfuse.training.surrogates import sobel

PAPER = LossConfig(intensity_target="ir", gradient_target="visible", on_luma=False)


def flat(value: Any, channels: Any = 1) -> Any:
    return torch.full((1, channels, 4, 4), value)


def ramp(slope: Any) -> Any:
    return (slope * torch.arange(6.0)).expand(1, 1, 6, 6).contiguous()


def test_sobel_of_a_ramp() -> None:
    horizontal, vertical = sobel(ramp(0.1))
    torch.testing.assert_close(horizontal[..., 1:-1], torch.full((1, 1, 6, 4), 0.8))
    assert float(vertical.abs().max()) < 1e-6
    assert float(horizontal[0, 0, 0, 0]) == pytest.approx(0.4)  # replicated border: half the difference


def test_stage1_by_hand() -> None:
    terms = losses.stage1_loss(flat(0.5, 3), flat(0.2), flat(0.9, 3), PAPER)
    assert float(terms["intensity1"]) == pytest.approx(0.3)  # |0.5 − 0.2| (Eq. 14)
    assert float(terms["gradient1"]) == pytest.approx(0, abs=1e-6)  # both flat (Eq. 13)
    visible = ramp(0.1).expand(1, 3, 6, 6)
    slope = losses.stage1_loss(torch.zeros(1, 3, 6, 6), torch.zeros(1, 1, 6, 6), visible, PAPER)
    assert float(slope["gradient1"]) == pytest.approx(
        (4 * 0.8 + 2 * 0.4) / 6
    )  # columns of 0.8, two borders of 0.4


def test_joint_mask_and_floor() -> None:
    first, second = torch.tensor([0.2, 0.9]), torch.tensor([0.6, 0.1])
    torch.testing.assert_close(losses.joint_mask(first, second), torch.tensor([0.6, 0.9]))  # Eq. 16
    torch.testing.assert_close(losses.joint_mask(first, second, 0.5), torch.tensor([0.8, 0.95]))  # decision 6


def test_stage2_by_hand() -> None:
    mask = flat(0.0)
    mask[..., :2] = 0.5
    terms = losses.stage2_loss(flat(0.5, 3), flat(0.8), flat(0.6, 3), mask, flat(0.0), PAPER)
    # λ1 · mean(M · |0.5 − max(0.8, 0.6)|) = 1.5 · (half the pixels · 0.5 · 0.3) (Eq. 17, 19)
    assert float(terms["intensity2"]) == pytest.approx(1.5 * 0.5 * 0.5 * 0.3)
    assert float(terms["gradient2"]) == pytest.approx(0, abs=1e-6)


def test_masked_gradient_by_hand() -> None:
    """Eq. 18–19: λ2 times the mean over pixels of M · (|∇x| of 8·0.1 inside, 4·0.1 at the two border
    columns).
    """
    mask = torch.zeros(1, 1, 6, 6)
    mask[..., :3] = 0.5  # one border column, two inner ones
    visible = ramp(0.1).expand(1, 3, 6, 6)
    terms = losses.stage2_loss(
        torch.zeros(1, 3, 6, 6), torch.zeros(1, 1, 6, 6), visible, mask, torch.zeros(1, 1, 6, 6), PAPER
    )
    assert float(terms["gradient2"]) == pytest.approx(PAPER.gradient2 * 0.5 * (0.4 + 0.8 + 0.8) / 6)


def test_no_supervision_outside_masks_without_a_floor() -> None:
    fused = torch.rand(1, 3, 8, 8, requires_grad=True)
    nothing = torch.zeros(1, 1, 8, 8)
    terms = losses.stage2_loss(fused, torch.rand(1, 1, 8, 8), torch.rand(1, 3, 8, 8), nothing, nothing, PAPER)
    assert float(sum(terms.values())) == 0


def test_larger_gradient_wins_with_its_sign() -> None:
    horizontal, vertical = losses.max_gradients(ramp(-0.3), ramp(0.1))
    torch.testing.assert_close(
        horizontal[..., 1:-1], torch.full((1, 1, 6, 4), -2.4)
    )  # |−0.3| > 0.1, sign kept
    assert float(vertical.abs().max()) < 1e-6


def test_max_intensity_with_share_of_the_smaller() -> None:
    target = losses.max_intensity(torch.tensor([0.5, 0.9]), torch.tensor([0.3, 0.8]), 0.5)
    torch.testing.assert_close(target, torch.tensor([0.65, 1.0]))  # 0.9 + 0.4 is clipped


def test_no_metric_terms_by_default() -> None:
    assert losses.metric_terms(flat(0.5, 3), flat(0.2), flat(0.9, 3), LossConfig()) == {}


def test_invented_gradients_count_only_the_excess() -> None:
    excess = losses.invented_gradients(ramp(0.5), ramp(0.1), ramp(0.2))
    assert float(excess) == pytest.approx((4 * 1.6 + 2 * 0.8) / 6)  # 8·(0.5 − 0.3) inside, half at the border
    assert float(losses.invented_gradients(ramp(0.3), ramp(0.1), ramp(0.2))) == pytest.approx(0, abs=1e-6)
