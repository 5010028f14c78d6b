"""What both cameras share: the projection, the materials, and the picture of which surface each pixel sees.

A scene is drawn once, far to near, into a buffer of surface numbers. Colour, temperature, label, instance and
depth of a pixel are then looked up by that number, so that labels and both images agree to the pixel by
construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
FloatImage = npt.NDArray[np.float32]
Colour = tuple[float, float, float]

SUPERSAMPLING = 2
"""Surfaces are drawn at this multiple of the image's width and height, then averaged."""
_SUBPIXEL_BITS = 4
NEAR = 0.6
"""Metres before the camera at which polygons are cut off."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera above a flat ground, looking along z; x is right, y up, metres. Pixels are those of
    the finished image."""

    width: int
    height: int
    focal: float
    horizon: float
    eye: float

    def project(self, points: Points) -> Points:
        """World points N×3 (z > 0) → pixels N×2 (column, row)."""
        scale = self.focal / points[:, 2]
        return np.stack(
            [self.width / 2 + points[:, 0] * scale, self.horizon + (self.eye - points[:, 1]) * scale], axis=1
        )

    def ground(self, level: float = 0.0) -> tuple[FloatImage, FloatImage]:
        """x and z (metres) where each supersampled pixel's ray meets the plane y = ``level``; z is infinite
        above the horizon."""
        s = SUPERSAMPLING
        rows = (np.arange(self.height * s, dtype=np.float32) + 0.5) / s - self.horizon
        z = np.where(rows > 0.25, self.focal * (self.eye - level) / np.maximum(rows, 0.25), np.inf)[:, None]
        columns = ((np.arange(self.width * s, dtype=np.float32) + 0.5) / s - self.width / 2)[None, :]
        x = columns * np.where(np.isfinite(z), z, 0.0) / self.focal
        return x.astype(np.float32), np.broadcast_to(z.astype(np.float32), x.shape)


class Material(NamedTuple):
    """What a surface is made of, for both sensors.

    ``albedo`` linear RGB reflectance; ``glow`` light it emits itself (1 = a white wall in full day). Its
    temperature is the air's plus ``warm`` plus ``sun`` times the sun's strength, or ``body`` degrees Celsius
    if that is set. ``emissivity`` in the thermal band; ``texture`` relative contrast of its surface;
    ``label`` its class id.
    """

    albedo: Colour
    warm: float = 0.0
    sun: float = 2.0
    emissivity: float = 0.95
    texture: float = 0.1
    label: int = 0
    glow: Colour = (0.0, 0.0, 0.0)
    body: float = float("nan")


class Face(NamedTuple):
    """A filled polygon in pixels, and what it is. ``depth`` in metres; ``shade`` multiplies the light that
    falls on it."""

    outline: Points
    material: Material
    depth: float
    shade: float = 1.0
    instance: int = 0


@dataclass
class Thing:
    """Something that is drawn as a whole: its faces in drawing order, and the depth by which things are
    sorted."""

    depth: float
    faces: list[Face] = field(default_factory=list)


@dataclass(frozen=True)
class Surfaces:
    """Which surface each supersampled pixel sees, and the surfaces' properties by number."""

    ids: npt.NDArray[np.uint16]
    materials: tuple[Material, ...]
    depth: FloatImage
    """Metres, of every pixel (infinite: sky)."""
    shade: npt.NDArray[np.float32]
    instance: npt.NDArray[np.int32]

    def column(self, name: str) -> npt.NDArray[np.float32]:
        """One property of all surfaces, by surface number: N or N×3."""
        return self._columns[name]

    @cached_property
    def _columns(self) -> dict[str, npt.NDArray[np.float32]]:
        # zip transposes all materials at once: a loop over them for each property costs more than drawing
        # them.
        columns = zip(*self.materials, strict=True)
        return {name: np.array(c, np.float32) for name, c in zip(Material._fields, columns, strict=True)}


def draw(
    ids: npt.NDArray[np.uint16],
    depth: FloatImage,
    base: Sequence[Material],
    things: Sequence[Thing],
) -> Surfaces:
    """Draw things over a background (``ids`` indexes ``base``; both arrays are drawn into), far to near."""
    materials = list(base)
    shades, instances, depths = [1.0] * len(base), [0] * len(base), [0.0] * len(base)
    for thing in sorted(things, key=lambda t: -t.depth):
        for face in thing.faces:
            fill(ids, face.outline, len(materials))
            materials.append(face.material)
            shades.append(face.shade)
            instances.append(face.instance)
            depths.append(face.depth)
    drawn = ids >= len(base)
    depth[drawn] = np.array(depths, np.float32)[ids[drawn]]
    return Surfaces(ids, tuple(materials), depth, np.array(shades, np.float32), np.array(instances, np.int32))


def fill(image: npt.NDArray[np.uint16], outline: Points, value: int) -> None:
    """Fill a polygon, given in pixels of the finished image, in a supersampled one."""
    limit = 8192.0
    scaled = np.clip(outline * SUPERSAMPLING - 0.5, -limit, limit)
    cv2.fillPoly(
        image, [np.rint(scaled * (1 << _SUBPIXEL_BITS)).astype(np.int32)], value, shift=_SUBPIXEL_BITS
    )


def clip_near(points: Points) -> Points:
    """Cut the part of a world polygon N×3 that lies nearer than ``NEAR``; empty if nothing is left."""
    z = points[:, 2]
    if (z >= NEAR).all():
        return points
    kept: list[Points] = []
    for a, b in zip(points, np.roll(points, -1, axis=0), strict=True):
        if a[2] >= NEAR:
            kept.append(a)
        if (a[2] >= NEAR) != (b[2] >= NEAR):
            kept.append(a + (b - a) * (NEAR - a[2]) / (b[2] - a[2]))
    return np.array(kept).reshape(-1, 3)


def world_face(
    camera: Camera,
    points: Points,
    material: Material,
    shade: float = 1.0,
    instance: int = 0,
    depth: float | None = None,
) -> Face | None:
    """A polygon in world coordinates as a face, or None where it lies behind the camera."""
    clipped = clip_near(points)
    if len(clipped) < 3:
        return None
    mean = float(clipped[:, 2].mean()) if depth is None else depth
    return Face(camera.project(clipped), material, mean, shade, instance)


def ellipse(centre: Sequence[float], radii: Sequence[float], count: int = 14, angle: float = 0.0) -> Points:
    """The outline of an ellipse as ``count`` points."""
    t = np.arange(count) * (2 * np.pi / count)
    x, y = np.cos(t) * radii[0], np.sin(t) * radii[1]
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([centre[0] + c * x - s * y, centre[1] + s * x + c * y], axis=1)


def limb(start: Sequence[float], end: Sequence[float], radius0: float, radius1: float) -> Points:
    """A tapered stroke with round ends, as a polygon."""
    a, b = np.asarray(start, np.float64), np.asarray(end, np.float64)
    along = b - a
    angle = np.arctan2(along[1], along[0])
    t = np.linspace(np.pi / 2, 3 * np.pi / 2, 5) + angle
    back = a + radius0 * np.stack([np.cos(t), np.sin(t)], axis=1)
    t = np.linspace(-np.pi / 2, np.pi / 2, 5) + angle
    front = b + radius1 * np.stack([np.cos(t), np.sin(t)], axis=1)
    return np.concatenate([back, front])
