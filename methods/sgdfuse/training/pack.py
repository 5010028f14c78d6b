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

from ..masks import MaskCache, get_provider, pair_masks
from ..masks.degrade import degrade
from ..masks.provider import ProviderUnavailableError
from .augment import augment_sensors
from .truth import LABELS, Teacher, known_objects


@dataclass(frozen=True)
class PackedPair:
    """One scene: `images` uint8 4×H×W (infrared, R, G, B), `masks` uint8 P×2×H×W (provider × (infrared,
    visible)).
    """

    dataset: str
    name: str
    images: Tensor
    masks: Tensor
    truth: Tensor | None = None
    """Where objects are, uint8 H×W, for pairs whose objects are known (`training/truth.py`)."""


@dataclass(frozen=True)
class Batch:
    """Float tensors in [0, 1]: infrared N×1, visible N×3, mask_ir and mask_vi N×1, all ×H×W.

    `truth` (N×1×H×W) is the mask that losses go by where it is known better than by the masks given.
    """

    infrared: Tensor
    visible: Tensor
    mask_ir: Tensor
    mask_vi: Tensor
    truth: Tensor | None = None

    @property
    def joint(self) -> Tensor:
        """The mask that losses go by: the truth, else Eq. 16's maximum of the masks given."""
        return torch.maximum(self.mask_ir, self.mask_vi) if self.truth is None else self.truth


@dataclass(frozen=True)
class Pack:
    """Pairs for training and held-out pairs for validation; `providers` are the mask providers'
    fingerprints.
    """

    training: tuple[PackedPair, ...]
    validation: tuple[PackedPair, ...]
    providers: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Names the content: datasets, image names and mask providers (a checkpoint remembers what it was
        trained on).
        """
        lines = [f"{pair.dataset}/{pair.name}" for pair in (*self.training, *self.validation)]
        return hashlib.sha256("\n".join([*lines, *self.providers]).encode()).hexdigest()[:16]


def build_pack(
    datasets: Sequence[tuple[str, str | Path | None]],
    masks: Sequence[str] = ("saliency",),
    mask_cache: Path | None = None,
    held_out: int = 6,
    device: torch.device | str = "cpu",
    only_held_out: bool = False,
    boxes: Mapping[str, str] | None = None,
) -> Pack:
    """Decode every training pair of `datasets` (name, root; no root: fusionbench's data folder) and compute
    its masks by each provider in `masks`.

    A dataset without a split called `train` gives all its pairs. `held_out` evenly spaced pairs of each
    dataset, at most a quarter of it, are kept for validation; `only_held_out` decodes those alone. With
    `labels` among the masks every pair brings what is known of its objects (`training/truth.py`), with the
    help of `yolo-seg` where it can run, and of the folders `boxes`. Raises InputError for an unknown name,
    MissingDataError for missing files or an empty selection.
    """
    if not datasets:
        raise InputError(
            "training needs data: pass --dataset NAME:ROOT at least once (for example msrs:/data/MSRS)"
        )
    providers = [get_provider(name) for name in masks if name != LABELS]
    cache = MaskCache(mask_cache) if mask_cache is not None else None
    teacher = _teacher(cache) if LABELS in masks else None
    training: list[PackedPair] = []
    validation: list[PackedPair] = []
    for name, root in datasets:
        spec = catalog.datasets.get(name)
        folder = None
        if spec.needs_root:
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
            loaded = dataset.load(pair, labels=LABELS in masks)
            check_same_size(loaded.infrared, loaded.visible, pair.name)
            channels = np.concatenate((loaded.infrared[None], loaded.visible.transpose(2, 0, 1)))
            maps = np.zeros((len(providers), 2, *loaded.infrared.shape), np.uint8)
            for slot, provider in enumerate(providers):
                found = pair_masks(provider, loaded.infrared, loaded.visible, cache, pair.name)
                maps[slot] = np.rint(255 * np.stack(found))
            truth = None
            if LABELS in masks:
                folder_of_boxes = Path(boxes[name]) if boxes and name in boxes else None
                known = known_objects(loaded, name, pair.name, spec, folder_of_boxes, teacher)
                truth = None if known is None else torch.from_numpy(np.rint(255 * known).astype(np.uint8))
            packed = PackedPair(
                name,
                pair.name,
                torch.from_numpy(channels).to(device),
                torch.from_numpy(maps).to(device),
                None if truth is None else truth.to(device),
            )
            (validation if index in aside else training).append(packed)
    fingerprints = [provider.fingerprint for provider in providers]
    if LABELS in masks:
        fingerprints.append(LABELS if teacher is None else f"{LABELS}+yolo-seg")
    return Pack(tuple(training), tuple(validation), tuple(fingerprints))


def _teacher(cache: MaskCache | None) -> Teacher | None:
    """The teacher of pairs without labels, where it can run."""
    try:
        return Teacher(cache)
    except ProviderUnavailableError:
        return None


def step_seed(seed: int, *labels: int | str) -> int:
    """A 56-bit seed for one purpose, from the run's seed and labels (stage, step, rank …)."""
    text = ":".join(str(part) for part in (seed, *labels))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "little")


def epoch_order(pack: Pack, seed: int, epoch: int, repeat: Mapping[str, int]) -> list[int]:
    """Indices of the training pairs in the order of one epoch, each as often as its dataset's `repeat`
    says.
    """
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
    degrade_share: float = 0.0,
    augment: bool = False,
) -> Batch:
    """The batch of one step on one of `world` devices: random crops, mirrored at random, with their masks.

    With several providers the masks' provider is drawn per image; with probability `mask_drop` the masks are
    blank. Images smaller than the crop are reflected up to it. Pairs with a map of truth bring it along; for
    a share of `degrade_share` of them the masks given are that truth, degraded. Where the masks are blank the
    truth is blank too: without masks no pixel is to be treated as an object's.
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
        truth = mask.amax(dim=0, keepdim=True)
        if pair.truth is not None and not blank:
            truth = pair.truth[None][window]
        cut = torch.cat((image, mask, truth)).float() / 255
        cut = F.pad(cut[None], (0, max(0, crop - width), 0, max(0, crop - height)), mode="reflect")[0]
        cut = cut.flip(-1) if mirrored else cut
        image, mask, truth = cut[:4], cut[4:6], cut[6:]
        known = pair.truth is not None and not blank
        if degrade_share and known and float(torch.rand(1, generator=generator)) < degrade_share:
            mask = _degraded(truth, draw(2**31)).expand_as(mask)
        if augment:
            image = torch.cat(augment_sensors(image[:1], image[1:], generator))
        images.append(image)
        masks.append(torch.cat((mask, truth)))
    return _batch(torch.stack(images), torch.stack(masks))


def _degraded(truth: Tensor, seed: int) -> Tensor:
    """1×H×W true mask → 1×H×W as a provider could have it."""
    made = degrade(truth[0].cpu().numpy(), np.random.default_rng(seed))
    return torch.from_numpy(made)[None].to(truth.device)


def validation_batch(pair: PackedPair) -> Batch:
    """A whole held-out pair as a batch of one, with the first provider's masks."""
    masks = pair.masks[0] if pair.masks.shape[0] else torch.zeros_like(pair.images[:2])
    truth = masks.amax(dim=0) if pair.truth is None else pair.truth
    return _batch(pair.images[None].float() / 255, torch.cat((masks, truth[None]))[None].float() / 255)


def _batch(images: Tensor, masks: Tensor) -> Batch:
    images = images.contiguous(memory_format=torch.channels_last)
    return Batch(images[:, :1], images[:, 1:], masks[:, :1], masks[:, 1:2], masks[:, 2:])
