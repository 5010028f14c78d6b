"""Tiny judges with random weights and a tiny dataset with boxes, so that tests take seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionbench.evaluators.detection.judge.network import build_network, save_network
from tests.support.rectangles import Rectangles

ARCHITECTURE = """
nc: 3
scales: {t: [0.33, 0.0625, 1024]}
scale: t
backbone:
  - [-1, 1, Conv, [128, 6, 4, 2]]
  - [-1, 1, Conv, [256, 3, 2]]
  - [-1, 3, C3, [256]]
head:
  - [-1, 1, Conv, [256, 3, 2]]
  - [[2, 3], 1, Detect, [nc]]
"""


@pytest.fixture(scope="session")
def architecture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny architecture as a YAML file."""
    path = tmp_path_factory.mktemp("judge") / "tiny.yaml"
    path.write_text(ARCHITECTURE)
    return path


@pytest.fixture(scope="session")
def judge(architecture: Path) -> Path:
    """A judge of the demo's three classes that has learnt nothing."""
    names = ("person", "bike", "car")
    path = architecture.parent / "tiny.safetensors"
    save_network(path, build_network(architecture, names, 0), names, {})
    return path


@pytest.fixture
def rectangles() -> type[Rectangles]:
    return Rectangles
