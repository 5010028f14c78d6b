"""The corrupted datasets of a plan: each clean one, seen through each corruption that the run asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ..contracts.dataset import Pair
from ..corruptions.choice import Corruption
from .units import PlannedDataset, PlannedMethod


def corrupted_datasets(
    datasets: Sequence[PlannedDataset], corruptions: Sequence[Corruption], skipped: list[str]
) -> list[PlannedDataset]:
    """Each dataset through each corruption. What can't be is left out, and said in ``skipped``."""
    found = []
    for dataset in datasets:
        for corruption in corruptions:
            corrupted = replace(dataset, corruption=corruption, clean=dataset, entrant="")
            if corruption.steps:
                frames = other_frames(dataset, corruption.steps)
                pairs = tuple(p for p in dataset.pairs if p.name in frames)
                if reason := _too_few(dataset, corruption, len(pairs)):
                    skipped.append(reason)
                corrupted = replace(corrupted, pairs=pairs, frames=frames)
            if corrupted.pairs:
                found.append(corrupted)
    return found


def other_frames(dataset: PlannedDataset, steps: int) -> dict[str, Pair]:
    """By pair, the frame of its scene so many steps later, or earlier where there is no later one.

    Pairs of the whole split count, whatever the run selects. Empty where pairs are no frames of videos.
    """
    if not dataset.spec.frames:
        return {}
    pattern = re.compile(dataset.spec.frames)
    scenes: dict[str, list[tuple[int, Pair]]] = {}
    for pair in dataset.dataset.pairs(dataset.split):
        if match := pattern.fullmatch(pair.name):
            scenes.setdefault(match["scene"], []).append((int(match["frame"]), pair))
    found: dict[str, Pair] = {}
    for numbered in scenes.values():
        scene = [pair for _, pair in sorted(numbered, key=lambda item: item[0])]
        for place, pair in enumerate(scene):
            other = place + steps if place + steps < len(scene) else place - steps
            if other >= 0:
                found[pair.name] = scene[other]
    return found


def not_corruptible(method: PlannedMethod) -> str:
    """Why a method can't be given corrupted pairs; "" if it can."""
    if method.folder is not None:
        return f"{method.spec.name}: its images are fused already, so it never sees a corrupted pair"
    return ""


def _too_few(dataset: PlannedDataset, corruption: Corruption, count: int) -> str:
    where = f"{corruption} on {dataset.spec.name}/{dataset.split}"
    if not dataset.spec.frames:
        return f"{corruption.spec.name} on {dataset.spec.name}: skipped, its pairs are no frames of a video"
    if not count:
        return f"{where}: skipped, none of its {len(dataset.pairs)} pairs has a frame so far away"
    if count < len(dataset.pairs):
        missing = len(dataset.pairs) - count
        return f"{where}: {missing} of {len(dataset.pairs)} pairs have no frame so far away and don't count"
    return ""
