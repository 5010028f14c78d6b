"""Put the tables of finished runs into the documentation: docs/results/<name>.md, and the front table between
README.md's markers.

    python tools/results.py runs/msrs runs/roadscene          # write
    python tools/results.py --check                            # exit 1 if README.md differs from docs/results/front.md

Tables are what the ``table`` report makes of the stored rows; nothing is typed by hand. The command shown
above each table is the one recorded in the run.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench.plugins import catalog
from fusionbench.rendering import find_runs, merged_input, report_input
from fusionbench.reports.scores.details import Detail, details_of
from fusionbench.reports.scores.summary import summary
from fusionbench.store.run_store import RunStore

if TYPE_CHECKING:
    import pandas as pd

    from fusionbench.contracts.report import ReportInput

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "results"
FRONT_COLUMNS = (
    ("VIF ↑", "VIF", "quality", 3, 1.0),
    ("Qabf ↑", "Qabf", "quality", 3, 1.0),
    ("EN ↑", "EN", "quality", 2, 1.0),
    ("mAP ↑", "mAP", "detection", 3, 1.0),
    ("mIoU ↑", "mIoU", "segmentation", 3, 1.0),
    ("ms per pair ↓", "Latency", "efficiency", 0, 1.0),
)
"""Heading, metric, evaluator, decimals and factor of each column of the front table."""
FRONT = FOLDER / "front.md"
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


def write(run: str, published: bool) -> Path:
    """Write one run's quality and efficiency tables."""
    import tempfile

    store = find_runs([run])[0]
    table = catalog.build(catalog.reports.get("table").factory)(catalog.reports.get("table"))
    with tempfile.TemporaryDirectory() as folder:
        files = table.render(report_input(store, options={"published": published}), Path(folder))
        text = next(f for f in files if f.name == "tables.md").read_text()
    path = FOLDER / f"{store.folder.name}.md"
    path.write_text(f"{commands(store)}\n\n{text.strip()}\n")
    return path


def commands(store: RunStore) -> str:
    """The run's commands, as a code block.

    The data root is replaced by a placeholder, and folders by nothing.
    """
    lines = []
    for invocation in store.info()["invocations"]:
        if "finished" not in invocation:  # interrupted; a later one did the rest
            continue
        config = invocation["config"]
        line = (
            f"fusionbench run --method {','.join(config['method'])} --dataset {','.join(config['dataset'])}"
        )
        if config["data_root"]:
            line += f" --data-root /data/{config['dataset'][0]}"
        if config["split"]:
            line += f" --split {config['split']}"
        if config["limit"]:
            line += f" --limit {config['limit']}"
        line += f" --task {','.join(config['task'])}"
        if config["convention"]:
            line += f" --convention {','.join(config['convention'])}"
        if line not in lines:
            lines.append(line)
    return "\n".join(f"    {line}" for line in lines)


def write_front(runs: Sequence[str]) -> Path:
    """Write the front table: one line per method, quality, tasks with intervals, time per pair."""
    stores = find_runs(runs)
    data = merged_input(stores)
    shown = "\n".join(dict.fromkeys(commands(store) for store in stores))
    FRONT.write_text(f"{shown}\n\n{front_table(data)}\n")
    return FRONT


def front_table(data: ReportInput) -> str:
    """The Markdown of the front table, and one line that says what stands in it."""
    scores = summary(data.rows)
    details = details_of(data)
    columns = [column for column in FRONT_COLUMNS if (scores["metric"] == column[1]).any()]
    count = scores[scores["evaluator"] == "quality"]["n"].max()
    heads = "| Method | " + " | ".join(title for title, *_ in columns) + " |"
    lines = [heads, "|:--|" + "--:|" * len(columns)]
    quality = scores[scores["evaluator"] == "quality"]
    there = set(data.rows["method"])
    for method in [m for m in data.methods if m in there]:
        own = scores[scores["method"] == method]
        cells = [_front_cell(own, details, method, *column[1:]) for column in columns]
        if method in set(quality["method"]) or any(cells):
            title = data.methods[method].title if method in data.methods else method
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
    judges = sorted({f"{d.convention} ({len(d.images)} labelled images)" for d in details})
    told = f"n = {int(count)} pairs. Intervals: 95 % over images. Judges: {', '.join(judges) or 'none'}."
    return "\n".join([*lines, "", told])


def _front_cell(
    own: pd.DataFrame,
    details: Sequence[Detail],
    method: str,
    metric: str,
    evaluator: str,
    digits: int,
    factor: float,
) -> str:
    """One number, with the 95 % interval of its draws (tasks) or of its mean over images (quality)."""
    found = own[(own["metric"] == metric) & (own["evaluator"] == evaluator) & (own["class_name"] == "")]
    if not len(found):
        return ""
    line = found.iloc[0]
    low, high = float(line["low"]), float(line["high"])
    for detail in details:
        if (detail.method, detail.evaluator) == (method, evaluator) and detail.has("resamples"):
            draws = detail.table("resamples")
            values = draws[(draws["metric"] == metric) & (draws["class_name"] == "")]["value"].dropna()
            if len(values):
                low, high = (float(values.quantile(q)) for q in (0.025, 0.975))
    value = f"{factor * float(line['mean']):.{digits}f}"
    if not (math.isfinite(low) and math.isfinite(high)) or evaluator == "efficiency":
        return value
    return f"{value} <sub>{factor * low:.{digits}f}…{factor * high:.{digits}f}</sub>"


def block() -> str:
    """What stands between README's markers: the front table, which ``--front`` writes."""
    return FRONT.read_text().strip("\n") if FRONT.exists() else ""


def main() -> None:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*")
    parser.add_argument(
        "--published", action="store_true", help="add the literature's published rows, marked"
    )
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--front", nargs="+", default=(), metavar="RUN", help="runs of the front table")
    options = parser.parse_args()
    for run in options.runs:
        print(write(run, options.published))
    if options.front:
        print(write_front(options.front))
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    text = f"{before}{BEGIN}\n\n{block()}\n\n{END}{after}"
    if options.check:
        sys.exit(
            0
            if text == readme.read_text()
            else "README.md differs from docs/results/front.md: run tools/results.py"
        )
    readme.write_text(text)


if __name__ == "__main__":
    main()
