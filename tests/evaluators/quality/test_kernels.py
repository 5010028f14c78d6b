"""The compiled pieces: elementary functions, grey conversions, decoration without a cache, threads."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numba
import numpy as np
import pytest

from fusionbench.evaluators.quality import grey, kernels
from fusionbench.evaluators.quality.edges import acute_angle
from fusionbench.evaluators.quality.scoring import score_arrays
from fusionbench.evaluators.quality.simd import WIDTH, load, store
from fusionbench.evaluators.quality.simd_functions import binary_logarithm, exponential


@numba.njit
def _map_exponential(x, out):
    for i in range(0, out.size, WIDTH):
        store(out, i, exponential(load(x, i)))


@numba.njit
def _map_binary_logarithm(x, out):
    for i in range(0, out.size, WIDTH):
        store(out, i, binary_logarithm(load(x, i)))


@numba.njit
def _map_acute_angle(cross, dot, out):
    for i in range(0, out.size, WIDTH):
        store(out, i, acute_angle(load(cross, i), load(dot, i)))


def test_elementary_functions_are_libm_accurate():
    x, out = np.linspace(-45, 45, 20000), np.empty(20000)
    _map_exponential(x, out)
    np.testing.assert_allclose(out, np.exp(x), rtol=4e-16)
    _map_binary_logarithm(np.exp(x), out)
    np.testing.assert_allclose(out, np.log2(np.exp(x)), rtol=4e-16)
    rng = np.random.default_rng(0)
    cross, dot = rng.integers(0, 10**6, (2, 20000)).astype(float)
    cross[:8], dot[8:16] = 0.0, 0.0
    angle = np.empty(20000)
    _map_acute_angle(cross, dot, angle)
    np.testing.assert_allclose(angle, np.arctan2(cross, dot), rtol=5e-16)


@pytest.mark.parametrize("blue", [0, 1, 77, 128, 254, 255])
def test_grey_equals_opencv_on_whole_planes_of_colours(blue):
    red, green = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    rgb = np.stack([red, green, np.full_like(red, blue)], -1)
    expected = np.round(cv2.cvtColor(rgb[..., ::-1].astype(np.float32), cv2.COLOR_BGR2GRAY)).astype(np.uint8)
    np.testing.assert_array_equal(grey.opencv_float(rgb), expected)
    weighted = np.floor(
        rgb @ np.linalg.inv([[1, 0.956, 0.621], [1, -0.272, -0.647], [1, -1.106, 1.703]])[0] + 0.5
    )
    assert np.mean(grey.matlab(rgb) != weighted) < 1e-3


@pytest.mark.parametrize("conversion", list(grey.CONVERSIONS))
def test_equal_channels_keep_their_level(conversion):
    levels = np.arange(256, dtype=np.uint8)[None]
    np.testing.assert_array_equal(grey.to_grey(np.repeat(levels[..., None], 3, 2), conversion), levels)


def test_kernel_without_any_place_for_a_cache(monkeypatch):
    def refuse(*args, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return numba.jit(*args, nopython=True, **options)

    def increment(x):
        return x + 1

    increment.__module__ = "fusionbench.evaluators.quality.somewhere"
    monkeypatch.setattr(kernels.numba, "njit", refuse)
    assert kernels.kernel(increment)(1) == 2


def test_cached_code_is_compiled_anew_when_any_module_changed(monkeypatch, tmp_path):
    def increment(x):
        return x + 1

    def hits():
        compiled = kernels.kernel(increment)
        assert compiled(1) == 2
        return sum(compiled.stats.cache_hits.values())

    increment.__module__ = "fusionbench.evaluators.quality.somewhere"
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    assert [hits(), hits()] == [0, 1]
    monkeypatch.setattr(kernels, "_sources", lambda: "a module that kernels call was edited")
    assert [hits(), hits()] == [0, 1]


def test_threads_give_the_same_values():
    rng = np.random.default_rng(0)
    triples = [tuple(rng.integers(0, 256, (64, 64), np.uint8) for _ in range(3)) for _ in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda t: score_arrays(*t), triples)) == [score_arrays(*t) for t in triples]


def test_spec_imports_no_array_library():
    code = "import sys; import fusionbench.evaluators.quality.spec; print([m for m in ('numpy', 'cv2', 'torch', 'numba') if m in sys.modules])"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )
