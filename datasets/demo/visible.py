"""The visible camera: albedo times illumination, lamps and glare, exposure, noise and blur."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from .canvas import SUPERSAMPLING, FloatImage, Surfaces, clip_near
from .composition import Lamp, Scene
from .lattice import area_mean, surface_noise, value_noise
from .street import GROUND

_AMBIENT = {"day": (0.50, 0.56, 0.68), "dusk": (0.085, 0.095, 0.135), "night": (0.0030, 0.0035, 0.0040)}
_SUNLIGHT = {"day": (0.95, 0.86, 0.72), "dusk": (0.06, 0.04, 0.025), "night": (0.0, 0.0, 0.0)}
_EXPOSURE = {"day": 1.0, "dusk": 3.2, "night": 4.5}
_ZENITH = {"day": (0.20, 0.38, 0.78), "dusk": (0.05, 0.075, 0.16), "night": (0.0010, 0.0013, 0.0022)}
_HORIZON = {"day": (0.72, 0.80, 0.90), "dusk": (0.30, 0.20, 0.15), "night": (0.0055, 0.0048, 0.0045)}


def render_visible(scene: Scene, surfaces: Surfaces, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """The visible image H×W×3 uint8 RGB."""
    radiance = _radiance(scene, surfaces, rng)
    radiance *= np.float32(_EXPOSURE[scene.hour])
    radiance = area_mean(radiance)
    radiance = _glare(radiance, scene)
    radiance = np.asarray(
        cv2.GaussianBlur(radiance, (0, 0), 0.5 if scene.hour == "day" else 0.62), np.float32
    )
    signal = radiance / (1.0 + 0.28 * radiance)  # a soft shoulder, as film and cameras have
    grain = {"day": 0.004, "dusk": 0.008, "night": 0.011}[scene.hour]
    # Demosaicking and the camera's own denoising leave mostly grey, slightly blurred grain.
    noise = np.asarray(rng.standard_normal(size=signal.shape, dtype=np.float32), np.float32)
    grain_field = 0.45 * noise + 0.75 * noise.mean(axis=2, keepdims=True)
    signal = signal + grain_field * (grain * 0.12 + grain * np.sqrt(np.maximum(signal, 0.0)))
    encoded = np.clip(signal, 0.0, 1.0) ** np.float32(1 / 2.2)
    return np.asarray(np.rint(255.0 * encoded), np.uint8)


def _radiance(scene: Scene, surfaces: Surfaces, rng: np.random.Generator) -> FloatImage:
    """Linear RGB light from every supersampled pixel."""
    ids = surfaces.ids
    shade = surfaces.shade
    ambient, sunlight = (
        np.array(_AMBIENT[scene.hour], np.float32),
        np.array(_SUNLIGHT[scene.hour], np.float32),
    )
    # Surfaces get all of the sky's light and, by their shade, the sun's; the ground is darkened where shadows
    # fall.
    sun = sunlight * np.float32(scene.sun if scene.hour == "day" else 1.0)
    per_surface = (0.45 + 0.55 * shade)[:, None] * ambient + (shade**1.5)[:, None] * sun
    light: FloatImage = per_surface.astype(np.float32)[ids]
    is_ground = ids < len(GROUND)
    light *= np.where(is_ground, _shadow_mask(scene, ids.shape), np.float32(1.0))[..., None]
    _add_lamps(light, scene, surfaces)
    albedo = surfaces.column("albedo")[ids]
    depth = np.minimum(surfaces.depth, 300.0)
    fading = np.where(is_ground, 1.0 / (1.0 + depth / 18.0), 1.0).astype(np.float32)
    texture = surfaces.column("texture")[ids] * surface_noise(ids.shape, rng) * fading
    albedo *= np.clip(1.0 + texture, 0.15, 2.2)[..., None]
    light *= albedo
    light += surfaces.column("glow")[ids] * np.float32({"day": 1.0, "dusk": 0.35, "night": 0.26}[scene.hour])
    _glass(light, scene, surfaces)
    haze = (1.0 - np.exp(-depth / (420.0 if scene.hour == "day" else 700.0)))[..., None].astype(np.float32)
    horizon = np.array(_HORIZON[scene.hour], np.float32)
    light += haze * (horizon * np.float32(0.8) - light)
    is_sky = ids == 0
    light[is_sky] = _sky(scene, ids.shape, rng)[is_sky]
    return light


def _sky(scene: Scene, shape: tuple[int, ...], rng: np.random.Generator) -> FloatImage:
    """A gradient with clouds; at night the city's glow above the horizon."""
    rows = np.arange(shape[0], dtype=np.float32)[:, None, None] / shape[0]
    horizon = scene.camera.horizon / scene.camera.height
    up = np.sqrt(np.clip((horizon - rows) / horizon, 0.0, 1.0))
    low, high = (np.array(c[scene.hour], np.float32) for c in (_HORIZON, _ZENITH))
    gradient = low + (high - low) * up
    s = SUPERSAMPLING
    clouds = value_noise(shape, rng, (70 * s, 28 * s, 10 * s), (0.6, 0.35, 0.18))
    cover = np.clip(clouds + float(rng.uniform(-0.5, 0.4)), 0.0, 1.0)[..., None]
    white = np.array(
        {"day": (0.86, 0.88, 0.90), "dusk": (0.17, 0.13, 0.13), "night": (0.004, 0.004, 0.005)}[scene.hour],
        np.float32,
    )
    sky: FloatImage = (gradient + cover * 0.8 * (white - gradient)).astype(np.float32)
    return sky


