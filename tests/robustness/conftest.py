"""What the attacks share."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def seed() -> int:
    """The seed of this attack: FUSIONBENCH_TEST_SEED, else a random one, which pytest shows where a test
    fails.
    """
    chosen = int(os.environ.get("FUSIONBENCH_TEST_SEED", random.randrange(10_000)))
    print(f"FUSIONBENCH_TEST_SEED={chosen}")
    return chosen


@pytest.fixture(scope="session")
def attack() -> bool:
    """Whether this is the long attack (``make attack``): all kinds, many times."""
    return bool(os.environ.get("FUSIONBENCH_ATTACK"))
