"""The tables of robustness: what each method keeps, corruption by corruption, and which method keeps most."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text
from tabulate import tabulate

from fusionbench.contracts.report import Rendered
from fusionbench.contracts.rows import SCORE_KEY
from fusionbench.files.atomic import write_atomic
from fusionbench.files.csv_text import csv_text

from ..scores.frames import groups_of, lines_of
from ..scores.labels import ARROWS, MISSING, entrant_title, format_value, slug
from ..scores.summary import direction_of
from ..tables.latex import latex_grid
from .ranking import MIN_IMAGES, rank_methods
from .relative import corruption_order, over_severities, relative_scores
from .sets import comparable, units_of

if TYPE_CHECKING:
    from fusionbench.contracts.report import ReportInput, ReportSpec

SET_SCORES = ("mAP", "mIoU")
"""The scores of tasks that tables and figures show; robustness.csv holds all."""

NOTE = (
    "Kept: score on corrupted pairs in % of the method's own on the same clean pairs, mean over severities, then over "
    "corruptions; over 100 % the score rose. A score of the fused image alone (entropy, gradients) rises with noise, "
    "which is no gain. Metrics compare with the clean pair. Intervals: 95 %, paired bootstrap over images."
)

HEADINGS = ("Method", "n", "Clean", "Corrupted", "Kept", "95 %", "Behind the first", "95 %", "First in draws")


@dataclass(frozen=True)
class Robustness:
    """What the report computes: ``scores`` by severity, their ``means`` over severities, and the ``ranking``."""

    scores: pd.DataFrame
    means: pd.DataFrame
    ranking: pd.DataFrame


def robustness_of(data: ReportInput) -> Robustness:
    """All frames of the report; empty where the run has no corrupted pairs."""
    units = units_of(data)
    corrupted = comparable(data.corrupted, units, data.notes)
    scores = relative_scores(data.rows, corrupted, data.metrics)
    ranking = rank_methods(scores, data.rows, corrupted, data.metrics, units)
    return Robustness(scores, over_severities(scores), ranking)


def shown_scores(frame: pd.DataFrame) -> pd.DataFrame:
    """The lines of scores that tables and figures show: over all classes, with a direction; of tasks the main one."""
    task = frame["evaluator"].isin(["detection", "segmentation"])
    kept = (frame["class_name"] == "") & (~task | frame["metric"].isin(SET_SCORES))
    return frame[kept & frame["relative"].notna()]


@dataclass(frozen=True)
class RobustnessReport:
    """Built by the spec's factory; see ``fusionbench.contracts.report.HasTables``."""

    spec: ReportSpec

    def tables(self, data: ReportInput) -> Rendered:
        """What methods keep under corruptions: ``robustness.csv`` (by severity), ``robustness-means.csv``,
        ``robustness-ranking.csv``, and ``robustness.{md,tex}`` to read; nothing for a run without corrupted pairs."""
        if not len(data.corrupted):
            return Rendered()
        found = robustness_of(data)
        ranking = shown_scores(found.ranking)
        shown = Group(*(_terminal(data, place, part) for place, part in groups_of(ranking, SCORE_KEY[:4])))
        texts = {
            "robustness.csv": csv_text(found.scores),
            "robustness-means.csv": csv_text(found.means),
            "robustness-ranking.csv": csv_text(found.ranking),
            "robustness.md": markdown(data, found),
            "robustness.tex": _latex(data, ranking),
        }
        return Rendered((shown,), lambda: texts)

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write the texts of ``tables`` into a folder."""
        texts = self.tables(data).texts
        for name, text in texts.items():
            write_atomic(folder / name, text.encode())
        return [folder / name for name in texts]


def build(spec: ReportSpec) -> RobustnessReport:
    """The factory of ``spec.py``."""
    return RobustnessReport(spec)


def percent(value: float) -> str:
    """A relative score in whole percent."""
    return MISSING if math.isnan(value) else f"{100 * value:.0f}"


def markdown(data: ReportInput, found: Robustness) -> str:
    """For each score: who keeps most, and how much of each corruption, as Markdown."""
    parts = []
    for score, ranking in groups_of(shown_scores(found.ranking), SCORE_KEY):
        means = shown_scores(found.means)
        own = means[(means[SCORE_KEY] == list(score)).all(axis=1)]
        parts += [
            f"**{_title(score, data)}: {_corruptions(ranking)}.**",
            _markdown_grid(HEADINGS, ranking_cells(data, ranking), left=1),
            verdict(data, ranking),
            _markdown_grid(*heat_cells(data, own, list(ranking["method"])), left=1),
        ]
    return "\n\n".join([*parts, NOTE]) + "\n"


def ranking_cells(data: ReportInput, ranking: pd.DataFrame) -> list[list[str]]:
    """The ranking of one score as texts, under ``HEADINGS``."""
    cells = []
    for line in lines_of(ranking):
        digits = data.metrics[str(line.metric)].digits if line.metric in data.metrics else 3
        cells.append(
            [
                _name(data, str(line.method)),
                str(line.n),
                format_value(float(line.clean), digits),
                format_value(float(line.corrupted), digits),
                f"{percent(float(line.relative))} %",
                _interval(line.low, line.high),
                f"{100 * float(line.behind):.1f}" if line.behind else "",
                _interval(line.behind_low, line.behind_high, 1),
                MISSING if math.isnan(line.share_best) else f"{100 * line.share_best:.0f} %",
            ]
        )
    return cells


def verdict(data: ReportInput, ranking: pd.DataFrame) -> str:
    """Which method keeps most, which ones are indistinguishable from it, and which is best when corrupted."""
    lower = direction_of(str(ranking["metric"].iloc[0]), data.metrics) == "lower"
    scores = ranking.set_index("method")["corrupted"].astype(float)
    best = str(scores.idxmin() if lower else scores.idxmax())
    return f"{_most_robust(data, ranking)} {_name(data, best)} has the best score on corrupted pairs."


def _most_robust(data: ReportInput, ranking: pd.DataFrame) -> str:
    first, *others = lines_of(ranking)
    if ranking["low"].isna().all():
        return f"Fewer than {MIN_IMAGES} images: too few for an interval, so no method is called the most robust."
    name = _name(data, str(first.method))
    close = [o for o in others if not (o.behind_low > 0)]
    if not others:
        return f"{name} is the only method."
    if not close:
        return f"{name} keeps most: every other method is behind it by more than chance (95 %)."
    names = ", ".join(_name(data, str(o.method)) for o in close)
    return f"{name} keeps most, and is indistinguishable from {names} on these images (95 %)."


def heat_cells(
    data: ReportInput, means: pd.DataFrame, methods: Sequence[str]
) -> tuple[list[str], list[list[str]]]:
    """Methods × corruptions in percent: headings and lines. Methods that aren't among ``methods`` come first."""
    wide = means.pivot(index="method", columns="corruption", values="relative")
    names = corruption_order(list(wide.columns))
    lines = [m for m in wide.index if m not in methods] + [m for m in methods if m in wide.index]
    body = [[_name(data, m), *(percent(float(wide.loc[m, n])) for n in names)] for m in lines]
    return ["Kept, %", *names], body


