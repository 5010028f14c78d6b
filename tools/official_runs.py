"""Ports beside their authors' code on the same six pairs: docs/results/official-runs.md, from runs on those
pairs.

    python tools/official_runs.py runs/six

For methods most of whose papers' tables couldn't be read. The official figures stand in
``official_runs.yaml``; a difference above 3 % is explained there, or said to be unexplained.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from results import FOLDER
from tabulate import tabulate

from fusionbench.plugins import catalog
from fusionbench.rendering import find_runs, merged_input

LARGE = 0.03
"""Differences above this are explained."""

INTRODUCTION = """# Ports beside their authors' code

Means of the {count} MSRS test pairs named below: measured with fusionbench / measured on images that the authors' code wrote
with the authors' weights. Convention cddfuse; differences above {large:.0%} are in bold. Most authors' scripts save grey
images, to which fusionbench adds the visible image's colour: that changes single levels. The tables in most of these
methods' papers couldn't be read; where a published row is known, it stands in the tables of the baselines.

    fusionbench run --method {methods} --dataset msrs --data-root /data/msrs --images {images} --task quality
    python tools/official_runs.py runs/msrs

"""


@dataclass(frozen=True)
class Official:
    """What one method's official images scored, metric by metric, and why the port's score otherwise."""

    scores: Mapping[str, float]
    note: str


def read_official(path: Path) -> tuple[tuple[str, ...], dict[str, Official]]:
    """The images, and the official figures by method. Raises ``ValueError`` for a row of another length."""
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    metrics = content["metrics"]
    methods = {
        name: Official(dict(zip(metrics, entry["official"], strict=True)), entry.get("note", ""))
        for name, entry in content["methods"].items()
    }
    return tuple(content["images"]), methods


def table(rows: pd.DataFrame, images: tuple[str, ...], official: Mapping[str, Official]) -> str:
    """Measured and official means as Markdown, and the explanations below.

    ``rows`` are quality rows of any runs.

    Raises ``ValueError`` if a method does not have one of the images, or no method has official figures.
    """
    rows = rows[rows["image"].isin(images) & rows["method"].isin(official)]
    body, notes = [], []
    for method, group in rows.groupby("method", sort=True):
        if set(group["image"]) != set(images):
            raise ValueError(f"{method} was scored on {group['image'].nunique()} of the {len(images)} images")
        entry = official[str(method)]
        ours = group.groupby("metric")["value"].mean()
        title = catalog.methods.get(str(method)).title
        body.append([title, *(cell(ours[metric], theirs) for metric, theirs in entry.scores.items())])
        if any(abs(ours[metric] / theirs - 1) > LARGE for metric, theirs in entry.scores.items()):
            note = f"- **{title}**: {entry.note or 'Not explained.'}"
            notes.append(textwrap.fill(note, 120, subsequent_indent="  "))
    if not body:
        raise ValueError("none of the methods in these runs has official figures")
    headers = ["Method", *next(iter(official.values())).scores]
    text = tabulate(body, headers, tablefmt="pipe", disable_numparse=True)
    return "\n\n".join([text, "\n".join(notes)]) if notes else text


def cell(ours: float, theirs: float) -> str:
    """One measured and one official mean, and their relative difference."""
    digits = 2 if theirs >= 1.2 else 3
    difference = ours / theirs - 1
    text = f"{difference:+.1%}"
    return f"{ours:.{digits}f} / {theirs:.{digits}f} " + (f"**{text}**" if abs(difference) > LARGE else text)


def main() -> None:
    """Write the document."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+")
    options = parser.parse_args()
    images, official = read_official(Path(__file__).with_suffix(".yaml"))
    rows = merged_input(find_runs(options.runs)).rows
    rows = rows[(rows["evaluator"] == "quality") & (rows["dataset"] == "msrs")]
    introduction = INTRODUCTION.format(
        count=len(images),
        images=",".join(images),
        large=LARGE,
        methods=",".join(m for m in official if m in set(rows["method"])),
    )
    path = FOLDER / "official-runs.md"
    path.write_text(introduction + table(rows, images, official) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
