"""The big tables of the baselines: docs/results/baselines-<name>.md, from the runs of one dataset.

    python tools/baselines.py msrs runs/msrs-baselines runs/msrs-slow

Slow methods are measured on a part of the pairs (``--limit``), and methods may only be compared on the same
pairs: so there is one table for each number of pairs, with every method that has at least those, restricted
to them. Below stands each published number beside the measured one, and what explains the difference where it
is above 3 % (``deviations.yaml``, written by hand).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pandas as pd
import yaml
from results import FOLDER, commands
from tabulate import tabulate

from fusionbench.contracts.report import ReportInput
from fusionbench.plugins import catalog
from fusionbench.rendering import find_runs, merged_input
from fusionbench.reports.published import published_rows

LARGE = 0.03
"""Deviations above this are explained."""
REFERENCES = ("infrared", "visible")


def document(runs: list[str]) -> str:
    """Everything about the runs of one dataset as Markdown."""
    stores = find_runs(runs)
    data = merged_input(stores, {"published": True})
    quality = data.rows[data.rows["evaluator"] == "quality"]
    parts = ["\n".join(dict.fromkeys(line for s in stores for line in commands(s).splitlines()))]
    for images in levels(quality):
        parts.append(_table(data, quality[quality["image"].isin(images)]))
    costs = data.rows[data.rows["evaluator"] == "efficiency"]
    if len(costs):
        parts.append(_table(data, costs))
    parts.append(deviations(data, quality))
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def levels(rows: pd.DataFrame) -> list[set[str]]:
    """The sets of images that methods were scored on, largest first.

    Raises ``ValueError`` unless each holds the next.
    """
    sets = {frozenset(group["image"]) for _, group in rows.groupby("method")}
    ordered = sorted(sets, key=len, reverse=True)
    for larger, smaller in pairwise(ordered):
        if not smaller < larger:
            raise ValueError(
                "the methods were scored on images of which none holds the others: use the same --limit"
            )
    return [set(images) for images in ordered]


def complete(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of methods that have all the images in them."""
    count = rows.groupby("method")["image"].nunique()
    return rows[rows["method"].isin(count.index[count == count.max()])]


def _table(data: ReportInput, rows: pd.DataFrame) -> str:
    """One table of the ``table`` report.

    The published rows are of all pairs, so they stand beside those alone.
    """
    rows = complete(rows)
    every = set(data.rows.loc[data.rows["evaluator"] == "quality", "image"])
    whole = set(rows["image"]) == every
    spec = catalog.reports.get("table")
    with tempfile.TemporaryDirectory() as folder:
        files: list[Path] = catalog.build(spec.factory)(spec).render(
            replace(data, rows=rows, options={"published": whole}), Path(folder)
        )
        return next(f for f in files if f.name == "tables.md").read_text()


def deviations(data: ReportInput, rows: pd.DataFrame) -> str:
    """Measured beside published, metric by metric, and the explanations. "" if nothing was published."""
    convention = rows["convention"].iloc[0]
    dataset = rows["dataset"].iloc[0]
    published = published_rows()
    published = published[
        (published["dataset"] == dataset)
        & (published["evaluator"] == "quality")
        & (published["comparable_to"] == convention)
    ]
    published = published[~published["source"].str.endswith("Table 3")]
    explained = explanations()
    measured = [str(m) for m in rows["metric"].unique()]
    metrics = [m for m in measured if m in set(published["metric"])]
    body, notes = [], []
    for method, group in rows.groupby("method", sort=False):
        spec = data.methods[str(method)]
        theirs = published[published["method"] == spec.published_as].set_index("metric")["value"]
        ours = group.groupby("metric", sort=False)["value"].mean()
        shared = [m for m in metrics if m in ours.index and m in theirs.index]
        if not shared:
            continue
        cells = [_cell(ours[m], theirs[m], data.metrics[m].digits) if m in shared else "–" for m in metrics]
        body.append([spec.title, str(group["image"].nunique()), *cells])
        if any(abs(ours[m] / theirs[m] - 1) > LARGE for m in shared):
            notes.append(f"- **{spec.title}**: {explained.get(str(method), 'not explained')}")
    if not body:
        return ""
    table = tabulate(body, ["Method", "pairs", *metrics], tablefmt="pipe", disable_numparse=True)
    source = ", ".join(sorted(set(published["source"])))
    return (
        f"**Measured / published ({source}; convention {convention}), and the difference; above {LARGE:.0%}"
        f" in bold.**\n\n{table}\n\n" + "\n".join(notes)
    )


def _cell(ours: float, theirs: float, digits: int) -> str:
    difference = ours / theirs - 1
    text = f"{difference:+.0%}"
    return f"{ours:.{digits}f} / {theirs:.2f} " + (f"**{text}**" if abs(difference) > LARGE else text)


def explanations() -> Mapping[str, str]:
    """Why measured and published numbers differ, by method."""
    content: dict[str, str] = yaml.safe_load(Path(__file__).with_name("deviations.yaml").read_text())
    return content


def main() -> None:
    """Write one file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="the file becomes docs/results/baselines-NAME.md")
    parser.add_argument("runs", nargs="+")
    options = parser.parse_args()
    path = FOLDER / f"baselines-{options.name}.md"
    path.write_text(document(options.runs))
    print(path)


if __name__ == "__main__":
    main()
