"""Put the robustness of a finished run into the documentation: docs/results/robustness.md and its heat maps.

    python tools/robustness.py runs/robustness runs/robustness-detection

Tables and heat maps are what the reports ``robustness`` and ``robustness-figures`` make of the stored rows; nothing is
typed by hand. The commands shown are those recorded in the runs.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench.contracts.rows import SCORE_KEY
from fusionbench.rendering import find_runs, report_input
from fusionbench.reports.figures.drawing import save
from fusionbench.reports.robustness.figures import heat_map
from fusionbench.reports.robustness.tables import (
    NOTE,
    Robustness,
    markdown,
    robustness_of,
    shown_scores,
    titles_of,
)
from fusionbench.reports.scores.details import details_of
from fusionbench.reports.scores.labels import REFERENCE_METHODS

if TYPE_CHECKING:
    from fusionbench.contracts.report import ReportInput
    from fusionbench.store.run_store import RunStore

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "results"
METRICS = ("VIF", "Qabf", "mAP")
"""The scores of the page: they compare with the clean pair, or with labels. MI does too, but doubles where a sensor is
gone, since the fused image then copies the other one."""
DPI = 110

INTRODUCTION = """# Robustness on MSRS

What fast methods keep of their scores when the pairs are corrupted ([what each corruption does](../robustness.md)).
Methods see the corrupted pair. Metrics compare the fused image with the clean pair, detection with its labels.
"""


def commands(store: RunStore) -> list[str]:
    """The run's finished commands, without what is only about this machine; the last of those that differ in methods."""
    found: dict[str, str] = {}
    for invocation in store.info()["invocations"]:
        if "finished" not in invocation:  # interrupted; a later one did the rest
            continue
        config = invocation["config"]
        parts = [
            "fusionbench",
            "run",
            "--method",
            ",".join(config["method"]),
            "--dataset",
            ",".join(config["dataset"]),
        ]
        parts += ["--data-root", f"/data/{config['dataset'][0]}"]
        for flag in ("split", "limit"):
            if config[flag]:
                parts += [f"--{flag}", str(config[flag])]
        parts += ["--task", ",".join(config["task"]), "--corrupt", ",".join(config["corrupt"])]
        rest = shlex.join(parts[4:])
        found.pop(rest, None)
        found[rest] = shlex.join(parts)
    return [f"    {line}" for line in list(found.values())[-1:]]


def write(runs: Sequence[str]) -> list[Path]:
    """Write the page and its pictures; returns their paths."""
    parts = [INTRODUCTION]
    files = []
    for store in find_runs(runs):
        data = report_input(store)
        found = _chosen(robustness_of(data))
        parts += ["\n".join(commands(store)), _about(data)]
        means = shown_scores(found.means)
        for score in dict.fromkeys(means[SCORE_KEY].itertuples(index=False, name=None)):
            name = f"robustness-{score[4]}"
            files += _heat_map(data, found, score, name)
            parts.append(f"![{score[4]}: method × corruption, in percent of the clean score]({name}.png)")
        parts.append(markdown(data, found).replace(NOTE, "").strip())
    page = FOLDER / "robustness.md"
    page.write_text("\n\n".join([*parts, NOTE]) + "\n")
    return [page, *files]


def _about(data: ReportInput) -> str:
    """How many pairs, which severities, which version."""
    images = data.rows[data.rows["image"] != ""]["image"].nunique()
    images = images or max((len(detail.images) for detail in details_of(data)), default=0)
    severities = sorted(set(data.corrupted["severity"]))
    names = data.corrupted["corruption"].nunique()
    place = data.rows[data.rows["dataset"] != ""].iloc[0]
    said = ", ".join(map(str, severities))
    return (
        f"{images} pairs of {place['dataset']} ({place['split']}), {names} corruptions, severities {said} "
        "(a corruption that is there or not has severity 5 alone)."
    )


def _chosen(found: Robustness) -> Robustness:
    return replace(
        found,
        scores=found.scores[found.scores["metric"].isin(METRICS)],
        means=found.means[found.means["metric"].isin(METRICS)],
        ranking=found.ranking[found.ranking["metric"].isin(METRICS)],
    )


def _heat_map(data: ReportInput, found: Robustness, score: tuple[str, ...], name: str) -> list[Path]:
    ranking = found.ranking[(found.ranking[SCORE_KEY] == list(score)).all(axis=1)]
    own = found.means[(found.means[SCORE_KEY] == list(score)).all(axis=1)]
    sensors = [m for m in REFERENCE_METHODS if m in set(own["method"])]
    title = f"{score[4]} under corruptions, MSRS ({score[1]}), {score[3]}"
    figure = heat_map(own, ranking, titles_of(data, [*sensors, *ranking["method"]]), title)
    png, pdf = save(figure, FOLDER, name, dpi=DPI)
    pdf.unlink()
    return [png]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", help="run folders")
    for path in write(parser.parse_args(arguments).runs):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
