"""The street itself: the ground, and the buildings, trees and lamps beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import materials as m
from .actors import Flat
from .canvas import Camera, Colour, FloatImage, Material, Thing, ellipse, world_face

KERB_HEIGHT = 0.13
KERB_WIDTH = 0.24


@dataclass(frozen=True)
class Road:
    """The road's course: its centre is at x = offset + slope·z + bend·z² (metres); ``half`` is half its
    width."""

    offset: float
    slope: float
    bend: float
    half: float
    pavement: float
    verge: tuple[bool, bool]
    """Whether grass (not paving) lies behind the pavement, left and right."""
    crossing: float
    """Depth of a zebra crossing, 0 for none."""
    parking: int
    """Side (-1, 1) of a marked parking bay, 0 for none."""
    marking: Material

    def centre(self, z: float) -> float:
        """The centre's x at depth ``z``."""
        z = min(z, 90.0)
        return self.offset + self.slope * z + self.bend * z * z


GROUND = (
    m.SKY,
    m.ASPHALT,
    m.MARKING,
    m.YELLOW_MARKING,
    m.PAVING,
    m.GRASS,
    m.KERB,
    m.KERB_FACE,
    m.SOIL,
)
_SKY, _ASPHALT, _MARKING, _YELLOW, _PAVING, _GRASS, _KERB, _KERB_FACE, _SOIL = range(len(GROUND))


def ground(camera: Camera, road: Road) -> tuple[npt.NDArray[np.uint16], FloatImage]:
    """Which ground each supersampled pixel sees (an index into ``GROUND``), and its depth in metres.

    The pavement is a plane 13 cm above the road; where it ends towards the road, its edge hides nothing but
    shows the kerb's face.
    """
    x, z = camera.ground()
    high_x, high_z = camera.ground(KERB_HEIGHT)
    across, high_across = x - _centre(road, z), high_x - _centre(road, high_z)
    ids = np.full(x.shape, _KERB_FACE, np.uint16)
    on_road = np.abs(across) < road.half
    ids[on_road] = _ASPHALT
    _paint(ids, on_road, across, z, road)
    distance = np.abs(high_across)
    raised = distance >= road.half
    ids[raised] = _PAVING
    ids[raised & (distance < road.half + KERB_WIDTH)] = _KERB
    for grass, side in zip(road.verge, (high_across < 0, high_across > 0), strict=True):
        ids[side & (distance > road.half + road.pavement)] = _GRASS if grass else _SOIL
    ids[~np.isfinite(z)] = _SKY
    return ids, np.where(raised, high_z, z).astype(np.float32)


def _centre(road: Road, z: FloatImage) -> FloatImage:
    near = np.minimum(z, 90.0)
    centre: FloatImage = (road.offset + near * (road.slope + road.bend * near)).astype(np.float32)
    return centre


def _paint(
    ids: npt.NDArray[np.uint16], on_road: npt.NDArray[np.bool_], across: FloatImage, z: FloatImage, road: Road
) -> None:
    """The markings: edge lines, a dashed centre line, a crossing, parking bays."""
    marking = _YELLOW if road.marking is m.YELLOW_MARKING else _MARKING
    z = np.minimum(z, 500.0)
    far = np.maximum(z, 1.0)
    width = 0.07 + 0.0006 * far  # lines don't vanish below a pixel as fast as they should
    dashed = (np.abs(across) < width) & (np.mod(z, 8.0) < 4.5)
    edges = np.abs(np.abs(across) - (road.half - 0.45)) < width
    if road.parking:
        bay = across * road.parking > road.half - 2.3
        lines = (np.abs(across * road.parking - (road.half - 2.3)) < width) | (bay & (np.mod(z, 6.0) < 0.14))
        ids[on_road & lines] = _MARKING
        edges &= ~bay
    ids[on_road & edges] = _MARKING
    ids[on_road & dashed] = marking
    if road.crossing:
        zone = on_road & (z > road.crossing) & (z < road.crossing + 3.2)
        ids[zone] = _ASPHALT
        ids[zone & (np.mod(across + 50.0, 0.9) < 0.45)] = _MARKING


