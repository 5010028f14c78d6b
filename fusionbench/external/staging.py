"""Pairs to the files that an official script reads, and its outputs back to images under the pairs' names
and sizes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..contracts.dataset import PairImages
from ..contracts.external_recipe import PLACEHOLDERS, ExternalRecipe
from ..contracts.method import MethodSpec
from ..errors import FusionBenchError, ImageError, InputError
from ..files import artifacts
from ..files.weight_files import check_stored
from ..images.codec import UInt8Array, as_grey, read_image
from ..images.grey import to_grey
from ..images.quantisation import finish
from .setting import Setting, recipe_of

SEEDED = Path(__file__).with_name("seeded.py")


@dataclass(frozen=True)
class Staged:
    """A pair as it was handed over: its neutral name, its own (height, width), and the padded one that was
    written."""

    pair: str
    source: str
    name: str
    size: tuple[int, int]
    padded: tuple[int, int]


def neutral_name(number: int) -> str:
    """The name of the ``number``-th staged pair: sorts the same everywhere and holds no character that a
    script stumbles over."""
    return f"{number:06d}"


def stage_pair(
    spec: MethodSpec, work: Path, number: int, pair: str, source: str, images: PairImages
) -> Staged:
    """Write one pair below ``work``, padded to the method's size rule."""
    from ..images.padding import padding

    recipe = recipe_of(spec)
    height, width = images.infrared.shape
    pads = padding(height, spec), padding(width, spec)
    infrared = _padded(images.infrared, pads)
    visible = _padded(images.visible, pads)
    if recipe.visible_channels == 1:
        visible = np.clip(np.rint(to_grey(visible, spec.grey)), 0, 255).astype(np.uint8)
    if recipe.infrared_channels == 3:
        infrared = np.repeat(infrared[..., None], 3, axis=2)
    name = neutral_name(number)
    for folder, image in ((recipe.infrared, infrared), (recipe.visible, visible)):
        _write(work / folder / f"{name}{recipe.suffix}", image)
    return Staged(pair, source, name, (height, width), (height + pads[0], width + pads[1]))


def _padded(image: UInt8Array, pads: tuple[int, int]) -> UInt8Array:
    """Padded at the bottom and right by reflection, as the harness pads for every method."""
    if not any(pads):
        return image
    margins = [(0, pads[0]), (0, pads[1])] + [(0, 0)] * (image.ndim - 2)
    return np.pad(image, margins, mode="reflect")


