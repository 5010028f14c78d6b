"""The corruptions as data: what ``fusionbench list corruptions`` and ``info corruption NAME`` print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ..contracts.artifact import _Spec
from ..contracts.names import PlainName

SEVERITIES = (1, 2, 3, 4, 5)


class CorruptionSpec(_Spec):
    """A corruption as data. ``parameters`` maps each severity to the arguments of ``function``.

    Where something is either there or not (a sensor is gone), there is one severity, 5. ``frames``: the infrared
    image is that of another frame, so many steps away; it then needs a dataset whose pairs are frames of a video.
    """

    name: PlainName
    title: str
    changes: Literal["visible", "infrared", "pair"]
    """What it is given, and returns: one of the images, or both."""
    summary: str
    source: str
    parameters: Mapping[int, Mapping[str, float]]
    function: str
    frames: bool = False
    version: int = 1

    @property
    def severities(self) -> tuple[int, ...]:
        """The severities that it has, mildest first."""
        return tuple(self.parameters)


def _levels(**values: tuple[float, float, float, float, float]) -> dict[int, dict[str, float]]:
    return {s: {key: five[s - 1] for key, five in values.items()} for s in SEVERITIES}


_ONE_LEVEL: dict[int, dict[str, float]] = {5: {}}
_IMAGENET_C = "Hendrycks and Dietterich: Benchmarking neural network robustness (ImageNet-C). ICLR 2019"
_OURS = "our own"

SPECS: tuple[CorruptionSpec, ...] = (
    CorruptionSpec(
        name="low-light",
        title="Low light",
        changes="visible",
        summary="Darkened by a gamma curve, then noise (grey levels)",
        source="after Lore, Akintayo, Sarkar: LLNet. Pattern Recognition 61, 2017 (gamma and noise)",
        parameters=_levels(gamma=(1.5, 2.0, 2.6, 3.3, 4.0), sigma=(1.0, 1.5, 2.0, 3.0, 4.0)),
        function="visible:low_light",
    ),
    CorruptionSpec(
        name="glare",
        title="Glare",
        changes="visible",
        summary="The veil of a lamp at a random place; radius in pixels at 640",
        source="after Stiles and Holladay's law of veiling luminance (CIE 146:2002), which falls as 1/r²",
        parameters=_levels(strength=(0.5, 0.7, 0.9, 1.1, 1.4), radius=(40, 60, 85, 120, 170)),
        function="visible:glare",
    ),
    CorruptionSpec(
        name="motion-blur",
        title="Motion blur",
        changes="visible",
        summary="Blurred along a line in a random direction; length in pixels at 640",
        source=f"the kind: {_IMAGENET_C}; lengths our own",
        parameters=_levels(length=(5, 9, 15, 21, 31)),
        function="visible:motion_blur",
    ),
    CorruptionSpec(
        name="fog",
        title="Fog",
        changes="visible",
        summary="Grey air in banks, denser towards the upper edge; transmission at middle distance",
        source="Koschmieder's law of visibility (1924); distance and banks our own",
        parameters=_levels(transmission=(0.75, 0.6, 0.45, 0.32, 0.2)),
        function="visible:fog",
    ),
    CorruptionSpec(
        name="rain",
        title="Rain",
        changes="visible",
        summary="Bright streaks (so many per 100 × 100 pixels at 640, so long) and a veil",
        source="after Garg and Nayar: Vision and rain. IJCV 75(1), 2007 (streaks are brighter than what they hide)",
        parameters=_levels(
            drops=(2, 4, 7, 11, 16), length=(12, 16, 20, 26, 34), brightness=(0.35, 0.45, 0.55, 0.65, 0.75)
        ),
        function="visible:rain",
    ),
    CorruptionSpec(
        name="vi-noise",
        title="Noise (visible)",
        changes="visible",
        summary="Noise of so many grey levels in each channel",
        source=f"the kind: {_IMAGENET_C}; levels our own",
        parameters=_levels(sigma=(10, 18, 28, 42, 60)),
        function="visible:noise",
    ),
    CorruptionSpec(
        name="jpeg",
        title="JPEG (visible)",
        changes="visible",
        summary="Compressed with a low quality and decoded again",
        source=f"{_IMAGENET_C} (its qualities)",
        parameters=_levels(quality=(25, 18, 15, 10, 7)),
        function="visible:jpeg",
    ),
    CorruptionSpec(
        name="stripes",
        title="Stripes (infrared)",
        changes="infrared",
        summary="Fixed-pattern noise: an offset of so many grey levels for each column",
        source="the column noise of uncooled microbolometer arrays; levels our own",
        parameters=_levels(sigma=(4, 8, 14, 22, 32)),
        function="infrared:stripes",
    ),
    CorruptionSpec(
        name="low-contrast",
        title="Low contrast (infrared)",
        changes="infrared",
        summary="Shrunk towards the mean by a factor, as when everything is equally warm",
        source=f"the kind: {_IMAGENET_C}; factors our own",
        parameters=_levels(contrast=(0.7, 0.5, 0.35, 0.22, 0.12)),
        function="infrared:low_contrast",
    ),
    CorruptionSpec(
        name="dead-pixels",
        title="Dead pixels (infrared)",
        changes="infrared",
        summary="A share of the pixels is stuck at black or white",
        source=_OURS,
        parameters=_levels(share=(0.002, 0.005, 0.012, 0.03, 0.06)),
        function="infrared:dead_pixels",
    ),
    CorruptionSpec(
        name="ir-blur",
        title="Blur (infrared)",
        changes="infrared",
        summary="Out of focus: a Gaussian of so many pixels at 640",
        source=f"the kind: {_IMAGENET_C}; widths our own",
        parameters=_levels(sigma=(1, 2, 3, 4.5, 6)),
        function="infrared:blur",
    ),
    CorruptionSpec(
        name="polarity-flip",
        title="Polarity flip (infrared)",
        changes="infrared",
        summary="Hot is black: it is so or not, and has one severity",
        source="the white-hot and black-hot modes of thermal cameras",
        parameters=_ONE_LEVEL,
        function="infrared:polarity_flip",
    ),
    CorruptionSpec(
        name="ir-noise",
        title="Noise (infrared)",
        changes="infrared",
        summary="Noise of so many grey levels",
        source=f"the kind: {_IMAGENET_C}; levels our own",
        parameters=_levels(sigma=(8, 16, 26, 40, 60)),
        function="infrared:noise",
    ),
    CorruptionSpec(
        name="shift",
        title="Shift",
        changes="pair",
        summary="Misregistration: the infrared image is moved in a random direction; pixels at 640",
        source=_OURS,
        parameters=_levels(pixels=(2, 4, 8, 14, 22)),
        function="pairs:shift",
    ),
    CorruptionSpec(
        name="rotation",
        title="Rotation",
        changes="pair",
        summary="Misregistration: the infrared image is turned about its middle",
        source=_OURS,
        parameters=_levels(degrees=(0.5, 1, 2, 3.5, 5)),
        function="pairs:rotation",
    ),
    CorruptionSpec(
        name="scale",
        title="Scale",
        changes="pair",
        summary="Misregistration: the infrared image is enlarged or shrunk",
        source=_OURS,
        parameters=_levels(factor=(1.01, 1.02, 1.04, 1.07, 1.1)),
        function="pairs:scale",
    ),
    CorruptionSpec(
        name="parallax",
        title="Parallax",
        changes="pair",
        summary="Misregistration that grows with nearness: sideways, so many pixels at 640 at the lower edge",
        source=_OURS,
        parameters=_levels(pixels=(4, 8, 14, 22, 32)),
        function="pairs:parallax",
    ),
    CorruptionSpec(
        name="time-offset",
        title="Time offset",
        changes="pair",
        summary="The infrared image is that of a frame so many steps away (needs frames of a video)",
        source=_OURS,
        parameters=_levels(steps=(1, 2, 3, 4, 5)),
        function="",
        frames=True,
    ),
    CorruptionSpec(
        name="ir-gone",
        title="Infrared gone",
        changes="pair",
        summary="The infrared image is black: it is so or not, and has one severity",
        source=_OURS,
        parameters=_ONE_LEVEL,
        function="pairs:infrared_gone",
    ),
    CorruptionSpec(
        name="vi-gone",
        title="Visible gone",
        changes="pair",
        summary="The visible image is black: it is so or not, and has one severity",
        source=_OURS,
        parameters=_ONE_LEVEL,
        function="pairs:visible_gone",
    ),
)
"""In the order of reports: visible, infrared, pair."""


def by_name() -> dict[str, CorruptionSpec]:
    """All corruptions by name, in their order."""
    return {spec.name: spec for spec in SPECS}
