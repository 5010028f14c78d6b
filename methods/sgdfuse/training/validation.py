"""Validation during training: the paper's seven metrics on held-out pairs, and sample grids to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fusionbench.images.codec import write_png

from ..network.luma import rgb_to_luma
from ..network.network import SGDFuseNetwork, image_noise
from . import surrogates
from .pack import Batch, PackedPair, validation_batch

GRID_ROWS = 4


@torch.no_grad()
def validate(
    network: SGDFuseNetwork, pairs: tuple[PackedPair, ...], seed: int, stage: int
) -> tuple[dict[str, dict[str, float]], npt.NDArray[np.uint8] | None]:
    """Metrics by dataset, {dataset: {metric: mean over its pairs}}, of what would be saved (uint8), and a
    sample grid.

    Stage 1 judges F1, stage 2 the fused image. The grid is uint8 RGB: a row a pair (infrared, visible,
    maximum, F1, fused).
    """
    network.eval()
    values: dict[str, dict[str, list[float]]] = {}
    rows: list[npt.NDArray[np.uint8]] = []
    shown: set[str] = set()
    for pair in pairs:
        batch = validation_batch(pair)
        noise = image_noise(batch.infrared, batch.visible, seed, network.noise_channels)
        preliminary = fuse_preliminary(network, batch)
        fused = preliminary
        if stage == 2:
            fused = network(batch.infrared, batch.visible, batch.mask_ir, batch.mask_vi, noise)
        grey = [255 * batch.infrared, *saved_luma(255 * batch.visible, 255 * fused.float())]
        found = values.setdefault(pair.dataset, {})
        with torch.autocast(
            batch.infrared.device.type, enabled=False
        ):  # VIF in bfloat16 would be 7 % too low
            metrics = surrogates.validation_metrics(*grey)
        for name, value in metrics.items():
            found.setdefault(name, []).append(float(value.mean()))
        if pair.dataset not in shown and len(rows) < GRID_ROWS:
            shown.add(pair.dataset)
            maximum = torch.maximum(batch.infrared, batch.visible)
            tiles = (batch.infrared.expand_as(batch.visible), batch.visible, maximum, preliminary, fused)
            rows.append(_row([tile.float() for tile in tiles]))
    means = {
        dataset: {name: float(np.mean(v)) for name, v in found.items()} for dataset, found in values.items()
    }
    return means, _stack(rows) if rows else None


def saved_luma(*images: Tensor) -> list[Tensor]:
    """Luma N×1×H×W, in whole grey levels, of N×3×H×W images in [0, 255] as they would be saved (uint8)."""
    return [rgb_to_luma(image.round().clamp(0, 255)).round() for image in images]


def fuse_preliminary(network: SGDFuseNetwork, batch: Batch) -> Tensor:
    """F1 of a batch of any size, N×3×H×W in [0, 1]."""
    return network.preliminary(batch.infrared, batch.visible).float().clamp(0, 1)


def _row(tiles: list[Tensor]) -> npt.NDArray[np.uint8]:
    images = [(tile[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy() for tile in tiles]
    return np.concatenate(images, axis=1)


def _stack(rows: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    width = max(row.shape[1] for row in rows)
    return np.concatenate([np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0))) for row in rows], axis=0)


def write_grid(path: Path, grid: npt.NDArray[np.uint8] | None) -> None:
    """Write a sample grid as PNG (nothing where there is none)."""
    if grid is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, grid)
