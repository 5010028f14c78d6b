"""Sets up a scene from a seed: the hour and the weather, the street, and who is on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from . import actors, furniture, street, vehicles
from . import materials as m
from .canvas import Camera, Points, Thing
from .street import KERB_HEIGHT, Road

Hour = Literal["day", "dusk", "night"]
HOURS: tuple[Hour, ...] = ("day", "night", "dusk", "night")
"""The hour of scene i is ``HOURS[i % 4]``: half of all scenes are dark, as in MSRS."""


@dataclass(frozen=True)
class Lamp:
    """A light in the scene: place (x, y, z) in metres, linear colour, and the distance at which it has half
    its strength."""

    place: tuple[float, float, float]
    colour: tuple[float, float, float]
    reach: float


@dataclass
class Scene:
    """Everything both cameras see. ``classes`` gives the class id of each instance number from 1 on."""

    camera: Camera
    hour: Hour
    air: float
    """Air temperature, degrees Celsius."""
    sun: float
    """Strength of the sun, 0..1."""
    sun_side: float
    """Where shadows fall: metres to the right per metre of height."""
    road: Road
    things: list[Thing] = field(default_factory=list)
    lamps: list[Lamp] = field(default_factory=list)
    shadows: list[tuple[Points, float]] = field(default_factory=list)
    """Dark patches on the ground: world outlines N×3 and how dark (0..1)."""
    classes: list[int] = field(default_factory=list)

    def instance(self, class_id: int) -> int:
        """Number a new object of a class."""
        self.classes.append(class_id)
        return len(self.classes)


def compose(seed: tuple[int, ...], hour: Hour, width: int, height: int) -> Scene:
    """Set up the scene of a seed (any tuple of non-negative integers) for images of ``width`` × ``height``
    pixels."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    camera = Camera(
        width,
        height,
        focal=float(rng.uniform(0.84, 0.98)) * width,
        horizon=float(rng.uniform(0.40, 0.47)) * height,
        eye=float(rng.uniform(1.35, 1.6)),
    )
    half = float(rng.uniform(3.2, 4.3))
    road = Road(
        offset=float(rng.uniform(0.2, 0.45)) * half * float(rng.choice([-1.0, 1.0])),
        slope=float(rng.uniform(-0.03, 0.03)),
        bend=float(rng.uniform(-0.0013, 0.0013)),
        half=half,
        pavement=float(rng.uniform(1.8, 3.0)),
        verge=(bool(rng.random() < 0.6), bool(rng.random() < 0.6)),
        crossing=float(rng.uniform(9, 20)) if rng.random() < 0.35 else 0.0,
        parking=int(rng.choice([-1, 1])) if rng.random() < 0.45 else 0,
        marking=m.YELLOW_MARKING if rng.random() < 0.3 else m.MARKING,
    )
    air = float(rng.uniform(4, 16)) if hour == "night" else float(rng.uniform(7, 21))
    sun = {"day": float(rng.uniform(0.25, 1.0)), "dusk": 0.08, "night": 0.0}[hour]
    scene = Scene(camera, hour, air, sun, float(rng.uniform(-1.2, 1.2)), road)
    _surroundings(scene, rng)
    _furniture(scene, rng)
    _traffic(scene, rng)
    _people(scene, rng)
    if hour != "day":  # our own headlights
        for x in (-0.6, 0.6):
            scene.lamps.append(Lamp((x, 0.65, -0.5), (1.0, 0.96, 0.86), -1.0))
    return scene


