"""What the attacks share."""

from __future__ import annotations

import os
import random

import pytest


@pytest.fixture(scope="session")
def seed() -> int:
    """The seed of this attack: FUSIONBENCH_TEST_SEED, else 0, else in a long attack a random one, which
    pytest shows where a test fails.
    """
    usual = random.randrange(10_000) if os.environ.get("FUSIONBENCH_ATTACK") else 0
    chosen = int(os.environ.get("FUSIONBENCH_TEST_SEED", usual))
    print(f"FUSIONBENCH_TEST_SEED={chosen}")
    return chosen


@pytest.fixture(scope="session")
def attack() -> bool:
    """Whether this is the long attack (``make attack``): all kinds, many times."""
    return bool(os.environ.get("FUSIONBENCH_ATTACK"))