def building(
    camera: Camera,
    rng: np.random.Generator,
    side: int,
    x: float,
    z0: float,
    z1: float,
    height: float,
    lights: float,
) -> Thing:
    """A house whose front stands along the road at ``x``, from ``z0`` to ``z1``. ``lights``: the share of lit
    windows."""
    wall = Material(m.pick(rng, m.WALLS), warm=2.5, sun=3.0 + 2.0 * (side < 0), texture=0.10)
    glass = Material((0.05, 0.06, 0.075), warm=4.0, sun=0.5, emissivity=0.85, texture=0.10)
    frame = Material((0.20, 0.20, 0.21), warm=3.5, sun=2.0, texture=0.05)
    thing = Thing((z0 + z1) / 2 + 2.0)
    deep = x + side * 14.0

    def face(points: list[tuple[float, float, float]], material: Material, shade: float) -> None:
        made = world_face(camera, np.array(points, np.float64), material, shade)
        if made is not None:
            thing.faces.append(made)

    front, end = (1.0, 0.72) if side < 0 else (0.70, 0.80)
    face([(x, 0, z0), (deep, 0, z0), (deep, height, z0), (x, height, z0)], wall, end)
    storey = float(rng.uniform(2.9, 3.4))
    bay = float(rng.uniform(2.4, 3.6))
    lit_colour = (0.95, 0.80, 0.52) if rng.random() < 0.6 else (0.75, 0.88, 0.95)

    def pane(
        quad: list[tuple[float, float, float]], outer: list[tuple[float, float, float]], shade: float
    ) -> None:
        lit = rng.random() < lights
        level = float(rng.uniform(0.25, 0.9)) if lit else 0.0
        glow = (lit_colour[0] * level, lit_colour[1] * level, lit_colour[2] * level)
        face(outer, frame, shade)
        face(quad, glass._replace(glow=glow, warm=4.0 + 3.0 * lit + float(rng.uniform(-0.8, 0.8))), shade)

    step = bay
    places = np.arange(z0, z1 - 0.5 * step, step)
    for zb in places:
        ze = min(zb + step, z1)
        face([(x, 0, zb), (x, 0, ze), (x, height, ze), (x, height, zb)], wall, front)
        if zb > 65:
            continue
        for floor in range(int(height / storey)):
            y0 = floor * storey + (0.9 if floor else 0.35)
            y1 = floor * storey + 2.35
            a, b = zb + 0.22 * step, ze - 0.18 * step
            outer = [
                (x, y0 - 0.1, a - 0.1),
                (x, y0 - 0.1, b + 0.1),
                (x, y1 + 0.1, b + 0.1),
                (x, y1 + 0.1, a - 0.1),
            ]
            pane([(x, y0, a), (x, y0, b), (x, y1, b), (x, y1, a)], outer, front)
    tail = float(places[-1] + step) if len(places) else z0
    if tail < z1:
        face([(x, 0, tail), (x, 0, z1), (x, height, z1), (x, height, tail)], wall, front)
    if 5 < z0 < 60:
        for column in range(3):
            for floor in range(int(height / storey)):
                a = x + side * (1.2 + 3.4 * column)
                b = a + side * 1.6
                y0, y1 = floor * storey + 0.95, floor * storey + 2.3
                pane(
                    [(a, y0, z0), (b, y0, z0), (b, y1, z0), (a, y1, z0)],
                    [
                        (a - side * 0.1, y0 - 0.1, z0),
                        (b + side * 0.1, y0 - 0.1, z0),
                        (b + side * 0.1, y1 + 0.1, z0),
                        (a - side * 0.1, y1 + 0.1, z0),
                    ],
                    end,
                )
    return thing


def tree(camera: Camera, rng: np.random.Generator, x: float, z: float, bare: bool) -> Thing:
    """A street tree, 5 to 9 m, in leaf or bare."""
    figure = Flat(camera, x, z)
    height = float(rng.uniform(5.5, 9.0))
    lean = float(rng.uniform(-0.2, 0.2))
    fork = (lean, 0.38 * height)
    figure.stroke([(0, 0), fork], [0.19, 0.13], m.TRUNK)
    boughs = [
        (lean + float(rng.uniform(-1.6, 1.6)), float(rng.uniform(0.6, 0.95)) * height)
        for _ in range(9 if bare else 5)
    ]
    for tip in boughs:
        figure.stroke([fork, tip], [0.10, 0.03], m.TRUNK, 0.8)
        if bare:
            for _ in range(3):
                twig = (tip[0] + float(rng.uniform(-0.9, 0.9)), tip[1] + float(rng.uniform(-0.3, 0.9)))
                middle = ((fork[0] + 2 * tip[0]) / 3, (fork[1] + 2 * tip[1]) / 3)
                figure.stroke([middle, twig], [0.045, 0.015], m.TRUNK, 0.8)
    if not bare:
        hue = m.pick(
            rng, ((0.055, 0.115, 0.028), (0.04, 0.09, 0.03), (0.12, 0.13, 0.025), (0.20, 0.10, 0.02))
        )
        _foliage(figure, rng, (lean, 0.68 * height), (0.27 * height, 0.30 * height), 34, hue)
    return figure.thing


def _foliage(
    figure: Flat,
    rng: np.random.Generator,
    centre: tuple[float, float],
    radii: tuple[float, float],
    count: int,
    hue: Colour,
) -> None:
    """Clumps of leaves, the lit ones in front and above."""
    for i in range(count):
        spread = 1.0 - 0.45 * i / count
        angle, r = float(rng.uniform(0, 2 * np.pi)), float(np.sqrt(rng.uniform(0, 1))) * spread
        dx, dy = r * np.cos(angle) * radii[0], r * np.sin(angle) * radii[1] + 0.12 * radii[1] * i / count
        size = float(rng.uniform(0.16, 0.32)) * radii[0]
        tone = 0.45 + 0.55 * i / count + 0.35 * dy / radii[1] + float(rng.uniform(-0.12, 0.12))
        leaf = Material(hue, warm=-1.2 + float(rng.uniform(-0.5, 0.5)), sun=1.5, emissivity=0.97, texture=0.6)
        outline = ellipse((centre[0] + dx, centre[1] + dy), (size * 1.25, size), 9, float(rng.uniform(0, 3)))
        outline += rng.uniform(-0.22, 0.22, outline.shape) * size
        figure.add(outline, leaf, float(np.clip(tone, 0.25, 1.3)))


