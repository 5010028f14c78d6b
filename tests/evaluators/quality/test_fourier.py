"""The tiled Fourier transform and its neighbours against NumPy."""

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

from fusionbench.evaluators.quality import fourier, scratch, simd, simd_functions
from fusionbench.evaluators.quality.median import median

RANDOM = np.random.default_rng(5)


@pytest.mark.parametrize(
    "shape",
    [
        (1, 1),
        (2, 3),
        (8, 8),
        (35, 48),
        (64, 80),
        (11, 13),
        (41, 62),
        (123, 97),
        (480, 40),
        (256, 24),
        (120, 7),
    ],
)
def test_forward_and_inverse(shape):
    a, b = RANDOM.normal(size=(2, *shape))
    columns = fourier.spectrum(a, b).copy()
    values = (
        (columns[..., :8] + 1j * columns[..., 8:])[:, : shape[0]].transpose(1, 0, 2).reshape(shape[0], -1)
    )
    wanted = np.fft.fft2(a + 1j * b)
    np.testing.assert_allclose(values[:, : shape[1]], wanted, atol=4e-15 * np.abs(wanted).max())
    everything = np.ones((columns.shape[0], shape[0] // 2 + 1, 8))
    back = np.empty((2, *fourier.padded_shape(shape)))
    fourier.filtered(columns, everything, shape, *back)
    for image, out in zip((a, b), back, strict=True):
        np.testing.assert_allclose(out[: shape[0], : shape[1]] / a.size, image, atol=2e-14)


def test_filtered_difference():
    shape = 48, 37
    a, b, f = RANDOM.normal(size=(3, *shape))
    columns, other = fourier.spectrum(a, b).copy(), fourier.spectrum(f).copy()
    table = RANDOM.uniform(size=(5, 25, 8))
    back = np.empty((2, *fourier.padded_shape(shape)))
    fourier.filtered(columns, table, shape, *back, other=other)
    half = table.transpose(1, 0, 2).reshape(25, -1)[:, :37]
    weights = np.concatenate([half, half[23:0:-1]])
    wanted = np.fft.ifft2(np.fft.fft2(a - f + 1j * (b - f)) * weights) * a.size
    np.testing.assert_allclose(back[0, :48, :37] + 1j * back[1, :48, :37], wanted, atol=1e-11)


def test_plans_are_bounded():
    for length in range(1, 60):
        fourier.plan(length)
    assert fourier.plan.cache_info().currsize <= 16


@pytest.mark.parametrize("count", [1, 2, 3, 8, 1000, 1001, 70000, 70001])
def test_median_equals_numpys(count):
    for values in (
        RANDOM.exponential(1.0, count) ** 3,
        np.full(count, 2.5),
        np.sort(RANDOM.normal(size=count)),
    ):
        assert median(values) == np.median(values)


def test_median_where_the_sample_misleads():
    values = np.zeros(70000)
    values[:: 70000 // 8192 | 1] = 1.0  # just what is sampled
    assert median(values) == np.median(values)


@numba.njit
def _mapped(x, exponentials, logarithms):
    for i in range(0, x.size, simd.WIDTH):
        simd.store(exponentials, i, simd_functions.exponential(simd.load(x, i)))
        simd.store(
            logarithms, i, simd_functions.binary_logarithm(simd_functions.exponential(simd.load(x, i)))
        )


def test_functions_of_lanes_are_libm_accurate():
    x = np.concatenate([RANDOM.uniform(-690, 690, 8000), RANDOM.uniform(-1, 1, 8000)])
    exponentials, logarithms = np.empty_like(x), np.empty_like(x)
    _mapped(x, exponentials, logarithms)
    np.testing.assert_allclose(exponentials, np.exp(x), rtol=5e-16)
    np.testing.assert_allclose(logarithms, np.log2(exponentials), rtol=5e-16)


def test_scratch_memory_is_a_threads_own_and_bounded():
    here = scratch.scratch("test", 100)
    assert scratch.scratch("test", 10, 10).ctypes.data == here.ctypes.data
    assert here.ctypes.data % 64 == 0
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: scratch.scratch("test", 100).ctypes.data).result() != here.ctypes.data
    for i in range(5):
        scratch.scratch(f"large {i}", scratch.LIMIT // 16)
    assert sum(block.nbytes for block in scratch._kept.blocks.values()) <= scratch.LIMIT
    for i in range(5):
        scratch._kept.blocks.pop(f"large {i}", None)
