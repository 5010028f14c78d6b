"""People and bikes: flat figures that face the camera, with limbs, clothes and postures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import materials as m
from .canvas import Camera, Face, Material, Points, Thing, ellipse, limb


class Flat:
    """A figure drawn upright facing the camera: takes outlines in metres (x right, y up from its feet) and
    collects faces."""

    def __init__(self, camera: Camera, x: float, z: float, instance: int = 0, level: float = 0.0) -> None:
        self.camera, self.x, self.z, self.instance, self.level = camera, x, z, instance, level
        self.thing = Thing(z)

    def add(self, outline: Points, material: Material, shade: float = 1.0) -> None:
        """Add a polygon N×2 of the figure's own plane."""
        scale = self.camera.focal / self.z
        columns = self.camera.width / 2 + (self.x + outline[:, 0]) * scale
        rows = self.camera.horizon + (self.camera.eye - self.level - outline[:, 1]) * scale
        self.thing.faces.append(
            Face(np.stack([columns, rows], axis=1), material, self.z, shade, self.instance)
        )

    def stroke(
        self,
        points: Sequence[Sequence[float]],
        radii: Sequence[float],
        material: Material,
        shade: float = 1.0,
    ) -> None:
        """Add a bent limb through ``points`` with a radius at each."""
        for i in range(len(points) - 1):
            self.add(limb(points[i], points[i + 1], radii[i], radii[i + 1]), material, shade)


def person(
    camera: Camera,
    rng: np.random.Generator,
    x: float,
    z: float,
    instance: int,
    air: float,
    level: float = 0.0,
) -> Thing:
    """A walking or standing person, 1.5 to 1.9 m; ``air`` is the air's temperature, which decides how much
    the clothes show."""
    figure = Flat(camera, x, z, instance, level)
    height = float(rng.uniform(1.52, 1.90))
    turned = float(rng.choice([-1.0, 1.0]))
    stride = float(rng.uniform(0.0, 0.30)) if rng.random() < 0.75 else 0.04
    sideways = float(rng.uniform(0.72, 1.0))
    insulation = float(rng.uniform(0.35, 0.62))
    _body(figure, rng, height, turned, stride, sideways, air, insulation)
    return figure.thing


def _wear(
    rng: np.random.Generator, air: float, insulation: float
) -> tuple[Material, Material, Material, Material, Material]:
    """Coat, trousers, skin, hair and shoes of one person."""
    skin_warmth = 33.5
    coat = m.clothing(m.pick(rng, m.CLOTHES), air + insulation * (skin_warmth - air))
    trousers = m.clothing(m.pick(rng, m.CLOTHES), air + (insulation - 0.06) * (skin_warmth - air))
    skin = m.clothing(m.pick(rng, m.SKINS), air + 0.93 * (skin_warmth - air))
    hair = m.clothing(m.pick(rng, m.HAIRS), air + 0.60 * (skin_warmth - air))
    shoes = m.clothing((0.03, 0.03, 0.03), air + 0.25 * (skin_warmth - air))
    return coat, trousers, skin, hair, shoes


def _body(
    figure: Flat,
    rng: np.random.Generator,
    height: float,
    turned: float,
    stride: float,
    sideways: float,
    air: float,
    insulation: float,
) -> None:
    coat, trousers, skin, hair, shoes = _wear(rng, air, insulation)
    h = height / 1.75
    hip, shoulder, neck = 0.90 * h, 1.43 * h, 1.50 * h
    lean = 0.03 * turned * (stride > 0.05)
    for side, far in ((-turned, True), (turned, False)):
        step = side * stride
        knee = (0.5 * step + 0.05 * turned + side * 0.05, 0.48 * h)
        foot = (
            step + side * 0.05 - (0.06 * turned if far else 0.0),
            0.07 * h + (0.07 * h if far and stride > 0.1 else 0.0),
        )
        shade = 0.72 if far else 1.0
        figure.stroke([(side * 0.07, hip), knee, foot], [0.095 * h, 0.072 * h, 0.05 * h], trousers, shade)
        figure.stroke(
            [foot, (foot[0] + 0.13 * turned * sideways, foot[1] - 0.02)], [0.05, 0.04], shoes, shade
        )
    swing = stride * 0.8
    arm = [
        (lean - turned * 0.14, shoulder - 0.05),
        (-turned * 0.17 + swing * turned * 0.6, 1.15 * h),
        (swing * turned + 0.05 * turned, 0.92 * h),
    ]
    figure.stroke(arm, [0.06 * h, 0.05 * h, 0.042 * h], coat, 0.75)
    figure.add(ellipse(arm[2], (0.045, 0.05)), skin, 0.8)
    width = 0.215 * h * sideways
    torso = np.array(
        [
            (-width + lean, shoulder),
            (-0.10 + lean, neck),
            (0.10 + lean, neck),
            (width + lean, shoulder),
            (0.86 * width, hip + 0.16),
            (0.95 * width, hip - 0.08),
            (-0.95 * width, hip - 0.08),
            (-0.86 * width, hip + 0.16),
        ]
    )
    figure.add(torso, coat)
    if rng.random() < 0.35:  # a bag or rucksack, as cool as the air
        bag = m.clothing(m.pick(rng, m.CLOTHES), air + 1.5)
        figure.add(ellipse((-turned * 0.9 * width, 1.2 * h), (0.12, 0.20)), bag, 0.9)
    arm = [
        (lean + turned * 0.17, shoulder - 0.04),
        (turned * 0.2 - swing * turned * 0.6, 1.15 * h),
        (turned * 0.13 - swing * turned, 0.93 * h),
    ]
    figure.stroke(arm, [0.062 * h, 0.052 * h, 0.044 * h], coat, 0.92)
    figure.add(ellipse(arm[2], (0.045, 0.052)), skin)
    figure.add(limb((lean, neck - 0.04), (lean * 1.5, neck + 0.08), 0.055, 0.05), skin, 0.85)
    head = (lean * 2 + 0.015 * turned, 1.64 * h)
    figure.add(ellipse(head, (0.092 * h, 0.122 * h), 16), skin)
    back = rng.random() < 0.4
    figure.add(
        ellipse(
            (head[0] - (0 if back else 0.025 * turned), head[1] + (0.0 if back else 0.055)),
            (0.098 * h, (0.118 if back else 0.075) * h),
            16,
        ),
        hair,
    )


