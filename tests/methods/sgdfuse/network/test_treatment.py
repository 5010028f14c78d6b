"""What differs inside and outside the masks, on values small enough to work out by hand."""

from typing import Any

import pytest
import torch

from fusionbench.methods.sgdfuse.config import LossConfig, TreatmentConfig
from fusionbench.methods.sgdfuse.network.treatment import gaussian, surroundings, treat
from fusionbench.methods.sgdfuse.training.losses import treatment_loss

PLAIN = TreatmentConfig(used=True, gamma=1.0, heat=0.0, share=0.5, softness=0.0)


def flat(value: float) -> torch.Tensor:
    return torch.full((1, 1, 16, 24), value)


def test_inside_it_is_the_maximum_outside_halfway_from_the_visible_image() -> None:
    inside, outside = (float(treat(flat(0.8), flat(0.4), flat(m), PLAIN)[0, 0, 5, 5]) for m in (1.0, 0.0))
    assert inside == pytest.approx(0.8)  # Eq. 17's target
    assert outside == pytest.approx(0.6)
    assert float(treat(flat(0.8), flat(0.4), flat(0.25), PLAIN)[0, 0, 5, 5]) == pytest.approx(0.65)


def test_a_darker_infrared_changes_nothing_outside() -> None:
    assert float(treat(flat(0.1), flat(0.4), flat(0.0), PLAIN)[0, 0, 5, 5]) == pytest.approx(0.4)


def test_gamma_lifts_the_visible_image() -> None:
    lifted = TreatmentConfig(used=True, gamma=0.5, heat=0.0, share=0.5)
    assert float(treat(flat(0.0), flat(0.25), flat(1.0), lifted)[0, 0, 5, 5]) == pytest.approx(0.5)


def test_heat_is_what_exceeds_the_surroundings_and_counts_inside_alone() -> None:
    warm = TreatmentConfig(used=True, gamma=1.0, heat=0.5, share=0.5, sigma=8.0)
    infrared = torch.full((1, 1, 64, 64), 0.2)
    infrared[..., 28:36, 28:36] = 0.6
    excess = infrared - surroundings(infrared, 8.0)
    inside = treat(infrared, torch.zeros_like(infrared), torch.ones_like(infrared), warm)
    assert float(excess[0, 0, 32, 32]) > 0.2
    assert float(inside[0, 0, 32, 32]) == pytest.approx(0.6 + 0.5 * float(excess[0, 0, 32, 32]), abs=1e-5)
    assert float(inside[0, 0, 2, 2]) == pytest.approx(0.2, abs=0.01)
    outside = treat(infrared, torch.zeros_like(infrared), torch.zeros_like(infrared), warm)
    assert float(outside[0, 0, 32, 32]) == pytest.approx(0.3, abs=1e-4)


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 90)])
def test_flat_images_are_their_own_surroundings(size: Any) -> None:
    image = torch.full((2, 1, *size), 0.3)
    torch.testing.assert_close(surroundings(image, 25.0), image, atol=1e-5, rtol=0)
    torch.testing.assert_close(gaussian(image, 3.0), image, atol=1e-5, rtol=0)
    assert gaussian(image, 0.0) is image


def test_the_loss_is_zero_at_the_target_and_weighs_objects() -> None:
    settings = LossConfig(intensity2=6.0, gradient2=0.0, mask_floor=0.3)
    infrared, visible, truth = flat(0.8), flat(0.4).expand(1, 3, -1, -1), flat(1.0)
    target = flat(0.8).expand(1, 3, -1, -1)
    assert float(treatment_loss(target, infrared, visible, truth, settings, PLAIN)["intensity2"]) < 1e-6
    off = target - 0.1
    inside = treatment_loss(off, infrared, visible, truth, settings, PLAIN)["intensity2"]
    assert float(inside) == pytest.approx(0.6, abs=1e-4)  # λ · 0.1 at weight 1
    outside = treatment_loss(flat(0.5).expand(1, 3, -1, -1), infrared, visible, flat(0.0), settings, PLAIN)[
        "intensity2"
    ]
    assert float(outside) == pytest.approx(6 * 0.3 * 0.1, abs=1e-4)  # |0.5 − 0.6| at weight floor
