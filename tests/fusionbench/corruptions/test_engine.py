"""Corruptions: the same bytes everywhere, worse with each severity, and only what they say is changed."""

from __future__ import annotations

import hashlib
import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fusionbench.contracts.dataset import PairImages
from fusionbench.corruptions.choice import Corruption, choose, parse
from fusionbench.corruptions.engine import corrupt
from fusionbench.corruptions.pixels import gaussian_blur, line_blur, warp
from fusionbench.corruptions.randomness import Random
from fusionbench.corruptions.spec import SPECS
from fusionbench.errors import InputError, UnknownNameError

GOLDENS = Path(__file__).with_name("goldens.json")
"""sha256 of each corruption's bytes. JPEG is left out: it depends on the build of libjpeg."""

APPLIED = [c for c in choose(["all"]) if not c.spec.frames]
GRADED = [spec.name for spec in SPECS if len(spec.severities) == 5 and not spec.frames]


def made_pair(height: int = 240, width: int = 320) -> PairImages:
    """A pair made of integers alone: ramps with a bright square in the infrared image."""
    y, x = np.arange(height)[:, None], np.arange(width)[None, :]
    visible = np.stack([(y * 2 + x) % 256, (y + x * 2) % 256, (y * x) // 64 % 256], axis=-1)
    infrared = (y + x) * 255 // (height + width)
    infrared[height // 3 : height // 2, width // 3 : width // 2] = 250
    return PairImages(infrared.astype(np.uint8), visible.astype(np.uint8))


def bytes_of(pair: PairImages) -> bytes:
    return pair.infrared.tobytes() + pair.visible.tobytes()


def distance(a: PairImages, b: PairImages) -> float:
    parts = [(a.infrared, b.infrared), (a.visible, b.visible)]
    return sum(float(np.abs(p.astype(float) - q).mean()) for p, q in parts)


def test_the_bytes_are_those_of_every_machine() -> None:
    goldens = json.loads(GOLDENS.read_text())
    found = {
        str(c): hashlib.sha256(bytes_of(corrupt(made_pair(), c, "00537D"))).hexdigest()[:16]
        for c in APPLIED
        if c.spec.name != "jpeg"
    }
    assert found == goldens


def test_order_and_threads_change_nothing() -> None:
    pair, names = made_pair(), ["a", "b", "c", "d"]
    chosen = [parse("rain:3"), parse("shift:2"), parse("vi-noise:4")]
    alone = {(str(c), n): bytes_of(corrupt(pair, c, n)) for c in chosen for n in names}
    with ThreadPoolExecutor(4) as pool:
        jobs = {
            (str(c), n): pool.submit(corrupt, pair, c, n) for n in reversed(names) for c in reversed(chosen)
        }
        assert {key: bytes_of(job.result()) for key, job in jobs.items()} == alone
    assert len(set(alone.values())) == len(alone)  # each image has chances of its own


@pytest.mark.parametrize("corruption", APPLIED, ids=str)
def test_only_what_it_names_is_changed(corruption: Corruption) -> None:
    pair = made_pair()
    before = bytes_of(pair)
    seen = corrupt(pair, corruption, "x")
    assert bytes_of(pair) == before
    for image, clean in ((seen.infrared, pair.infrared), (seen.visible, pair.visible)):
        assert image.dtype == np.uint8
        assert image.shape == clean.shape
    changes = corruption.spec.changes
    moved = {"infrared": bool((seen.infrared != pair.infrared).any())}
    moved["visible"] = bool((seen.visible != pair.visible).any())
    if changes == "pair":
        assert moved["visible"] == (corruption.spec.name == "vi-gone")
    else:
        assert moved == {"infrared": changes == "infrared", "visible": changes == "visible"}


@pytest.mark.parametrize("name", GRADED)
def test_each_severity_is_worse_than_the_one_before(name: str) -> None:
    pair = made_pair()
    found = [distance(pair, corrupt(pair, c, "00001D")) for c in choose([name])]
    assert len(found) == 5
    assert found[0] > 0
    assert found == sorted(found)


def test_small_and_odd_images() -> None:
    for corruption in APPLIED:
        tiny = made_pair(17, 9)
        assert corrupt(tiny, corruption, "t").infrared.shape == (17, 9)


def test_a_blur_is_that_of_scipy() -> None:
    from scipy import ndimage

    image = made_pair().infrared
    theirs = ndimage.gaussian_filter(image.astype(float), 2.0, mode="nearest", truncate=3.0)
    assert np.abs(gaussian_blur(image, 2.0) - theirs).max() < 1.01  # two roundings
    line = ndimage.uniform_filter1d(image.astype(float), 7, axis=1, mode="nearest")
    assert np.abs(line_blur(image, 7, 0.0) - line).max() <= 0.51


def test_a_warp_is_that_of_scipy() -> None:
    from scipy import ndimage

    image = made_pair().infrared
    y, x = np.mgrid[0:240, 0:320] + 0.0
    rows, columns = y + 2.25, x * 1.03125 - 3.5
    theirs = ndimage.map_coordinates(image.astype(float), [rows, columns], order=1, mode="nearest")
    assert np.abs(warp(image, rows, columns) - theirs).max() < 1.0


def test_random_numbers_are_normal_and_uniform() -> None:
    from scipy import stats

    random = Random("x")
    normal, uniform = random.normal(200, 500).ravel(), random.uniform(200, 500).ravel()
    assert abs(normal.mean()) < 0.02
    assert abs(normal.std() - 1) < 0.02
    assert stats.kstest(normal, "norm").statistic < 0.01
    assert stats.kstest(uniform, "uniform").statistic < 0.01


def test_time_offset_takes_the_other_frame() -> None:
    pair, other = made_pair(), made_pair()
    frame = PairImages(255 - other.infrared, other.visible)
    seen = corrupt(pair, parse("time-offset:2"), "x", frame)
    assert (seen.infrared == frame.infrared).all()
    assert (seen.visible == pair.visible).all()


def test_choosing() -> None:
    every = choose(["all"])
    assert len(every) == sum(len(spec.severities) for spec in SPECS)
    assert [str(c) for c in choose(["fog", "fog:3", "low-light:1"])] == [
        "low-light:1",
        *(f"fog:{s}" for s in range(1, 6)),
    ]
    third = choose(["infrared:3"])
    assert {c.spec.changes for c in third} == {"infrared"}
    assert "polarity-flip:5" in map(str, third)  # which is there or not
    assert [str(c) for c in choose(["*-gone:2"])] == ["ir-gone:5", "vi-gone:5"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fgo", "did you mean 'fog'"),
        ("fgo:3", "`fusionbench list corruptions`"),
        ("x-*", "no corruption matches 'x-*'"),
        ("fog:6", "a severity is a whole number from 1 to 5, got '6'"),
        ("fog:0", "from 1 to 5"),
        ("fog:", "from 1 to 5, got ''"),
        ("fog:-1", "from 1 to 5"),
        ("fog:2.5", "from 1 to 5"),
        ("fog:²", "from 1 to 5"),
        ("5", "each severity needs its name, for example fog:1,fog:5"),
        ("ir-gone:3", "ir-gone has one severity, 5"),
    ],
)
def test_bad_texts(text: str, said: str) -> None:
    with pytest.raises(InputError) as raised:
        choose([text])
    assert said in str(raised.value)
    if text == "fgo":
        assert isinstance(raised.value, UnknownNameError)


def test_every_spec_is_whole() -> None:
    for spec in SPECS:
        assert spec.source
        assert spec.summary
        for arguments in spec.parameters.values():
            assert all(math.isfinite(v) for v in arguments.values())
