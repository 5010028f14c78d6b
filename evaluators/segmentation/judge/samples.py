"""Images and labels in memory for training: decoded once, resized once, uint8; random crops that depend on
(seed, step) alone.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fusionbench.contracts import UInt8Array
from fusionbench.contracts.dataset import Dataset, Pair, PairImages
from fusionbench.errors import ImageError
from fusionbench.images.codec import as_rgb

from ...judging.labelled import ReadOnce, read_usable
from ...judging.neutral import neutral_image
from ...judging.schedule import shuffled
from ..recipe import Recipe
from ..scores.confusion import IGNORED_ID
from .network import MEAN, STD

Size = tuple[int, int]


@dataclass(frozen=True)
class Sample:
    """An image to train on, at the recipe's size: ``labels`` H×W uint8 ids; ``digest`` hashes image and
    labels before resizing.

    ``image`` is uint8 H×W×3 RGB, or H×W×4 with the infrared as its last channel: then every crop of it is
    another neutral blend.
    """

    name: str
    image: UInt8Array
    labels: UInt8Array
    digest: str


@dataclass(frozen=True)
class Labelled:
    """The pairs of a set whose labels can be used, with their ids at full size, and why the others can't."""

    pairs: tuple[Pair, ...]
    labels: dict[str, UInt8Array]
    excluded: dict[str, str]


def read_labelled(dataset: Dataset, pairs: Sequence[Pair]) -> Labelled:
    """Read and check all labels.

    Labels of the wrong size, with unknown ids, unreadable or absent exclude their pair, with the reason.

    Raises ``InputError`` if no pair is left.
    """
    usable = read_usable(dataset, pairs, _packed, "labels")
    labels = {name: _unpacked(packed) for name, packed in usable.values.items()}
    return Labelled(usable.pairs, labels, usable.excluded)


_Packed = tuple[Size, bytes]
"""Labels compressed: they are mostly one id."""


def _pack(dataset: Dataset, pair: Pair) -> _Packed:
    ids = checked_labels(dataset.load(pair, labels=True), pair, len(dataset.spec.semantic_classes))
    return (ids.shape[0], ids.shape[1]), zlib.compress(np.ascontiguousarray(ids).tobytes(), 1)


_packed = ReadOnce(_pack)


def _unpacked(packed: _Packed) -> UInt8Array:
    size, data = packed
    return np.frombuffer(zlib.decompress(data), np.uint8).reshape(size)


def checked_labels(images: PairImages, pair: Pair, classes: int) -> UInt8Array:
    """The ids of a pair, H×W uint8.

    Raises ``ImageError`` if there are none, or if size or ids don't fit the pair and the classes.
    """
    where = str(pair.labels or pair.name)
    if images.labels is None:
        raise ImageError(f"{pair.name}: has no label file")
    if images.labels.shape != images.infrared.shape[:2]:
        sizes = (
            "×".join(map(str, images.labels.shape[::-1])),
            "×".join(map(str, images.infrared.shape[1::-1])),
        )
        raise ImageError(f"{where}: labels are {sizes[0]}, their pair {sizes[1]}")
    found = np.flatnonzero(np.bincount(images.labels.ravel(), minlength=256))
    unknown = [int(i) for i in found if i >= classes and i != IGNORED_ID]
    if unknown:
        raise ImageError(
            f"{where}: holds the id{'s' if len(unknown) > 1 else ''} {', '.join(map(str, unknown[:8]))}; the"
            f" dataset's classes are 0 to {classes - 1} ({IGNORED_ID}: ignored). Correct the file, or give"
            " the dataset its class names"
        )
    return images.labels


def make_sample(name: str, image: UInt8Array, labels: UInt8Array, size: Size | None) -> Sample:
    """Resize an image (area) and its labels (nearest) to the recipe's size.

    Raises ``ImageError`` if they don't fit each other.
    """
    check_fits(name, image, labels)
    digest = hashlib.sha256(name.encode())
    for array in (image, labels):
        digest.update(np.array(array.shape).tobytes() + np.ascontiguousarray(array).tobytes())
    resized = resize_image(image if image.ndim == 3 else as_rgb(image), size)
    if size is not None and labels.shape != size:
        labels = np.asarray(cv2.resize(labels, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
    return Sample(name, resized, labels, digest.hexdigest())


def check_fits(name: str, image: npt.NDArray[Any], labels: npt.NDArray[Any]) -> None:
    """Raise ``ImageError`` unless an image and its labels have one size."""
    if image.shape[:2] != labels.shape[:2]:
        sizes = ["×".join(map(str, a.shape[1::-1])) for a in (image, labels)]
        raise ImageError(f"{name}: the fused image is {sizes[0]}, its labels are {sizes[1]}")


def resize_image(rgb: UInt8Array, size: Size | None) -> UInt8Array:
    """H×W×C uint8 at ``size`` (height, width), by area averaging where it shrinks."""
    if size is None or rgb.shape[:2] == size:
        return rgb
    shrinks = rgb.shape[0] >= size[0] and rgb.shape[1] >= size[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, size[::-1], interpolation=interpolation), np.uint8)


def normalised(images: UInt8Array) -> Tensor:
    """N×H×W×3 uint8 → N×3×H×W float32, ImageNet's mean and deviation removed."""
    tensor = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).float().div_(255.0)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    return tensor.sub_(mean).div_(std)


