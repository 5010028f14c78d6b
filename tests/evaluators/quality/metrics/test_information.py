"""Histogram metrics: closed forms, textbook definitions on the whole joint table, and invariances."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fusionbench.evaluators.quality.metrics import chen
from fusionbench.evaluators.quality.metrics import information as family
from fusionbench.evaluators.quality.undefined import Undefined

RANDOM = np.random.default_rng(7)
A, B = (RANDOM.integers(0, 256, (40, 50), dtype=np.uint8) for _ in range(2))
F = ((A.astype(int) + B) // 2).astype(np.uint8)
FLAT = np.full((40, 50), 9, np.uint8)


def joints(*images: Any) -> Any:
    """(infrared, fused), (visible, fused) and (infrared, visible)."""
    a, b, f = images
    return family.joint_histogram(a, f), family.joint_histogram(b, f), family.joint_histogram(a, b)


def nmi(*images: Any) -> Any:
    return family.hossny_normalised(*joints(*images)[:2])


def tsallis(*images: Any, **options: Any) -> Any:
    return family.tsallis(*joints(*images)[:2], **options)


def qncie(*images: Any, **options: Any) -> Any:
    return family.nonlinear_correlation(*joints(*images), **options)


def information(first: Any, second: Any) -> Any:
    """I(X;Y) in bits, term by term."""
    joint = (
        np.histogram2d(first.ravel(), second.ravel(), bins=256, range=((0, 256), (0, 256)))[0] / first.size
    )
    px, py = joint.sum(1), joint.sum(0)
    return sum(joint[i, j] * np.log2(joint[i, j] / (px[i] * py[j])) for i, j in np.argwhere(joint > 0))


def entropy(image: Any) -> Any:
    p = np.bincount(image.ravel()) / image.size
    return -sum(v * np.log2(v) for v in p if v)


def test_nmi_is_hossnys_definition() -> None:
    wanted = 2 * sum(information(s, F) / (entropy(s) + entropy(F)) for s in (A, B))
    assert nmi(A, B, F) == pytest.approx(wanted, rel=1e-12)


def test_nmi_of_identical_images_is_two() -> None:
    assert nmi(A, A, A) == pytest.approx(2.0, abs=1e-12)


def test_information_measures_ignore_a_relabelling_of_levels() -> None:
    permuted = RANDOM.permutation(256).astype(np.uint8)[F]
    for metric in (
        nmi,
        tsallis,
        qncie,
    ):
        assert metric(A, B, permuted) == pytest.approx(metric(A, B, F), rel=1e-12)


def test_te_is_the_power_sum_and_zero_for_independent_images() -> None:
    q = 1.85
    joint = family.joint_histogram(A, F) / A.size
    px, py = joint.sum(1), joint.sum(0)
    wanted = (1 - sum(joint[i, j] ** q / (px[i] * py[j]) ** (q - 1) for i, j in np.argwhere(joint > 0))) / (
        1 - q
    )
    assert family.tsallis(*[family.joint_histogram(A, F)] * 2) == pytest.approx(2 * wanted, rel=1e-12)
    rows, columns = np.mgrid[0:16, 0:16].astype(np.uint8)
    assert tsallis(rows, rows, columns) == pytest.approx(0.0, abs=1e-12)


def test_transposed_marginals_change_asymmetric_pairs_only() -> None:
    usual = tsallis(A, B, F)
    assert tsallis(A, B, F, transposed_marginals=True) != pytest.approx(usual, rel=1e-3)
    assert tsallis(A, A, A, transposed_marginals=True) == pytest.approx(tsallis(A, A, A), rel=1e-12)


def test_ncie_bounds() -> None:
    rows, columns = np.mgrid[0:256, 0:256].astype(np.uint8)
    assert qncie(rows, rows, rows) == pytest.approx(1.0, abs=1e-12)
    unrelated = family.nonlinear_correlation(*[family.joint_histogram(rows, columns)] * 3)
    assert unrelated == pytest.approx(1 - np.log2(3) / 8, abs=1e-12)


def test_zoos_ncie_has_pearsons_correlation() -> None:
    share = np.linalg.eigvalsh(np.corrcoef([x.ravel().astype(float) for x in (A, B, F)])) / 3
    wanted = 1 + (share * np.log(share)).sum() / np.log(256)
    assert qncie(A, B, F, pearson=True) == pytest.approx(wanted, rel=1e-12)


def test_stretch_rounds_halves_away_from_zero() -> None:
    assert chen.stretched(np.array([[0, 1, 2]], np.uint8), "fused").tolist() == [[0.0, 128.0, 255.0]]


@given(
    arrays(np.uint8, (6, 7), elements=st.integers(0, 255)),
    arrays(np.uint8, (6, 7), elements=st.integers(0, 255)),
)
@settings(max_examples=60, deadline=None)
def test_stretched_joint_is_the_joint_of_the_stretched_images(first: Any, second: Any) -> None:
    joint = family.joint_histogram(first, second)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return
    stretched = [chen.stretched(x, "fused").astype(np.uint8) for x in (first, second)]
    assert np.array_equal(family.stretched_joint(joint), family.joint_histogram(*stretched))


@pytest.mark.parametrize("images", [(FLAT, B, F), (A, FLAT, F), (A, B, FLAT)])
def test_constant_images_are_named(images: Any) -> None:
    for metric in (
        nmi,
        tsallis,
        qncie,
    ):
        with pytest.raises(Undefined, match="constant"):
            metric(*images)


def test_cross_entropy_is_zero_for_equal_histograms_and_finite_for_constants() -> None:
    shuffled = RANDOM.permutation(A.ravel()).reshape(A.shape)
    assert family.cross_entropy(A, A, shuffled) == pytest.approx(0.0, abs=1e-12)
    assert family.cross_entropy(FLAT, FLAT, FLAT + 1) == 0.0
    two = np.array([[0, 0, 0, 1]], np.uint8)
    even = np.array([[0, 0, 1, 1]], np.uint8)
    wanted = 0.75 * np.log2(1.5) + 0.25 * np.log2(0.5)
    assert family.cross_entropy(two, two, even) == pytest.approx(wanted, rel=1e-12)
