"""Why does a measured row differ from a published one? The same weights run, saved and scored in other ways,
beside that row.

    python tools/hypotheses.py pfcfuse --data-root /data/msrs --limit 20
    python tools/hypotheses.py dafusion --data-root /data/msrs --limit 20 "swapped + running statistics" "JPEG 75"

A way is one change or several joined by ``+``, or "as published" (by its authors); by default that and each
change alone are tried. The last column is the largest relative difference from the published row (Zhang et
al., SGDFuse, Tables 1 and 2; convention cddfuse); the nearest way comes first.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from tabulate import tabulate
from torch import nn

from fusionbench.contracts.dataset import PairImages
from fusionbench.contracts.method import MethodContext, MethodSpec
from fusionbench.evaluators.quality.conventions.scoring import score_arrays
from fusionbench.execution.fusing import weights_resolver
from fusionbench.execution.memory import reuse_freed_memory
from fusionbench.images.codec import FloatArray, UInt8Array
from fusionbench.images.grey import to_grey
from fusionbench.images.quantisation import finish, stretch
from fusionbench.methods.porting.adapter import NativeMethod
from fusionbench.methods.porting.batch_statistics import ImageNorm2d
from fusionbench.methods.porting.network import FusionNetwork
from fusionbench.planning.selection import select_pairs
from fusionbench.plugins import catalog
from fusionbench.reports.published import ABLATION_SOURCES, published_rows

METRICS = ("EN", "SD", "SF", "MI", "SCD", "VIF", "Qabf")
BATCH = 4
AS_PUBLISHED = "as published"
Batch = tuple[torch.Tensor, torch.Tensor]
"""Infrared and visible images in [0,1], N×1×H×W: the one to fuse, then those that follow it."""
Fuse = Callable[[Batch], torch.Tensor]
Scored = tuple[UInt8Array, UInt8Array, UInt8Array]
"""Infrared, visible and fused image as they are scored."""


def _normalise(network: FusionNetwork, kind: type[nn.BatchNorm2d], *, training: bool) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.__class__ = kind
            module.train(training)
            module.momentum = 0.0


NETWORKS: Mapping[str, Callable[[FusionNetwork], None]] = {
    "running statistics": lambda network: _normalise(network, nn.BatchNorm2d, training=False),
    "image statistics": lambda network: _normalise(network, ImageNorm2d, training=False),
    "batch statistics": lambda network: _normalise(network, nn.BatchNorm2d, training=True),
}
"""What batch normalisations use: the trained statistics, those of the image, or those of `BATCH` images."""


def _resized(fuse: Fuse, batch: Batch, size: tuple[int, int]) -> torch.Tensor:
    def resize(images: torch.Tensor, to: tuple[int, ...]) -> torch.Tensor:
        return nn.functional.interpolate(images, to, mode="bilinear", antialias=True)

    infrared, visible = batch
    return resize(fuse((resize(infrared, size), resize(visible, size))), tuple(infrared.shape[-2:]))


def _in_quarters(fuse: Fuse, batch: Batch) -> torch.Tensor:
    height, width = (side // 2 for side in batch[0].shape[-2:])
    rows = []
    for vertical in (slice(height), slice(height, None)):
        parts = [
            fuse((batch[0][..., vertical, across], batch[1][..., vertical, across]))
            for across in (slice(width), slice(width, None))
        ]
        rows.append(torch.cat(parts, -1))
    return torch.cat(rows, -2)


INPUTS: Mapping[str, Callable[[Fuse, Batch], torch.Tensor]] = {
    "swapped": lambda fuse, batch: fuse((batch[1], batch[0])),
    "half size": lambda fuse, batch: _resized(
        fuse, batch, (batch[0].shape[-2] // 2, batch[0].shape[-1] // 2)
    ),
    "256×256": lambda fuse, batch: _resized(fuse, batch, (256, 256)),
    "quarters": _in_quarters,
    "÷255 once more": lambda fuse, batch: fuse((batch[0] / 255, batch[1] / 255)),
}
OUTPUTS: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "stretched": stretch,
    "(x+1)/2": lambda fused: (fused + np.float32(1)) / np.float32(2),
}


def _jpeg(image: UInt8Array, quality: int) -> UInt8Array:
    bgr = np.ascontiguousarray(image[..., ::-1])
    data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None  # it was encoded just now
    return np.ascontiguousarray(decoded[..., ::-1], np.uint8)


def _there_and_back(image: UInt8Array) -> UInt8Array:
    height, width = image.shape[:2]
    small = cv2.resize(image, (width // 2, height // 2))
    return np.asarray(cv2.resize(small, (width, height)), np.uint8)


def _as_jpeg(quality: int, scored: Scored) -> Scored:
    return (*scored[:2], _jpeg(scored[2], quality))


SAVED: Mapping[str, Callable[[Scored], Scored]] = {
    **{f"JPEG {q}": partial(_as_jpeg, q) for q in (95, 90, 85, 75)},
    "saved at half size": lambda s: (s[0], s[1], _there_and_back(s[2])),
    "one pixel to the right": lambda s: (s[0], s[1], np.roll(s[2], 1, axis=1)),
    "visible by its green channel": lambda s: (s[0], s[1][..., 1], s[2]),
    "fused by its green channel": lambda s: (s[0], s[1], s[2][..., 1]),
    "fused in BGR order": lambda s: (s[0], s[1], np.ascontiguousarray(s[2][..., ::-1])),
}


class Ways:
    """One method's networks and fused images, kept while several ways share them."""

    def __init__(self, spec: MethodSpec) -> None:
        self._spec = spec
        self._networks: dict[tuple[str, ...], FusionNetwork] = {}

    def _network(self, changes: tuple[str, ...]) -> FusionNetwork:
        if changes not in self._networks:
            method = NativeMethod(self._spec, MethodContext(0, {}, None, weights_resolver(self._spec)))
            method.load(torch.device("cpu"), "fp32")
            assert method.network is not None
            for change in changes:
                NETWORKS[change](method.network)
            self._networks[changes] = method.network
        return self._networks[changes]

    def fuse(self, way: list[str], images: list[PairImages]) -> torch.Tensor:
        """The float output for the first of ``images``, 1×H×W."""
        together = "batch statistics" in way
        infrared = np.stack([image.infrared for image in images[: BATCH if together else 1]])[:, None]
        visible = [to_grey(image.visible, self._spec.grey) for image in images[: len(infrared)]]
        batch = torch.from_numpy(infrared).float() / 255, torch.from_numpy(np.stack(visible)[:, None]) / 255
        network = self._network(tuple(change for change in way if change in NETWORKS))

        def fuse_once(pair: Batch) -> torch.Tensor:
            return network.fuse(*pair)

        fuse: Fuse = fuse_once
        for change in way:
            if change in INPUTS:
                fuse = partial(INPUTS[change], fuse)
        with torch.inference_mode():
            return fuse(batch)[0]

    def scored(self, way: list[str], fused: torch.Tensor, image: PairImages) -> list[float]:
        """The seven metrics of one output."""
        luma = fused.numpy()
        for change in way:
            luma = OUTPUTS[change](luma) if change in OUTPUTS else luma
        result: Scored = (
            image.infrared,
            image.visible,
            finish(luma.astype(np.float32), image.visible, self._spec),
        )
        for change in way:
            result = SAVED[change](result) if change in SAVED else result
        values = score_arrays(*result, metrics=METRICS)
        return [values[metric].value for metric in METRICS]


