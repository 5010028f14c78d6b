"""SGDFuse beside the sensors, the plain maximum and the first version, to be looked at at full size.

python tools/sgdfuse_pictures.py --dataset msrs --data MSRS --out FOLDER [--split test] [--masks NAME]
[--weights FILE] [--precision bf16] [--first N] [NAME…]

Without names the dataset's first N pairs, evenly spaced. A picture has two rows: infrared, visible, `max`;
masks, first version (`sgdfuse-quality`), SGDFuse. The images belong to the datasets' owners: look, don't
publish.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from fusionbench.contracts.dataset import Pair, PairImages
from fusionbench.contracts.method import MethodContext
from fusionbench.execution.fusing import MethodFuser, weights_resolver
from fusionbench.images.codec import as_rgb, write_png
from fusionbench.methods.sgdfuse.masks import MaskCache, get_provider, pair_masks
from fusionbench.plugins import catalog

UInt8Array = npt.NDArray[np.uint8]


def fuser(name: str, settings: dict[str, str], precision: str) -> MethodFuser:
    """A method of the suite as a run uses it."""
    spec = catalog.methods.get(name)
    context = MethodContext(0, {**spec.options, **settings}, None, weights_resolver(spec))
    return MethodFuser(spec, context, "cpu", precision)


def grid(rows: Sequence[Sequence[UInt8Array]]) -> UInt8Array:
    """Images of one size (H×W or H×W×3) side by side and below each other, with white lines between."""
    height = rows[0][0].shape[0]
    line = np.full((height, 4, 3), 255, np.uint8)
    strips = []
    for row in rows:
        cells = [part for image in row for part in (as_rgb(image), line)]
        strips.append(np.concatenate(cells[:-1], axis=1))
    wide = np.full((4, strips[0].shape[1], 3), 255, np.uint8)
    parts = [part for strip in strips for part in (strip, wide)]
    return np.ascontiguousarray(np.concatenate(parts[:-1]))


def chosen(pairs: Sequence[Pair], names: Sequence[str], first: int) -> list[Pair]:
    """The pairs named, or `first` of them, evenly spaced."""
    if names:
        return [pair for pair in pairs if pair.name in set(names)]
    count = min(first, len(pairs))
    return [pairs[int((i + 0.5) * len(pairs) / count)] for i in range(count)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write one PNG file per pair."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--masks", default="two-sensor")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--first", type=int, default=4)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    spec = catalog.datasets.get(options.dataset)
    dataset = catalog.build(spec.factory)(spec, options.data)
    provider = get_provider(options.masks)
    own = {"masks": options.masks} | ({"weights": str(options.weights)} if options.weights else {})
    fusers = [
        fuser("max", {}, "fp32"),
        fuser("sgdfuse-quality", {}, options.precision),
        fuser("sgdfuse", own, options.precision),
    ]
    options.out.mkdir(parents=True, exist_ok=True)
    for pair in chosen(list(dataset.pairs(options.split)), options.names, options.first):
        images = dataset.load(pair)
        bare = PairImages(images.infrared, images.visible)
        maximum, first, second = (each.fuse([pair], [bare])[0] for each in fusers)
        mask = pair_masks(provider, images.infrared, images.visible, MaskCache(options.out / "masks"))[0]
        shown = np.rint(255 * mask).astype(np.uint8)
        rows = ((images.infrared, images.visible, maximum), (shown, first, second))
        write_png(options.out / f"{options.dataset}-{Path(pair.name).name}.png", grid(rows))


if __name__ == "__main__":
    main()
