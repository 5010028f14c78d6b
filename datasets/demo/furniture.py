"""The small things on a street that MSRS labels: cones, wheel stops, guardrails, speed bumps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import materials as m
from .actors import Flat
from .canvas import Camera, Material, Thing, ellipse, world_face

Curve = Callable[[float], float]
"""The road's centre x (metres) at a depth z."""


def cone(camera: Camera, rng: np.random.Generator, x: float, z: float) -> Thing:
    """A traffic cone, 0.5 to 0.8 m."""
    figure = Flat(camera, x, z)
    h = float(rng.uniform(0.55, 0.85))
    foot = 0.27 * h
    figure.add(np.array([(-foot - 0.05, 0.0), (foot + 0.05, 0.0), (foot, 0.07), (-foot, 0.07)]), m.CONE_FOOT)

    def part(y0: float, y1: float, material: Material) -> None:
        w0, w1 = (0.22 * h * (1 - y / 1.12) for y in (y0, y1))
        figure.add(np.array([(-w0, y0 * h), (w0, y0 * h), (w1, y1 * h), (-w1, y1 * h)]), material)

    part(0.08, 1.0, m.CONE)
    part(0.36, 0.54, m.CONE_BAND)
    part(0.70, 0.82, m.CONE_BAND)
    return figure.thing


def wheel_stop(camera: Camera, x: float, z: float, width: float, level: float = 0.0) -> Thing:
    """A concrete wheel stop across a parking place: a low block with a striped face."""
    thing = Thing(z)
    y0, y1, deep = level, level + 0.19, 0.32

    def face(points: list[tuple[float, float, float]], material: Material, shade: float) -> None:
        made = world_face(camera, np.array(points, np.float64), material, shade, depth=z)
        if made is not None:
            thing.faces.append(made)

    a, b = x - width / 2, x + width / 2
    face([(a, y1, z + 0.06), (b, y1, z + 0.06), (b, y1, z + deep), (a, y1, z + deep)], m.CONCRETE_STOP, 1.1)
    face([(a, y0, z), (b, y0, z), (b, y1, z + 0.06), (a, y1, z + 0.06)], m.CONCRETE_STOP, 0.8)
    for u in (0.12, 0.42, 0.72):
        c, d = a + u * width, a + (u + 0.16) * width
        face(
            [(c, y0 + 0.03, z), (d, y0 + 0.03, z), (d, y1, z + 0.06), (c, y1, z + 0.06)], m.STOP_STRIPE, 0.85
        )
    return thing


def guardrail(camera: Camera, curve: Curve, offset: float, z0: float, z1: float, level: float) -> list[Thing]:
    """A steel guardrail along the road at ``offset`` from its centre: posts every 2 m and two broad rails."""
    things: list[Thing] = []
    z = z0
    while z < z1:
        end = min(z + 2.0, z1)
        xa, xb = curve(z) + offset, curve(end) + offset
        thing = Thing((z + end) / 2)
        for y0, y1, shade in ((0.28, 0.46, 0.85), (0.56, 0.82, 1.0)):
            for low, high, tone in ((y0, y0 + 0.4 * (y1 - y0), 0.72), (y0 + 0.4 * (y1 - y0), y1, 1.0)):
                quad = [
                    (xa, level + low, z),
                    (xb, level + low, end),
                    (xb, level + high, end),
                    (xa, level + high, z),
                ]
                face = world_face(camera, np.array(quad), m.RAIL, shade * tone)
                if face is not None:
                    thing.faces.append(face)
        post = [
            (xa - 0.06, level, z),
            (xa + 0.06, level, z),
            (xa + 0.06, level + 0.88, z),
            (xa - 0.06, level + 0.88, z),
        ]
        face = world_face(camera, np.array(post), m.RAIL_POST, 0.9)
        if face is not None:
            thing.faces.append(face)
        things.append(thing)
        z = end
    return things


def speed_bump(camera: Camera, curve: Curve, half_road: float, z: float) -> Thing:
    """A rubber speed bump across the road, in yellow and black blocks."""
    thing = Thing(z + 0.35)
    blocks = 10
    x0, step = curve(z) - half_road * 0.94, 2 * half_road * 0.94 / blocks
    top, deep = 0.09, 0.62
    for i in range(blocks):
        a, b = x0 + i * step, x0 + (i + 1) * step
        material = m.HUMP_YELLOW if i % 2 else m.HUMP_BLACK
        for points, shade in (
            ([(a, top, z + 0.2), (b, top, z + 0.2), (b, 0.03, z + deep), (a, 0.03, z + deep)], 1.05),
            ([(a, 0.0, z), (b, 0.0, z), (b, top, z + 0.2), (a, top, z + 0.2)], 0.85),
        ):
            face = world_face(camera, np.array(points), material, shade, depth=z)
            if face is not None:
                thing.faces.append(face)
    return thing


def manhole(camera: Camera, x: float, z: float) -> Thing:
    """A cast-iron cover in the road: hardly seen, but warm from below."""
    ring = ellipse((x, z), (0.36, 0.36), 18)
    points = np.stack([ring[:, 0], np.zeros(len(ring)), ring[:, 1]], axis=1)
    face = world_face(camera, points, m.COVER)
    return Thing(z + 60.0, [face] if face is not None else [])
