"""Relative scores and the ranking under corruptions, from rows made by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusionbench.contracts.evaluator import MetricSpec
from fusionbench.contracts.rows import COLUMNS, CORRUPTION_COLUMNS
from fusionbench.reports.robustness.ranking import rank_methods
from fusionbench.reports.robustness.relative import over_severities, relative_scores

METRICS = {
    "Up": MetricSpec(name="Up", title="Up", direction="higher"),
    "Down": MetricSpec(name="Down", title="Down", direction="lower"),
    "Flat": MetricSpec(name="Flat", title="Flat", direction="none"),
}


def row(method: str, image: str, value: float, metric: str = "Up", **more: Any) -> dict[str, Any]:
    known = dict.fromkeys(COLUMNS, "")
    return {
        **known,
        "run": "r",
        "method": method,
        "dataset": "d",
        "split": "test",
        "image": image,
        "evaluator": "quality",
        "convention": "c",
        "metric": metric,
        "seed": 0,
        "value": value,
        **more,
    }


def frame(rows: list[dict[str, Any]], *, corrupted: bool = False) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[*COLUMNS, *(CORRUPTION_COLUMNS if corrupted else ())])


def seen(
    method: str, image: str, value: float, name: str, severity: int, metric: str = "Up"
) -> dict[str, Any]:
    return row(
        method, image, value, metric, corruption=name, severity=severity, variant=f"d@{name}-{severity}"
    )


def test_the_ratio_of_means_over_common_images() -> None:
    clean = frame([row("m", "a", 2.0), row("m", "b", 4.0), row("m", "c", 100.0)])
    corrupted = frame(
        [seen("m", "a", 1.0, "fog", 1), seen("m", "b", 2.0, "fog", 1), seen("m", "c", math.nan, "fog", 1)],
        corrupted=True,
    )
    (line,) = relative_scores(clean, corrupted, METRICS).itertuples()
    assert (line.n, line.clean, line.corrupted, line.relative) == (2, 3.0, 1.5, 0.5)


def test_lower_is_better_is_turned_round_and_no_direction_gives_none() -> None:
    clean = frame([row("m", "a", 2.0, "Down"), row("m", "a", 2.0, "Flat"), row("m", "a", -1.0, "Up")])
    corrupted = frame(
        [seen("m", "a", 4.0, "fog", 1, metric) for metric in ("Down", "Flat", "Up")], corrupted=True
    )
    found = relative_scores(clean, corrupted, METRICS).set_index("metric")["relative"]
    assert found["Down"] == 0.5
    assert math.isnan(found["Flat"])
    assert math.isnan(found["Up"])  # a negative clean score: no share of it


def test_a_whole_set_score_is_not_mixed_with_its_images() -> None:
    clean = frame([row("m", "", 0.8), row("m", "a", 9.0)])
    corrupted = frame([seen("m", "", 0.4, "fog", 1), seen("m", "a", 9.0, "fog", 1)], corrupted=True)
    (line,) = relative_scores(clean, corrupted, METRICS).itertuples()
    assert (line.n, line.relative) == (0, 0.5)


def test_the_mean_over_severities_in_the_order_of_the_specs() -> None:
    clean = frame([row("m", "a", 10.0)])
    corrupted = frame(
        [
            seen("m", "a", 10.0, "shift", 1),
            seen("m", "a", 8.0, "fog", 1),
            seen("m", "a", 4.0, "fog", 5),
        ],
        corrupted=True,
    )
    found = over_severities(relative_scores(clean, corrupted, METRICS))
    assert list(found["corruption"]) == ["fog", "shift"]
    assert list(found["severities"]) == ["1, 5", "1"]
    assert found["relative"].to_numpy() == pytest.approx([0.6, 1.0])


def made(images: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``good`` keeps 90 % of every image's score, ``bad`` 50 %, ``twin`` 90 % give or take noise."""
    random = np.random.default_rng(0)
    clean, corrupted = [], []
    for i in range(images):
        base = 1 + random.random()
        for method, kept in (("good", 0.9), ("bad", 0.5), ("twin", 0.895 + 0.1 * random.normal())):
            clean.append(row(method, f"{i:03d}", base))
            corrupted += [
                seen(method, f"{i:03d}", base * kept, name, s) for name in ("fog", "shift") for s in (1, 5)
            ]
        clean.append(row("visible", f"{i:03d}", base))
        corrupted.append(seen("visible", f"{i:03d}", base, "fog", 1))
    return frame(clean), frame(corrupted, corrupted=True)


def test_the_ranking_has_paired_intervals() -> None:
    clean, corrupted = made(40)
    found = rank_methods(relative_scores(clean, corrupted, METRICS), clean, corrupted, METRICS)
    lines = found.set_index("method")
    assert set(lines.index) == {"good", "bad", "twin"}  # a single sensor doesn't take part
    assert lines.loc["good", "relative"] == pytest.approx(0.9)
    assert lines.loc["good", ["low", "high"]].to_numpy(float) == pytest.approx([0.9, 0.9])  # noise-free
    assert lines["behind_low"]["bad"] > 0.3
    assert lines.loc["bad", "share_best"] == 0
    other = "twin" if found["method"].iloc[0] == "good" else "good"
    assert lines["behind_low"][other] < 0 < lines["behind_high"][other]
    assert lines["share_best"].sum() == pytest.approx(1)
    assert (lines["corruptions"] == 2).all()


def test_few_images_give_no_interval() -> None:
    clean, corrupted = made(3)
    found = rank_methods(relative_scores(clean, corrupted, METRICS), clean, corrupted, METRICS)
    assert found["low"].isna().all()
    assert found["relative"].notna().all()


def test_a_method_that_lacks_a_corruption_has_no_place() -> None:
    clean, corrupted = made(8)
    less = corrupted[~((corrupted["method"] == "bad") & (corrupted["corruption"] == "shift"))]
    found = rank_methods(relative_scores(clean, less, METRICS), clean, less, METRICS)
    assert set(found["method"]) == {"good", "twin"}


def test_nothing_corrupted_gives_nothing() -> None:
    clean = frame([row("m", "a", 2.0)])
    assert not len(relative_scores(clean, frame([], corrupted=True), METRICS))
