"""The demo scenes as a dataset: pairs rendered from their names, kept in memory while they are in use."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fusionbench.contracts.dataset import Boxes, DatasetSpec, Finding, Pair, PairImages
from fusionbench.errors import InputError

from .canvas import SUPERSAMPLING, Surfaces, draw
from .composition import HOURS, Hour, Scene, compose
from .infrared import render_infrared
from .materials import BIKE, CAR, PERSON
from .street import GROUND, ground
from .visible import render_visible

RECIPE = 2
"""Raised whenever the rendered pixels change, so that stored results of older scenes are not taken for these.
"""
_SPLIT_SEEDS = {"test": 20_011, "train": 20_023}
_BOX_CLASSES = {PERSON: 0, BIKE: 1, CAR: 2}
MIN_BOX_SIDE = 4
MIN_BOX_PIXELS = 24
_KEPT_PAIRS = 256


def render_pair(split: str, index: int, width: int = 320, height: int = 256) -> PairImages:
    """Render one pair of a split, with labels and boxes. The same arguments always give the same pixels."""
    hour: Hour = HOURS[index % len(HOURS)]
    seed = (_SPLIT_SEEDS[split], index)
    scene = compose(seed, hour, width, height)
    ids, depth = ground(scene.camera, scene.road)
    surfaces = draw(ids, depth, GROUND, scene.things)
    visible_rng, infrared_rng = (
        np.random.Generator(np.random.PCG64(np.random.SeedSequence((*seed, k)))) for k in (1, 2)
    )
    visible = render_visible(scene, surfaces, visible_rng)
    infrared = render_infrared(scene, surfaces, infrared_rng)
    seen = ids[SUPERSAMPLING // 2 :: SUPERSAMPLING, SUPERSAMPLING // 2 :: SUPERSAMPLING]
    labels = surfaces.column("label").astype(np.uint8)[seen]
    return PairImages(infrared, visible, labels, _boxes(scene, surfaces, seen))


def _boxes(scene: Scene, surfaces: Surfaces, seen: np.ndarray[Any, Any]) -> Boxes:
    """Boxes around the visible part of every person, bike and car that is large enough to be told."""
    instances = surfaces.instance[seen]
    xyxy, classes = [], []
    for number, class_id in enumerate(scene.classes, 1):
        rows, columns = np.nonzero(instances == number)
        if len(rows) < MIN_BOX_PIXELS:
            continue
        x0, x1, y0, y1 = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
        if min(x1 - x0, y1 - y0) < MIN_BOX_SIDE:
            continue
        xyxy.append((x0, y0, x1, y1))
        classes.append(_BOX_CLASSES[class_id])
    return Boxes(np.array(xyxy, np.float64).reshape(-1, 4), np.array(classes, np.int64))


def open_demo(spec: DatasetSpec, root: Path | None) -> DemoDataset:
    """Open the demo scenes; ``root`` is not used. Raises ``InputError`` for options that can't be rendered."""
    del root
    return DemoDataset(spec)


class DemoDataset:
    """The demo scenes; see ``fusionbench.contracts.dataset.Dataset``.

    Options: ``count``, ``train_count``, ``size`` (``WIDTHxHEIGHT``).
    """

    def __init__(self, spec: DatasetSpec) -> None:
        self.width, self.height = _size(spec.options.get("size", "320x256"))
        self.counts = {
            "test": _count(spec.options.get("count", 60), "count"),
            "train": _count(spec.options.get("train_count", 96), "train_count"),
        }
        self.spec = spec.model_copy(update={"size": (self.height, self.width)})
        self._rendered: OrderedDict[str, PairImages] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """What another machine renders the same scenes from."""
        return DemoDataset, (self.spec,)

    def pairs(self, split: str) -> Sequence[Pair]:
        """The pairs of a split: ``00001D`` by day or dusk, ``00002N`` by night; those of ``train`` begin with
        T."""
        if split not in self.counts:
            raise InputError(f"{self.spec.title} have no split {split!r}; they have {', '.join(self.counts)}")
        return [Pair(_name(split, i)) for i in range(self.counts[split])]

    def load(self, pair: Pair, *, labels: bool = False) -> PairImages:
        """Render a pair (or take it from memory). Labels and boxes come with it if asked for."""
        with self._lock:
            found = self._rendered.get(pair.name)
        if found is None:
            split, index = _parse(pair.name)
            found = render_pair(split, index, self.width, self.height)
            for image in (found.infrared, found.visible, found.labels):
                if image is not None:
                    image.flags.writeable = False
            with self._lock:
                self._rendered[pair.name] = found
                while len(self._rendered) > _KEPT_PAIRS:
                    self._rendered.popitem(last=False)
        return found if labels else PairImages(found.infrared, found.visible)

    def digest(self, pair: Pair) -> str:
        """sha256 of the recipe: what is rendered is decided by nothing else."""
        recipe = {"recipe": RECIPE, "pair": pair.name, "size": [self.width, self.height]}
        return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()

    def verify(self, split: str | None = None) -> list[Finding]:
        """Nothing can be missing: the scenes are rendered."""
        if split is not None:
            self.pairs(split)
        return []


def _name(split: str, index: int) -> str:
    night = HOURS[index % len(HOURS)] == "night"
    return f"{'T' if split == 'train' else ''}{index + 1:05d}{'N' if night else 'D'}"


def _parse(name: str) -> tuple[str, int]:
    """The split and index that a pair's name stands for. Raises ``InputError``."""
    split = "train" if name.startswith("T") else "test"
    digits = name.removeprefix("T")[:-1]
    if not digits.isdecimal() or int(digits) < 1 or _name(split, int(digits) - 1) != name:
        raise InputError(
            f"{name!r} is not the name of a demo scene; names look like 00001D, 00002N or T00001D"
        )
    return split, int(digits) - 1


def _count(value: Any, option: str) -> int:
    try:
        count = int(value)
    except (TypeError, ValueError):
        count = -1
    if not 0 <= count <= 99_999:
        raise InputError(f"demo option {option}={value!r}: expected a number of scenes from 0 to 99999")
    return count


def _size(value: Any) -> tuple[int, int]:
    """``"320x256"`` (or a pair of numbers) → width, height."""
    parts = str(value).lower().replace("×", "x").split("x") if isinstance(value, str) else list(value)
    try:
        width, height = (int(p) for p in parts)
    except (TypeError, ValueError):
        width = height = 0
    if not (64 <= width <= 2048 and 64 <= height <= 2048):
        raise InputError(
            f"demo option size={value!r}: expected WIDTHxHEIGHT from 64x64 to 2048x2048, e.g. 320x256"
        )
    return width, height