def bike(
    camera: Camera,
    rng: np.random.Generator,
    x: float,
    z: float,
    instances: tuple[int, int],
    air: float,
    level: float = 0.0,
) -> list[Thing]:
    """A bike seen from the side or at an angle; with a rider if ``instances`` (bike, rider) names one, else
    parked."""
    figure = Flat(camera, x, z, instances[0], level)
    turned = float(rng.choice([-1.0, 1.0]))
    squeeze = float(rng.uniform(0.45, 1.0)) if instances[1] else float(rng.uniform(0.6, 1.0))
    radius = 0.34
    frame = Material(m.pick(rng, m.PAINTS), warm=0.0, sun=3.0, emissivity=0.85, texture=0.03, label=m.BIKE)

    def at(px: float, py: float) -> tuple[float, float]:
        return (px * turned * squeeze, py)

    def stroke(points: Sequence[tuple[float, float]], width: float, material: Material) -> None:
        figure.stroke([at(*p) for p in points], [width] * len(points), material)

    for centre in (-0.52, 0.52):
        ring = ellipse(at(centre, radius), (radius * squeeze, radius), 20)
        figure.add(ring, m.BIKE_TYRE)
        figure.add(
            ellipse(at(centre, radius), ((radius - 0.055) * squeeze, radius - 0.055), 20), m.SPOKES, 0.55
        )
        figure.add(ellipse(at(centre, radius), (0.05 * squeeze, 0.05), 10), m.BIKE_TYRE)
    crank, seat, head = (-0.08, 0.30), (-0.22, 0.82), (0.36, 0.80)
    for tube in (
        [crank, seat],
        [crank, head],
        [(-0.17, 0.70), head],
        [(-0.52, radius), crank],
        [(-0.52, radius), (-0.19, 0.72)],
    ):
        stroke(tube, 0.030, frame)
    stroke([(0.52, radius), head, (0.33, 0.98)], 0.030, frame)
    stroke([(0.33, 0.98), (0.20, 1.02)], 0.028, m.SADDLE)
    stroke([(-0.34, 0.88), (-0.12, 0.88)], 0.045, m.SADDLE)
    if rng.random() < 0.4:  # a basket before the handlebar
        figure.add(np.array([at(0.42, 0.70), at(0.70, 0.72), at(0.74, 0.96), at(0.40, 0.96)]), m.SPOKES, 0.8)
    things = [figure.thing]
    if instances[1]:
        things.append(_rider(camera, rng, x, z - 0.02, instances[1], air, turned, squeeze, level))
    return things


def _rider(
    camera: Camera,
    rng: np.random.Generator,
    x: float,
    z: float,
    instance: int,
    air: float,
    turned: float,
    squeeze: float,
    level: float,
) -> Thing:
    figure = Flat(camera, x, z, instance, level)
    coat, trousers, skin, hair, shoes = _wear(rng, air, float(rng.uniform(0.42, 0.65)))
    wide = 0.35 + 0.65 * squeeze

    def at(px: float, py: float) -> tuple[float, float]:
        return (px * turned * wide, py)

    phase = float(rng.uniform(0, 2 * np.pi))
    for shift, shade in ((np.pi, 0.7), (0.0, 1.0)):
        pedal = at(-0.08 + 0.17 * np.cos(phase + shift), 0.30 + 0.17 * np.sin(phase + shift))
        knee = at(0.26, 0.66 + 0.10 * np.sin(phase + shift))
        figure.stroke([at(-0.2, 0.92), knee, pedal], [0.10, 0.075, 0.05], trousers, shade)
        figure.stroke(
            [pedal, (pedal[0] + 0.11 * turned * squeeze, pedal[1] - 0.01)], [0.045, 0.038], shoes, shade
        )
    figure.add(
        np.array(
            [
                at(-0.32, 0.86),
                at(-0.34, 1.12),
                at(-0.12, 1.46),
                at(0.04, 1.48),
                at(0.12, 1.36),
                at(-0.02, 1.05),
                at(-0.06, 0.88),
            ]
        )
        + np.array([[-0.05, 0], [-0.05, 0], [-0.04, 0], [0.04, 0], [0.05, 0], [0.05, 0], [0.05, 0]])
        * turned
        * (1 - squeeze),
        coat,
    )
    figure.stroke([at(0.02, 1.38), at(0.10, 1.16), at(0.27, 1.04)], [0.06, 0.05, 0.042], coat, 0.9)
    figure.add(ellipse(at(0.28, 1.04), (0.045, 0.045)), skin)
    figure.add(ellipse(at(0.08, 1.63), (0.092, 0.122), 16), skin)
    helmet = rng.random() < 0.4
    cover = m.clothing(m.pick(rng, m.PAINTS), air + 3.0) if helmet else hair
    figure.add(ellipse(at(0.05, 1.69), (0.105, 0.082 if helmet else 0.075), 16), cover)
    return figure.thing
