"""The training data, decoded once into uint8 tensors (on the device where they fit), and batches cut from it.

A batch depends only on (seed, stage, step): a resumed run sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fusionbench.errors import InputError, MissingDataError
from fusionbench.files.artifacts import data_root
from fusionbench.images.codec import check_same_size
from fusionbench.plugins import catalog

from ..masks import MaskCache, get_provider


@dataclass(frozen=True)
class PackedPair:
    """One scene: `images` uint8 4×H×W (infrared, R, G, B), `masks` uint8 P×2×H×W (provider × (infrared, visible))."""

    dataset: str
    name: str
    images: Tensor
    masks: Tensor


@dataclass(frozen=True)
class Batch:
    """Float tensors in [0, 1]: infrared N×1, visible N×3, mask_ir and mask_vi N×1, all ×H×W."""

    infrared: Tensor
    visible: Tensor
    mask_ir: Tensor
    mask_vi: Tensor


@dataclass(frozen=True)
class Pack:
    """Pairs for training and held-out pairs for validation; `providers` are the mask providers' fingerprints."""

    training: tuple[PackedPair, ...]
    validation: tuple[PackedPair, ...]
    providers: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Names the content: datasets, image names and mask providers (a checkpoint remembers what it was trained on)."""
        lines = [f"{pair.dataset}/{pair.name}" for pair in (*self.training, *self.validation)]
        return hashlib.sha256("\n".join([*lines, *self.providers]).encode()).hexdigest()[:16]


def build_pack(
    datasets: Sequence[tuple[str, str | Path | None]],
    masks: Sequence[str] = ("saliency",),
    mask_cache: Path | None = None,
    held_out: int = 6,
    device: torch.device | str = "cpu",
    only_held_out: bool = False,
) -> Pack:
    """Decode every training pair of `datasets` (name, root; no root: fusionbench's data folder) and compute its masks by each provider in `masks`.

    A dataset without a split called `train` gives all its pairs. `held_out` evenly spaced pairs of each dataset, at most
    a quarter of it, are kept for validation; `only_held_out` decodes those alone. Raises InputError for an unknown name, MissingDataError for missing files
    or an empty selection.
    """
    if not datasets:
        raise InputError(
            "training needs data: pass --dataset NAME:ROOT at least once (for example msrs:/data/MSRS)"
        )
    providers = [get_provider(name) for name in masks]
    cache = MaskCache(mask_cache) if mask_cache is not None else None
    training: list[PackedPair] = []
    validation: list[PackedPair] = []
    for name, root in datasets:
        spec = catalog.datasets.get(name)
        folder = Path(root) if root is not None else data_root(name)
        dataset = catalog.build(spec.factory)(spec, folder)
        pairs = list(dataset.pairs("train" if "train" in spec.splits else spec.splits[0]))
        if not pairs:
            raise MissingDataError(
                f"dataset {name!r} at {folder} has no training pairs; expected {spec.layout}"
            )
        kept = min(held_out, len(pairs) // 4)
        aside = {round((index + 0.5) * len(pairs) / kept) for index in range(kept)} if kept else set()
        for index, pair in enumerate(pairs):
            if only_held_out and index not in aside:
                continue
            loaded = dataset.load(pair)
            check_same_size(loaded.infrared, loaded.visible, pair.name)
            channels = np.concatenate((loaded.infrared[None], loaded.visible.transpose(2, 0, 1)))
            maps = np.zeros((len(providers), 2, *loaded.infrared.shape), np.uint8)
            for slot, provider in enumerate(providers):
                for side, (kind, image) in enumerate((("ir", loaded.infrared), ("vi", loaded.visible))):
                    stem = f"{kind}/{pair.name}"
                    found = (
                        cache.objectness(provider, image, stem) if cache else provider.objectness(image, stem)
                    )
                    maps[slot, side] = np.rint(found * 255)
            packed = PackedPair(
                name, pair.name, torch.from_numpy(channels).to(device), torch.from_numpy(maps).to(device)
            )
            (validation if index in aside else training).append(packed)
    return Pack(tuple(training), tuple(validation), tuple(provider.fingerprint for provider in providers))


def step_seed(seed: int, *labels: int | str) -> int:
    """A 56-bit seed for one purpose, from the run's seed and labels (stage, step, rank …)."""
    text = ":".join(str(part) for part in (seed, *labels))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "little")


def epoch_order(pack: Pack, seed: int, epoch: int, repeat: Mapping[str, int]) -> list[int]:
    """Indices of the training pairs in the order of one epoch, each as often as its dataset's `repeat` says."""
    indices = [index for index, pair in enumerate(pack.training) for _ in range(repeat.get(pair.dataset, 1))]
    generator = torch.Generator().manual_seed(step_seed(seed, "epoch", epoch))
    return [indices[position] for position in torch.randperm(len(indices), generator=generator).tolist()]


def sample_batch(
    pack: Pack,
    step: int,
    size: int,
    crop: int,
    seed: int,
    repeat: Mapping[str, int],
    mask_drop: float = 0.0,
    rank: int = 0,
    world: int = 1,
) -> Batch:
    """The batch of one step on one of `world` devices: random crops, mirrored at random, with their masks.

    With several providers the masks' provider is drawn per image; with probability `mask_drop` the masks are blank.
    Images smaller than the crop are reflected up to it.
    """
    length = sum(repeat.get(pair.dataset, 1) for pair in pack.training)
    images, masks = [], []
    orders: dict[int, list[int]] = {}
    for slot in range(size):
        position = (step * world + rank) * size + slot
        epoch = position // length
        if epoch not in orders:
            orders[epoch] = epoch_order(pack, seed, epoch, repeat)
        pair = pack.training[orders[epoch][position % length]]
        generator = torch.Generator().manual_seed(step_seed(seed, "crop", position))

        def draw(limit: int, generator: torch.Generator = generator) -> int:
            return int(torch.randint(limit, (1,), generator=generator))

        height, width = pair.images.shape[-2:]
        top, left = draw(max(1, height - crop + 1)), draw(max(1, width - crop + 1))
        mirrored, provider = draw(2) == 1, draw(max(1, pair.masks.shape[0]))
        blank = float(torch.rand(1, generator=generator)) < mask_drop
        window = (..., slice(top, top + crop), slice(left, left + crop))
        image = pair.images[window]
        mask = (
            pair.masks[provider][window] if pair.masks.shape[0] and not blank else torch.zeros_like(image[:2])
        )
        cut = torch.cat((image, mask)).float() / 255
        cut = F.pad(cut[None], (0, max(0, crop - width), 0, max(0, crop - height)), mode="reflect")[0]
        cut = cut.flip(-1) if mirrored else cut
        images.append(cut[:4])
        masks.append(cut[4:])
    return _batch(torch.stack(images), torch.stack(masks))


def validation_batch(pair: PackedPair) -> Batch:
    """A whole held-out pair as a batch of one, with the first provider's masks."""
    masks = pair.masks[0] if pair.masks.shape[0] else torch.zeros_like(pair.images[:2])
    return _batch(pair.images[None].float() / 255, masks[None].float() / 255)


def _batch(images: Tensor, masks: Tensor) -> Batch:
    images = images.contiguous(memory_format=torch.channels_last)
    return Batch(images[:, :1], images[:, 1:], masks[:, :1], masks[:, 1:])
