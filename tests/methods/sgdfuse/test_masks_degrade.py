"""True masks with the faults of masks at run time."""

import numpy as np

from fusionbench.methods.sgdfuse.masks.degrade import degrade


def scene() -> np.ndarray:
    truth = np.zeros((144, 144), np.float32)
    truth[40:80, 30:45] = 1
    truth[60:75, 90:130] = 1
    return truth


def test_the_same_seed_gives_the_same_faults() -> None:
    first, second = (degrade(scene(), np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float32
    assert 0 <= first.min() <= first.max() <= 1


def test_objects_are_dropped_and_false_ones_added_at_times() -> None:
    truth = scene()
    dropped = false = near = 0
    for seed in range(100):
        found = degrade(truth, np.random.default_rng(seed))
        dropped += found[40:80, 30:45].mean() < 0.1
        far = np.ones_like(truth, bool)
        far[20:100, 10:144] = False
        false += found[far].max() > 0.1
        near += 0.5 < found[45:75, 33:42].mean() <= 1
    assert 5 <= dropped <= 30
    assert 10 <= false <= 90
    assert near > 40


def test_an_empty_scene_has_false_objects_at_most() -> None:
    found = [degrade(np.zeros((64, 64), np.float32), np.random.default_rng(seed)) for seed in range(30)]
    assert any(not map.any() for map in found)
    assert max(map.max() for map in found) <= 0.6 + 1e-6
