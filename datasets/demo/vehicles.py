"""Cars: a side profile extruded to a body, with windows, wheels and lamps, in perspective."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import materials as m
from .canvas import Camera, Colour, Material, Points, Thing, world_face

Point3 = tuple[float, float, float]


@dataclass(frozen=True)
class Body:
    """The shape of a car. ``outline`` runs from the lower rear over the roof to the lower front as (along,
    up) in metres; ``roof`` are the indices of the points where the roof begins and ends; ``axles`` the
    wheels' places along."""

    width: float
    wheel: float
    axles: tuple[float, float]
    outline: tuple[tuple[float, float], ...]
    waist: int
    roof: tuple[int, int]


BODIES = (
    Body(
        1.74,
        0.31,
        (0.78, 3.42),
        (
            (0, 0.30),
            (0, 0.88),
            (0.35, 0.98),
            (0.95, 1.42),
            (2.2, 1.44),
            (3.05, 0.98),
            (4.15, 0.80),
            (4.3, 0.30),
        ),
        2,
        (3, 4),
    ),
    Body(
        1.68,
        0.30,
        (0.60, 3.00),
        (
            (0, 0.30),
            (0.02, 0.92),
            (0.10, 1.00),
            (0.35, 1.48),
            (1.9, 1.53),
            (2.75, 1.02),
            (3.6, 0.86),
            (3.7, 0.30),
        ),
        2,
        (3, 4),
    ),
    Body(
        1.82,
        0.35,
        (0.82, 3.55),
        (
            (0, 0.36),
            (0.02, 1.00),
            (0.08, 1.10),
            (0.42, 1.66),
            (2.4, 1.70),
            (3.2, 1.15),
            (4.35, 0.98),
            (4.5, 0.36),
        ),
        2,
        (3, 4),
    ),
    Body(
        1.85,
        0.33,
        (0.85, 3.95),
        (
            (0, 0.34),
            (0, 1.05),
            (0.04, 1.15),
            (0.14, 1.92),
            (3.5, 1.96),
            (4.15, 1.22),
            (4.75, 0.98),
            (4.85, 0.34),
        ),
        2,
        (3, 4),
    ),
)
"""Saloon, hatchback, off-roader, van."""


class _Builder:
    """Collects the faces of one car; takes points in the car's own frame (across, up, along from the rear)."""

    def __init__(self, camera: Camera, x: float, z: float, heading: float, body: Body, instance: int) -> None:
        self.camera, self.body, self.instance = camera, body, instance
        self.c, self.s = float(np.cos(heading)), float(np.sin(heading))
        self.length = body.outline[-1][0]
        self.x, self.z = x, z + 0.5 * (abs(self.c) * self.length + abs(self.s) * body.width)
        self.thing = Thing(self.z)
        # The eye in the car's frame tells which sides it sees.
        dx, dz = -self.x, -self.z
        self.eye = np.array(
            [dx * self.c - dz * self.s, camera.eye, dx * self.s + dz * self.c + self.length / 2]
        )

    def world(self, points: Sequence[Point3]) -> Points:
        """Car frame → world, N×3."""
        p = np.asarray(points, np.float64)
        across, along = p[:, 0], p[:, 2] - self.length / 2
        return np.stack(
            [self.x + across * self.c + along * self.s, p[:, 1], self.z + along * self.c - across * self.s],
            axis=1,
        )

    def add(self, points: Sequence[Point3], material: Material, shade: float = 1.0) -> None:
        """Add a polygon of the car."""
        face = world_face(self.camera, self.world(points), material, shade, self.instance, depth=self.z)
        if face is not None:
            self.thing.faces.append(face)


