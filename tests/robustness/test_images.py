"""Damaged image files: refused by name, or read right; never a crash, never minutes, never a picture that
isn't in the file.

A seeded sample by default; ``make attack`` tries many more.
"""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest

from fusionbench.errors import ImageError
from fusionbench.images.codec import decode_image
from fusionbench.images.reading import Reading
from tests.support.image_damage import DAMAGES, claiming, files, header

TRIES, LONG = 12, 400
CHECKED = ("PNG",)
"""Formats with a checksum over everything: whatever is read from a damaged file is right."""

SECONDS = 5.0
FILES = list(files())


@pytest.mark.parametrize("name", [name for name, _, _ in FILES])
def test_damage_is_refused_or_harmless(name: str, seed: int, attack: bool) -> None:
    data, expected = next((d, e) for n, d, e in FILES if n == name)
    rng = np.random.default_rng([seed, *name.encode()])
    close = 16 if name.startswith("JPEG") else 0
    whole = decode_image(data, name)
    assert np.abs(whole.astype(int) - expected).mean() <= close
    for kind, damage in DAMAGES.items():
        for _ in range(LONG if attack else TRIES):
            damaged = damage(data, rng)
            begun = time.monotonic()
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    found = decode_image(damaged, "broken.img", Reading(max_pixels=10**6))
            except ImageError as error:
                assert str(error).startswith("broken.img: ")  # noqa: PT017
            else:
                assert found.dtype == np.uint8
                assert found.ndim == 2 or found.shape[2] == 3
                if name.startswith(CHECKED) or kind == "cut":
                    assert found.shape == whole.shape, (name, kind)
                    wrong = (found != whole).any(axis=-1) if found.ndim == 3 else found != whole
                    # A cut within a JPEG's last block of 16×16 pixels shows in no other.
                    assert wrong.sum() <= (256 if name.startswith("JPEG") else 0), (name, kind)
            assert time.monotonic() - begun < SECONDS, (name, kind)


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (2**31 - 1, 1), (65_535, 40_000)])
def test_files_that_claim_much_cost_nothing(width: int, height: int) -> None:
    for kind, data in claiming(width, height).items():
        assert len(data) < 10_000
        begun = time.monotonic()
        with pytest.raises(ImageError, match=rf"^bomb\.{kind}: "):
            decode_image(data, f"bomb.{kind}")
        assert time.monotonic() - begun < SECONDS, kind


def test_random_headers_of_every_kind(seed: int, attack: bool) -> None:
    rng = np.random.default_rng(seed)
    starts = [data[:16] for _, data, _ in FILES]
    for _ in range(2000 if attack else 100):
        data = starts[int(rng.integers(len(starts)))] + rng.bytes(int(rng.integers(0, 3000)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                decode_image(header(data, rng), "noise", Reading(max_pixels=10**6))
            except ImageError as error:
                assert str(error).startswith("noise: ")  # noqa: PT017
