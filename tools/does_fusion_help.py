"""Does fusion help, which method, and which metric tells? docs/results/does-fusion-help.md, from stored runs.

    python tools/does_fusion_help.py runs/msrs runs/m3fd runs/llvip

The first run answers the three questions; each further one gets its table. Every sentence with a number is made
from the rows of the runs. The figure is docs/images/metric-task-correlation.png.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from results import FOLDER, ROOT, commands
from scipy import stats
from tabulate import tabulate

from fusionbench.rendering import find_runs, merged_input
from fusionbench.reports.analysis.prediction import paired_scores, predictions, tau_needed
from fusionbench.reports.analysis.task_comparison import compare_draws
from fusionbench.reports.figures.drawing import new_figure
from fusionbench.reports.scores.details import Detail, details_of
from fusionbench.reports.scores.summary import summary
from fusionbench.statistics.comparison import entrant_names
from fusionbench.statistics.paired import holm

if TYPE_CHECKING:
    from fusionbench.contracts.report import ReportInput

SENSORS = ("infrared", "visible")
SHOWN = ("VIF", "Qabf")
TASK_SCORES = ("mAP", "mIoU")
FIGURE = ROOT / "docs" / "images" / "metric-task-correlation.png"
TIMES = ROOT / "docs" / "baseline-timing.json"
FEW = 20
"""With fewer labelled pairs a table's task scores decide nothing."""


@dataclass(frozen=True)
class Task:
    """One column of a table: the score of one judge, with what its units left."""

    evaluator: str
    protocol: str
    score: str

    @property
    def heading(self) -> str:
        """``mAP yolov5n`` and the like."""
        judge = self.protocol.partition("/")[2].partition("@")[0]
        return f"{self.score} {judge.partition('-')[0]}"


def document(runs: Sequence[str]) -> str:
    """The page as Markdown."""
    parts = ["# Does fusion help, which method, and which metric tells?", INTRODUCTION]
    for number, run in enumerate(runs):
        stores = find_runs([run])
        data = merged_input(stores)
        tasks = task_scores(data)
        if number == 0:
            parts += ["## The answers", *answers(data, tasks)]
        parts.append(f"## {title_of(data)}")
        parts.append("\n".join(dict.fromkeys(line for s in stores for line in commands(s).splitlines())))
        parts.append(table(data, tasks))
        if number == 0 and draw_correlations(data, tasks, FIGURE):
            parts.append(f"![Kendall's τ of every metric with every task score](../images/{FIGURE.name})")
            parts.append(CAPTION)
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """Made by `python tools/does_fusion_help.py` from stored runs. Judges never saw a method's output:
the detectors are as released (COCO), the segmenters were trained on neutral blends of both sensors. An interval in
small print is the middle 95 % of 1,000 bootstrap draws of the images. The same draws serve all methods, so that a
difference between two methods has a narrower interval than the two scores. ‡ marks methods that were trained on
images of the dataset's training split. *ms* is the time of one 640×480 pair on one thread of a quiet machine
(`docs/baseline-timing.json`); it is missing where it was not measured."""

CAPTION = """Each point is Kendall's τ over methods between a metric's mean and a task's score. Lines are the middle 95 %
of a bootstrap over methods. Grey marks the τ that so many methods can't tell from chance at 5 %, for one metric."""


def title_of(data: ReportInput) -> str:
    """The dataset and split of a run's rows."""
    places = data.rows[["dataset", "split"]].drop_duplicates().itertuples(index=False, name=None)
    return ", ".join(
        f"{data.datasets[d].title if d in data.datasets else d} ({split})" for d, split in places
    )


def task_scores(data: ReportInput) -> list[Task]:
    """The task scores that a run holds, detection first."""
    own = data.rows[data.rows["metric"].isin(TASK_SCORES) & (data.rows["class_name"] == "")]
    found = own[["evaluator", "convention", "metric"]].drop_duplicates().itertuples(index=False, name=None)
    return sorted((Task(*names) for names in found), key=lambda t: (t.evaluator, t.protocol))


def draws_of(details: Sequence[Detail], task: Task) -> dict[str, npt.NDArray[np.float64]]:
    """The bootstrap draws of a score, by method."""
    found = {}
    for detail in details:
        if (detail.evaluator, detail.convention) == (task.evaluator, task.protocol) and detail.has(
            "resamples"
        ):
            table = detail.table("resamples")
            own = table[(table["metric"] == task.score) & (table["class_name"] == "")]
            found[detail.method] = own.sort_values("draw")["value"].to_numpy(np.float64)
    return found


def values_of(data: ReportInput, task: Task) -> dict[str, float]:
    """The score itself, by method."""
    rows = data.rows
    own = rows[
        (rows["evaluator"] == task.evaluator)
        & (rows["convention"] == task.protocol)
        & (rows["metric"] == task.score)
        & (rows["class_name"] == "")
        & (rows["image"] == "")
    ]
    return {str(k): float(v) for k, v in own.groupby("method", sort=False)["value"].mean().items()}


