"""What the page of a method says beside its spec: what its status means, how to run it, its best and worst scenes."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..scores.labels import format_value
from .boards import Board, column_key
from .previews import Gallery

STATUSES: Mapping[str, str] = {
    "verified": "verified: gives what its exact definition or recordings of the official code give",
    "ported": "ported from its description; its outputs were not compared with those of official code",
    "external": "external: the official code runs in an environment of its own",
    "needs-weights": "needs weights: the network agrees with recordings of the official code, the weights are yours to get",
}
"""What a method's status says about parity."""


@dataclass(frozen=True)
class Shot:
    """One image of a method: its value, its preview and the infrared and visible image's ("" where there is none)."""

    image: str
    value: str
    picture: str


@dataclass(frozen=True)
class Scenes:
    """Where an entrant is best and worst by one metric, among the images that the browser holds."""

    board: Board
    entrant: str
    heading: str
    gallery: str
    best: Shot
    worst: Shot


def scenes(found: Sequence[Board], shown: Sequence[Gallery], method: str) -> list[Scenes]:
    """The best and worst images of a method, one entry per leaderboard and metric with values per image."""
    galleries = {(gallery.dataset, gallery.split): gallery for gallery in shown}
    listed = []
    for board in found:
        gallery = galleries.get((board.dataset, board.split))
        files = gallery.files if gallery else {}
        for entrant in (entry.entrant for entry in board.entries if entry.method == method):
            for column in board.columns:
                values = board.values.get(column_key(column), {}).get(entrant, [])
                pairs = [
                    (value, image)
                    for value, image in zip(values, board.images, strict=False)
                    if value is not None and (not files or image in files)
                ]
                if len(pairs) < 2 or column.direction == "none":
                    continue
                ordered = sorted(pairs, reverse=column.direction == "higher")
                best, worst = (
                    Shot(image, format_value(value, column.digits), files.get(image, {}).get(entrant, ""))
                    for value, image in (ordered[0], ordered[-1])
                )
                name = gallery.name if gallery else ""
                listed.append(Scenes(board, entrant, column.heading, name, best, worst))
    return listed


def run_command(method: str, datasets: Sequence[str]) -> str:
    """The command that runs a method on the first of the datasets, quoted for a shell."""
    dataset = f" --dataset {shlex.quote(datasets[0])}" if datasets else ""
    return f"fusionbench run --method {shlex.quote(method)}{dataset}"
