"""Objectness of segments: hand-computed values and the properties of design decision 5."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fusionbench.methods.sgdfuse.masks import (
    Segment,
    area_prior,
    objectness_from_labels,
    objectness_from_segments,
)

SHAPE = (9, 12)

segments_of = st.lists(
    st.builds(Segment, mask=hnp.arrays(bool, SHAPE), score=st.floats(0, 1)),
    max_size=6,
)


@given(segments_of)
def test_stays_in_range_and_is_zero_off_the_segments(segments: list[Segment]) -> None:
    objectness = objectness_from_segments(segments, SHAPE)
    assert objectness.dtype == np.float32
    assert objectness.shape == SHAPE
    assert objectness.min() >= 0
    assert objectness.max() <= 1
    covered = np.zeros(SHAPE, dtype=bool)
    for segment in segments:
        covered |= segment.mask
    assert not objectness[~covered].any()


@given(segments_of, st.randoms(use_true_random=False))
def test_order_does_not_matter(segments: list[Segment], random: object) -> None:
    shuffled = list(segments)
    random.shuffle(shuffled)
    np.testing.assert_array_equal(
        objectness_from_segments(segments, SHAPE), objectness_from_segments(shuffled, SHAPE)
    )


@given(segments_of, segments_of)
def test_adding_segments_never_lowers_it(first: list[Segment], more: list[Segment]) -> None:
    before = objectness_from_segments(first, SHAPE)
    assert (objectness_from_segments(first + more, SHAPE) >= before).all()


@given(segments_of, st.floats(0, 1), st.integers(0, 10**6))
def test_background_sized_segments_are_ignored(segments: list[Segment], score: float, seed: int) -> None:
    size = math.prod(SHAPE)
    generator = np.random.default_rng(seed)
    mask = np.zeros(size, dtype=bool)
    mask[generator.permutation(size)[: generator.integers(size // 2 + 1, size + 1)]] = True
    background = Segment(mask.reshape(SHAPE), score)
    np.testing.assert_array_equal(
        objectness_from_segments([*segments, background], SHAPE), objectness_from_segments(segments, SHAPE)
    )


def test_no_segments_give_zero() -> None:
    assert not objectness_from_segments([], SHAPE).any()


def test_hand_computed() -> None:
    small, large = np.zeros((10, 10), dtype=bool), np.zeros((10, 10), dtype=bool)
    small[:2, :2] = True  # 4 % of the image: full weight
    large[:5, :5] = True  # 25 %: log(0.5 / 0.25) / log(0.5 / 0.1) = ln 2 / ln 5 = 0.430677
    objectness = objectness_from_segments([Segment(large, 0.8), Segment(small, 0.3)], (10, 10))
    expected = np.zeros((10, 10))
    expected[:5, :5] = 0.8 * 0.430677  # 0.3445 > 0.3: the nested, weaker segment doesn't show
    np.testing.assert_allclose(objectness, expected, atol=1e-6)


def test_area_prior_is_one_then_falls_to_zero_at_half_the_image() -> None:
    shares = np.linspace(0.001, 1, 1000)
    prior = area_prior(shares)
    assert (np.diff(prior) <= 0).all()
    np.testing.assert_allclose(prior[shares <= 0.1], 1)
    np.testing.assert_allclose(area_prior([0, 0.5, 0.7, 1]), 0, atol=1e-12)
    assert area_prior(math.sqrt(0.05)) == pytest.approx(0.5)  # halfway between 0.1 and 0.5 in logarithm


@settings(max_examples=50)
@given(
    hnp.arrays(np.int32, SHAPE, elements=st.integers(0, 5)), st.lists(st.floats(0, 1), min_size=5, max_size=5)
)
def test_labels_agree_with_single_segments(labels: np.ndarray, scores: list[float]) -> None:
    segments = [Segment(labels == index + 1, score) for index, score in enumerate(scores)]
    np.testing.assert_array_equal(
        objectness_from_labels(labels, scores), objectness_from_segments(segments, SHAPE)
    )


def test_wrong_shapes_and_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="height, width"):
        objectness_from_segments([Segment(np.ones((3, 3), dtype=bool), 1.0)], SHAPE)
    with pytest.raises(ValueError, match="score"):
        objectness_from_segments([Segment(np.ones(SHAPE, dtype=bool), math.nan)], SHAPE)
    with pytest.raises(ValueError, match="2 scores"):
        objectness_from_labels(np.full(SHAPE, 3), [0.1, 0.2])
