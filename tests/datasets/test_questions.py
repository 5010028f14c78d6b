"""Pairs that can be read and still look wrong: swapped sensors, infrared in colour, one file twice."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fusionbench.images.plausible import in_colour
from fusionbench.plugins import catalog

RNG = np.random.default_rng(4)
COLOUR = np.asarray(Image.fromarray(RNG.integers(0, 256, (6, 8, 3), np.uint8)).resize((64, 48), 3))
GREY = np.ascontiguousarray(COLOUR[..., 1])


def questions(
    root: Path, infrared: np.ndarray, visible: np.ndarray, count: int = 3, suffix: str = "png"
) -> list[str]:
    for number in range(count):
        for role, image in (("ir", infrared), ("vi", visible)):
            path = root / role / f"{number}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), image)
    spec = catalog.datasets.get("folder")
    dataset = catalog.build(spec.factory)(spec, root)
    found: list[str] = dataset.questions(dataset.pairs("all"))
    return found


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_swapped_colour_and_equal(tmp_path: Path, suffix: str) -> None:
    assert questions(tmp_path / "good", GREY, COLOUR, suffix=suffix) == []
    three = np.repeat(GREY[..., None], 3, 2)
    assert questions(tmp_path / "three", three, COLOUR, suffix=suffix) == []
    assert questions(tmp_path / "grey", GREY, GREY[::-1], suffix=suffix) == []
    assert "are the two swapped" in questions(tmp_path / "swapped", COLOUR, GREY, suffix=suffix)[0]
    assert (
        "infrared is in colour in 3 of 3 pairs"
        in questions(tmp_path / "false", COLOUR, COLOUR[::-1], suffix=suffix)[0]
    )
    assert (
        "the same picture in 3 of 3 pairs looked at (0, 1, 2)"
        in questions(tmp_path / "same", GREY, GREY, suffix=suffix)[0]
    )
    assert questions(tmp_path / "many", GREY, GREY, 12, suffix)[0].count("5 of 5") == 1


def test_unreadable_files_are_no_question(tmp_path: Path) -> None:
    assert questions(tmp_path, GREY, COLOUR) == []
    (tmp_path / "ir/0.png").write_bytes(b"")
    spec = catalog.datasets.get("folder")
    dataset = catalog.build(spec.factory)(spec, tmp_path)
    assert dataset.questions(dataset.pairs("all")) == []


def test_grey_saved_as_a_poor_colour_jpeg_is_grey() -> None:
    buffer = cv2.imencode(".jpg", np.repeat(GREY[..., None], 3, 2), [cv2.IMWRITE_JPEG_QUALITY, 20])[1]
    assert not in_colour(np.asarray(cv2.imdecode(buffer, cv2.IMREAD_COLOR)))
    assert in_colour(COLOUR)