def table(data: ReportInput, tasks: Sequence[Task]) -> str:
    """Method × metrics, task scores with intervals, time; the best of the first task first."""
    details = details_of(data)
    quality = summary(data.rows[data.rows["evaluator"] == "quality"])
    means = quality.set_index(["method", "metric"])["mean"]
    scores = [values_of(data, task) for task in tasks]
    draws = [draws_of(details, task) for task in tasks]
    times = milliseconds()
    there = [m for m in data.methods if m in set(data.rows["method"])]
    if scores:
        there.sort(key=lambda m: -scores[0].get(m, -1.0))
    shown = [name for name in SHOWN if (quality["metric"] == name).any()]
    trained = trained_on(data)
    lines = []
    for method in there:
        title = data.methods[method].title + ("‡" if method in trained else "")
        cells = ["" if method in SENSORS else number(means.get((method, name))) for name in shown]
        cells += [_with_interval(s.get(method), d.get(method)) for s, d in zip(scores, draws, strict=True)]
        lines.append([title, *cells, str(times.get(method, ""))])
    heads = ["Method", *shown, *(task.heading for task in tasks), "ms"]
    text = tabulate(lines, heads, tablefmt="pipe", disable_numparse=True)
    images = data.rows.loc[data.rows["image"] != "", "image"].nunique()
    judged = "; ".join(f"{t.heading}: `{t.protocol}`, {_labelled(details, t)} labelled pairs" for t in tasks)
    few = [t.heading for t in tasks if _labelled(details, t) < FEW]
    warning = f" **Too few labelled pairs to decide anything: {', '.join(few)}.**" if few else ""
    return f"{text}\n\nn = {images} pairs. {judged}.{warning}"


def trained_on(data: ReportInput) -> set[str]:
    """Methods that were trained on a training split of a dataset in the run."""
    names = {str(d) for d in data.rows["dataset"].unique()}
    return {
        name
        for name, spec in data.methods.items()
        if any(place.partition(":")[0] in names for place in spec.trained_on)
    }


def _labelled(details: Sequence[Detail], task: Task) -> int:
    return max((len(d.images) for d in details if d.convention == task.protocol), default=0)


def number(value: float | None, digits: int = 3) -> str:
    """A number of a table; empty for none."""
    return "" if value is None or not np.isfinite(value) else f"{value:.{digits}f}"


def _with_interval(value: float | None, draws: npt.NDArray[np.float64] | None) -> str:
    if value is None:
        return ""
    if draws is None or not np.isfinite(draws).any():
        return number(value)
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return f"{value:.3f} <sub>{low:.3f}…{high:.3f}</sub>"


def milliseconds() -> Mapping[str, int]:
    """Time of a 640×480 pair by method, from the parity measurement."""
    timings = json.loads(TIMES.read_text())["timings"]
    return {t["method"]: round(1000 * t["seconds"]) for t in timings if t["size"] == [480, 640]}


def answers(data: ReportInput, tasks: Sequence[Task]) -> list[str]:
    """The three questions, answered in sentences from the rows."""
    rows = data.rows.assign(entrant=entrant_names(data.rows))
    details = details_of(data)
    help_lines, best_lines, metric_lines = [], [], []
    against = {sensor: compare_draws(rows, details, sensor) for sensor in SENSORS}
    for task in tasks:
        scores = values_of(data, task)
        help_lines.append(_helps(task, scores, against))
        best_lines.append(_best(data, task, rows, details, scores))
    pairs = paired_scores(data.rows, data.metrics)
    found = predictions(pairs)
    for task in tasks:
        own = found[
            (found["task"] == task.evaluator)
            & (found["protocol"] == task.protocol)
            & (found["score"] == task.score)
        ]
        if len(own):
            metric_lines.append(_tells(task, own))
    metric_lines.append(_judges_agree(data, tasks))
    return [
        "**Does fusion help?**",
        "\n".join(help_lines),
        "**Which method?**",
        "\n".join(best_lines),
        "**Which metric tells?**",
        "\n".join(line for line in metric_lines if line),
    ]


def _helps(task: Task, scores: Mapping[str, float], against: Mapping[str, pd.DataFrame]) -> str:
    better_sensor = max(SENSORS, key=lambda s: scores.get(s, -1.0))
    frame = against[better_sensor]
    own = frame[
        (frame["convention"] == task.protocol) & (frame["metric"] == task.score) & (frame["class_name"] == "")
    ]
    own = own[~own["b"].isin(SENSORS)]
    above, below = own[own["low"] > 0], own[own["high"] < 0]
    return (
        f"- {task.heading}: the better single sensor is {better_sensor} ({scores[better_sensor]:.3f}). "
        f"Of {len(own)} fusion methods, {len(above)} are above it, {len(below)} below, and for "
        f"{len(own) - len(above) - len(below)} the interval of the difference holds 0."
    )


