"""The thermal camera: temperature and emissivity to grey levels, with the sensor's own faults."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from .canvas import FloatImage, Surfaces
from .composition import Scene
from .lattice import area_mean, surface_noise

SENSOR_SCALE = 0.7
"""The thermal sensor has this share of the visible image's pixels per line."""


def render_infrared(scene: Scene, surfaces: Surfaces, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """The infrared image H×W uint8: bright is warm, from about 9 °C below the air to 38 °C."""
    radiant = area_mean(_apparent_temperature(scene, surfaces, rng))
    height, width = radiant.shape
    small = (max(8, round(width * SENSOR_SCALE)), max(8, round(height * SENSOR_SCALE)))
    low, high = scene.air - 9.0 - 3.0 * scene.sun, 37.0 + 4.0 * scene.sun
    level = (radiant - low) / (high - low)
    level = np.asarray(cv2.resize(level, small, interpolation=cv2.INTER_AREA), np.float32)
    level = np.asarray(cv2.GaussianBlur(level, (0, 0), 0.55), np.float32)
    # The halo: uncooled sensors with a chopper or high-pass correction darken what surrounds a hot target.
    spread = cv2.GaussianBlur(np.maximum(level - 0.45, 0.0), (0, 0), 0.045 * small[0])
    level = level - 0.55 * spread + 0.10 * (level - cv2.GaussianBlur(level, (0, 0), 2.0))
    columns = rng.normal(0, 0.0035, (1, small[0])).astype(np.float32)
    level = level + columns + rng.normal(0, 0.008, (small[1], small[0])).astype(np.float32)
    level = np.asarray(cv2.resize(level, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    grey = 255.0 * np.clip(level, 0.0, 1.0) ** 1.12
    return np.asarray(np.rint(grey), np.uint8)


def _apparent_temperature(scene: Scene, surfaces: Surfaces, rng: np.random.Generator) -> FloatImage:
    """What the sensor takes each supersampled pixel's temperature to be, degrees Celsius."""
    body = surfaces.column("body")
    own = (
        scene.air
        + surfaces.column("warm")
        + scene.sun * surfaces.column("sun") * (0.35 + 0.65 * surfaces.shade)
    )
    own = np.where(np.isnan(body), own, body)
    emissivity = surfaces.column("emissivity")
    sky = scene.air - 28.0
    seen = (emissivity * own + (1 - emissivity) * sky).astype(np.float32)
    contrast = np.where(np.isnan(body), 4.6, 5.0) * surfaces.column("texture")
    ids = surfaces.ids
    image: FloatImage = seen[ids]
    image += contrast.astype(np.float32)[ids] * surface_noise(ids.shape, rng)
    far = np.minimum(surfaces.depth, 400.0)
    air_share = 1.0 - np.exp(-far / 420.0)
    image += air_share * (scene.air - image)
    rows = np.arange(ids.shape[0], dtype=np.float32)[:, None] / ids.shape[0]
    horizon = scene.camera.horizon / scene.camera.height
    elevation = np.clip((horizon - rows) / horizon, 0.0, 1.0)
    heaven = scene.air - 4.0 - 12.0 * np.sqrt(elevation)
    is_sky = ids == 0
    image[is_sky] = np.broadcast_to(heaven, ids.shape)[is_sky]
    return image
