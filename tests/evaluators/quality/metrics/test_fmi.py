"""FMI against the whole 9×9 joint table of each window, built the slow way; feature maps against their
definitions.
"""

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import fft

from fusionbench.evaluators.quality.metrics import fmi_features
from fusionbench.evaluators.quality.metrics.fmi import feature_mutual_information, fmi
from fusionbench.evaluators.quality.metrics.fmi_features import FEATURES
from fusionbench.evaluators.quality.undefined import Undefined

RANDOM = np.random.default_rng(11)


def entropy(table: Any) -> Any:
    """−Σ x log2|x|: the real part of MATLAB's complex result where Nelsen's table has negative cells."""
    cells = table[np.abs(table) > 1e-15]
    return -(cells * np.log2(np.abs(cells))).sum()


def window_information(first: Any, second: Any) -> Any:
    """Normalised mutual information of two 3×3 windows from the complete joint table."""
    if np.array_equal(first, second):
        return 1.0
    p, q = first.ravel(order="F"), second.ravel(order="F")
    if np.ptp(p) == 0 and np.ptp(q) == 0:
        return 1.0
    p, q = ((x - x.min()) / np.ptp(x) if np.ptp(x) else np.ones(9) for x in (p, q))
    p, q = p / p.sum(), q / q.sum()
    cells = np.arange(9)
    deviation = [np.sqrt(max((x * cells**2).sum() - (x * cells).sum() ** 2, 0)) for x in (p, q)]
    if np.std(p) == 0 or np.std(q) == 0 or min(deviation) < 1e-12:
        return 0.0
    correlation = np.corrcoef(p, q)[0, 1]
    low, high = np.cumsum(p)[:, None], np.cumsum(q)[None, :]
    bound = np.minimum(low, high) if correlation >= 0 else np.maximum(low + high - 1, 0)
    phi = correlation * deviation[0] * deviation[1] / (bound - low * high).sum()
    coupling = np.diff(np.diff(np.pad(bound, ((1, 0), (1, 0))), axis=0), axis=1)
    joint = phi * coupling + (1 - phi) * np.outer(p, q)
    return 2 * (entropy(p) + entropy(q) - entropy(joint)) / (entropy(p) + entropy(q))


def literal(infrared: Any, visible: Any, fused: Any) -> Any:
    rows, columns = fused.shape[0] - 2, fused.shape[1] - 2
    total = 0.0
    for y in range(rows):
        for x in range(columns):
            windows = [image[y : y + 3, x : x + 3].astype(float) for image in (infrared, visible, fused)]
            total += window_information(windows[0], windows[2]) + window_information(windows[1], windows[2])
    return total / (2 * rows * columns)


