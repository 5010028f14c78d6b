"""Put the tables of finished runs into the documentation: docs/results/<name>.md, and the front table between README.md's markers.

    python tools/results.py runs/msrs runs/roadscene          # write
    python tools/results.py --check                            # exit 1 if README.md differs from docs/results/front.md

Tables are what the ``table`` report makes of the stored rows; nothing is typed by hand. The command shown above each table is the one
recorded in the run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fusionbench.plugins import catalog
from fusionbench.rendering import find_runs, report_input
from fusionbench.store.run_store import RunStore

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "results"
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
    """The run's commands, as a code block. The data root is replaced by a placeholder, and folders by nothing."""
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
        if line not in lines:
            lines.append(line)
    return "\n".join(f"    {line}" for line in lines)


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
    options = parser.parse_args()
    for run in options.runs:
        print(write(run, options.published))
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
