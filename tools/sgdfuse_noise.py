"""What SGDFuse's noise buys: t_start × steps against quality, task and time, on training pairs alone.

python tools/sgdfuse_noise.py --data FOLDER --judge yolov8n.pt [--weights FILE] [--masks NAME] [--cache FOLDER]
[--levels 1,20,100,300] [--steps 1,2] [--stride N] [--precision bf16]

Quality is that of methods/sgdfuse/ablation/noise_curve.py on the held-out MSRS pairs; AP and AP50 are of
person on the labelled training pairs of tools/select_sgdfuse.py (every N-th of them). Weights whose HFAH
takes the mean over steps run with any number of steps. FOLDER is that of tools/select_sgdfuse.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import select_sgdfuse as selection
import torch

from fusionbench.execution.fusing import weights_resolver
from fusionbench.methods.sgdfuse.ablation.noise_curve import curve, with_noise
from fusionbench.methods.sgdfuse.checkpoint import load_weights
from fusionbench.methods.sgdfuse.masks import MaskCache, get_provider, pair_masks
from fusionbench.methods.sgdfuse.network.network import SGDFuseNetwork, image_noise
from fusionbench.methods.sgdfuse.training.pack import build_pack
from fusionbench.plugins import catalog


def fuse_with(network: SGDFuseNetwork, masks: str, cache: Path | None, precision: str) -> selection.Fuse:
    """The network with a mask provider as a way to fuse a scene."""
    provider, kept = get_provider(masks), MaskCache(cache) if cache else None

    @torch.inference_mode()
    def fuse(scene: selection.Scene) -> selection.UInt8Array:
        images = scene.images
        found = pair_masks(provider, images.infrared, images.visible, kept)
        mask_ir, mask_vi = (torch.from_numpy(np.ascontiguousarray(mask))[None, None] for mask in found)
        infrared = torch.from_numpy(images.infrared)[None, None].float() / 255
        visible = torch.from_numpy(images.visible).permute(2, 0, 1)[None].float() / 255
        noise = image_noise(infrared, visible, 0, network.noise_channels)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            fused = network(infrared, visible, mask_ir, mask_vi, noise)[0].permute(1, 2, 0)
        return np.asarray((255 * fused.float()).round().clamp(0, 255).byte().numpy(), np.uint8)

    return fuse


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a Markdown table, a row per setting as it is measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="a weights file (default: the shipped one)")
    parser.add_argument("--masks", default="two-sensor")
    parser.add_argument("--cache", type=Path, help="folder of the mask cache")
    parser.add_argument("--levels", default="1,20,100,300")
    parser.add_argument("--steps", default="1,2")
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    spec = catalog.methods.get("sgdfuse")
    network, _ = load_weights(options.weights or weights_resolver(spec)(spec.artifacts[0].name))
    data = options.data
    held_out = build_pack([("msrs", data / "msrs")], [options.masks], options.cache, only_held_out=True)
    scenes = selection.load_scenes(data, demo=False)
    scenes = [scene for scene in scenes if scene.people is not None][:: options.stride]
    judge = selection.load_judge(options.judge)
    levels, steps = ([int(n) for n in text.split(",")] for text in (options.levels, options.steps))
    for level in levels:
        for count in (count for count in steps if count <= level):
            with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bf16"):
                row = curve(network, held_out.validation, [level], [count])[0]
            changed = with_noise(network, level, count)
            task = selection.task_figures(
                fuse_with(changed, options.masks, options.cache, options.precision), scenes, judge
            )
            row |= {"AP": task["AP"], "AP50": task["AP50"]}
            if (level, count) == (levels[0], min(steps)):
                print(f"| {' | '.join(row)} |\n|{'---|' * len(row)}")
            cells = (f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values())
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
