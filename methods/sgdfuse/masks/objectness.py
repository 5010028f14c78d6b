"""From a provider's segments to one objectness channel (design decision 5 of SGDFuse).

Objectness at a pixel is the maximum, over the segments that cover it, of score × area prior. The maximum (not
the sum) keeps the result in [0,1], makes it independent of the segments' order, and lets nested segments (a
head within a person) coexist.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BACKGROUND_SHARE = 0.5
"""Segments that cover more than this share of the image are background and are left out."""

FULL_WEIGHT_SHARE = 0.10
"""Segments up to this share of the image keep their score unchanged."""


@dataclass(frozen=True)
class Segment:
    """One segment of an image: ``mask`` is bool H×W, ``score`` the provider's confidence in [0,1]."""

    mask: npt.NDArray[np.bool_]
    score: float


def area_prior(share: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Weight in [0,1] of segments that cover ``share`` (0…1) of the image: 1 up to 10 %, then falling to 0 at
    50 %.

    Class-agnostic segmenters cut the whole image up, road, sky and walls included, all with scores near 1;
    size is what tells objects from "stuff". In street scenes nearly every person and vehicle covers less than
    10 % (in MSRS' labels people are 1.1 % of all pixels and cars 3.9 %, all instances together), so nothing
    is taken from these. Above that the weight falls with the *logarithm* of the share, log(0.5 / share) /
    log(0.5 / 0.1), since it is ratios of size that separate the two: a near car that fills 20 % still gets
    0.57. It arrives at 0 at exactly the share where segments are left out, so that a segment growing past 50
    % makes no jump. There is no lower limit: distant pedestrians are a few dozen pixels. Shares above 0.5 and
    empty segments (share 0) get 0.
    """
    values = np.asarray(share, dtype=np.float64)
    positive = np.maximum(values, np.finfo(np.float64).tiny)
    falling = np.log(BACKGROUND_SHARE / positive) / np.log(BACKGROUND_SHARE / FULL_WEIGHT_SHARE)
    return np.where(values > 0, np.clip(falling, 0.0, 1.0), 0.0)


def objectness_from_segments(segments: Iterable[Segment], shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Objectness, float32 H×W in [0,1], of ``segments`` in an image of ``shape`` (H, W); zeros where there
    are none.

    Raises ``ValueError`` when a mask has another shape or a score is not a finite number. Scores are clamped
    to [0,1].
    """
    objectness = np.zeros(shape, dtype=np.float32)
    for segment in segments:
        if segment.mask.shape != tuple(shape):
            raise ValueError(
                f"a segment is {segment.mask.shape}, but the image is {tuple(shape)} (height, width)"
            )
        if not np.isfinite(segment.score):
            raise ValueError(f"a segment's score is {segment.score}; scores are numbers in [0,1]")
        mask = segment.mask.astype(bool, copy=False)
        weight = np.float32(np.clip(segment.score, 0.0, 1.0) * area_prior(mask.mean()))
        if weight > 0:
            np.maximum(objectness, weight, out=objectness, where=mask)
    return objectness


def objectness_from_labels(labels: npt.NDArray[np.integer], scores: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """The same for segments that don't overlap: ``labels`` H×W holds 0 for none and i for the segment with
    ``scores[i - 1]``.

    Equal to ``objectness_from_segments`` of the single masks, but its time does not grow with their number.
    """
    values = np.clip(np.asarray(scores, dtype=np.float64), 0.0, 1.0)
    if not np.isfinite(values).all():
        raise ValueError("scores are numbers in [0,1]; at least one is not finite")
    shares = np.bincount(labels.ravel(), minlength=len(values) + 1)[1:] / max(labels.size, 1)
    if len(shares) != len(values):
        raise ValueError(f"labels go up to {len(shares)}, but there are {len(values)} scores")
    weights = np.concatenate([[0.0], values * area_prior(shares)]).astype(np.float32)
    return np.asarray(weights[labels], np.float32)
