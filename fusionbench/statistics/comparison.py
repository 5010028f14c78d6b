"""The statistics behind every table and comparison: intervals, paired tests, rank correlation, Friedman
ranks.

Pure functions on arrays and on frames of rows (columns of ``fusionbench.contracts.rows.COLUMNS``), built on
SciPy. Randomness is seeded, so that a report rendered twice is the same. Values that are not finite never
enter a statistic; how many were left out, and which, is for the caller to say (see
``fusionbench.reports.scores.summary``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..contracts.rows import SCORE_KEY
from ..errors import InputError
from .intervals import CONFIDENCE, RESAMPLES, bootstrap_interval, student_interval
from .paired import holm, paired_wilcoxon


def entrant_names(rows: pd.DataFrame) -> pd.Series[str]:
    """How each row's method is called in a comparison: its name, or ``name@run`` where one method stands in
    several runs.
    """
    runs = rows.groupby("method")["run"].transform("nunique")
    plain = rows["method"].astype(str)
    return plain.where(runs <= 1, plain + "@" + rows["run"].astype(str))


def compare(
    rows: pd.DataFrame,
    a: str,
    b: str | Sequence[str] | None = None,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare one method ``a`` with another, or with each of several (``b``; all others if None), score by
    score and pair by pair.

    Methods are named as ``entrant_names`` does (``max``, or ``max@run-2`` where the rows of several runs hold
    ``max``). Scores that exist image by image are paired by image (repeated seeds averaged first); whole-set
    scores are paired by seed. The result has one row for each score and method of ``b`` with the columns of
    ``SCORE_KEY`` and

    ``a``, ``b``, ``unit`` (``image`` or ``seed``), ``n``, ``mean_a``, ``mean_b``, ``difference`` (mean of b −
    a), ``low``, ``high`` (its paired bootstrap interval; Student-t over seeds), ``p`` (Wilcoxon, two-sided),
    ``p_holm`` (adjusted over all tests of one dataset, split, evaluator and convention), ``effect``
    (rank-biserial, positive where b is larger), ``larger``, ``smaller`` (pairs in which b is), ``left_out``
    (pairs with a value missing on one side).

    Raises ``InputError`` naming a method that has no rows or none that can be compared (other datasets or
    conventions: their numbers are different quantities), and for fewer than two methods.
    """
    names = entrant_names(rows) if len(rows) else pd.Series([], dtype=str)
    known = sorted(set(names))
    if b is None:
        b = list(dict.fromkeys(names))
    others = [b] if isinstance(b, str) else [name for name in b if name != a]
    for name in (a, *others):
        if name not in known:
            raise InputError(
                f"no rows of method {name!r} to compare; the rows hold {', '.join(known) or 'no method'}"
            )
    if not others or others == [a]:
        raise InputError(f"a comparison needs two different methods, got only {a!r}")
    chosen = rows.assign(entrant=names)[names.isin([a, *others])]
    for name in others:
        _refuse_strangers(chosen, a, name)
    bootstrap = (confidence, resamples, seed)
    found: list[dict[str, Any]] = []
    for (dataset, split, evaluator), group in chosen.groupby(["dataset", "split", "evaluator"], sort=True):
        place = {"dataset": dataset, "split": split, "evaluator": evaluator}
        by_image = _compare_units(group[group["image"] != ""], "image", a, others, bootstrap)
        by_seed = _compare_units(group[group["image"] == ""], "seed", a, others, bootstrap)
        scored = {(r["convention"], r["metric"], r["class_name"], r["b"]) for r in by_image}
        by_seed = [
            r for r in by_seed if (r["convention"], r["metric"], r["class_name"], r["b"]) not in scored
        ]
        found += [place | r for r in by_image + by_seed]
    columns = [*SCORE_KEY, "a", "b", "unit", "n", "mean_a", "mean_b", "difference", "low", "high"]
    columns += ["p", "p_holm", "effect", "larger", "smaller", "left_out"]
    result = pd.DataFrame(found, columns=[c for c in columns if c != "p_holm"])
    family = result.groupby(["dataset", "split", "evaluator", "convention"], sort=False)["p"]
    result["p_holm"] = (
        family.transform(lambda p: holm(p.to_numpy())) if len(result) else pd.Series(dtype=float)
    )
    return result[columns]


def _refuse_strangers(rows: pd.DataFrame, a: str, b: str) -> None:
    """Raise ``InputError`` if two methods share no dataset, split, evaluator and convention."""
    key = ["dataset", "split", "evaluator", "convention"]
    places = {
        name: list(dict.fromkeys(rows.loc[rows["entrant"] == name, key].itertuples(index=False, name=None)))
        for name in (a, b)
    }
    if a != b and not set(places[a]) & set(places[b]):
        said = [
            f"{name} is scored on {', '.join(' '.join(part for part in place if part) for place in found)}"
            for name, found in places.items()
        ]
        raise InputError(
            f"{a} and {b} can't be compared: {'; '.join(said)}. Numbers of different conventions, datasets "
            "or splits are different "
            "quantities; run one of them again with the --convention and --dataset of the other (scoring "
            "again doesn't fuse again)"
        )


def _compare_units(
    rows: pd.DataFrame, unit: str, a: str, others: Sequence[str], bootstrap: tuple[float, int, int]
) -> list[dict[str, Any]]:
    """Compare on one dataset, pairing by ``unit`` (the column ``image`` or ``seed``); see ``compare``."""
    if not len(rows):
        return []
    confidence, resamples, seed = bootstrap
    values = rows.assign(value=rows["value"].where(np.isfinite(rows["value"])))
    score = ["convention", "metric", "class_name"]
    order = list(dict.fromkeys(values[score].itertuples(index=False, name=None)))
    wide = values.groupby([unit, "entrant", *score])["value"].mean().unstack(["entrant", *score])
    found: list[dict[str, Any]] = []
    for b in others:
        keys = [key for key in order if (a, *key) in wide.columns and (b, *key) in wide.columns]
        if not keys:
            continue
        first = wide[[(a, *key) for key in keys]].to_numpy(np.float64)
        second = wide[[(b, *key) for key in keys]].to_numpy(np.float64)
        difference = second - first
        if unit == "image":
            low, high = bootstrap_interval(difference, confidence=confidence, resamples=resamples, seed=seed)
        else:
            ends = [student_interval(column, confidence=confidence) for column in difference.T]
            low, high = np.array(ends).reshape(-1, 2).T
        for j, (convention, metric, class_name) in enumerate(keys):
            both = np.isfinite(difference[:, j])
            if not both.any():
                continue
            either = np.isfinite(first[:, j]) | np.isfinite(second[:, j])
            test = paired_wilcoxon(second[:, j], first[:, j])
            found.append(
                {
                    "convention": convention,
                    "metric": metric,
                    "class_name": class_name,
                    "a": a,
                    "b": b,
                    "unit": unit,
                }
                | {"n": test.n, "mean_a": first[both, j].mean(), "mean_b": second[both, j].mean()}
                | {"difference": difference[both, j].mean(), "low": low[j], "high": high[j], "p": test.p}
                | {"effect": test.effect, "larger": test.larger, "smaller": test.smaller}
                | {"left_out": int(either.sum() - both.sum())}
            )
    return found