def published(spec: MethodSpec, dataset: str) -> pd.Series:
    """The published row of a method."""
    rows = published_rows()
    rows = rows[(rows["method"] == spec.published_as) & (rows["dataset"] == dataset)]
    rows = rows[(rows["evaluator"] == "quality") & ~rows["source"].isin(ABLATION_SOURCES)]
    values: pd.Series = rows.set_index("metric")["value"]
    return values


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("method")
    parser.add_argument("way", nargs="*")
    parser.add_argument("--dataset", default="msrs")
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=20)
    options = parser.parse_intermixed_args()
    changes = (*NETWORKS, *INPUTS, *OUTPUTS, *SAVED)
    asked = options.way or [AS_PUBLISHED, *changes]
    ways = [[] if way == AS_PUBLISHED else way.split(" + ") for way in asked]
    for change in sorted({change for way in ways for change in way} - {*changes}):
        parser.error(f"no change {change!r}; there are: {', '.join(changes)}")
    spec, data = catalog.methods.get(options.method), catalog.datasets.get(options.dataset)
    dataset = catalog.build(data.factory)(data, options.data_root)
    images = [dataset.load(p) for p in select_pairs(dataset.pairs(data.splits[0]), [], options.limit)]
    torch.set_num_threads(1)
    reuse_freed_memory()
    method = Ways(spec)
    scores: list[list[list[float]]] = [[] for _ in ways]
    for index, image in enumerate(images):
        fused: dict[tuple[str, ...], torch.Tensor] = {}
        for way, values in zip(ways, scores, strict=True):
            key = tuple(change for change in way if change in NETWORKS or change in INPUTS)
            if key not in fused:
                fused[key] = method.fuse(way, [*images[index:], *images[:index]])
            values.append(method.scored(way, fused[key], image))
    theirs = published(spec, options.dataset)
    rows = []
    for way, values in zip(ways, scores, strict=True):
        means = np.nanmean(values, axis=0)
        difference = max(abs(m / theirs[name] - 1) for m, name in zip(means, METRICS, strict=True))
        rows.append(
            (difference, [" + ".join(way) or AS_PUBLISHED, *(f"{m:.3f}" for m in means), f"{difference:.0%}"])
        )
    rows.sort(key=lambda row: row[0])
    print(f"{spec.title}, {options.dataset}, {len(images)} pairs\n")
    print(
        tabulate(
            [["published", *(f"{theirs[m]:.2f}" for m in METRICS), ""], *(row for _, row in rows)],
            ["way", *METRICS, "largest difference"],
            tablefmt="pipe",
            disable_numparse=True,
        )
    )


if __name__ == "__main__":
    main()