def _terminal(data: ReportInput, place: tuple[str, ...], ranking: pd.DataFrame) -> Group:
    """Methods × scores of one table: percent kept, the first one marked."""
    metrics = list(dict.fromkeys(ranking["metric"]))
    wide = ranking.pivot(index="method", columns="metric", values="relative")
    best = wide.max()
    shown = Table(box=box.SIMPLE_HEAD)
    shown.add_column("Method")
    for metric in metrics:
        shown.add_column(f"{metric} {ARROWS[direction_of(metric, data.metrics)]}".strip(), justify="right")
    order = [m for m in data.methods if m in wide.index] + [m for m in wide.index if m not in data.methods]
    for method in order:
        values = [float(wide.loc[method, m]) for m in metrics]
        texts = [
            Text(f"{percent(v)} %", style="bold" if v == best[m] else "")
            for v, m in zip(values, metrics, strict=True)
        ]
        shown.add_row(_name(data, method), *texts)
    dataset, split, evaluator, convention = place
    title = f"Kept under {_corruptions(ranking)}: {evaluator} on {dataset} ({split}), {convention}"
    return Group(Text(title, style="italic"), shown, Text(f"  {NOTE}", style="dim italic"), "")


def _latex(data: ReportInput, ranking: pd.DataFrame) -> str:
    floats = [
        latex_grid(
            HEADINGS,
            ranking_cells(data, part),
            caption=f"{_title(score, data)}: {_corruptions(part)}. {NOTE}",
            label=slug("robustness-" + "-".join(score[:5])),
        )
        for score, part in groups_of(ranking, SCORE_KEY)
    ]
    return "\n".join(floats)


def _markdown_grid(headings: Sequence[str], body: Sequence[Sequence[str]], *, left: int) -> str:
    align = ["left"] * left + ["right"] * (len(headings) - left)
    return tabulate(body, headings, tablefmt="pipe", colalign=align, disable_numparse=True)


def _title(score: Sequence[str], data: ReportInput) -> str:
    dataset, split, evaluator, convention, metric, _ = score
    title = data.datasets[dataset].title.removesuffix(" (clean)") if dataset in data.datasets else dataset
    arrow = ARROWS[direction_of(metric, data.metrics)]
    return f"{metric} {arrow} ({evaluator}, {convention}) on {title} ({split})"


def _corruptions(ranking: pd.DataFrame) -> str:
    count = int(ranking["corruptions"].iloc[0])
    return f"{count} corruption{'s' * (count != 1)}"


def _name(data: ReportInput, method: str) -> str:
    return entrant_title(method, method, data.methods)


def _interval(low: float, high: float, digits: int = 0) -> str:
    if math.isnan(low) or math.isnan(high):
        return MISSING
    return f"{100 * low:.{digits}f} … {100 * high:.{digits}f}"


def titles_of(data: ReportInput, methods: Sequence[str]) -> Mapping[str, str]:
    """What methods are called."""
    return {m: _name(data, m) for m in methods}