def _surroundings(scene: Scene, rng: np.random.Generator) -> None:
    camera, road = scene.camera, scene.road
    lights = {"day": 0.0, "dusk": 0.22, "night": 0.26}[scene.hour]
    scene.things += street.skyline(camera, rng, lights)
    bare = bool(rng.random() < 0.25)
    for side in (-1, 1):
        edge = road.half + road.pavement
        green = road.verge[0 if side < 0 else 1]
        z = float(rng.uniform(0.5, 6.0))
        while z < 85:
            end = z + float(rng.uniform(9, 22))
            back = float(rng.uniform(4.5, 8.0)) if green else float(rng.uniform(0.4, 1.5))
            if rng.random() < (0.6 if green else 0.85):
                x = road.centre((z + end) / 2) + side * (edge + back)
                high = float(rng.uniform(5.5, 16.0))
                scene.things.append(street.building(camera, rng, side, x, z, end, high, lights))
            z = end + float(rng.uniform(0.5, 6.0))
        if green or rng.random() < 0.5:
            z = float(rng.uniform(5.0, 11.0))
            while z < 70:
                x = road.centre(z) + side * (edge + (1.2 if green else -0.8))
                scene.things.append(street.tree(camera, rng, x, z, bare))
                _ground_shadow(scene, x, z, 1.6, 5.0, 0.5)
                z += float(rng.uniform(6.0, 13.0))
        if green and rng.random() < 0.6:
            for z in np.arange(float(rng.uniform(5, 10)), 34.0, 1.5):
                x = road.centre(float(z)) + side * (edge + 0.55)
                scene.things.append(street.hedge(camera, rng, x, float(z), 1.4, KERB_HEIGHT))
    side = int(rng.choice([-1, 1]))
    lit = scene.hour == "night" or (scene.hour == "dusk" and bool(rng.random() < 0.7))
    warm = bool(rng.random() < 0.5)
    colour = (1.0, 0.74, 0.42) if warm else (0.86, 1.0, 0.86)
    for z in np.arange(float(rng.uniform(8, 20)), 75.0, float(rng.uniform(17, 26))):
        x = road.centre(float(z)) + side * (road.half + 0.7)
        thing, place = street.street_lamp(camera, x, float(z), -side * 1.6, lit)
        scene.things.append(thing)
        if lit and z < 60:
            scene.lamps.append(Lamp(place, colour, float(rng.uniform(3.4, 5.0))))
    for _ in range(int(rng.integers(0, 3))):
        z = float(rng.uniform(9, 30))
        x = road.centre(z) + float(rng.choice([-1, 1])) * (road.half + 0.8)
        scene.things.append(street.sign(camera, rng, x, z))


def _furniture(scene: Scene, rng: np.random.Generator) -> None:
    camera, road = scene.camera, scene.road
    if rng.random() < 0.55:
        side = float(rng.choice([-1, 1]))
        z0 = float(rng.uniform(4, 10))
        scene.things += furniture.guardrail(
            camera, road.centre, side * (road.half + 0.45), z0, z0 + float(rng.uniform(10, 26)), KERB_HEIGHT
        )
    if rng.random() < 0.45:
        z = road.crossing + 4.5 if road.crossing else float(rng.uniform(6.0, 11.0))
        scene.things.append(furniture.speed_bump(camera, road.centre, road.half, z))
    if rng.random() < 0.6:
        z, side = float(rng.uniform(5.5, 12)), float(rng.choice([-1, 1]))
        count = int(rng.integers(2, 6))
        for i in range(count):
            deep = z + i * float(rng.uniform(1.2, 2.2))
            x = road.centre(deep) + side * (road.half - 0.5 - 0.28 * i)
            scene.things.append(furniture.cone(camera, rng, x, deep))
            _ground_shadow(scene, x, deep, 0.2, 0.7, 0.5)
    if rng.random() < 0.55:
        side = float(road.parking or rng.choice([-1, 1]))
        wide = float(rng.uniform(0.65, 0.9)) if rng.random() < 0.4 else float(rng.uniform(1.3, 1.9))
        z = float(rng.uniform(6, 10))
        for i in range(int(rng.integers(1, 4))):
            deep = z + 4.0 * i
            x = road.centre(deep) + side * (road.half + 0.35 + wide / 2)
            scene.things.append(furniture.wheel_stop(camera, x, deep, wide, KERB_HEIGHT))
    for _ in range(int(rng.integers(0, 3))):
        z = float(rng.uniform(5, 22))
        scene.things.append(
            furniture.manhole(camera, road.centre(z) + float(rng.uniform(-0.6, 0.6)) * road.half, z)
        )