def _write(path: Path, image: UInt8Array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    if not cv2.imwrite(str(path), bgr):
        raise FusionBenchError(f"{path}: can't be written; is the disk full?")


def read_staged(text: str) -> list[Staged]:
    """What ``asdict`` of staged pairs was written as, read back. Raises ``ValueError``, ``TypeError`` or
    ``KeyError`` if it is damaged."""
    return [
        Staged(
            r["pair"], r["source"], r["name"], (r["size"][0], r["size"][1]), (r["padded"][0], r["padded"][1])
        )
        for r in json.loads(text)
    ]


class Texts:
    """Fills in the placeholders of a recipe's texts for one call."""

    def __init__(
        self, spec: MethodSpec, setting: Setting, *, work: Path, device: str, seed: int, count: int
    ) -> None:
        self._spec = spec
        self._python = setting.python
        self._weights = {a.name: a for a in spec.artifacts}
        self._values = {
            "clone": str(setting.clone),
            "work": str(work),
            "device": device,
            "seed": str(seed),
            "count": str(count),
            "gpu": device.partition(":")[2] or "0",
            "name": neutral_name(1),
            "seeded": str(SEEDED),
        }

    def fill(self, text: str, *, escape: bool = False) -> str:
        """``text`` with its placeholders replaced; ``escape`` makes the values safe inside a JSON string."""

        def value(match: re.Match[str]) -> str:
            word = match[1]
            if word.startswith("weights:"):
                found = self._weight(word.partition(":")[2])
            elif word in self._values:
                found = self._values[word]
            else:
                known = ", ".join(f"{{{p}}}" for p in PLACEHOLDERS)
                raise InputError(
                    f"{self._spec.name}: {{{word}}} in {text!r} isn't a placeholder; known: {known}"
                )
            return json.dumps(found)[1:-1] if escape else found

        return re.sub(r"\{([a-z]+(?::[^{}\s]+)?)\}", value, text)

    def command(self) -> list[str]:
        """The command as a list; ``{python}`` may stand for several words."""
        words: list[str] = []
        for part in recipe_of(self._spec).command:
            words += self._python if part == "{python}" else [self.fill(part)]
        return words

    def _weight(self, name: str) -> str:
        if name not in self._weights:
            raise InputError(
                f"{self._spec.name}: {{weights:{name}}} names none of its artifacts "
                f"({', '.join(self._weights) or 'it lists none'})"
            )
        return str(artifacts.locate(self._weights[name]).resolve())


def furnish(recipe: ExternalRecipe, texts: Texts, clone: Path, work: Path) -> None:
    """Make the links and files that the recipe asks for. Raises ``InputError`` for a JSON file of the
    clone that can't be used."""
    for name, target in recipe.links.items():
        path = _made(work / name)
        path.symlink_to(texts.fill(target))
    for name, text in recipe.files.items():
        _made(work / name).write_text(texts.fill(text, escape=name.endswith(".json")), encoding="utf-8")
    for name, file in recipe.json_files.items():
        source = clone / file.source
        try:
            lines = source.read_text(encoding="utf-8").splitlines()
            content: dict[str, Any] = json.loads("\n".join(line.split("//")[0] for line in lines))
        except (OSError, ValueError) as error:
            raise InputError(f"{source}: can't be read as JSON ({error}); is the clone complete?") from error
        for key, value in file.set.items():
            _set(content, key, texts.fill(value) if isinstance(value, str) else value, source)
        _made(work / name).write_text(json.dumps(content, indent=1), encoding="utf-8")


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _set(content: dict[str, Any], key: str, value: object, source: Path) -> None:
    *parents, last = key.split(".")
    place = content
    for parent in parents:
        if not isinstance(place.get(parent), dict):
            raise InputError(f"{source}: has no mapping {parent!r} (for {key}); is it the described commit?")
        place = place[parent]
    place[last] = value


def find_output(recipe: ExternalRecipe, work: Path, name: str) -> Path | None:
    """The file that the script wrote for the pair of that neutral name (the newest, if the pattern matches
    several)."""
    found = [p for p in work.glob(recipe.outputs.replace("{name}", name)) if p.is_file()]
    return max(found, key=lambda p: p.stat().st_mtime_ns, default=None)


def count_outputs(recipe: ExternalRecipe, work: Path, staged: Sequence[Staged]) -> int:
    """How many pairs have an output by now."""
    pattern = recipe.outputs
    if pattern.count("{name}") == 1:
        return min(len(staged), sum(1 for _ in work.glob(pattern.replace("{name}", "[0-9]" * 6))))
    return sum(find_output(recipe, work, s.name) is not None for s in staged)


def restore(spec: MethodSpec, work: Path, staged: Staged, images: PairImages) -> tuple[UInt8Array, bool]:
    """Read a pair's output, give it the pair's size and, for luma methods, the visible image's colour.

    Returns the image and whether it had to be resized. Raises ``ImageError`` if it is missing, unreadable or
    of a wrong size.
    """
    recipe = recipe_of(spec)
    path = find_output(recipe, work, staged.name)
    if path is None:
        raise ImageError(
            f"{staged.pair}: {spec.name} wrote no {recipe.outputs.replace('{name}', staged.name)}"
        )
    fused = read_image(path)
    height, width = staged.size
    resized = False
    if fused.shape[:2] == staged.size:
        pass
    elif fused.shape[:2] == staged.padded:
        fused = fused[:height, :width]
    elif recipe.resized == "restore":
        resized = True
        full = cv2.resize(fused, staged.padded[::-1], interpolation=cv2.INTER_CUBIC)
        fused = np.asarray(full, np.uint8)[:height, :width]
    else:
        raise ImageError(
            f"{staged.pair}: {spec.name} wrote {fused.shape[1]}×{fused.shape[0]} for a {width}×{height} pair "
            f"(given as {staged.padded[1]}×{staged.padded[0]}); state its size_multiple, or resized: restore"
        )
    if spec.output == "luma":
        luma = as_grey(fused).astype(np.float32)[None] / np.float32(255)
        fused = finish(luma, images.visible, spec)
    return np.ascontiguousarray(fused), resized


def check_tensors(spec: MethodSpec) -> None:
    """Check that weights hold the tensors the recipe names: their script would load a wrong file and fuse
    noise.

    Raises ``InputError``. Files are read without executing anything in them, and tensors aren't loaded.
    """
    weights = {a.name: a for a in spec.artifacts}
    for name, expected in recipe_of(spec).tensors.items():
        path = artifacts.locate(weights[name])
        shapes = _shapes(path)
        wrong = [key for key, shape in expected.items() if shapes.get(key) != tuple(shape)]
        if wrong:
            found = shapes.get(wrong[0])
            raise InputError(
                f"{path}: isn't {name} of {spec.name}: {wrong[0]} "
                f"{f'is {found}' if found else 'is missing'}, expected "
                f"{tuple(expected[wrong[0]])}. {artifacts.how_to_get(weights[name])}"
            )


def _shapes(path: Path) -> Mapping[str, tuple[int, ...]]:
    import pickle

    import torch

    try:
        check_stored(path)
        content = torch.load(path, map_location="meta", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise InputError(f"{path}: can't be read as weights ({str(error).splitlines()[0]})") from error
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: holds no named tensors")
    return {k: tuple(v.shape) for k, v in content.items() if isinstance(v, torch.Tensor)}