def car(
    camera: Camera,
    rng: np.random.Generator,
    x: float,
    z: float,
    heading: float,
    instance: int,
    running: bool,
    lit: bool,
) -> Thing:
    """A car whose nearest point is about at depth ``z``.

    ``heading`` in radians: 0 drives away from the camera, pi comes towards it, ±pi/2 crosses. ``running``:
    engine, brakes and tyres are warm; ``lit``: lamps are on.
    """
    body = BODIES[int(rng.integers(len(BODIES)))]
    paint = m.car_paint(
        m.pick(rng, m.PAINTS), float(rng.uniform(-1.0, 1.5)) if running else float(rng.uniform(-3.5, -1.5))
    )
    hot = float(rng.uniform(0.7, 1.0)) if running else 0.0
    b = _Builder(camera, x, z, heading, body, instance)
    half = body.width / 2
    near_side = 1.0 if b.eye[0] > 0 else -1.0
    _underside(b, half, hot)
    for axle in body.axles:
        _wheel(b, -near_side * (half - 0.04), axle, hot, -near_side)
    _hull(b, half, paint, hot)
    _end(b, half, paint, lit, hot)
    if abs(b.eye[0]) > half:
        _side(b, near_side * half, paint)
        for axle in body.axles:
            _wheel(b, near_side * (half + 0.005), axle, hot, near_side)
    return b.thing


def _underside(b: _Builder, half: float, hot: float) -> None:
    dark = m.TRIM._replace(warm=2.0 + 8.0 * hot, albedo=(0.006, 0.006, 0.006))
    for along in (b.length - 0.25, 0.25) if b.eye[2] < 0 else (0.25, b.length - 0.25):
        b.add(
            [
                (-half * 0.9, 0.10, along),
                (half * 0.9, 0.10, along),
                (half * 0.9, 0.45, along),
                (-half * 0.9, 0.45, along),
            ],
            dark,
        )


def _hull(b: _Builder, half: float, paint: Material, hot: float) -> None:
    """The strips across the car, from the far end to the near one; those that face away are covered by those
    in front."""
    outline = b.body.outline
    tumble = 0.86  # the roof is narrower than the waist
    strips = list(range(len(outline) - 1))
    if b.eye[2] > b.length / 2:
        strips.reverse()
    strips.reverse()
    for i in strips:
        (z0, y0), (z1, y1) = outline[i], outline[i + 1]
        # Outward normal in the (along, up) plane; outline runs clockwise seen from the right.
        normal = np.array([-(y1 - y0), z1 - z0])
        towards = np.array([b.eye[2] - (z0 + z1) / 2, b.eye[1] - (y0 + y1) / 2])
        if float(normal @ towards) <= 0:
            continue
        h0, h1 = (
            half * tumble if k in range(b.body.roof[0], b.body.roof[1] + 1) else half for k in (i, i + 1)
        )
        quad = [(-h0, y0, z0), (h0, y0, z0), (h1, y1, z1), (-h1, y1, z1)]
        window = (i == b.body.waist or i == b.body.roof[1]) and abs(y1 - y0) > 0.2
        bonnet = i > b.body.roof[1]
        up = abs(normal[1]) / float(np.hypot(*normal))
        material = paint._replace(warm=paint.warm + (9.0 * hot if bonnet and up > 0.5 else 0.0))
        b.add(quad, material, 0.72 + 0.4 * up)
        if window:
            b.add(
                [_inset(quad, u, v) for u, v in ((0.08, 0.10), (0.92, 0.10), (0.90, 0.92), (0.10, 0.92))],
                m.GLASS,
                1.0,
            )


def _inset(quad: Sequence[Point3], u: float, v: float) -> Point3:
    """The point at (u, v) in 0..1 of a quad: u along its first edge, v from it to the opposite one."""
    q = np.asarray(quad, np.float64)
    p = (1 - v) * ((1 - u) * q[0] + u * q[1]) + v * ((1 - u) * q[3] + u * q[2])
    return (float(p[0]), float(p[1]), float(p[2]))


