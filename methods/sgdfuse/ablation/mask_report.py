"""What a mask provider finds, against semantic labels: a report on a labelled split, never a selection.

python -m fusionbench.methods.sgdfuse.ablation.mask_report -d msrs:ROOT [--split test] [--stride 6] PROVIDER…

Objects are connected components of the road users' classes. One counts as found when the joint mask (Eq. 16)
is at least --level on half of its pixels. Precision is the share of the pixels at that level which belong to
road users.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from fusionbench.plugins import catalog

from ..masks import MaskCache, get_provider, pair_masks
from ..masks.provider import Objectness
from ..training.truth import ROAD_USERS

LEAST_PIXELS = 60
"""Smaller components are not counted as objects."""


@dataclass
class Tally:
    """Counts of one provider: objects found and present by class, pixels hit, of the objects, and of the
    mask.
    """

    found: dict[str, int] = field(default_factory=dict)
    objects: dict[str, int] = field(default_factory=dict)
    hit: int = 0
    true: int = 0
    marked: int = 0

    def add(self, mask: Objectness, labels: np.ndarray, classes: Sequence[str], level: float) -> None:
        """Count one image: joint mask and class ids, H×W."""
        strong = mask >= level
        users = [index for index, name in enumerate(classes) if name.lower() in ROAD_USERS]
        for index in users:
            count, parts, stats, _ = cv2.connectedComponentsWithStats(
                (labels == index).astype(np.uint8), connectivity=8
            )
            for part in range(1, count):
                if stats[part, cv2.CC_STAT_AREA] < LEAST_PIXELS:
                    continue
                name = classes[index]
                self.objects[name] = self.objects.get(name, 0) + 1
                self.found[name] = self.found.get(name, 0) + int(strong[parts == part].mean() >= 0.5)
        truth = np.isin(labels, users)
        self.hit += int((strong & truth).sum())
        self.true += int(truth.sum())
        self.marked += int(strong.sum())

    def row(self) -> dict[str, float]:
        """Recall of objects by class, recall and precision of pixels."""
        recalls = {f"{name} found": self.found[name] / self.objects[name] for name in sorted(self.objects)}
        return {
            **recalls,
            "pixel recall": self.hit / max(self.true, 1),
            "pixel precision": self.hit / max(self.marked, 1),
        }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a Markdown table, one row a provider."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("providers", nargs="+")
    parser.add_argument("-d", "--dataset", required=True, help="NAME:ROOT, with semantic labels")
    parser.add_argument("--split", default="test")
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--level", type=float, default=0.5)
    parser.add_argument("--cache", type=Path, help="folder of the mask cache")
    options = parser.parse_args(arguments)
    name, _, root = options.dataset.partition(":")
    spec = catalog.datasets.get(name)
    dataset = catalog.build(spec.factory)(spec, Path(root) if root else None)
    pairs = list(dataset.pairs(options.split))[:: options.stride]
    cache = MaskCache(options.cache) if options.cache else None
    for number, provider_name in enumerate(options.providers):
        provider, tally = get_provider(provider_name), Tally()
        for pair in pairs:
            images = dataset.load(pair, labels=True)
            if images.labels is not None:
                mask = np.maximum(*pair_masks(provider, images.infrared, images.visible, cache))
                tally.add(mask, images.labels, spec.semantic_classes, options.level)
        row = tally.row()
        if number == 0:
            print(f"{len(pairs)} pairs, level {options.level}, objects {tally.objects}\n")
            print(f"| provider | {' | '.join(row)} |\n|---|{'---|' * len(row)}")
        print(
            f"| {provider_name} | " + " | ".join(f"{value:.3f}" for value in row.values()) + " |", flush=True
        )


if __name__ == "__main__":
    main()
