"""``fusionbench fuse``: files and folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fusionbench.images.codec import read_image

Cli = Callable[..., Any]


def test_fuse_two_files(cli: Cli, pairs: Path) -> None:
    result = cli("fuse", pairs / "ir/a.png", pairs / "vi/a.png", "--method", "max", "--out", "fused.png")
    assert (result.code, result.out.strip()) == (0, "fused.png")
    assert read_image("fused.png").shape == (80, 96, 3)
    result = cli("fuse", pairs / "ir/a.png", pairs / "vi/a.png", "--method", "max,average", "--out", "many")
    assert sorted(p.name for p in Path("many").iterdir()) == ["a-average.png", "a-max.png"]


def test_fuse_two_folders_gives_the_pixels_of_two_files(cli: Cli, pairs: Path) -> None:
    result = cli("fuse", pairs / "ir", pairs / "vi", "--method", "laplacian")
    assert result.code == 0, result.err
    cli("fuse", pairs / "ir/c.png", pairs / "vi/c.png", "--method", "laplacian", "--out", "c.png")
    assert np.array_equal(read_image("runs/folder/fused/laplacian/folder/all/c.png"), read_image("c.png"))