def _side(b: _Builder, across: float, paint: Material) -> None:
    """The side that is seen: the profile, its windows, a door line."""
    outline = b.body.outline
    first, last = b.body.roof
    tumble = 0.86

    def at(i: int) -> Point3:
        along, up = outline[i]
        return (across * (tumble if first <= i <= last else 1.0), up, along)

    b.add([at(i) for i in range(len(outline))], paint, 0.82)
    sill = [(across, 0.30, b.body.axles[0] + 0.4), (across, 0.30, b.body.axles[1] - 0.4)]
    b.add([*sill, (across, 0.42, sill[1][2]), (across, 0.42, sill[0][2])], m.TRIM, 0.8)
    lower0, upper0, upper1, lower1 = at(first - 1), at(first), at(last), at(last + 1)
    quad = [lower0, lower1, upper1, upper0]
    for u0, u1 in ((0.07, 0.46), (0.50, 0.92)):
        b.add(
            [_inset(quad, u, v) for u, v in ((u0, 0.06), (u1, 0.06), (u1 * 0.98, 0.88), (u0 + 0.02, 0.88))],
            m.GLASS,
            0.9,
        )


def _wheel(b: _Builder, across: float, along: float, hot: float, side: float) -> None:
    t = np.arange(16) * (2 * np.pi / 16)
    r = b.body.wheel
    for radius, material in (
        (r * 1.16, m.TRIM._replace(warm=3.0 + 3.0 * hot)),
        (r, m.TYRE._replace(warm=3.0 + 7.0 * hot)),
        (r * 0.58, m.HUB._replace(warm=2.0 + 14.0 * hot)),
        (r * 0.2, m.TRIM._replace(warm=2.0 + 15.0 * hot)),
    ):
        shift = across + 0.002 * side
        b.add(
            [(shift, r + radius * float(np.sin(a)), along + radius * float(np.cos(a))) for a in t],
            material,
            0.9,
        )


def _end(b: _Builder, half: float, paint: Material, lit: bool, hot: float) -> None:
    """Lamps, plate, grille and tyres of the end that is seen."""
    rear = b.eye[2] < 0
    if not rear and b.eye[2] < b.length:
        return
    along = -0.01 if rear else b.length + 0.01
    low, high = b.body.outline[0][1], b.body.outline[1 if rear else -2][1]

    def panel(x0: float, x1: float, y0: float, y1: float, material: Material, shade: float = 1.0) -> None:
        lean = (b.body.outline[-1][0] - b.body.outline[-2][0]) if not rear else 0.0
        a0, a1 = along - lean * (y0 - low) / (high - low), along - lean * (y1 - low) / (high - low)
        b.add(
            [(x0 * half, y0, a0), (x1 * half, y0, a0), (x1 * half, y1, a1), (x0 * half, y1, a1)],
            material,
            shade,
        )

    for x0, x1 in ((-0.92, -0.62), (0.62, 0.92)):  # tyres below the bumper
        panel(x0, x1, 0.02, low, m.TYRE._replace(warm=3.0 + 8.0 * hot), 0.8)
    panel(-0.98, 0.98, low, low + 0.16, m.TRIM, 1.0)
    middle = low + 0.62 * (high - low)
    if rear:
        glow: Colour = (0.85, 0.03, 0.02) if lit else (0.0, 0.0, 0.0)
        lamp = Material(
            (0.35, 0.02, 0.02),
            warm=2.0 + (7.0 if lit else 0.0),
            sun=2.0,
            texture=0.02,
            label=m.CAR,
            glow=glow,
        )
        panel(-0.3, 0.3, low + 0.22, low + 0.33, m.PLATE)
        panel(0.45, 0.62, low - 0.04, low + 0.05, m.TRIM._replace(warm=4.0 + 22.0 * hot))  # exhaust
    else:
        glow = (5.0, 4.7, 4.0) if lit else (0.0, 0.0, 0.0)
        lamp = Material(
            (0.7, 0.7, 0.7), warm=2.0 + (12.0 if lit else 0.0), sun=2.0, texture=0.02, label=m.CAR, glow=glow
        )
        panel(
            -0.55, 0.55, low + 0.2, middle, m.TRIM._replace(warm=3.0 + 13.0 * hot)
        )  # grille before the radiator
        panel(-0.26, 0.26, low + 0.06, low + 0.17, m.PLATE)
    for x0, x1 in ((-0.95, -0.62), (0.62, 0.95)):
        panel(x0, x1, middle - 0.02, middle + 0.17, lamp)
