"""Which quality metric predicts the task? Rank correlations over methods between every quality metric and
every score of detection and segmentation, with what so few methods can show.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.patches import Rectangle
from scipy import stats
from tabulate import tabulate

from fusionbench.contracts.protocol_id import ProtocolId
from fusionbench.files.atomic import write_atomic
from fusionbench.files.csv_text import csv_text

from ..figures.drawing import FONT, method_colours, new_figure, pages, save
from ..scores.details import is_dev_only
from ..scores.frames import lines_of
from ..scores.labels import ARROWS, COMPETING_REFERENCES, entrant_title, format_value, slug
from ..scores.summary import direction_of, summary
from ..tables.latex import latex_grid
from .agreement import MIN_METHODS, directed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fusionbench.contracts.evaluator import MetricSpec
    from fusionbench.contracts.report import ReportInput, ReportSpec

SCORES = ("mAP", "mAP50", "mIoU", "mIoU_labelled")
"""Task scores in pictures and in the Markdown and LaTeX tables; the CSV holds all."""

PLOTTED = ("mAP", "mIoU")
"""Task scores that every metric is plotted against."""

PANELS = 20
RESAMPLES = 2000

COLUMNS = [
    "dataset",
    "split",
    "task",
    "protocol",
    "score",
    "metric",
    "convention",
    "n_methods",
    "tau",
    "tau_low",
    "tau_high",
    "tau_p",
    "rho",
    "tau_needed",
]


@dataclass(frozen=True)
class PredictionReport:
    """Built by the spec's factory; see ``fusionbench.contracts.report.Report``."""

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write ``prediction.{csv,md,tex}`` (the correlations), ``prediction-heatmap.{png,pdf}`` and, for mAP
        and mIoU, ``prediction-<dataset>-<split>-<protocol>-<score>.{png,pdf}`` (a panel a metric, a point a
        method). Needs quality and a task of at least four methods besides the single sensors.
        """
        if not len(data.rows):
            return []
        pairs = paired_scores(data.rows, data.metrics)
        found = predictions(pairs)
        if not len(found):
            return []
        text = {
            "csv": csv_text(found),
            "md": _markdown(found),
            "tex": _latex(found),
        }
        files = []
        for ending, content in text.items():
            write_atomic(folder / f"prediction.{ending}", content.encode())
            files.append(folder / f"prediction.{ending}")
        shown = found[found["score"].isin(SCORES)]
        if len(shown):
            files += save(_heat_map(shown), folder, "prediction-heatmap")
        place = ["dataset", "split", "task", "protocol", "score"]
        for key, own in found[found["score"].isin(PLOTTED)].groupby(place, sort=False):
            points = pairs[(pairs[place] == list(key)).all(axis=1)]
            name = slug(f"prediction-{key[0]}-{key[1]}-{key[3]}-{key[4]}")
            for suffix, part in pages(list(lines_of(own)), PANELS):
                files += save(_panels(data, key, points, part), folder, name + suffix)
        return files


def build(spec: ReportSpec) -> PredictionReport:
    """The factory of ``spec.py``."""
    return PredictionReport(spec)


def paired_scores(rows: pd.DataFrame, metrics: Mapping[str, MetricSpec]) -> pd.DataFrame:
    """For every score of a task over the whole set and all classes, and every quality metric: the two values
    of each method (``x`` the metric's mean over the images, ``y`` the task's score, as measured), and
    ``sign_x``, ``sign_y`` (−1 where lower is better).

    Single sensors don't take part: a quality metric compares an image with them. Costs neither.
    """
    lines = summary(directed(rows, metrics))  # signed: larger is better
    lines = lines[(lines["class_name"] == "") & lines["mean"].notna()]
    quality = lines[lines["evaluator"] == "quality"]
    tasks = lines[lines["evaluator"].isin(COMPETING_REFERENCES) & (lines["unit"] == "seed")]
    tasks = tasks.rename(
        columns={"evaluator": "task", "convention": "protocol", "metric": "score", "mean": "y"}
    )
    joined = tasks[["dataset", "split", "task", "protocol", "score", "entrant", "method", "y"]].merge(
        quality[["dataset", "split", "entrant", "metric", "convention", "mean"]].rename(
            columns={"mean": "x"}
        ),
        on=["dataset", "split", "entrant"],
    )
    for axis, column in (("x", "metric"), ("y", "score")):
        sign = (
            joined[column].map(lambda m: -1.0 if direction_of(m, metrics) == "lower" else 1.0).astype(float)
        )
        joined[f"sign_{axis}"] = sign
        joined[axis] = joined[axis] * sign
    return joined


def predictions(pairs: pd.DataFrame) -> pd.DataFrame:
    """The rank correlation over methods for each task score and quality metric, with ``COLUMNS``; those with
    fewer than ``MIN_METHODS`` methods are left out.

    Signs follow the directions: +1 means that the metric orders the methods as the task does. ``tau`` is
    Kendall's τ-b with the 2.5 % and 97.5 % quantiles of its bootstrap over methods (NaN where |τ| is 1: draws
    of what agrees wholly can't disagree, which is no certainty), ``tau_p`` its two-sided p (exact without
    ties), ``rho`` Spearman's; ``tau_needed`` the smallest \\|τ\\| that so many methods can tell from chance
    at 5 % (NaN: none).
    """
    found = []
    key = COLUMNS[:7]
    for names, own in pairs.groupby(key, sort=False):
        if len(own) < MIN_METHODS:
            continue
        x, y = (
            (own["x"] * own["sign_x"]).to_numpy(np.float64),
            (own["y"] * own["sign_y"]).to_numpy(np.float64),
        )
        if np.ptp(x) == 0 or np.ptp(y) == 0:
            continue
        tau, rho = stats.kendalltau(x, y), stats.spearmanr(x, y)
        low, high = tau_interval(x, y) if abs(tau.statistic) < 1 - 1e-9 else (math.nan, math.nan)
        values = (
            len(own),
            tau.statistic,
            low,
            high,
            tau.pvalue,
            rho.statistic,
            tau_needed(len(own)),
        )
        found.append(dict(zip(COLUMNS, (*names, *map(float, values)), strict=True)))
    return pd.DataFrame(found, columns=COLUMNS).astype({"n_methods": int})


def tau_interval(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float]:
    """The middle 95 % of Kendall's τ-b over bootstrap draws of the n methods.

    A draw that takes method i w_i times has τ-b = wᵀ(S∘T)w / √(wᵀ|S|w · wᵀ|T|w) with S, T the signs of all
    differences; draws in which one side is constant are left out.
    """
    n = len(x)
    picks = np.random.default_rng(seed).integers(0, n, (resamples, n))
    weights = np.stack([(picks == i).sum(axis=1) for i in range(n)], axis=1).astype(np.float64)
    s, t = np.sign(x[:, None] - x), np.sign(y[:, None] - y)
    both, first, second = (
        np.einsum("bi,ij,bj->b", weights, m, weights, optimize=True) for m in (s * t, np.abs(s), np.abs(t))
    )
    fine = (first > 0) & (second > 0)
    low, high = np.quantile(both[fine] / np.sqrt(first[fine] * second[fine]), [0.025, 0.975])
    return float(low), float(high)


def tau_needed(n: int, level: float = 0.05) -> float:
    """The smallest τ of n untied methods with a two-sided p of at most ``level`` (exact); NaN where even τ =
    1 is not enough.
    """
    counts = np.ones(1)
    for k in range(2, n + 1):  # orders of k by their number of inversions (Kendall 1938)
        counts = np.convolve(counts, np.ones(k))
    tail = 2 * np.cumsum(counts) / counts.sum()
    allowed = np.flatnonzero(tail <= level)
    pairs = n * (n - 1) / 2
    return float(1 - 2 * allowed[-1] / pairs) if len(allowed) else math.nan


def honest_note(found: pd.DataFrame) -> str:
    """What the number of methods allows to say, in one or two sentences."""
    parts = []
    for n in sorted(found["n_methods"].unique()):
        needed = tau_needed(int(n))
        least = 2 / math.factorial(int(n))
        can = (
            f"only |τ| ≥ {needed:.2f} differs from chance at 5 %"
            if not math.isnan(needed)
            else f"no correlation can differ from chance at 5 % (even complete agreement has p = {least:.3f})"
        )
        parts.append(f"with n = {n} methods {can}")
    tested = len(found[["metric", "convention"]].drop_duplicates())
    chance = tested * 0.05
    text = "; ".join(parts)
    many = (
        f" Of {tested} metrics tried, about {chance:.0f} pass that mark by chance alone."
        if chance >= 1
        else f" p is not corrected for the {tested} metrics tried."
    )
    return f"{text[0].upper()}{text[1:]}.{many} Single sensors take no part."


def _named(found: pd.DataFrame) -> pd.Series[str]:
    return found["metric"] + (" (" + found["convention"] + ")" if found["convention"].nunique() > 1 else "")


def _place(found: pd.DataFrame) -> pd.Series[str]:
    dev = found["protocol"].map(lambda p: " (development only)" if is_dev_only(p) else "")
    return found["dataset"] + " " + found["split"] + ", " + found["protocol"] + dev + ", " + found["score"]


def _table(found: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    headings = ["Task score", "Metric", "n", "Kendall's τ", "95 % over methods", "p", "Spearman's ρ"]
    shown = found[found["score"].isin(SCORES)].assign(place=_place, named=_named)
    shown = shown.sort_values("tau", ascending=False, kind="stable")
    body = []
    for place, own in shown.groupby("place", sort=False):
        for line in lines_of(own):
            interval = "–" if math.isnan(line.tau_low) else f"[{line.tau_low:+.2f}, {line.tau_high:+.2f}]"
            cells = [str(place), line.named, str(line.n_methods), f"{line.tau:+.2f}", interval]
            body.append([*cells, format_value(line.tau_p, 3), f"{line.rho:+.2f}"])
    return headings, body


def _markdown(found: pd.DataFrame) -> str:
    headings, body = _table(found)
    text = tabulate(body, headings, tablefmt="pipe", disable_numparse=True)
    return (
        "**Which quality metric predicts the task?** Rank correlation over methods, +1: the metric orders"
        f" them as the task does.\n\n{text}\n\n- {honest_note(found)}\n"
    )


def _latex(found: pd.DataFrame) -> str:
    headings, body = _table(found)
    text = f"Which quality metric predicts the task? Rank correlation over methods. {honest_note(found)}"
    return latex_grid(headings, body, caption=text, label="prediction", left=2)


def _heat_map(found: pd.DataFrame) -> Figure:
    """Task scores × metrics: τ in the cell, framed where it differs from chance at 5 %."""
    place = found["dataset"] + " " + found["split"] + ", " + found["score"]
    place = (
        place
        + found["n_methods"].map(lambda n: f" (n = {n})")
        + "\n"
        + found["protocol"].map(lambda text: ProtocolId.parse(text).judged)
    )
    named = found.assign(place=place, named=_named(found))
    tau, p = (
        named.pivot_table(index="place", columns="named", values=v, sort=False, dropna=False)
        for v in ("tau", "tau_p")
    )
    order = tau.mean(axis=0).sort_values(ascending=False, kind="stable").index
    tau, p_values = tau[order], p[order].to_numpy(np.float64)
    figure = new_figure(max(5.5, 2.9 + 0.34 * tau.shape[1]), 1.6 + 0.4 * tau.shape[0])
    axes = figure.subplots()
    values = tau.to_numpy(np.float64)
    shown = axes.imshow(values, cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
    axes.set_xticks(range(tau.shape[1]), tau.columns, fontsize=FONT - 1, rotation=90)
    axes.set_yticks(range(tau.shape[0]), tau.index, fontsize=FONT - 1)
    for (i, j), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = "white" if abs(value) > 0.6 else "black"
            text = f"{value:.2f}".replace("0.", ".", 1)
            axes.text(j, i, text, ha="center", va="center", fontsize=6, color=colour)
            if p_values[i, j] <= 0.05:
                axes.add_patch(Rectangle((j - 0.46, i - 0.46), 0.92, 0.92, fill=False, ec="black", lw=1.2))
    bar = figure.colorbar(shown, ax=axes, shrink=0.9, pad=0.01)
    bar.ax.tick_params(labelsize=FONT - 1)
    title = (
        "Which quality metric predicts the task? Kendall's τ over methods; framed: p ≤ 0.05."
        f" {honest_note(found)}"
    )
    width = int(figure.get_figwidth() * 17)
    figure.suptitle("\n".join(textwrap.wrap(title, width)), fontsize=FONT)
    return figure


def _panels(data: ReportInput, key: tuple[Any, ...], points: pd.DataFrame, lines: Any) -> Figure:
    """One panel a metric, one point a method."""
    dataset, split, _, protocol, score = key
    entrants = list(dict.fromkeys(points[["entrant", "method"]].itertuples(index=False, name=None)))
    rank = {name: i for i, name in enumerate(data.methods)}
    entrants.sort(key=lambda pair: rank.get(pair[1], len(rank)))
    colours = method_colours([e for e, _ in entrants])
    across = min(5, len(lines))
    down = math.ceil(len(lines) / across)
    rows_of_names = math.ceil(len(entrants) / max(2, across))
    figure = new_figure(0.6 + 1.9 * across, 0.9 + 1.75 * down + 0.18 * rows_of_names)
    grid = figure.subplots(down, across, squeeze=False, sharey=True).ravel()
    several = points["convention"].nunique() > 1
    for number, (axes, line) in enumerate(zip(grid, lines, strict=False)):
        own = points[(points["metric"] == line.metric) & (points["convention"] == line.convention)]
        for p in lines_of(own):
            axes.plot(p.x, p.y, "o", ms=4.5, color=colours[p.entrant])
        ends = "" if math.isnan(line.tau_low) else f" [{line.tau_low:+.2f}, {line.tau_high:+.2f}]"
        axes.set_title(f"τ = {line.tau:+.2f}{ends}, p = {line.tau_p:.2f}", fontsize=FONT - 2, pad=3)
        arrow = ARROWS[direction_of(line.metric, data.metrics)]
        axes.set_xlabel(
            f"{line.metric} {arrow}" + (f" ({line.convention})" if several else ""), fontsize=FONT - 1
        )
        axes.margins(0.15)
        axes.tick_params(labelsize=FONT - 2)
        axes.locator_params(axis="x", nbins=4)
        axes.grid(lw=0.3)
        if number % across == 0:
            axes.set_ylabel(f"{score} {ARROWS[direction_of(score, data.metrics)]}", fontsize=FONT)
    for axes in grid[len(lines) :]:
        axes.set_visible(False)
    handles = [grid[0].plot([], [], "o", ms=4.5, color=colours[e])[0] for e, _ in entrants]
    names = [entrant_title(e, m, data.methods) for e, m in entrants]
    figure.legend(
        handles, names, loc="outside lower center", ncols=max(2, across), fontsize=FONT - 1, frameon=False
    )
    title = data.datasets[dataset].title if dataset in data.datasets else dataset
    dev = "Development only, not the standard protocol. " if is_dev_only(protocol) else ""
    note = honest_note(pd.DataFrame([line._asdict() for line in lines]))
    note = "\n".join(textwrap.wrap(note, int(figure.get_figwidth() * 18)))
    figure.suptitle(
        f"{dev}{title} ({split}), {protocol}: {score} against each quality metric\n{note}", fontsize=FONT - 1
    )
    return figure