def _shadow_mask(scene: Scene, shape: tuple[int, ...]) -> FloatImage:
    """The share of light left on the ground, 1 where no shadow falls."""
    mask = np.full(shape, 255, np.uint8)
    for outline, strength in scene.shadows:
        clipped = clip_near(outline)
        if len(clipped) < 3:
            continue
        pixels = scene.camera.project(clipped) * SUPERSAMPLING
        x0, y0 = np.maximum(np.floor(pixels.min(axis=0)).astype(int) - 1, 0)
        x1, y1 = np.minimum(np.ceil(pixels.max(axis=0)).astype(int) + 2, (shape[1], shape[0]))
        if x1 <= x0 or y1 <= y0:
            continue
        patch = np.full((y1 - y0, x1 - x0), 255, np.uint8)
        # Drawn by minimum: overlapping shadows don't add up.
        points = np.rint((pixels - (x0, y0)) * 16).astype(np.int32)
        cv2.fillPoly(patch, [points], int(255 * (1 - strength)), shift=4)
        region = mask[y0:y1, x0:x1]
        np.minimum(region, patch, out=region)
    blurred = cv2.GaussianBlur(mask, (0, 0), 1.6 * SUPERSAMPLING)
    return blurred.astype(np.float32) * np.float32(1 / 255)


def _add_lamps(light: FloatImage, scene: Scene, surfaces: Surfaces) -> None:
    """Add what street lamps, other cars' lamps and our own headlights throw on every surface."""
    if not scene.lamps:
        return
    camera, s = scene.camera, SUPERSAMPLING
    height, width = surfaces.ids.shape
    depth = np.minimum(surfaces.depth, 200.0)
    columns = ((np.arange(width, dtype=np.float32) + 0.5) / s - camera.width / 2)[None, :] / camera.focal
    rows = ((np.arange(height, dtype=np.float32) + 0.5) / s - camera.horizon)[:, None] / camera.focal
    x: FloatImage = np.asarray(columns * depth, np.float32)
    y: FloatImage = np.asarray(camera.eye - rows * depth, np.float32)
    strength = {"day": 0.0, "dusk": 0.14, "night": 0.085}[scene.hour]
    for lamp in scene.lamps:
        if lamp.reach < 0:
            fall = _headlight(lamp, x, y, depth) * (1.0 if scene.hour == "night" else 0.6)
        else:
            distance = (
                (x - lamp.place[0]) ** 2 + 0.6 * (y - lamp.place[1]) ** 2 + (depth - lamp.place[2]) ** 2
            )
            fall = np.float32(strength) / (1.0 + distance / np.float32(lamp.reach**2)) ** 2
        for channel in range(3):
            light[..., channel] += fall * np.float32(lamp.colour[channel])


def _headlight(lamp: Lamp, x: FloatImage, y: FloatImage, depth: FloatImage) -> FloatImage:
    """A low beam: wide and weak near by, cut off above the lamp's height."""
    across = (x - lamp.place[0]) / (1.4 + 0.22 * depth)
    beam = np.exp(-across * across) / (1.0 + (depth / 7.0) ** 2)
    above = np.clip((y - 0.45 + 0.004 * depth) / 0.6, 0.0, 1.0)
    fall: FloatImage = (0.055 * beam * (1.0 - 0.96 * above)).astype(np.float32)
    return fall


def _glass(light: FloatImage, scene: Scene, surfaces: Surfaces) -> None:
    """Window panes and car windows mirror a little of the sky."""
    albedo = surfaces.column("albedo")
    shiny = (albedo.max(axis=1) < 0.08) & (surfaces.column("emissivity") < 0.86)
    mirror = np.where(shiny, np.float32(0.16), np.float32(0.0))[surfaces.ids]
    light += mirror[..., None] * np.array(_HORIZON[scene.hour], np.float32)


def _glare(radiance: FloatImage, scene: Scene) -> FloatImage:
    """Light that the lens scatters around what is over-exposed: a tight bloom and a wide veil."""
    bright = np.maximum(radiance - 1.0, 0.0)
    if float(bright.max()) <= 0.0:
        return radiance
    size = (radiance.shape[1] // 4, radiance.shape[0] // 4)
    small = cv2.resize(bright, size, interpolation=cv2.INTER_AREA)
    veil = 0.55 * cv2.GaussianBlur(small, (0, 0), 1.4) + 0.35 * cv2.GaussianBlur(small, (0, 0), 5.0)
    wide = cv2.resize(veil, (radiance.shape[1], radiance.shape[0]), interpolation=cv2.INTER_LINEAR)
    share = 0.2 if scene.hour == "day" else 1.0
    glared: FloatImage = radiance + np.float32(share) * wide
    return glared
