"""A tiny labelled dataset and recipes that train in a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fusionbench.evaluators.segmentation.recipe import Recipe, make_recipe
from tests.support.squares import TINY, Squares


@pytest.fixture
def squares() -> type[Squares]:
    return Squares


@pytest.fixture
def tiny() -> Callable[..., Recipe]:
    """``tiny(epochs=3.0)``: a recipe that trains in a second."""
    return lambda **changes: make_recipe("test", {**TINY, **changes})


@pytest.fixture
def tiny_values() -> dict[str, Any]:
    return dict(TINY)
