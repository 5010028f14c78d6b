"""Methods compared in a downstream task: paired bootstrap over images for scores of whole sets (mAP, mIoU),
and intervals over seeds.

A set's AP or IoU is no mean over images, so its units leave bootstrap draws of it (``resamples.parquet``):
draw b takes the same images for every method, so that the difference of equal draws is a paired difference,
and what images share cancels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusionbench.contracts.rows import SCORE_KEY
from fusionbench.statistics.intervals import student_interval
from fusionbench.statistics.paired import holm

from ..scores.details import Detail, by_table, is_retrained
from ..scores.frames import lines_of
from ..scores.labels import ARROWS, format_value
from ..scores.summary import direction_of

if TYPE_CHECKING:
    from fusionbench.contracts.evaluator import MetricSpec

LEVEL = 0.05
MIN_IMAGES = 6
"""With fewer images a bootstrap says nothing (and Wilcoxon's test can't reach 5 % either)."""

COLUMNS = [
    *SCORE_KEY,
    "a",
    "b",
    "images",
    "draws",
    "value_a",
    "value_b",
    "difference",
    "low",
    "high",
    "share_not_larger",
    "p",
    "p_holm",
    "seeds",
    "seed_low",
    "seed_high",
    "retrained",
    "same_truth",
]

HEADINGS = (
    "Metric",
    "Method",
    "Images",
    "Baseline",
    "Method",
    "Difference",
    "95 % over images",
    "Draws ≤ 0",
    "p (Holm)",
    "95 % over seeds",
    "Verdict",
)

NOTE = (
    "Difference: method less baseline, in the score of the whole set (mean over seeds). Over images: paired"
    " bootstrap, the same draws of images for both. Draws ≤ 0: share of draws in which the method is not"
    " above the baseline; p two-sided from it, Holm-corrected over the methods. Over seeds: Student's t of"
    " the paired differences."
)


def compare_draws(
    rows: pd.DataFrame, details: Sequence[Detail], a: str, others: Sequence[str] | None = None
) -> pd.DataFrame:
    """Compare each of ``others`` (all, if None) with ``a`` in every score whose draws both left; one line
    each, with ``COLUMNS``.

    ``rows`` (with ``entrant``) give the scores themselves: those with ``image`` empty. ``low`` and ``high``
    are the 2.5 % and 97.5 % quantiles of the difference over equal draws, seeds averaged draw by draw; draws
    in which either score is undefined (no object drawn) are left out. ``share_not_larger`` is the share of
    draws with a difference ≤ 0, ``p`` twice the smaller share of the two sides, at least 2/(draws + 1);
    ``p_holm`` is adjusted over the methods of one score. ``seed_low``, ``seed_high`` are Student's interval
    over seeds, NaN for one. ``same_truth`` is False, and nothing compared, where the two were not scored on
    the same images and labels.
    """
    found: list[dict[str, Any]] = []
    whole = rows[rows["image"] == ""]
    for key, group in by_table(d for d in details if d.has("resamples")).items():
        entrants = list(dict.fromkeys(d.entrant for d in group))
        if a not in entrants:
            continue
        first = {d.seed: d for d in group if d.entrant == a}
        chosen = [b for b in entrants if b != a and (others is None or b in others)]
        place = dict(zip(SCORE_KEY[:4], key, strict=True))
        own = whole[(whole[SCORE_KEY[:4]] == list(key)).all(axis=1)]
        values = own.groupby(["entrant", "metric", "class_name", "seed"])["value"].mean()
        draws_a = {seed: _draws(d) for seed, d in first.items()}
        for b in chosen:
            second = {d.seed: d for d in group if d.entrant == b}
            seeds = sorted(set(first) & set(second))
            if not seeds:
                continue
            same = all(same_truth(first[s], second[s]) for s in seeds)
            draws_b = {s: _draws(second[s]) for s in seeds}
            asked = set(own[["metric", "class_name"]].itertuples(index=False, name=None))
            drawn = cast("Iterable[tuple[str, str]]", draws_a[seeds[0]].columns)
            scores = [c for c in drawn if c in asked]
            scores = [c for c in scores if all(c in draws_b[s].columns for s in seeds)]
            for metric, class_name in scores:
                score = (metric, class_name)
                difference = (
                    _mean_difference([draws_b[s][score] for s in seeds], [draws_a[s][score] for s in seeds])
                    if same
                    else np.empty(0)
                )
                by_seed = [_value(values, b, score, s) - _value(values, a, score, s) for s in seeds]
                seed_low, seed_high = student_interval(by_seed)
                found.append(
                    place
                    | {
                        "metric": metric,
                        "class_name": class_name,
                        "a": a,
                        "b": b,
                        "images": len(first[seeds[0]].images),
                    }
                    | {
                        "draws": len(difference),
                        "seeds": len(seeds),
                        "seed_low": seed_low,
                        "seed_high": seed_high,
                    }
                    | {"value_a": np.mean([_value(values, a, score, s) for s in seeds])}
                    | {"value_b": np.mean([_value(values, b, score, s) for s in seeds])}
                    | {"difference": np.mean(by_seed) if same else np.nan, "same_truth": same}
                    | {"retrained": is_retrained(group)}
                    | _tails(difference)
                )
    frame = pd.DataFrame(found, columns=[c for c in COLUMNS if c != "p_holm"])
    family = frame.groupby(SCORE_KEY, sort=False)["p"]
    frame["p_holm"] = family.transform(lambda p: holm(p.to_numpy())) if len(frame) else pd.Series(dtype=float)
    return frame[COLUMNS]


def _draws(detail: Detail) -> pd.DataFrame:
    """Draws × (metric, class)."""
    return detail.table("resamples").pivot(index="draw", columns=["metric", "class_name"], values="value")


def _value(values: pd.Series[float], entrant: str, score: tuple[str, str], seed: int) -> float:
    return float(values.get((entrant, *score, seed), np.nan))


def _mean_difference(
    second: Sequence[pd.Series[float]], first: Sequence[pd.Series[float]]
) -> npt.NDArray[np.float64]:
    """The difference of equal draws, averaged over seeds; only draws in which all are finite."""
    parts = pd.concat([b - a for b, a in zip(second, first, strict=True)], axis=1)
    return parts.replace([np.inf, -np.inf], np.nan).dropna().mean(axis=1).to_numpy(np.float64)


def _tails(difference: npt.NDArray[np.float64]) -> dict[str, float]:
    if not len(difference):
        return {"low": np.nan, "high": np.nan, "share_not_larger": np.nan, "p": np.nan}
    low, high = np.quantile(difference, [0.025, 0.975])
    below, above = float((difference <= 0).mean()), float((difference >= 0).mean())
    floor = 1 / (len(difference) + 1)
    p = min(1.0, 2 * max(floor, min(below, above)))
    return {"low": float(low), "high": float(high), "share_not_larger": below, "p": p}


def same_truth(a: Detail, b: Detail) -> bool:
    """Whether two units were scored on the same images with the same labels: by the names and the truth that
    they left.
    """
    if a.images != b.images:
        return False
    if a.has("truth") and b.has("truth"):
        columns = ["image", "class_name", "x0", "y0", "x1", "y1"]
        boxes = [d.table("truth")[columns].sort_values(columns).reset_index(drop=True) for d in (a, b)]
        return bool(boxes[0].equals(boxes[1]))
    if a.has("confusion") and b.has("confusion"):
        pixels = [d.table("confusion").groupby(["image", "true"])["pixels"].sum() for d in (a, b)]
        return bool(pixels[0][pixels[0] > 0].equals(pixels[1][pixels[1] > 0]))
    return True


def task_verdicts(frame: pd.DataFrame, metrics: Mapping[str, MetricSpec]) -> list[str]:
    """What each line says, in words.

    ``better`` or ``worse``: the corrected test over images reaches 5 %, and, where the judge was retrained
    with several seeds, the interval over seeds leaves 0 out too. ``… in one seed``: a retrained judge, of
    which one seed was run. ``within seed spread``: the images say so, the seeds don't. ``inconclusive``: the
    images don't. ``other images``: not compared, since the two were not scored on the same images. "" without
    a direction or with too few images.
    """
    found = []
    for line in lines_of(frame):
        direction = direction_of(line.metric, metrics)
        if not line.same_truth:
            found.append("other images")
        elif direction == "none" or line.images < MIN_IMAGES or not np.isfinite(line.p_holm):
            found.append("")
        elif line.p_holm >= LEVEL:
            found.append("inconclusive")
        else:
            word = "better" if (line.difference > 0) == (direction == "higher") else "worse"
            if line.seeds > 1 and line.seed_low <= 0 <= line.seed_high and line.retrained:
                word = "within seed spread"
            elif line.seeds == 1 and line.retrained:
                word += " in one seed"
            found.append(word)
    return found


def task_cells(part: pd.DataFrame, metrics: Mapping[str, MetricSpec]) -> list[list[str]]:
    """The lines of a comparison as text, below ``HEADINGS``."""
    found = []
    for line in lines_of(part):
        digits = metrics[line.metric].digits if line.metric in metrics else 3
        arrow = ARROWS[direction_of(line.metric, metrics)]
        found.append(
            [
                " ".join(t for t in (line.metric, line.class_name.replace("_", " "), arrow) if t),
                line.b,
                str(line.images),
                format_value(line.value_a, digits),
                format_value(line.value_b, digits),
                signed(line.difference, digits),
                interval(line.low, line.high, digits),
                format_value(line.share_not_larger, 3),
                format_value(line.p_holm, 3),
                interval(line.seed_low, line.seed_high, digits) if line.seeds > 1 else "one seed",
                line.verdict,
            ]
        )
    return found


def signed(value: float, digits: int) -> str:
    """A difference with its sign: ``+0.012``."""
    return f"{'+' if value > 0 else ''}{format_value(value, digits)}"


def interval(low: float, high: float, digits: int) -> str:
    """An interval as text: ``[0.001, 0.024]``."""
    return f"[{format_value(low, digits)}, {format_value(high, digits)}]"
