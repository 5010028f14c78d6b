"""The surfaces of the scenes: how they look by light, and how warm they are."""

from __future__ import annotations

import numpy as np

from .canvas import Colour, Material

CAR, PERSON, BIKE, CURVE, CAR_STOP, GUARDRAIL, COLOR_CONE, BUMP = range(1, 9)
"""Class ids, as in MSRS; 0 is unlabelled."""

SKY = Material((0.0, 0.0, 0.0), emissivity=1.0)
ASPHALT = Material((0.115, 0.115, 0.12), warm=1.0, sun=5.5, texture=0.30)
MARKING = Material((0.62, 0.62, 0.60), warm=0.6, sun=6.0, texture=0.18)
YELLOW_MARKING = Material((0.60, 0.42, 0.08), warm=0.6, sun=7.0, texture=0.18)
PAVING = Material((0.30, 0.285, 0.26), warm=0.4, sun=4.5, texture=0.20)
GRASS = Material((0.075, 0.13, 0.035), warm=-2.5, sun=1.5, texture=0.55)
SOIL = Material((0.20, 0.155, 0.10), warm=-1.0, sun=5.0, texture=0.35)
KERB = Material((0.46, 0.45, 0.43), warm=1.6, sun=5.0, texture=0.14, label=CURVE)
KERB_FACE = Material((0.36, 0.35, 0.34), warm=2.4, sun=3.0, texture=0.14, label=CURVE)
COVER = Material((0.10, 0.10, 0.10), warm=2.5, sun=7.0, emissivity=0.85, texture=0.35)

CONCRETE_STOP = Material((0.50, 0.49, 0.46), warm=2.0, sun=5.0, texture=0.12, label=CAR_STOP)
STOP_STRIPE = Material((0.66, 0.46, 0.05), warm=2.0, sun=5.0, texture=0.10, label=CAR_STOP)
RAIL = Material((0.52, 0.54, 0.56), warm=-1.0, sun=3.0, emissivity=0.84, texture=0.06, label=GUARDRAIL)
RAIL_POST = Material((0.34, 0.36, 0.38), warm=-1.5, sun=3.0, emissivity=0.80, texture=0.06, label=GUARDRAIL)
CONE = Material((0.78, 0.13, 0.03), warm=1.2, sun=4.0, texture=0.05, label=COLOR_CONE)
CONE_BAND = Material((0.80, 0.80, 0.78), warm=0.8, sun=3.0, texture=0.04, label=COLOR_CONE)
CONE_FOOT = Material((0.10, 0.06, 0.05), warm=1.4, sun=5.0, texture=0.06, label=COLOR_CONE)
HUMP_YELLOW = Material((0.66, 0.45, 0.04), warm=2.2, sun=8.0, texture=0.14, label=BUMP)
HUMP_BLACK = Material((0.04, 0.04, 0.04), warm=2.8, sun=11.0, texture=0.14, label=BUMP)

TRUNK = Material((0.11, 0.085, 0.06), warm=1.6, sun=2.0, texture=0.35)
POLE = Material((0.22, 0.23, 0.24), warm=-0.5, sun=2.0, emissivity=0.85, texture=0.05)
SIGN_BACK = Material((0.45, 0.46, 0.48), warm=-1.5, sun=2.0, emissivity=0.8, texture=0.03)

GLASS = Material((0.035, 0.045, 0.055), warm=1.0, sun=1.0, emissivity=0.85, texture=0.05, label=CAR)
TYRE = Material((0.022, 0.022, 0.024), warm=3.0, sun=4.0, texture=0.10, label=CAR)
HUB = Material((0.36, 0.37, 0.38), warm=3.0, sun=2.0, emissivity=0.85, texture=0.06, label=CAR)
PLATE = Material((0.72, 0.72, 0.66), warm=0.5, sun=2.0, texture=0.02, label=CAR)
TRIM = Material((0.03, 0.03, 0.033), warm=2.0, sun=4.0, texture=0.05, label=CAR)

BIKE_TYRE = Material((0.025, 0.025, 0.027), warm=2.0, sun=4.0, texture=0.05, label=BIKE)
SPOKES = Material((0.33, 0.34, 0.35), warm=-0.5, sun=2.0, emissivity=0.85, texture=0.05, label=BIKE)
SADDLE = Material((0.03, 0.03, 0.03), warm=4.0, sun=4.0, texture=0.05, label=BIKE)

PAINTS: tuple[Colour, ...] = (
    (0.74, 0.74, 0.73),
    (0.42, 0.43, 0.45),
    (0.035, 0.036, 0.04),
    (0.16, 0.17, 0.18),
    (0.42, 0.035, 0.03),
    (0.05, 0.10, 0.34),
    (0.60, 0.58, 0.50),
    (0.06, 0.20, 0.14),
)
CLOTHES: tuple[Colour, ...] = (
    (0.045, 0.05, 0.07),
    (0.02, 0.02, 0.023),
    (0.10, 0.13, 0.26),
    (0.38, 0.07, 0.07),
    (0.30, 0.28, 0.23),
    (0.56, 0.55, 0.53),
    (0.07, 0.17, 0.10),
    (0.52, 0.37, 0.09),
    (0.23, 0.22, 0.24),
    (0.17, 0.30, 0.42),
)
SKINS: tuple[Colour, ...] = ((0.55, 0.36, 0.26), (0.42, 0.26, 0.17), (0.20, 0.11, 0.07), (0.62, 0.44, 0.34))
HAIRS: tuple[Colour, ...] = ((0.02, 0.017, 0.015), (0.07, 0.04, 0.02), (0.22, 0.16, 0.09), (0.35, 0.34, 0.33))
WALLS: tuple[Colour, ...] = (
    (0.42, 0.38, 0.32),
    (0.33, 0.18, 0.12),
    (0.50, 0.48, 0.45),
    (0.27, 0.28, 0.30),
    (0.46, 0.40, 0.26),
    (0.36, 0.29, 0.24),
)


def pick(rng: np.random.Generator, choices: tuple[Colour, ...], spread: float = 0.12) -> Colour:
    """One of several colours, varied a little in brightness."""
    colour = choices[int(rng.integers(len(choices)))]
    factor = 1.0 + spread * float(rng.uniform(-1, 1))
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


def clothing(colour: Colour, body: float) -> Material:
    """Cloth over a warm body: its surface temperature lies between the air's and the skin's."""
    return Material(colour, emissivity=0.92, texture=0.16, label=PERSON, body=body)


def car_paint(colour: Colour, warm: float) -> Material:
    """Painted sheet metal; it mirrors some of the cold sky in the thermal band."""
    return Material(colour, warm=warm, sun=5.0, emissivity=0.87, texture=0.03, label=CAR)