def hedge(camera: Camera, rng: np.random.Generator, x: float, z: float, length: float, level: float) -> Thing:
    """A piece of a low hedge."""
    figure = Flat(camera, x, z, level=level)
    hue = m.pick(rng, ((0.05, 0.11, 0.03), (0.04, 0.085, 0.028)))
    base = Material(hue, warm=-1.0, sun=1.5, emissivity=0.97, texture=0.6)
    half = length / 2
    figure.add(np.array([(-half, 0), (half, 0), (half, 0.75), (-half, 0.8)]), base, 0.5)
    _foliage(figure, rng, (0.0, 0.5), (half, 0.42), 16, hue)
    return figure.thing


def street_lamp(
    camera: Camera, x: float, z: float, arm: float, lit: bool
) -> tuple[Thing, tuple[float, float, float]]:
    """A lamp post of 5.6 m whose arm reaches ``arm`` metres towards the road; also the lamp's place (x, y,
    z)."""
    figure = Flat(camera, x, z)
    figure.stroke([(0, 0), (0, 5.5)], [0.075, 0.05], m.POLE)
    figure.stroke([(0, 5.45), (arm, 5.7)], [0.045, 0.04], m.POLE)
    head = Material(
        (0.5, 0.5, 0.5),
        warm=9.0 if lit else -1.0,
        sun=2.0,
        texture=0.02,
        glow=(6.0, 5.0, 3.4) if lit else (0, 0, 0),
    )
    figure.add(ellipse((arm, 5.64), (0.34, 0.10), 12), head)
    return figure.thing, (x + arm, 5.6, z)


def sign(camera: Camera, rng: np.random.Generator, x: float, z: float) -> Thing:
    """A round or square road sign on a pole."""
    figure = Flat(camera, x, z)
    figure.stroke([(0, 0), (0, 2.3)], [0.04, 0.04], m.POLE)
    colour = m.pick(rng, ((0.50, 0.03, 0.03), (0.03, 0.10, 0.42), (0.62, 0.45, 0.04)))
    plate = m.SIGN_BACK._replace(albedo=colour)
    if rng.random() < 0.6:
        figure.add(ellipse((0, 2.5), (0.33, 0.33), 18), m.SIGN_BACK._replace(albedo=(0.7, 0.7, 0.7)))
        figure.add(ellipse((0, 2.5), (0.27, 0.27), 18), plate)
        figure.add(
            np.array([(-0.2, 2.45), (0.2, 2.45), (0.2, 2.55), (-0.2, 2.55)]),
            m.SIGN_BACK._replace(albedo=(0.7, 0.7, 0.7)),
        )
    else:
        figure.add(np.array([(-0.3, 2.2), (0.3, 2.2), (0.3, 2.8), (-0.3, 2.8)]), plate)
        figure.add(
            np.array([(-0.2, 2.3), (0.2, 2.3), (0.0, 2.68)]), m.SIGN_BACK._replace(albedo=(0.7, 0.7, 0.7))
        )
    return figure.thing


def skyline(camera: Camera, rng: np.random.Generator, lights: float) -> list[Thing]:
    """What closes the view: distant houses and tree tops on the horizon."""
    things: list[Thing] = []
    for i in range(26):
        z = float(rng.uniform(95, 160))
        x = float(rng.uniform(-0.75, 0.75)) * z
        wide, high = (
            float(rng.uniform(6, 18)),
            float(rng.uniform(4, 11)) + (float(rng.uniform(8, 26)) if i % 8 == 0 else 0.0),
        )
        figure = Flat(camera, x, z)
        if rng.random() < 0.5:
            hue = (0.06, 0.10, 0.05)
            for _ in range(4):
                cx = float(rng.uniform(-wide / 2, wide / 2))
                figure.add(
                    ellipse((cx, 0.4 * high), (0.35 * wide, 0.6 * min(high, 9.0)), 12),
                    Material(hue, warm=-1.0, sun=1.0, texture=0.4),
                    0.8,
                )
        else:
            wall = Material(m.pick(rng, m.WALLS), warm=1.0, sun=2.0, texture=0.15)
            figure.add(
                np.array([(-wide / 2, -1), (wide / 2, -1), (wide / 2, high), (-wide / 2, high)]), wall, 0.85
            )
            for y in np.arange(2.0, high - 1.0, 3.2):
                for dx in np.arange(-wide / 2 + 1.2, wide / 2 - 2.0, 3.0):
                    if rng.random() < max(lights * 0.6, 0.0):
                        window = wall._replace(glow=(0.5, 0.42, 0.28), warm=3.0)
                        figure.add(
                            np.array([(dx, y), (dx + 1.5, y), (dx + 1.5, y + 1.5), (dx, y + 1.5)]), window
                        )
        things.append(figure.thing)
    return things