def class_weights(samples: Sequence[Sample], classes: int, kind: str) -> tuple[float, ...]:
    """The loss's weight of each class by ``Recipe.class_weights``, from all labelled pixels of ``samples``."""
    if kind == "uniform":
        return (1.0,) * classes
    counts = sum(np.bincount(s.labels.ravel(), minlength=256)[:classes].astype(np.float64) for s in samples)
    share = counts / max(float(np.sum(counts)), 1.0)
    weights = 1.0 / np.log(1.02 + share)
    return tuple(float(w) for w in (np.sqrt(weights) if kind == "enet-sqrt" else weights))


def fold_of(names: Sequence[str], folds: int, block: int) -> dict[str, int]:
    """The fold of each name.

    Names in order, those that end in N and the others apart, take turns with blocks of ``block`` names:
    datasets are cut from videos, so neighbours look alike, and a fold of every other frame would be trained
    on its own test images.
    """
    groups = [[n for n in sorted(names) if n.upper().endswith("N") is night] for night in (False, True)]
    return {name: (i // block) % folds for group in groups for i, name in enumerate(group)}


def epoch_order(count: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """A permutation of ``count`` samples that depends on seed and epoch alone."""
    return shuffled(count, (seed, 1, epoch))


def batch_indices(count: int, batch: int, seed: int, step: int) -> Iterator[int]:
    """The samples of a step: consecutive ones of an endless row of shuffled epochs."""
    for position in range(step * batch, (step + 1) * batch):
        epoch, place = divmod(position, count)
        yield int(epoch_order(count, seed, epoch)[place])


def sample_batch(samples: Sequence[Sample], recipe: Recipe, seed: int, step: int) -> tuple[Tensor, Tensor]:
    """The crops of a step: N×3×h×w normalised and N×h×w int64 ids.

    They depend on (seed, step) and the recipe, so all methods see the same crops of the same images, and a
    resumed training goes on as if it had not stopped.
    """
    images, labels = [], []
    indices = batch_indices(len(samples), recipe.batch_size, seed, step)
    for place, index in enumerate(indices):
        rng = np.random.default_rng([seed, 2, step, place])
        image, ids = _crop(samples[index], recipe, rng)
        if image.shape[2] == 4:
            image = neutral_image(image, rng)
        images.append(_jittered(image, recipe.jitter, rng))
        labels.append(ids)
    return normalised(np.stack(images)), torch.from_numpy(np.stack(labels).astype(np.int64))


def _crop(sample: Sample, recipe: Recipe, rng: np.random.Generator) -> tuple[UInt8Array, UInt8Array]:
    """A random part of the sample, enlarged to the crop's size; padded (ids 255) where the sample is smaller."""
    low, high = np.log(recipe.scale)
    scale = float(np.exp(rng.uniform(low, high)))
    height, width = sample.labels.shape
    out = recipe.crop
    h, w = (max(8, round(side / scale)) for side in out)
    h_in, w_in = min(h, height), min(w, width)
    top, left = int(rng.integers(0, height - h_in + 1)), int(rng.integers(0, width - w_in + 1))
    part = np.s_[top : top + h_in, left : left + w_in]
    image, ids = sample.image[part], sample.labels[part]
    if (h_in, w_in) != (h, w):
        border = (0, h - h_in, 0, w - w_in)
        image = np.asarray(cv2.copyMakeBorder(image, *border, cv2.BORDER_REFLECT_101), np.uint8)
        ids = np.asarray(cv2.copyMakeBorder(ids, *border, cv2.BORDER_CONSTANT, value=IGNORED_ID), np.uint8)
    if (h, w) != out:
        image = np.asarray(cv2.resize(image, out[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
        ids = np.asarray(cv2.resize(ids, out[::-1], interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
    if rng.random() < recipe.flip:
        image, ids = image[:, ::-1], ids[:, ::-1]
    return image, ids


def _jittered(image: UInt8Array, jitter: float, rng: np.random.Generator) -> UInt8Array:
    """Contrast, brightness and gamma drawn for each crop, the same for all channels."""
    if not jitter:
        return image
    contrast, brightness = rng.uniform(1 - jitter, 1 + jitter, 2)
    gamma = 2.0 ** rng.uniform(-jitter, jitter)
    levels = np.clip((np.arange(256) / 255.0 - 0.5) * contrast + 0.5 * brightness, 0, 1) ** gamma
    return np.asarray(np.rint(255 * levels).astype(np.uint8)[image], np.uint8)
