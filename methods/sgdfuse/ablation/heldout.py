"""Weights judged on the held-out training pairs, blind to every test set: the criterion of training-log.md,
and what the parts do.

python -m fusionbench.methods.sgdfuse.ablation.heldout -d msrs:ROOT -d roadscene:ROOT … [--parts] WEIGHTS…
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..checkpoint import load_weights
from ..network.luma import rgb_to_luma
from ..network.network import SGDFuseNetwork, image_noise
from ..training import surrogates
from ..training.pack import Batch, PackedPair, build_pack, validation_batch
from ..training.validation import fuse_preliminary, saved_luma

Means = dict[str, dict[str, float]]
"""{dataset: {metric: mean over its held-out pairs}}."""

CAP = 1.25
"""A ratio to the plain maximum counts up to this: no metric can be bought by the ruin of another."""

FLOOR_DATASET = "msrs"
FLOORS = {"EN": 1.0, "SD": 1.0, "SF": 1.0, "SCD": 1.0, "VIF": 0.952, "Qabf": 0.958, "MI": 0.59}
"""Smallest ratios to the plain maximum, on `FLOOR_DATASET`: the floors of the project's issue 3 over its
`max` row.
"""


@dataclass(frozen=True)
class Judgement:
    """`score` is the mean capped ratio to the plain maximum, `broken` the floors not met (metric: ratio)."""

    score: float
    broken: dict[str, float]


def judge(found: Mapping[str, Mapping[str, float]], maximum: Mapping[str, Mapping[str, float]]) -> Judgement:
    """Score of means by dataset and metric against those of the plain maximum. Every metric is
    higher-is-better.
    """
    ratios = {d: {m: found[d][m] / maximum[d][m] for m in maximum[d]} for d in maximum}
    score = float(np.mean([min(CAP, ratio) for row in ratios.values() for ratio in row.values()]))
    own = ratios.get(FLOOR_DATASET, {})
    return Judgement(score, {m: own[m] for m, floor in FLOORS.items() if m in own and own[m] < floor})


Fuse = Callable[[Batch], Tensor]
"""A batch of one pair → fused N×3×H×W in [0, 1]."""


@torch.no_grad()
def mean_metrics(fuse: Fuse, pairs: Sequence[PackedPair]) -> Means:
    """The seven metrics of what would be saved, as mean over each dataset's pairs."""
    values: dict[str, dict[str, list[float]]] = {}
    for pair in pairs:
        batch = validation_batch(pair)
        grey = (255 * batch.infrared, *saved_luma(255 * batch.visible, 255 * fuse(batch)))
        row = values.setdefault(pair.dataset, {})
        for name, value in surrogates.validation_metrics(*grey).items():
            row.setdefault(name, []).append(float(value.mean()))
    return {d: {name: float(np.mean(v)) for name, v in row.items()} for d, row in values.items()}


@torch.no_grad()
def masks_say(network: SGDFuseNetwork, pairs: Sequence[PackedPair], seed: int = 0) -> float:
    """Mean |difference| in grey levels, weighted by max(M_ir, M_vi), between the fused images with masks and
    with both blank.
    """
    total = weight = 0.0
    given, blank = fuse_with(network, seed), fuse_with(network, seed, masks=0.0)
    for pair in pairs:
        batch = validation_batch(pair)
        joint = torch.maximum(batch.mask_ir, batch.mask_vi)
        difference = 255 * (given(batch) - blank(batch)).abs().mean(dim=1, keepdim=True)
        total, weight = total + float((joint * difference).sum()), weight + float(joint.sum())
    return total / max(weight, 1e-9)


def fuse_with(
    network: SGDFuseNetwork, seed: int = 0, masks: float | None = None, noise_scale: float = 1.0
) -> Fuse:
    """The network as a function of a batch; `masks` replaces both masks by that constant, `noise_scale`
    scales the noise.
    """

    def fuse(batch: Batch) -> Tensor:
        constant = torch.full_like(batch.mask_ir, masks or 0.0)
        mask_ir, mask_vi = (batch.mask_ir, batch.mask_vi) if masks is None else (constant, constant)
        noise = noise_scale * image_noise(batch.infrared, batch.visible, seed, network.noise_channels)
        fused: Tensor = network(batch.infrared, batch.visible, mask_ir, mask_vi, noise)
        return fused.float()

    return fuse


def plain_maximum(batch: Batch) -> Tensor:
    """max(I_ir, luma of I_vis) as a grey image of three channels: the rule that every candidate is compared
    with.
    """
    return torch.maximum(batch.infrared, rgb_to_luma(batch.visible)).expand_as(batch.visible)


def parts(network: SGDFuseNetwork) -> dict[str, Fuse]:
    """What can be taken from a trained network without training it again."""
    return {
        "nothing": fuse_with(network),
        "output F1, without stage II": lambda batch: fuse_preliminary(network, batch),
        "both masks blank": fuse_with(network, masks=0.0),
        "both masks all one": fuse_with(network, masks=1.0),
        "noise zero": fuse_with(network, noise_scale=0.0),
        "another noise seed": fuse_with(network, seed=1),
    }


def _row(label: str, values: Mapping[str, float]) -> str:
    return f"| {label} | " + " | ".join(f"{value:.3f}" for value in values.values()) + " |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a Markdown table for each weights file: metrics by dataset, score, broken floors and the masks'
    say.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", nargs="*", type=Path)
    parser.add_argument("-d", "--dataset", action="append", required=True, help="NAME:ROOT, repeatable")
    parser.add_argument("--masks", default="saliency")
    parser.add_argument("--cache", type=Path, help="folder of the mask cache")
    parser.add_argument("--parts", action="store_true", help="also take the parts away one by one")
    options = parser.parse_args(arguments)
    datasets = [(name, root or None) for name, _, root in (text.partition(":") for text in options.dataset)]
    pairs = build_pack(datasets, [options.masks], options.cache, only_held_out=True).validation
    maximum = mean_metrics(plain_maximum, pairs)
    for dataset, values in maximum.items():
        if dataset == next(iter(maximum)):
            print(f"| what | {' | '.join(values)} |\n|---|{'---|' * len(values)}")
        print(_row(f"{dataset}, `max`", values))
    for path in options.weights:
        network, _ = load_weights(path)
        changes = parts(network) if options.parts else {"nothing": fuse_with(network)}
        for label, fuse in changes.items():
            found = mean_metrics(fuse, pairs)
            judgement = judge(found, maximum)
            for dataset, values in found.items():
                print(_row(f"{dataset}, {path}, changed: {label}", values))
            broken = ", ".join(f"{name} {ratio:.3f}" for name, ratio in judgement.broken.items()) or "none"
            print(
                f"{path}, changed: {label}: score {judgement.score:.4f}, floors broken: {broken}", flush=True
            )
        print(f"{path}: the masks' say {masks_say(network, pairs):.3f} grey levels", flush=True)


if __name__ == "__main__":
    main()