def images(kind: Any) -> Any:
    if kind == "noise":
        a, b = RANDOM.integers(0, 256, (2, 12, 75)).astype(np.uint8)
    elif kind == "few levels":  # flat windows, windows with all mass in one cell, equal windows
        a, b = RANDOM.choice([0, 0, 0, 0, 0, 7], (2, 14, 70)).astype(np.uint8)
    else:
        y, x = np.mgrid[0:14, 0:70]
        a, b = ((3 * y + x) % 256).astype(np.uint8), ((200 - 2 * x + y * y) % 256).astype(np.uint8)
    return a, b, ((2 * a.astype(int) + b) // 3).astype(np.uint8)


@pytest.mark.parametrize("kind", ["noise", "few levels", "ramps"])
def test_equals_the_complete_joint_tables(kind: Any) -> None:
    triple = images(kind)
    assert fmi(*triple, feature="none") == pytest.approx(literal(*triple), rel=1e-11)


@pytest.mark.parametrize("feature", FEATURES)
def test_identity_is_one(feature: Any) -> None:
    a = images("noise")[0]
    assert fmi(a, a, a, feature=feature) == 1.0


@pytest.mark.parametrize("feature", FEATURES)
def test_symmetric_in_the_sources(feature: Any) -> None:
    a, b, f = images("noise")
    assert fmi(a, b, f, feature=feature) == pytest.approx(fmi(b, a, f, feature=feature), rel=1e-12)


def test_contrast_and_brightness_do_not_count() -> None:
    a, b, f = (image.astype(float) for image in images("noise"))
    assert feature_mutual_information(a, b, 2 * f + 5) == pytest.approx(
        feature_mutual_information(a, b, f), rel=1e-9
    )


def test_constant_images() -> None:
    flat, noise = np.full((9, 9), 3, np.uint8), images("noise")[0][:9, :9]
    assert fmi(flat, flat, flat, feature="none") == 1.0
    assert fmi(noise, noise, flat, feature="none") == 0.0
    for feature in FEATURES:
        assert np.isfinite(fmi(noise, flat, noise, feature=feature))


def test_too_small_and_unknown_feature() -> None:
    tiny = np.zeros((2, 9), np.uint8)
    with pytest.raises(Undefined, match="3×3"):
        fmi(tiny, tiny, tiny, feature="none")
    with pytest.raises(KeyError):
        fmi(tiny, tiny, tiny, feature="haar")


def test_gradient_is_matlabs() -> None:
    row = np.array([[0.0, 1.0, 4.0, 9.0]])
    assert fmi_features.x_derivative(row).tolist() == [[1.0, 2.0, 4.0, 5.0]]


@pytest.mark.parametrize(
    "shape", [(1, 1), (6, 7), (16, 33), (47, 97)]
)  # a tile has 16 lines; 47 and 97 go through Bluestein's
def test_dct_is_scipys(shape: Any) -> None:
    image = RANDOM.integers(0, 256, shape).astype(np.uint8)
    wanted = fft.dctn(image.astype(float), norm="ortho")
    assert fmi_features.transform_coefficients(image) == pytest.approx(wanted, abs=1e-11)


def test_edges_are_thin_and_on_the_step() -> None:
    step = np.zeros((20, 30), np.uint8)
    step[:, 15:] = 100
    edges = fmi_features.sobel_edges(step)
    assert set(np.flatnonzero(edges.any(axis=0))) <= {14, 15}
    assert (edges.sum(axis=1) == 1).all()


def test_meyer_filters() -> None:
    # MATLAB's table against the scaling filter's formula: √2·φ̂(2ω), φ̂ Meyer's with ν(x) = x⁴(35 − 84x +
    # 70x² − 20x³).
    omega = np.linspace(-np.pi, np.pi, 1 << 14, endpoint=False)
    x = np.clip(3 * np.abs(2 * omega) / (2 * np.pi) - 1, 0, 1)
    response = np.cos(np.pi / 2 * x**4 * (35 - 84 * x + 70 * x**2 - 20 * x**3))
    taps = np.array([(np.sqrt(2) * response * np.cos(omega * n)).mean() for n in range(-50, 51)])
    low, high = fmi_features.meyer_filters()
    assert low[1:] == pytest.approx(taps * np.sqrt(2) / taps.sum(), abs=1e-10)
    assert abs(high.sum()) < 1e-5
    assert abs(low @ high) < 1e-12


def every_second(values: Any, taps: Any) -> Any:
    return np.convolve(values, taps, "valid")[1::2]


@pytest.mark.parametrize(
    "shape", [(9, 13), (1, 1), (70, 3), (33, 150)]
)  # less, more than a group of lines; a second group that overlaps
def test_meyer_bands_against_a_plain_convolution(shape: Any) -> None:
    image = RANDOM.integers(0, 256, shape).astype(np.uint8)
    extended = np.pad(image, 101, mode="symmetric")
    filters = fmi_features.meyer_filters()
    together = []
    for across, down in product(filters, filters):
        wanted = np.apply_along_axis(every_second, 1, extended, across)
        wanted = np.apply_along_axis(every_second, 0, wanted, down)
        together.append(wanted[: (shape[0] + 101) // 2, : (shape[1] + 101) // 2])
    approximation, horizontal, vertical, diagonal = together
    bands = np.block([[approximation, horizontal], [vertical, diagonal]])
    stretched = (bands - bands.min()) / np.ptp(bands)
    assert fmi_features.wavelet_bands(image) == pytest.approx(stretched, abs=1e-12)


def test_binary_maps_equal_the_same_maps_as_numbers() -> None:
    a, b, f = (image > 128 for image in images("noise"))
    assert feature_mutual_information(a, b, f) == pytest.approx(
        feature_mutual_information(*(m.astype(float) for m in (a, b, f))), rel=1e-13
    )
