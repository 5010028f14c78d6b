"""Names of metrics and conventions are resolved by one rule, once per evaluator."""

from __future__ import annotations

import pytest

from fusionbench.contracts import ConventionSpec, EvaluatorSpec, MetricSpec
from fusionbench.errors import InputError, UnknownNameError
from fusionbench.planning.metric_selection import select_metrics
from fusionbench.plugins.metric_names import known_metrics, matching

METRICS = (
    MetricSpec(name="EN", title="Entropy"),
    MetricSpec(name="MS-SSIM", title="MS-SSIM", aliases=("multi_scale",), conventions={"a": "", "b": ""}),
    MetricSpec(name="FMI_w", title="FMI", conventions={"b": ""}),
)
EVALUATOR = EvaluatorSpec(
    name="quality",
    title="Quality",
    task="quality",
    metrics=METRICS,
    default_metrics=("EN",),
    conventions=tuple(ConventionSpec(name=name, title=name) for name in "ab"),
    default_convention="a",
)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("en", ["EN"]),
        ("MS_SSIM", ["MS-SSIM"]),
        ("ms-ssim", ["MS-SSIM"]),
        ("Multi-Scale", ["MS-SSIM"]),
        ("fmi-w", ["FMI_w"]),
        ("*m*", ["MS-SSIM", "FMI_w"]),
        ("all", ["EN", "MS-SSIM", "FMI_w"]),
        ("nothing", []),
    ],
)
def test_names_aliases_and_globs(wanted: str, names: list[str]) -> None:
    assert [m.name for m in matching(wanted, METRICS)] == names


def test_unknown_names_get_suggestions() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'MS-SSIM'"):
        known_metrics("MS-SIM", METRICS)


def test_the_command_line_takes_the_underscore_of_an_installed_metric() -> None:
    assert [m.name for m in known_metrics("MS_SSIM")] == ["MS-SSIM"]


def test_defaults_and_conventions() -> None:
    assert select_metrics(EVALUATOR).metrics == {"a": ("EN",)}
    assert select_metrics(EVALUATOR, conventions=["all"]).conventions == ("a", "b")
    chosen = select_metrics(EVALUATOR, ["en", "fmi_w"], ["a", "b"])
    assert chosen.metrics == {"a": ("EN",), "b": ("EN", "FMI_w")}
    assert chosen.undefined == {}


def test_what_no_convention_defines_is_said() -> None:
    chosen = select_metrics(EVALUATOR, ["EN", "FMI_w"], ["a"])
    assert chosen.metrics == {"a": ("EN",)}
    assert chosen.undefined == {"FMI_w": "FMI_w: convention a does not define it; it is in: b"}
    with pytest.raises(InputError, match="FMI_w: convention a does not define it"):
        select_metrics(EVALUATOR, ["FMI_w"], ["a"])
    assert select_metrics(EVALUATOR, ["*"], ["a"]).undefined == {}  # a glob asks only for what there is
