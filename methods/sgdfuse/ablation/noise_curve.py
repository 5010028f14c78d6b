"""What the noise buys: the same weights run with other noise levels and numbers of steps, on held-out
training pairs.

python -m fusionbench.methods.sgdfuse.ablation.noise_curve -d msrs:ROOT … [--masks NAME] [--levels 20,100]
[--steps 1,2,4] WEIGHTS

Weights whose HFAH takes the mean over steps (`model.hfah_steps: mean`) run with any number; others with their
own alone. Columns: the criterion's score (training-log.md, 7), SF and Qabf on MSRS, grain (mean |difference
of neighbouring pixels| where both sources are dark and flat, in grey levels), the mean |difference| from the
weights' own setting, and seconds a pair of the network alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fusionbench.errors import InputError

from ..checkpoint import load_weights
from ..network.luma import rgb_to_luma
from ..network.network import SGDFuseNetwork, build_network
from ..training.pack import Batch, PackedPair, build_pack, validation_batch
from .heldout import FLOOR_DATASET, fuse_with, judge, mean_metrics, plain_maximum

DARK = 40 / 255
"""Both sources below this are dark."""


def with_noise(network: SGDFuseNetwork, t_start: int, steps: int) -> SGDFuseNetwork:
    """The same weights at another noise level and number of steps. Raises InputError where HFAH's shape
    depends on the steps.
    """
    config = network.config
    if steps != config.diffusion.steps and config.model.hfah_steps != "mean":
        raise InputError(
            f"these weights were trained for {config.diffusion.steps} steps: their HFAH concatenates the"
            " steps"
        )
    changed = dataclasses.replace(config.diffusion, t_start=t_start, steps=steps)
    other = build_network(dataclasses.replace(config, diffusion=changed)).eval()
    other.load_state_dict(network.state_dict())
    return other


def dark_grain(fused: Tensor, batch: Batch) -> float:
    """Mean |horizontal difference| of the fused luma, in grey levels, where both sources are dark; NaN where
    they nowhere are.
    """
    dark = (batch.infrared < DARK) & (rgb_to_luma(batch.visible) < DARK)
    both = dark[..., 1:] & dark[..., :-1]
    steps = 255 * rgb_to_luma(fused).diff(dim=-1).abs()
    return float(steps[both].mean()) if bool(both.any()) else float("nan")


@torch.no_grad()
def curve(
    network: SGDFuseNetwork, pairs: Sequence[PackedPair], levels: Sequence[int], steps: Sequence[int]
) -> list[dict[str, float]]:
    """One row a setting; settings that need more steps than their level has are left out."""
    maximum = mean_metrics(plain_maximum, pairs)
    own = fuse_with(network)
    reference = [own(validation_batch(pair)) for pair in pairs]
    rows = []
    for level in levels:
        for count in steps:
            if count > level:
                continue
            fuse = fuse_with(with_noise(network, level, count))
            begun = time.perf_counter()
            made = [fuse(validation_batch(pair)) for pair in pairs]
            seconds = (time.perf_counter() - begun) / len(pairs)
            found = mean_metrics(lambda batch, f=fuse: f(batch), pairs)  # type: ignore[misc]
            difference = [float(255 * (a - b).abs().mean()) for a, b in zip(made, reference, strict=True)]
            grain = [dark_grain(image, validation_batch(p)) for image, p in zip(made, pairs, strict=True)]
            metrics = found.get(FLOOR_DATASET, next(iter(found.values())))
            rows.append(
                {
                    "t_start": level,
                    "steps": count,
                    "score": judge(found, maximum).score,
                    "SF": metrics["SF"],
                    "Qabf": metrics["Qabf"],
                    "grain": float(np.nanmean(grain)) if not np.isnan(grain).all() else float("nan"),
                    "difference": float(np.mean(difference)),
                    "seconds": seconds,
                }
            )
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", type=Path)
    parser.add_argument("-d", "--dataset", action="append", required=True, help="NAME:ROOT, repeatable")
    parser.add_argument("--masks", default="two-sensor")
    parser.add_argument("--cache", type=Path, help="folder of the mask cache")
    parser.add_argument("--levels", default="1,20,100,300,600,1000")
    parser.add_argument("--steps", default="1,2,4")
    options = parser.parse_args(arguments)
    datasets = [(name, root or None) for name, _, root in (text.partition(":") for text in options.dataset)]
    pairs = build_pack(datasets, [options.masks], options.cache, only_held_out=True).validation
    network, _ = load_weights(options.weights)
    levels, steps = ([int(n) for n in text.split(",")] for text in (options.levels, options.steps))
    rows = curve(network, pairs, levels, steps)
    print(f"| {' | '.join(rows[0])} |\n|{'---|' * len(rows[0])}")
    for row in rows:
        print("| " + " | ".join(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()) + " |")


if __name__ == "__main__":
    main()
