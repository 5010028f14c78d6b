"""Statistics against SciPy, textbook examples and properties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fusionbench.errors import InputError
from fusionbench.statistics import intervals, paired, ranks
from fusionbench.statistics.comparison import compare


def rows(values: dict[str, list[float]], *, metric: str = "EN", **extra: Any) -> pd.DataFrame:
    """Synthetic rows: method → one value an image."""
    frame = pd.DataFrame(
        [
            {"run": "r", "method": method, "dataset": "demo", "split": "test", "image": f"{i:03d}"}
            | {"evaluator": "quality", "convention": "cddfuse", "metric": metric, "class_name": ""}
            | {"reason": "" if np.isfinite(value) else "constant image"}
            for method, numbers in values.items()
            for i, value in enumerate(numbers)
        ]
    )
    values_of_all = [value for numbers in values.values() for value in numbers]
    return frame.assign(**{"seed": 0, "value": values_of_all, **extra})


def test_bootstrap_interval_agrees_with_scipy_bca() -> None:
    x = np.random.default_rng(3).lognormal(size=80)
    low, high = intervals.bootstrap_interval(x, resamples=20_000)
    truth = stats.bootstrap((x,), np.mean, n_resamples=20_000, method="BCa", rng=1).confidence_interval
    assert float(low) == pytest.approx(truth.low, abs=0.02 * x.std())
    assert float(high) == pytest.approx(truth.high, abs=0.02 * x.std())


def test_bootstrap_columns_equal_single_columns_and_nan_is_left_out() -> None:
    x = np.random.default_rng(0).normal(size=(40, 3))
    x[5, 1] = np.nan
    low, high = intervals.bootstrap_interval(x)
    for j in range(3):
        column = x[:, j][np.isfinite(x[:, j])]
        assert low[j] == pytest.approx(intervals.bootstrap_interval(column)[0], abs=1e-12)
        assert high[j] == pytest.approx(intervals.bootstrap_interval(column)[1], abs=1e-12)


def test_bootstrap_blocks_do_not_change_the_draws_for_the_same_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=(50, 1))
    whole = intervals.resampled_means(x, 300)
    monkeypatch.setattr(intervals, "_BLOCK", 50 * 7)
    assert intervals.resampled_means(x, 300) == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize(("values", "expected"), [([2.0], np.nan), ([], np.nan), ([3.0, 3.0, 3.0], 3.0)])
def test_bootstrap_of_few_or_constant_values(values: list[float], expected: float) -> None:
    low, high = intervals.bootstrap_interval(values)
    assert float(low) == pytest.approx(expected, nan_ok=True)
    assert float(high) == pytest.approx(expected, nan_ok=True)


def test_bootstrap_covers_the_true_mean_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(5)
    samples = random.normal(size=(60, 400))
    low, high = intervals.bootstrap_interval(samples, resamples=1000)
    covered = ((low <= 0) & (high >= 0)).mean()
    assert 0.90 <= covered <= 0.98


def test_student_interval_agrees_with_scipy() -> None:
    x = [0.71, 0.74, 0.70, np.nan]
    truth = stats.ttest_1samp([0.71, 0.74, 0.70], 0).confidence_interval()
    assert intervals.student_interval(x) == pytest.approx((truth.low, truth.high))


def test_wilcoxon_agrees_with_scipy_and_effect_has_the_textbook_value() -> None:
    # Kerby (2014): a rank sum of 10 against 45 of 55 gives r = .64 in magnitude.
    a = np.arange(1.0, 11.0)
    b = a - np.array([-1, -2, -3, -4, 5, 6, 7, 8, 9, 10])
    test = paired.paired_wilcoxon(a, b)
    assert test.effect == pytest.approx((45 - 10) / 55)
    assert test.p == pytest.approx(stats.wilcoxon(a, b).pvalue)
    assert (test.n, test.larger, test.smaller) == (10, 6, 4)


def test_wilcoxon_without_difference_without_pairs_and_with_other_lengths() -> None:
    same = paired.paired_wilcoxon([1.0, 2.0], [1.0, 2.0])
    assert (same.p, same.effect, same.n) == (1.0, 0.0, 2)
    assert np.isnan(paired.paired_wilcoxon([np.nan], [1.0]).p)
    with pytest.raises(InputError, match="one length"):
        paired.paired_wilcoxon([1.0], [1.0, 2.0])


def test_paired_bootstrap_is_narrower_than_the_spread_of_the_images() -> None:
    random = np.random.default_rng(1)
    scene = random.normal(scale=10, size=100)
    result = paired.paired_bootstrap(scene + 1 + random.normal(scale=0.1, size=100), scene)
    assert result.low < 1 < result.high or result.mean == pytest.approx(1, abs=0.05)
    assert result.high - result.low < 0.1
    assert result.n == 100


def test_holm_agrees_with_the_published_example_and_ignores_nan() -> None:
    # Wikipedia / Holm 1979: p = .01, .04, .03, .005 → .03, .06, .06, .02
    assert paired.holm([0.01, 0.04, np.nan, 0.03, 0.005]) == pytest.approx(
        [0.03, 0.06, np.nan, 0.06, 0.02], nan_ok=True
    )


def test_rank_correlation_is_one_for_monotone_and_minus_one_for_reversed() -> None:
    x = np.arange(8.0)
    frame = pd.DataFrame({"a": x, "b": np.exp(x), "c": -x, "constant": 1.0})
    for kind in ("kendall", "spearman"):
        matrix = ranks.rank_correlation(frame, kind)
        assert matrix.loc["a", "b"] == pytest.approx(1)
        assert matrix.loc["a", "c"] == pytest.approx(-1)
        assert np.isnan(matrix["constant"]["a"])
    with pytest.raises(InputError, match="kendall or spearman"):
        ranks.rank_correlation(frame, "pearson")


def test_friedman_agrees_with_scipy_and_with_demsars_critical_difference() -> None:
    # Demšar (2006, section 3.2.3): four methods on 14 data sets have CD 1.25 at .05.
    values = np.random.default_rng(2).normal(loc=(0, 0.2, 0.4, 2), size=(14, 4))
    result = ranks.friedman(pd.DataFrame(values, columns=list("abcd")))
    truth = stats.friedmanchisquare(*values.T)
    assert (result.statistic, result.p) == pytest.approx((truth.statistic, truth.pvalue))
    assert result.critical_difference == pytest.approx(1.25, abs=0.005)
    assert result.ranks.index[0] == "d"
    assert result.ranks.sum() == pytest.approx(10)
    other = ranks.friedman(pd.DataFrame(values, columns=list("abcd")), larger_is_better=False)
    assert other.ranks["d"] == pytest.approx(5 - result.ranks["d"])


def test_friedman_needs_three_methods_and_is_calm_about_ties() -> None:
    with pytest.raises(InputError, match="at least 3 methods"):
        ranks.friedman(pd.DataFrame({"a": [1.0, 2], "b": [1.0, 2]}))
    same = ranks.friedman(pd.DataFrame({name: [1.0, 2.0, 3.0] for name in "abc"}))
    assert same.p == 1.0
    assert same.ranks.to_list() == [2.0, 2.0, 2.0]


def test_compare_pairs_by_image_and_leaves_out_missing_ones() -> None:
    base = [1.0, 2, 3, 4, 5, 6, 7, 8]
    better = [v + 0.5 + 0.01 * v for v in base]
    better[3] = np.nan
    result = compare(rows({"max": base, "ours": better}), "max", "ours")
    assert len(result) == 1
    line = result.iloc[0]
    assert (line["unit"], line["n"], line["left_out"], line["larger"]) == ("image", 7, 1, 7)
    kept = [v for i, v in enumerate(base) if i != 3]
    assert line["difference"] == pytest.approx(np.mean([0.5 + 0.01 * v for v in kept]))
    assert line["low"] <= line["difference"] <= line["high"]
    assert line["effect"] == 1.0
    assert line["p"] == pytest.approx(2 / 2**7)


def test_compare_corrects_over_metrics_and_methods_of_one_convention() -> None:
    random = np.random.default_rng(0)
    base = random.normal(size=12)
    frames = [
        rows(
            {"max": list(base), "a": list(base + random.normal(size=12)), "b": list(base + 1)}, metric=metric
        )
        for metric in ("EN", "SD")
    ]
    result = compare(pd.concat(frames, ignore_index=True), "max", ["a", "b", "max"])
    assert len(result) == 4
    assert result["p_holm"].to_numpy() == pytest.approx(paired.holm(result["p"]))


def test_compare_keeps_conventions_apart() -> None:
    both = pd.concat(
        [
            rows({"x": [1.0, 2, 3], "y": [2.0, 3, 4]}),
            rows({"x": [9.0, 9, 9], "y": [1.0, 1, 1]}, convention="vifb"),
        ]
    )
    result = compare(both, "x", "y").set_index("convention")["difference"]
    assert result.to_dict() == {"cddfuse": 1.0, "vifb": -8.0}


def test_compare_refuses_methods_of_different_conventions() -> None:
    apart = pd.concat([rows({"x": [1, 2, 3]}), rows({"y": [1, 2, 3]}, convention="vifb")])
    with pytest.raises(
        InputError, match=r"x is scored on demo test quality cddfuse; y is scored on .* vifb.*--convention"
    ):
        compare(apart, "x")


def test_compare_pairs_whole_set_scores_by_seed() -> None:
    frames = [
        rows({"x": [0.70 + 0.01 * seed], "y": [0.73 + 0.01 * seed]}, metric="mIoU", image="", seed=seed)
        for seed in range(3)
    ]
    line = compare(pd.concat(frames), "x", "y").iloc[0]
    assert (line["unit"], line["n"]) == ("seed", 3)
    assert line["difference"] == pytest.approx(0.03)


def test_compare_tells_runs_apart_and_names_what_is_missing() -> None:
    two = pd.concat([rows({"x": [1.0, 2, 3]}, run="old"), rows({"x": [2.0, 3, 4]}, run="new")])
    assert compare(two, "x@old", "x@new").iloc[0]["difference"] == 1.0
    with pytest.raises(InputError, match=r"'z'.*x@new, x@old"):
        compare(two, "x@old", "z")
    with pytest.raises(InputError, match="two different methods"):
        compare(two, "x@old", "x@old")
    with pytest.raises(InputError, match="no method"):
        compare(two.iloc[:0], "x", "y")