def _best(
    data: ReportInput,
    task: Task,
    rows: pd.DataFrame,
    details: Sequence[Detail],
    scores: Mapping[str, float],
) -> str:
    best = max((m for m in scores if m not in SENSORS), key=lambda m: scores[m])
    frame = compare_draws(rows, details, best)
    own = frame[
        (frame["convention"] == task.protocol) & (frame["metric"] == task.score) & (frame["class_name"] == "")
    ]
    ties = own[(own["high"] >= 0) & ~own["b"].isin(SENSORS)].sort_values("value_b", ascending=False)["b"]
    names = ", ".join(data.methods[m].title for m in ties if m in data.methods)
    tied = f"Indistinguishable from it: {names}." if names else "Every other method is below it."
    return f"- {task.heading}: {data.methods[best].title} is highest ({scores[best]:.3f}). {tied}"


def _tells(task: Task, own: pd.DataFrame) -> str:
    corrected = holm(own["tau_p"].to_numpy(np.float64))
    own = own.assign(p_holm=corrected).sort_values("tau", ascending=False)
    sure = own[(own["p_holm"] < 0.05) & (own["tau"] > 0)]
    against = own[(own["p_holm"] < 0.05) & (own["tau"] < 0)]
    n = int(own["n_methods"].max())
    first = own.iloc[0]
    text = (
        f"- {task.heading}, {n} methods, {len(own)} metrics: the highest τ has {_metric(first)} "
        f"({first['tau']:+.2f}, {first['tau_low']:+.2f}…{first['tau_high']:+.2f}). "
    )
    text += (
        f"After Holm's correction these order the methods as the task does: {_names(sure)}. "
        if len(sure)
        else "After Holm's correction no metric differs from chance. "
    )
    if len(against):
        text += f"These order them the other way round: {_names(against)}."
    return text.strip()


def _metric(line: pd.Series[Any]) -> str:
    return f"{line['metric']} ({line['convention']})"


def _names(lines: pd.DataFrame) -> str:
    return ", ".join(f"{_metric(line)} {line['tau']:+.2f}" for _, line in lines.iterrows())


def _judges_agree(data: ReportInput, tasks: Sequence[Task]) -> str:
    """How far two judges order the methods alike: what a metric could reach at most."""
    parts = []
    for i, a in enumerate(tasks):
        for b in tasks[i + 1 :]:
            first, second = values_of(data, a), values_of(data, b)
            names = [m for m in first if m in second and m not in SENSORS]
            if len(names) >= 4:
                tau = stats.kendalltau([first[m] for m in names], [second[m] for m in names]).statistic
                parts.append(f"{a.heading} and {b.heading} {tau:+.2f}")
    return f"- For comparison, the judges among themselves: {'; '.join(parts)}." if parts else ""


def draw_correlations(data: ReportInput, tasks: Sequence[Task], path: Path) -> bool:
    """A point and an interval per metric and task score; False where there is nothing to draw."""
    found = predictions(paired_scores(data.rows, data.metrics))
    panels = []
    for task in tasks:
        own = found[(found["protocol"] == task.protocol) & (found["score"] == task.score)]
        if len(own):
            panels.append((task, own))
    if not panels:
        return False
    first = panels[0][1].sort_values("tau")
    order = [(str(m), str(c)) for m, c in first[["metric", "convention"]].itertuples(index=False)]
    several = len({c for _, c in order}) > 1
    figure = new_figure(2.6 * len(panels) + 1.0, 0.17 * len(order) + 1.2)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, (task, own) in zip(axes, panels, strict=True):
        needed = tau_needed(int(own["n_methods"].max()))
        axis.axvspan(-needed, needed, color="0.9", zorder=0)
        axis.axvline(0, color="0.5", linewidth=0.8)
        lines = own.set_index(["metric", "convention"]).reindex(pd.MultiIndex.from_tuples(order))
        heights = np.arange(len(order))
        axis.hlines(heights, lines["tau_low"], lines["tau_high"], color="tab:blue", linewidth=1)
        axis.plot(lines["tau"], heights, "o", color="tab:blue", markersize=3.5)
        axis.set_xlim(-1, 1)
        axis.set_yticks(heights, [f"{m} ({c})" if several else m for m, c in order], fontsize=7)
        axis.set_title(f"{task.heading}\n{int(own['n_methods'].max())} methods", fontsize=8)
        axis.set_xlabel("Kendall's τ", fontsize=8)
        axis.tick_params(labelsize=7)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=160, metadata={"Software": None})
    return True


def main() -> None:
    """Write the page and its figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    options = parser.parse_args()
    path = FOLDER / "does-fusion-help.md"
    path.write_text(document(options.runs))
    print(path)


if __name__ == "__main__":
    main()
