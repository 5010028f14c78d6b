"""Crops as another camera could have taken them."""

import torch

from fusionbench.methods.sgdfuse.training.augment import augment_sensors


def test_ranges_shapes_and_seeds() -> None:
    infrared, visible = torch.rand(1, 40, 50), torch.rand(3, 40, 50)
    pairs = [augment_sensors(infrared, visible, torch.Generator().manual_seed(seed)) for seed in range(20)]
    again = augment_sensors(infrared, visible, torch.Generator().manual_seed(3))
    assert torch.equal(pairs[3][0], again[0])
    assert torch.equal(pairs[3][1], again[1])
    for one, other in pairs:
        assert (one.shape, other.shape) == (infrared.shape, visible.shape)
        assert float(min(one.min(), other.min())) >= 0
        assert float(max(one.max(), other.max())) <= 1
    means = torch.tensor([float(one.mean()) for one, _ in pairs])
    assert float(means.std()) > 0.02


def test_infrared_moves_against_visible_at_times() -> None:
    infrared = torch.zeros(1, 40, 50)
    infrared[0, 20, 25] = 1
    visible = infrared.expand(3, -1, -1).clone()
    moved = 0
    for seed in range(60):
        one, other = augment_sensors(infrared, visible, torch.Generator().manual_seed(seed))
        place = divmod(int(one.argmax()), 50)
        assert abs(place[0] - 20) <= 2
        assert abs(place[1] - 25) <= 2
        assert divmod(int(other[0].argmax()), 50) == (20, 25)
        moved += place != (20, 25)
    assert 8 <= moved <= 35
