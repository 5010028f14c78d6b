"""Means, spreads, exclusions and ranks of small frames with known answers."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from fusionbench.errors import InputError
from fusionbench.reports.analysis.agreement import over_images, over_methods
from fusionbench.reports.scores.summary import SUMMARY_COLUMNS, leaderboard, refuse_mixture, summary
from fusionbench.reports.tables.result_table import result_table
from tests.support.report_rows import frame, quality_rows, report_input, row


def test_mean_median_deviation_and_interval_of_one_score() -> None:
    values = [1.0, 2.0, 3.0, 10.0]
    line = summary(frame(row("max", "EN", v, image=f"{i}") for i, v in enumerate(values))).iloc[0]
    assert (line["unit"], line["n"], line["mean"], line["median"]) == ("image", 4, 4.0, 2.5)
    assert line["std"] == pytest.approx(np.std(values, ddof=1))
    assert 1 < line["low"] < 4 < line["high"] < 10


def test_nan_is_left_out_by_name_with_its_reason() -> None:
    rows = frame(
        [
            row("max", "VIF", 1.0),
            row("max", "VIF", math.nan, image="flat", reason="constant image"),
            row("max", "VIF", math.inf, image="same"),
            row("max", "VIF", 3.0, image="b"),
        ]
    )
    line = summary(rows).iloc[0]
    assert (line["n"], line["mean"], line["n_excluded"]) == (2, 2.0, 2)
    assert line["excluded"] == (("flat", "constant image"), ("same", "infinite"))


def test_a_score_without_any_value_is_kept_and_says_why() -> None:
    line = summary(frame([row("dir", "Params", math.nan, image="", reason="no network")])).iloc[0]
    assert line["n"] == 0
    assert math.isnan(line["mean"])
    assert line["excluded"] == (("seed 0", "no network"),)


def test_seeds_are_averaged_image_by_image_first() -> None:
    rows = [row("max", "EN", v, image=i, seed=s) for s, i, v in [(0, "a", 1.0), (1, "a", 3.0), (0, "b", 4.0)]]
    line = summary(frame(rows)).iloc[0]
    assert (line["n"], line["mean"]) == (2, 3.0)


def test_whole_set_scores_stand_over_seeds_and_above_image_values() -> None:
    rows = [row("max", "mIoU", v, image="", seed=s) for s, v in enumerate([0.70, 0.72, 0.74])]
    rows += [row("max", "mIoU", 0.1, image="a")]
    line = summary(frame(rows)).iloc[0]
    assert (line["unit"], line["n"], line["mean"]) == ("seed", 3, pytest.approx(0.72))
    assert line["high"] - line["mean"] == pytest.approx(4.302653 * 0.02 / math.sqrt(3), rel=1e-5)


def test_conventions_datasets_and_runs_are_never_joined() -> None:
    rows = frame(
        [
            row("max", "VIF", 1.0),
            row("max", "VIF", 9.0, convention="vifb"),
            row("max", "VIF", 5.0, dataset="msrs"),
            row("max", "VIF", 7.0, run="second"),
        ]
    )
    lines = summary(rows)
    assert sorted(lines["mean"]) == [1.0, 5.0, 7.0, 9.0]
    assert set(lines["entrant"]) == {"max@run", "max@second"}


def test_nothing_in_nothing_out() -> None:
    empty = summary(frame([]))
    assert list(empty.columns) == SUMMARY_COLUMNS
    assert len(empty) == 0
    assert len(leaderboard(frame([]), {})) == 0


def test_leaderboard_orders_by_mean_rank_and_direction() -> None:
    rows = frame(
        [
            row("a", "EN", 3.0),
            row("b", "EN", 2.0),
            row("c", "EN", 1.0),
            row("a", "Latency", 9.0),
            row("b", "Latency", 1.0),
            row("c", "Latency", 2.0),
            row("visible", "EN", 99.0),
        ]
    )
    board = leaderboard(rows, report_input(rows).metrics, leave_out=frozenset({"visible"}))
    assert board["entrant"].tolist() == ["b", "a", "c"]
    assert board["mean_rank"].tolist() == [1.5, 2.0, 2.5]
    assert board["firsts"].tolist() == [1, 1, 0]


def test_summary_does_not_depend_on_the_order_of_the_rows() -> None:
    rows = quality_rows()
    shuffled = rows.sample(frac=1, random_state=1)
    key = ["entrant", "metric"]
    first, second = (summary(r).set_index(key).sort_index() for r in (rows, shuffled))
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("column", ["dataset", "split", "evaluator", "convention"])
def test_numbers_of_different_tables_share_no_column(column: str) -> None:
    mixed = pd.concat([quality_rows(), quality_rows().assign(**{column: "other"})], ignore_index=True)
    with pytest.raises(InputError, match=f"numbers of several {column}s .* can't share a column"):
        result_table(report_input(mixed), ("demo", "test", "quality", "cddfuse"), summary(mixed), [])
    for correlation in (over_images, over_methods):
        with pytest.raises(InputError, match="can't share a column"):
            correlation(mixed, "metric")
    refuse_mixture(quality_rows())