def _traffic(scene: Scene, rng: np.random.Generator) -> None:
    road = scene.road
    dark = scene.hour != "day"
    slots: list[tuple[float, float]] = []

    def place(x: float, z: float, heading: float, running: bool, lit: bool) -> None:
        if any(abs(z - other) < 6.2 and abs(x - there) < 2.3 for there, other in slots):
            return
        slots.append((x, z))
        thing = vehicles.car(scene.camera, rng, x, z, heading, scene.instance(m.CAR), running, lit)
        scene.things.append(thing)
        scene.shadows.append((_footprint(x, thing.depth, heading), 0.75))
        if scene.sun:
            _ground_shadow(scene, x, thing.depth, 1.7, 1.3, 0.6)
        if lit and abs(heading) > 1.6:
            scene.lamps.append(Lamp((x, 0.7, z - 1.2), (1.0, 0.95, 0.85), 2.0))
        elif lit:
            scene.lamps.append(Lamp((x, 0.6, z - 0.5), (0.20, 0.015, 0.01), 1.2))

    left = -1.0 if rng.random() < 0.7 else 1.0  # the side that traffic keeps to
    for _ in range(int(rng.integers(0, 3))):  # ahead of us, and oncoming
        z = float(rng.uniform(9, 42))
        away = bool(rng.random() < 0.5)
        x = road.centre(z) + (left if away else -left) * 0.46 * road.half
        if rng.random() < 0.85:
            place(
                x, z, float(np.arctan(road.slope + 2 * road.bend * z)) + (0.0 if away else np.pi), True, dark
            )
    side = float(road.parking or rng.choice([-1, 1]))
    for _ in range(int(rng.integers(0, 4))):  # parked at the kerb
        z = float(rng.uniform(6.5, 32))
        x = road.centre(z + 2) + side * (road.half - 1.05)
        heading = float(np.arctan(road.slope + 2 * road.bend * z)) + float(rng.uniform(-0.05, 0.05))
        place(x, z, heading + (np.pi if rng.random() < 0.4 else 0.0), bool(rng.random() < 0.35), False)
    if rng.random() < 0.18:  # crossing
        z = float(rng.uniform(16, 30))
        place(
            road.centre(z) + float(rng.uniform(-1.5, 1.5)),
            z,
            float(rng.choice([-1, 1])) * np.pi / 2,
            True,
            dark,
        )


def _people(scene: Scene, rng: np.random.Generator) -> None:
    camera, road = scene.camera, scene.road
    for _ in range(int(rng.integers(2, 8))):
        z = float(5.0 + 20.0 * rng.uniform() ** 1.5)
        u = rng.random()
        if road.crossing and u < 0.3:
            z, x, level = road.crossing + float(rng.uniform(0.4, 2.8)), 0.0, 0.0
            x = road.centre(z) + float(rng.uniform(-0.9, 0.9)) * road.half
        elif u < 0.7:
            x, level = (
                road.centre(z)
                + float(rng.choice([-1, 1])) * (road.half + float(rng.uniform(0.7, road.pavement))),
                KERB_HEIGHT,
            )
        else:
            x, level = road.centre(z) + float(rng.uniform(-0.85, 0.85)) * road.half, 0.0
        group = 2 if rng.random() < 0.2 else 1
        for i in range(group):
            here = x + 0.62 * i
            scene.things.append(
                actors.person(camera, rng, here, z + 0.1 * i, scene.instance(m.PERSON), scene.air, level)
            )
            _ground_shadow(scene, here, z, 0.25, 1.7, 0.6)
    for _ in range(int(rng.integers(0, 3))):
        z = float(rng.uniform(5.5, 20))
        ridden = bool(rng.random() < 0.6)
        side = float(rng.choice([-1, 1]))
        if ridden:
            x, level = road.centre(z) + side * float(rng.uniform(0.3, 0.85)) * road.half, 0.0
            numbers = (scene.instance(m.BIKE), scene.instance(m.PERSON))
            scene.things += actors.bike(camera, rng, x, z, numbers, scene.air, level)
            _ground_shadow(scene, x, z, 0.5, 1.5, 0.5)
            continue
        x, level = road.centre(z) + side * (road.half + float(rng.uniform(0.8, 1.6))), KERB_HEIGHT
        for i in range(int(rng.integers(1, 4))):
            scene.things += actors.bike(
                camera, rng, x + 0.35 * i, z + 0.75 * i, (scene.instance(m.BIKE), 0), scene.air, level
            )


def _footprint(x: float, z: float, heading: float) -> Points:
    """The ground under a car, a little larger than the car."""
    corners = np.array([(-0.95, -2.25), (0.95, -2.25), (0.95, 2.25), (-0.95, 2.25)])
    c, s = np.cos(heading), np.sin(heading)
    return np.stack(
        [x + corners[:, 0] * c + corners[:, 1] * s, np.zeros(4), z + corners[:, 1] * c - corners[:, 0] * s],
        axis=1,
    )


def _ground_shadow(scene: Scene, x: float, z: float, radius: float, height: float, strength: float) -> None:
    """The shadow of something ``height`` tall and ``radius`` wide: cast by the sun, or a soft dark spot
    without it."""
    t = np.arange(12) * (2 * np.pi / 12)
    reach = scene.sun_side * height * (scene.sun > 0.2)
    dx, dz = radius * np.cos(t), 0.7 * radius * np.sin(t)
    dx = np.where(dx * reach > 0, dx + reach, dx)
    outline = np.stack([x + dx, np.zeros(12), z + dz + 0.15 * height * (np.abs(dx) > radius)], axis=1)
    scene.shadows.append((outline, strength * (0.35 + 0.65 * min(1.0, scene.sun * 2))))
